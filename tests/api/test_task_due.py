"""`due`, `start` and `reminders` of a task: what is one, how it is kept, and by which time it is sorted."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support import postgres
from tests.support.cast import Person
from tests.support.errors import assert_error, invalid_fields

TASKS = "/api/v1/tasks"
NOTHING_THERE = {"If-None-Match": "*"}
DUE = {"date": "2026-12-24", "time": "18:00", "time_zone": "Europe/Berlin"}


def sorts(database_url: str, task: dict[str, Any]) -> tuple[datetime | None, datetime | None]:
    (row,) = postgres.query(database_url, "SELECT due_sort, start_sort FROM tasks WHERE id = $1", UUID(task["id"]))
    return row["due_sort"], row["start_sort"]


def in_zone(database_url: str, whose: Person, time_zone: str) -> None:
    postgres.query(database_url, "UPDATE users SET time_zone = $1 WHERE id = $2", time_zone, whose.id)


def test_a_task_is_due_and_begins_when_it_is_said_and_else_never(alice: Person) -> None:
    task = alice.creates()
    assert (task["due"], task["start"], task["reminders"]) == (None, None, [])
    said: dict[str, Any] = {"due": DUE, "start": {"date": "2026-12-01"}, "reminders": [{"minutes_before": 30}]}
    made = alice.creates(**said)
    assert said.items() <= made.items()
    assert alice.get(f"{TASKS}/{made['id']}").json() == made
    placed = alice.put(f"{TASKS}/{uuid4()}", json={"title": "x"} | said, headers=NOTHING_THERE)
    assert (placed.status_code, placed.json().items() >= said.items()) == (201, True)
    changed = alice.patch(f"{TASKS}/{task['id']}", json=said)
    assert (changed.status_code, changed.json().items() >= said.items()) == (200, True)


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ({"date": "2026-12-24"}, {"date": "2026-12-24"}),
        ({"date": "2026-12-24", "time": None, "time_zone": None}, {"date": "2026-12-24"}),
        ({"date": "2026-12-24", "time": "18:00:00"}, {"date": "2026-12-24", "time": "18:00"}),
        ({"date": "2026-12-24", "time": "00:00:01"}, {"date": "2026-12-24", "time": "00:00:01"}),
        ({"date": "2026-12-24", "time": "00:00"}, {"date": "2026-12-24", "time": "00:00"}),
        ({"date": "1900-01-01"}, {"date": "1900-01-01"}),
        (
            {"date": "2999-12-31", "time": "23:59:59", "time_zone": "Etc/GMT+12"},
            {"date": "2999-12-31", "time": "23:59:59", "time_zone": "Etc/GMT+12"},
        ),
        (None, None),
    ],
)
def test_what_means_the_same_is_kept_in_one_form(alice: Person, sent: Any, kept: Any) -> None:
    task = alice.creates(due=sent, start=sent)
    assert (task["due"], task["start"]) == (kept, kept)
    assert alice.patch(f"{TASKS}/{task['id']}", json={"due": sent, "start": sent}).json() == task


@pytest.mark.parametrize(
    ("due", "where"),
    [
        ("2026-12-24", "due"),
        ([], "due"),
        ({}, "due.date"),
        ({"time": "18:00"}, "due.date"),
        ({"date": None}, "due.date"),
        ({"date": 20261224}, "due.date"),
        ({"date": "20261224"}, "due.date"),
        ({"date": "2026-W52-4"}, "due.date"),
        ({"date": "2026-02-29"}, "due.date"),
        ({"date": "2026-12-24T18:00"}, "due.date"),
        ({"date": "٢٠٢٦-12-24"}, "due.date"),
        ({"date": "1899-12-31"}, "due.date"),
        ({"date": "3000-01-01"}, "due.date"),
        ({"date": "2026-12-24", "time": "24:00"}, "due.time"),
        ({"date": "2026-12-24", "time": "18:00:60"}, "due.time"),
        ({"date": "2026-12-24", "time": "6 pm"}, "due.time"),
        ({"date": "2026-12-24", "time": "18"}, "due.time"),
        ({"date": "2026-12-24", "time": "18:00Z"}, "due.time"),
        ({"date": "2026-12-24", "time": "18:00:00.5"}, "due.time"),
        ({"date": "2026-12-24", "time": "18:00", "time_zone": "Mars/Olympus"}, "due.time_zone"),
        ({"date": "2026-12-24", "time": "18:00", "time_zone": "localtime"}, "due.time_zone"),
        ({"date": "2026-12-24", "time_zone": "Europe/Berlin"}, "due"),
        ({"date": "2026-12-24", "hour": 18}, "due.hour"),
    ],
)
def test_what_is_no_such_time_is_refused_wherever_it_is_said(alice: Person, due: Any, where: str) -> None:
    task = alice.creates()
    for name in ("due", "start"):
        field = where.replace("due", name)
        body = {"title": "x", name: due}
        assert invalid_fields(alice.post(TASKS, json=body)) == [field]
        assert invalid_fields(alice.put(f"{TASKS}/{task['id']}", json=body)) == [field]
        assert invalid_fields(alice.patch(f"{TASKS}/{task['id']}", json={name: due})) == [field]
    assert alice.sees() == [task]


def test_an_old_client_that_replaces_a_task_leaves_its_dates(alice: Person) -> None:
    said: dict[str, Any] = {"due": DUE, "start": {"date": "2026-12-01"}, "reminders": [{"minutes_before": 30}]}
    task = alice.creates(**said)
    path = f"{TASKS}/{task['id']}"
    assert alice.put(path, json={"title": "y"}).json().items() >= said.items()
    assert alice.patch(path, json={"title": "z"}).json().items() >= said.items()
    cleared = alice.put(path, json={"title": "y", "due": None, "start": None, "reminders": None}).json()
    assert (cleared["due"], cleared["start"], cleared["reminders"]) == (None, None, [])


def test_a_task_that_was_read_is_sent_back_with_its_dates(alice: Person) -> None:
    task = alice.creates(due=DUE, start={"date": "2026-12-01", "time": "08:00"}, reminders=[{"minutes_before": 0}])
    path = f"{TASKS}/{task['id']}"
    assert alice.put(path, json=task).json() == task
    assert alice.patch(path, json=task).json() == task
    moved = alice.put(path, json=task | {"due": {"date": "2026-12-25"}}).json()
    assert (moved["due"], moved["start"]) == ({"date": "2026-12-25"}, task["start"])


def test_a_repeated_creation_with_another_date_is_a_conflict(alice: Person) -> None:
    body: dict[str, Any] = {"title": "x", "id": str(uuid4()), "due": DUE, "reminders": [{"at": "2026-12-24T08:00:00Z"}]}
    assert [alice.post(TASKS, json=body).status_code for _ in range(2)] == [201, 200]
    assert alice.post(TASKS, json=body | {"due": DUE | {"time": "18:00:00"}}).status_code == 200
    others: list[dict[str, Any]] = [{"due": {"date": "2026-12-24"}}, {"due": None}, {"reminders": []}, {"start": DUE}]
    for other in others:
        assert_error(alice.post(TASKS, json=body | other), 409, "task_id_taken")


# ---- by what it is sorted ------------------------------------------------------------------------------------------------


def test_a_day_ends_and_a_time_without_a_zone_is_wherever_one_is(alice: Person, shared_database: str) -> None:
    in_zone(shared_database, alice, "Asia/Tokyo")
    task = alice.creates(due={"date": "2026-12-24"}, start={"date": "2026-12-24", "time": "08:30"})
    assert sorts(shared_database, task) == (datetime(2026, 12, 24, 23, 59, 59, 999999), datetime(2026, 12, 24, 8, 30))  # noqa: DTZ001
    alice.patch(f"{TASKS}/{task['id']}", json={"title": "y", "start": None})
    assert sorts(shared_database, task)[1] is None


@pytest.mark.parametrize(
    ("date", "at", "utc"),
    [
        ("2026-10-25", "02:30", "2026-10-25T00:30"),  # of two the first; PostgreSQL would take the second
        ("2026-03-29", "02:30", "2026-03-29T01:30"),  # by the offset before the gap
        ("2026-10-25", "03:00", "2026-10-25T02:00"),
        ("2026-03-29", "03:00", "2026-03-29T01:00"),
        ("2026-07-01", "12:00", "2026-07-01T10:00"),
    ],
)
def test_a_time_that_is_there_twice_or_never_follows_the_rfc(
    alice: Person, shared_database: str, date: str, at: str, utc: str
) -> None:
    """RFC 5545, 3.3.5."""
    task = alice.creates(due={"date": date, "time": at, "time_zone": "Europe/Berlin"})
    assert sorts(shared_database, task)[0] == datetime.fromisoformat(utc)
    assert task["due"] == {"date": date, "time": at, "time_zone": "Europe/Berlin"}


ZONES = st.sampled_from(
    ["UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe", "Pacific/Apia", "CET"]
)
WALLS = st.datetimes(datetime(1971, 1, 1), datetime(2036, 12, 31)).map(lambda wall: wall.replace(second=0, microsecond=0))  # noqa: DTZ001


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(wall=WALLS, zone=ZONES, home=ZONES, there=ZONES)
def test_a_time_with_a_zone_is_a_moment(
    alice: Person, shared_database: str, wall: datetime, zone: str, home: str, there: str
) -> None:
    """On the clocks of the account, whichever way its zone came to be what it is."""
    assert alice.patch("/api/v1/auth/me", json={"time_zone": home}).status_code == 200
    when = {"date": wall.date().isoformat(), "time": f"{wall:%H:%M}", "time_zone": zone}
    task = alice.creates(due=when, start=when)
    moment = wall.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)
    for account in (home, there):
        alice.patch("/api/v1/auth/me", json={"time_zone": account})
        shown = moment.astimezone(ZoneInfo(account)).replace(tzinfo=None)
        assert sorts(shared_database, task) == (shown, shown)


# ---- start and due -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("start", "due"),
    [
        ({"date": "2026-12-25"}, {"date": "2026-12-24"}),
        ({"date": "2026-12-24", "time": "18:01"}, {"date": "2026-12-24", "time": "18:00"}),
        ({"date": "2026-12-25"}, {"date": "2026-12-24", "time": "18:00"}),
        ({"date": "2026-12-24", "time": "17:01", "time_zone": "UTC"}, DUE),
    ],
)
def test_a_start_after_the_due_of_the_same_request_is_refused(alice: Person, start: Any, due: Any) -> None:
    task = alice.creates()
    body = {"title": "x", "start": start, "due": due}
    assert invalid_fields(alice.post(TASKS, json=body)) == ["start"]
    assert invalid_fields(alice.put(f"{TASKS}/{uuid4()}", json=body, headers=NOTHING_THERE)) == ["start"]
    assert invalid_fields(alice.put(f"{TASKS}/{task['id']}", json=body)) == ["start"]
    assert invalid_fields(alice.patch(f"{TASKS}/{task['id']}", json=body)) == ["start"]
    assert alice.sees() == [task]


@pytest.mark.parametrize(
    ("start", "due"),
    [
        ({"date": "2026-12-24"}, {"date": "2026-12-24"}),
        ({"date": "2026-12-24"}, {"date": "2026-12-24", "time": "00:00"}),
        ({"date": "2026-12-24", "time": "23:59"}, {"date": "2026-12-24"}),
        (DUE, DUE),
        ({"date": "2026-12-25"}, DUE),  # on which day that is depends on where the user is
        ({"date": "2026-12-24", "time": "18:01"}, DUE),
    ],
)
def test_a_start_that_need_not_be_after_the_due_is_taken(alice: Person, start: Any, due: Any) -> None:
    assert alice.creates(start=start, due=due)["start"] == start


def test_who_knows_one_of_the_two_can_change_it(alice: Person) -> None:
    """A client that shows no `start` would not understand why the date cannot be moved."""
    task = alice.creates(start={"date": "2026-12-20"}, due={"date": "2026-12-24"})
    moved = alice.patch(f"{TASKS}/{task['id']}", json={"due": {"date": "2026-12-01"}})
    assert (moved.status_code, moved.json()["start"]) == (200, task["start"])


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_a_start_that_is_stored_after_the_due_is_sent_back_as_it_was_read(alice: Person, method: str) -> None:
    made = alice.creates(start={"date": "2026-12-20"}, due={"date": "2026-12-24"})
    path = f"{TASKS}/{made['id']}"
    task = alice.patch(path, json={"due": {"date": "2026-12-01"}}).json()
    assert alice.request(method, path, json=task).json() == task, "nothing differs, and no revision is taken"
    done = alice.request(method, path, json=task | {"is_completed": True})
    assert (done.status_code, done.json()["is_completed"], done.json()["start"]) == (200, True, task["start"])
    task = done.json()
    for pair in ({"due": {"date": "2026-12-02"}}, {"start": {"date": "2026-12-19"}}):
        assert invalid_fields(alice.request(method, path, json=task | pair)) == ["start"]
        stale = alice.request(method, path, json=task | pair, headers={"If-Match": made["etag"]})
        assert_error(stale, 412, "task_changed")
    assert_error(alice.request(method, f"{TASKS}/{uuid4()}", json=task), 404, "task_not_found")
    assert alice.sees() == [task]
    right = alice.request(method, path, json=task | {"due": {"date": "2026-12-20"}})
    assert (right.status_code, right.json()["due"]) == (200, {"date": "2026-12-20"})


# ---- what was stored under other rules -----------------------------------------------------------------------------------


@pytest.mark.parametrize("title", ["\u200b", "\u2800"])
def test_a_title_that_would_be_refused_today_is_in_nobodys_way(alice: Person, title: str, shared_database: str) -> None:
    task = alice.creates(due=DUE, start=DUE)
    path = f"{TASKS}/{task['id']}"
    postgres.query(shared_database, "UPDATE tasks SET title = $1 WHERE id = $2", title, UUID(task["id"]))
    changes: list[dict[str, Any]] = [{"reminders": [{"minutes_before": 5}]}, {"recurrence": {"rule": "FREQ=DAILY"}}]
    for said in [*changes, {"recurrence": None}, {"due": None, "reminders": []}]:
        answer = alice.patch(path, json=said)
        assert (answer.status_code, answer.json()["title"]) == (200, title), answer.text


def test_a_time_zone_that_there_is_no_more_is_in_nobodys_way(alice: Person, shared_database: str) -> None:
    """It is read as a time wherever one is, and kept."""
    gone = DUE | {"time_zone": "Atlantis/Poseidonis"}
    task = alice.creates(due=DUE, start=DUE, recurrence={"rule": "FREQ=DAILY"})
    path = f"{TASKS}/{task['id']}"
    kept = "UPDATE tasks SET due = $1::text::jsonb, start = $1::text::jsonb WHERE id = $2"
    postgres.query(shared_database, kept, json.dumps(gone), UUID(task["id"]))
    assert alice.patch("/api/v1/auth/me", json={"time_zone": "Asia/Tokyo"}).status_code == 200
    done = alice.post(f"{path}/complete")
    assert (done.status_code, done.json()["due"], done.json()["start"]) == (200, *[gone | {"date": "2026-12-25"}] * 2)
    for said in ({"is_completed": True}, {"recurrence": {"rule": "FREQ=WEEKLY"}}, {"recurrence": None}, {"due": None}):
        answer = alice.patch(path, json=said)
        assert answer.status_code == 200, answer.text
    assert alice.get(path).json()["due"] is None


# ---- reminders -----------------------------------------------------------------------------------------------------------


def test_reminders_are_kept_in_their_order_and_in_one_form(alice: Person) -> None:
    sent = [{"at": "2026-12-24T09:00:00+01:00"}, {"minutes_before": 1440}, {"minutes_before": 0, "at": None}]
    kept = [{"at": "2026-12-24T08:00:00.000000+00:00"}, {"minutes_before": 1440}, {"minutes_before": 0}]
    task = alice.creates(due=DUE, reminders=sent)
    assert task["reminders"] == kept
    assert alice.patch(f"{TASKS}/{task['id']}", json={"reminders": sent}).json() == task
    assert alice.put(f"{TASKS}/{task['id']}", json=task).json() == task
    assert alice.creates(reminders=[{"at": "2026-12-24T09:00:00Z"}] * 10)["due"] is None


@pytest.mark.parametrize(
    ("reminders", "where"),
    [
        ({}, "reminders"),
        ([{}], "reminders.0"),
        ([{"at": "2026-12-24T09:00:00Z", "minutes_before": 5}], "reminders.0"),
        ([{"at": "2026-12-24T09:00:00"}], "reminders.0.at"),
        ([{"at": 1798099200}], "reminders.0.at"),
        ([{"minutes_before": -1}], "reminders.0.minutes_before"),
        ([{"minutes_before": 1.5}], "reminders.0.minutes_before"),
        ([{"minutes_before": True}], "reminders.0.minutes_before"),
        ([{"minutes_before": 527_041}], "reminders.0.minutes_before"),
        ([{"minutes_before": 5}, {"hours_before": 1}], "reminders.1.hours_before"),
        ([{"minutes_before": 5}] * 11, "reminders"),
    ],
)
def test_what_is_no_reminder_is_refused(alice: Person, reminders: Any, where: str) -> None:
    task = alice.creates(due=DUE)
    body = {"title": "x", "due": DUE, "reminders": reminders}
    assert invalid_fields(alice.post(TASKS, json=body))[0] == where
    assert invalid_fields(alice.put(f"{TASKS}/{task['id']}", json=body))[0] == where
    assert invalid_fields(alice.patch(f"{TASKS}/{task['id']}", json={"reminders": reminders}))[0] == where
    assert alice.sees() == [task]


def test_minutes_before_need_something_that_they_are_before(alice: Person) -> None:
    """Whoever takes the date away says what becomes of them, and whoever sets them knows that there is a date."""
    before, at = [{"minutes_before": 30}], [{"at": "2026-12-24T09:00:00Z"}]
    bare, dated = alice.creates(), alice.creates(due=DUE, reminders=before)
    nowhere = f"{TASKS}/{uuid4()}"
    assert invalid_fields(alice.post(TASKS, json={"title": "x", "reminders": before})) == ["reminders"]
    assert invalid_fields(alice.put(nowhere, json={"title": "x", "reminders": before}, headers=NOTHING_THERE)) == ["reminders"]
    assert invalid_fields(alice.patch(f"{TASKS}/{bare['id']}", json={"reminders": before})) == ["reminders"]
    assert invalid_fields(alice.put(f"{TASKS}/{bare['id']}", json={"title": "x", "reminders": before})) == ["reminders"]
    assert invalid_fields(alice.patch(f"{TASKS}/{dated['id']}", json={"due": None})) == ["reminders"]
    assert_error(alice.patch(nowhere, json={"reminders": before}), 404, "task_not_found")
    stale = alice.patch(f"{TASKS}/{bare['id']}", json={"reminders": before}, headers={"If-Match": '"stale"'})
    assert assert_error(stale, 412, "task_changed") == {"current": bare}
    assert alice.sees(order="oldest") == [bare, dated]
    assert alice.patch(f"{TASKS}/{dated['id']}", json={"reminders": [*before, *before]}).json()["due"] == DUE
    rights: list[dict[str, Any]] = [{"due": None, "reminders": at}, {"reminders": []}, {"due": None}]
    for said in rights:
        assert alice.patch(f"{TASKS}/{dated['id']}", json=said).status_code == 200
    assert alice.patch(f"{TASKS}/{bare['id']}", json={"due": DUE, "reminders": before}).status_code == 200


def test_days_are_counted_over_a_whole_year(alice: Person) -> None:
    task = alice.creates(due=DUE, reminders=[{"minutes_before": int(timedelta(days=366) / timedelta(minutes=1))}])
    assert task["reminders"] == [{"minutes_before": 527_040}]
