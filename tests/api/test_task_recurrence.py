"""Tasks that recur: one occurrence at a time is finished, whoever completes the task, and none twice."""

from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import httpx
import pytest

from tests.support import postgres
from tests.support.cast import Person
from tests.support.errors import assert_error, invalid_fields
from tests.support.stored import revision_of

TASKS = "/api/v1/tasks"
WEEKLY = {"rule": "FREQ=WEEKLY;BYDAY=MO,WE", "from": "schedule"}


def daily(**more: Any) -> dict[str, Any]:
    return {"due": {"date": today().isoformat()}, "recurrence": {"rule": "FREQ=DAILY"}} | more


def today(zone: str = "UTC") -> date:
    return datetime.now(ZoneInfo(zone)).date()


def completes(who: Person, task: dict[str, Any], occurrence: str | None = None, **more: Any) -> httpx.Response:
    body = {} if occurrence is None else {"occurrence": occurrence}
    return who.post(f"{TASKS}/{task['id']}/complete", json=body, **more)


def finished(who: Person, task: dict[str, Any]) -> list[str]:
    """The days of the finished occurrences, the last one first, by pages of two."""
    found: list[str] = []
    query: dict[str, Any] = {"limit": 2}
    while True:
        page = who.get(f"{TASKS}/{task['id']}/occurrences", params=query).json()
        found += [one["occurrence"] for one in page["items"]]
        if page["next_cursor"] is None:
            return found
        query["cursor"] = page["next_cursor"]


# ---- what a recurrence is ------------------------------------------------------------------------------------------------


def test_a_rule_is_kept_in_one_form(alice: Person) -> None:
    assert alice.creates()["recurrence"] is None
    task = alice.creates(due={"date": "2026-12-28"}, recurrence={"rule": "freq=weekly;byday=mo,we"})
    assert task["recurrence"] == WEEKLY
    path = f"{TASKS}/{task['id']}"
    assert alice.put(path, json=task).json() == task
    assert alice.put(path, json={"title": task["title"]}).json() == task
    cleared = alice.patch(path, json={"recurrence": None})
    assert (cleared.status_code, cleared.json()["recurrence"]) == (200, None)
    completion = {"rule": "FREQ=DAILY;INTERVAL=3", "from": "completion"}
    assert alice.patch(path, json={"recurrence": completion}).json()["recurrence"] == completion


@pytest.mark.parametrize(
    ("recurrence", "where"),
    [
        ("FREQ=DAILY", "recurrence"),
        ({}, "recurrence.rule"),
        ({"rule": "FREQ=HOURLY"}, "recurrence.rule"),
        ({"rule": "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30"}, "recurrence.rule"),
        ({"rule": "FREQ=DAILY;BYHOUR=9"}, "recurrence.rule"),
        ({"rule": "DTSTART:20261224\nRRULE:FREQ=DAILY"}, "recurrence.rule"),
        ({"rule": "FREQ=DAILY;COUNT=2;UNTIL=20261224"}, "recurrence.rule"),
        ({"rule": "FREQ=YEARLY;BYWEEKNO=1;BYMONTH=7"}, "recurrence"),
        ({"rule": "FREQ=MONTHLY;INTERVAL=12;BYMONTH=3"}, "recurrence"),
        ({"rule": "FREQ=DAILY;BYMONTH=" + ",".join(["1"] * 200)}, "recurrence.rule"),
        ({"rule": 5}, "recurrence.rule"),
        ({"rule": "FREQ=DAILY", "from": "due"}, "recurrence.from"),
        ({"rule": "FREQ=DAILY", "from": None}, "recurrence.from"),
        ({"rule": "FREQ=DAILY", "counted_from": "schedule"}, "recurrence.counted_from"),
    ],
)
def test_what_is_no_recurrence_is_refused(alice: Person, recurrence: Any, where: str) -> None:
    task = alice.creates(due={"date": "2026-12-28"})
    path, body = f"{TASKS}/{task['id']}", {"title": "x", "due": {"date": "2026-12-28"}, "recurrence": recurrence}
    assert invalid_fields(alice.post(TASKS, json=body)) == [where]
    assert invalid_fields(alice.put(f"{TASKS}/{uuid4()}", json=body, headers={"If-None-Match": "*"})) == [where]
    assert invalid_fields(alice.put(path, json=body)) == [where]
    assert invalid_fields(alice.patch(path, json={"recurrence": recurrence})) == [where]
    assert alice.sees() == [task]


def test_a_rule_needs_something_that_recurs(alice: Person) -> None:
    task, bare = alice.creates(due={"date": "2026-12-28"}, recurrence=WEEKLY), alice.creates()
    assert invalid_fields(alice.post(TASKS, json={"title": "x", "recurrence": WEEKLY})) == ["recurrence"]
    assert invalid_fields(alice.patch(f"{TASKS}/{bare['id']}", json={"recurrence": WEEKLY})) == ["recurrence"]
    assert invalid_fields(alice.patch(f"{TASKS}/{task['id']}", json={"due": None})) == ["recurrence"]
    assert alice.sees(order="oldest") == [task, bare]
    both = alice.patch(f"{TASKS}/{task['id']}", json={"due": None, "recurrence": None}).json()
    assert (both["due"], both["recurrence"]) == (None, None)


def test_editing_when_it_is_due_leaves_the_rule(alice: Person) -> None:
    """Also where the rule names no other day from there: whoever moves a date need not know of it."""
    task = alice.creates(due={"date": "2027-03-01"}, recurrence={"rule": "FREQ=MONTHLY;INTERVAL=12;BYMONTH=3"})
    moved = alice.patch(f"{TASKS}/{task['id']}", json={"due": {"date": "2027-02-01"}})
    assert (moved.status_code, moved.json()["recurrence"]) == (200, task["recurrence"])


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_a_rule_that_names_no_other_day_is_sent_back_as_it_was_read(alice: Person, method: str) -> None:
    leap_days = {"rule": "FREQ=YEARLY;INTERVAL=4;BYMONTH=2;BYMONTHDAY=29"}
    made = alice.creates(due={"date": "2028-02-29"}, recurrence=leap_days)
    path = f"{TASKS}/{made['id']}"
    task = alice.patch(path, json={"due": {"date": "2029-03-01"}}).json()
    assert alice.request(method, path, json=task).json() == task, "nothing differs, and no revision is taken"
    for change in ({"title": "x"}, {"due": {"date": "2029-03-02"}}, {"recurrence": leap_days}):
        answer = alice.request(method, path, json=task | change)
        assert answer.status_code == 200, answer.text
        task = answer.json()
    other = {"rule": "FREQ=YEARLY;INTERVAL=8;BYMONTH=2;BYMONTHDAY=29"}
    assert invalid_fields(alice.request(method, path, json=task | {"recurrence": other})) == ["recurrence"]
    assert invalid_fields(alice.patch(path, json={"recurrence": other})) == ["recurrence"]
    assert alice.sees() == [task]
    last = alice.request(method, path, json=task | {"is_completed": True}).json()
    assert (last["is_completed"], last["completed_occurrence"]) == (True, "2029-03-02")


# ---- finishing -----------------------------------------------------------------------------------------------------------


def test_an_occurrence_is_finished_once_and_the_task_moves_on(alice: Person, shared_database: str) -> None:
    due, start = {"date": "2026-12-28", "time": "18:00", "time_zone": "Europe/Berlin"}, {"date": "2026-12-26"}
    task = alice.creates(due=due, start=start, recurrence=WEEKLY)
    answer = completes(alice, task, "2026-12-28")
    moved = answer.json()
    assert (answer.status_code, answer.headers["etag"]) == (200, moved["etag"])
    assert (moved["is_completed"], moved["completed_at"], moved["completed_occurrence"]) == (False, None, "2026-12-28")
    assert (moved["due"], moved["start"], moved["recurrence"]) == (due | {"date": "2026-12-30"}, {"date": "2026-12-28"}, WEEKLY)
    assert moved["revision"] == task["revision"] + 1 == revision_of(shared_database, alice.id)
    for _ in range(2):
        again = completes(alice, task, "2026-12-28")
        assert (again.status_code, again.json()) == (200, moved)
    assert alice.get(f"{TASKS}/{task['id']}").json() == moved
    (kept,) = alice.get(f"{TASKS}/{task['id']}/occurrences").json()["items"]
    assert (kept["occurrence"], kept["due"], kept["start"]) == ("2026-12-28", due, start)
    assert kept["completed_at"] == moved["updated_at"] or kept["completed_at"] > moved["updated_at"]
    (row,) = postgres.query(shared_database, "SELECT due_sort FROM tasks WHERE id = $1", UUID(task["id"]))
    assert row["due_sort"] == datetime.fromisoformat("2026-12-30T17:00")


def test_another_occurrence_than_the_present_one_is_a_conflict(alice: Person) -> None:
    task = alice.creates(due={"date": "2026-12-28"}, recurrence=WEEKLY)
    for occurrence in ("2026-12-30", "2026-12-21"):
        assert_error(completes(alice, task, occurrence), 409, "occurrence_not_open")
    bodies: list[Any] = [{"occurrence": "tomorrow"}, {"occurrence": 1}, {"date": "2026-12-28"}, []]
    for body in bodies:
        assert_error(alice.post(f"{TASKS}/{task['id']}/complete", json=body), 400, "invalid_input")
    assert_error(completes(alice, {"id": str(uuid4())}), 404, "task_not_found")
    assert_error(completes(alice, {"id": str(uuid4())}, "2026-12-28"), 404, "task_not_found")
    stale = completes(alice, task, "2026-12-28", headers={"If-Match": '"stale"'})
    assert assert_error(stale, 412, "task_changed") == {"current": task}
    assert alice.sees() == [task]


def test_without_an_occurrence_the_present_one_is_meant_early_or_late(alice: Person) -> None:
    task = alice.creates(due={"date": "2026-12-28"}, recurrence=WEEKLY)
    assert completes(alice, task).json()["due"] == {"date": "2026-12-30"}
    nothing = alice.post(f"{TASKS}/{task['id']}/complete")
    assert (nothing.status_code, nothing.json()["due"]) == (200, {"date": "2027-01-04"})
    late = alice.creates(due={"date": "2020-01-06"}, recurrence=WEEKLY)
    assert completes(alice, late).json()["due"] == {"date": "2020-01-08"}


def test_a_task_that_does_not_recur_is_completed(alice: Person) -> None:
    task = alice.creates()
    done = completes(alice, task).json()
    assert (done["is_completed"], done["completed_occurrence"]) == (True, None)
    assert completes(alice, task).json() == done
    dated = alice.creates(due={"date": "2026-12-28"})
    assert_error(completes(alice, dated, "2026-12-29"), 409, "occurrence_not_open")
    assert completes(alice, dated, "2026-12-28").json()["is_completed"] is True
    assert finished(alice, dated) == []
    assert_error(completes(alice, alice.creates(), "2026-12-28"), 409, "occurrence_not_open")


@pytest.mark.parametrize(
    ("rule", "days"),
    [
        ("FREQ=DAILY;COUNT=3", ["2026-12-28", "2026-12-29", "2026-12-30"]),
        ("FREQ=DAILY;UNTIL=20261229", ["2026-12-28", "2026-12-29"]),
        ("FREQ=DAILY;UNTIL=20261229T115959", ["2026-12-28"]),
        ("FREQ=DAILY;UNTIL=20261229T120000", ["2026-12-28", "2026-12-29"]),
        ("FREQ=DAILY;UNTIL=20261229T120000Z", ["2026-12-28", "2026-12-29"]),
        ("FREQ=DAILY;UNTIL=20261229T115959Z", ["2026-12-28"]),
        ("FREQ=YEARLY;COUNT=1", ["2026-12-28"]),
    ],
)
def test_a_series_ends(alice: Person, rule: str, days: list[str]) -> None:
    task = alice.creates(due={"date": "2026-12-28", "time": "12:00"}, recurrence={"rule": rule})
    for day in days:
        assert task["is_completed"] is False
        assert task["due"]["date"] == day
        task = completes(alice, task, day).json()
    assert (task["is_completed"], task["due"]["date"], task["completed_occurrence"]) == (True, days[-1], days[-1])
    assert completes(alice, task, days[-1]).json() == completes(alice, task).json() == task
    assert finished(alice, task) == days[::-1]


@pytest.mark.parametrize("zone", ["Asia/Tokyo", "America/New_York"])
def test_an_end_may_stand_where_all_dates_end(alice: Person, zone: str) -> None:
    """On the clocks of the account it would be in the year 10000, or before the year 1."""
    alice.patch("/api/v1/auth/me", json={"time_zone": zone})
    for until, is_over in (("99991231T235959Z", False), ("00010101T000000Z", True)):
        rule = {"rule": f"FREQ=DAILY;UNTIL={until}"}
        task = alice.creates(due={"date": "2026-12-24"}, recurrence=rule)
        assert completes(alice, task, "2026-12-24").json()["is_completed"] is is_over
        other = alice.creates(due={"date": "2026-12-24"}, recurrence=rule)
        done = alice.patch(f"{TASKS}/{other['id']}", json={"is_completed": True}, headers={"If-Match": other["etag"]})
        assert (done.status_code, done.json()["is_completed"]) == (200, is_over)


def test_another_rule_counts_anew(alice: Person) -> None:
    task = alice.creates(due={"date": "2026-12-01"}, recurrence={"rule": "FREQ=DAILY"})
    for _ in range(3):
        completes(alice, task)
    alice.patch(f"{TASKS}/{task['id']}", json={"recurrence": {"rule": "FREQ=DAILY;COUNT=2"}})
    assert [completes(alice, task).json()["is_completed"] for _ in range(2)] == [False, True]


# ---- who knows nothing of it -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["PATCH", "PUT"])
def test_who_knows_nothing_of_recurrence_cannot_end_a_series(alice: Person, method: str) -> None:
    task = alice.creates(**daily())
    body = {"title": "new"} | {"is_completed": True}
    answer = alice.request(method, f"{TASKS}/{task['id']}", json=body)
    tomorrow = {"date": (today() + timedelta(days=1)).isoformat()}
    moved = answer.json()
    assert answer.status_code == 200
    assert (moved["is_completed"], moved["due"], moved["title"]) == (False, tomorrow, "new")
    assert moved["completed_occurrence"] == task["due"]["date"]
    again = alice.request(method, f"{TASKS}/{task['id']}", json=body)
    assert (again.status_code, again.json()) == (200, moved)
    assert finished(alice, task) == [task["due"]["date"]]


def test_a_retry_finishes_nothing_more_however_late_it_was(alice: Person) -> None:
    """What was missed is passed over then: today would be finished by the second request otherwise."""
    task = alice.creates(**daily(due={"date": (today() - timedelta(days=5)).isoformat()}))
    path = f"{TASKS}/{task['id']}"
    moved = alice.patch(path, json={"is_completed": True}).json()
    assert moved["due"] == {"date": (today() + timedelta(days=1)).isoformat()}
    assert alice.patch(path, json={"is_completed": True}).json() == moved
    assert finished(alice, task) == [task["due"]["date"]]


@pytest.mark.parametrize(
    ("home", "zone", "missed", "then"),
    [("Pacific/Pago_Pago", "Pacific/Kiritimati", 1, 3), ("Pacific/Kiritimati", "Pacific/Pago_Pago", -2, -1)],
)
def test_a_retry_finishes_nothing_more_in_whichever_zone_it_is_due(
    alice: Person, home: str, zone: str, missed: int, then: int
) -> None:
    """What is due today is so on the clocks of the account: in Kiritimati they are 25 hours ahead of those in Pago Pago."""
    alice.patch("/api/v1/auth/me", json={"time_zone": home})
    due = {
        "date": (today(home) + timedelta(days=missed)).isoformat(),
        "time": "00:30" if missed > 0 else "23:30",
        "time_zone": zone,
    }
    task = alice.creates(**daily(due=due))
    moved = alice.patch(f"{TASKS}/{task['id']}", json={"is_completed": True}).json()
    assert moved["due"] == due | {"date": (today(home) + timedelta(days=then)).isoformat()}
    assert alice.patch(f"{TASKS}/{task['id']}", json={"is_completed": True}).json() == moved
    assert finished(alice, task) == [due["date"]]


def test_under_a_condition_what_is_not_due_yet_is_finished(alice: Person) -> None:
    task = alice.creates(due={"date": "2099-12-28"}, recurrence={"rule": "FREQ=WEEKLY"})
    path = f"{TASKS}/{task['id']}"
    assert alice.patch(path, json={"is_completed": True}).json() == task
    moved = alice.patch(path, json={"is_completed": True}, headers={"If-Match": task["etag"]}).json()
    assert moved["due"] == {"date": "2100-01-04"}
    stale = alice.patch(path, json={"is_completed": True}, headers={"If-Match": task["etag"]})
    assert assert_error(stale, 412, "task_changed") == {"current": moved}
    back = alice.put(path, json=moved | {"is_completed": True}).json()
    assert (back["due"], back["completed_occurrence"]) == ({"date": "2100-01-11"}, "2100-01-04")
    assert_error(alice.put(path, json=moved | {"is_completed": True}), 412, "task_changed")
    assert finished(alice, task) == ["2100-01-04", "2099-12-28"]


def test_with_an_idempotency_key_it_is_finished_and_once(alice: Person) -> None:
    task = alice.creates(due={"date": "2099-12-28"}, recurrence={"rule": "FREQ=WEEKLY"})
    path, done, key = f"{TASKS}/{task['id']}", {"is_completed": True}, {"Idempotency-Key": str(uuid4())}
    for _ in range(2):
        assert alice.patch(path, json=done, headers=key).json()["due"] == {"date": "2100-01-04"}
    batch = {"operations": [{"op": "change", "kind": "task", "id": task["id"], "value": done}]}
    for headers, due in ({}, "2100-01-04"), ({"Idempotency-Key": str(uuid4())}, "2100-01-11"):
        (result,) = alice.post("/api/v1/batch", json=batch, headers=headers).json()["results"]
        assert result["record"]["due"] == {"date": due}
    assert finished(alice, task) == ["2100-01-04", "2099-12-28"]


def test_what_moves_to_where_the_task_is_takes_a_revision(alice: Person, shared_database: str) -> None:
    """The task that comes out of it is as it was, but for what was finished last."""
    task = alice.creates(**daily(due={"date": (today() + timedelta(days=1)).isoformat()}))
    path = f"{TASKS}/{task['id']}"
    for days, condition in ((-1, {}), (0, {"If-Match": "*"})):
        edited = {"date": (today() + timedelta(days=days)).isoformat()}
        moved = alice.patch(path, json={"due": edited, "is_completed": True}, headers=condition).json()
        assert (moved["due"], moved["completed_occurrence"]) == (task["due"], edited["date"])
        assert moved["revision"] == task["revision"] + 1 == revision_of(shared_database, alice.id)
        assert moved["etag"] != task["etag"]
        assert moved["updated_at"] > task["updated_at"]
        task = moved
    (row,) = postgres.query(shared_database, "SELECT max(revision) FROM occurrences WHERE task_id = $1", UUID(task["id"]))
    assert row["max"] == task["revision"]


def test_a_due_that_is_sent_as_it_was_is_no_edit(alice: Person) -> None:
    task = alice.creates(**daily())
    path, body = f"{TASKS}/{task['id']}", {"title": "x", "due": task["due"], "is_completed": True}
    moved = alice.put(path, json=body).json()
    assert moved["due"] == {"date": (today() + timedelta(days=1)).isoformat()}
    for headers in ({}, {"Idempotency-Key": str(uuid4())}):
        assert alice.put(path, json=body, headers=headers).json() == moved, "the same request once more"
    edited = {"date": (today() - timedelta(days=1)).isoformat(), "time": "08:00"}
    again = alice.patch(path, json={"due": edited, "is_completed": True}).json()
    assert (again["due"], again["completed_occurrence"]) == (moved["due"] | {"time": "08:00"}, edited["date"])


def test_the_future_begins_where_the_user_is(alice: Person) -> None:
    """In Kiritimati it is the next day already for most of the time, in Pago Pago it is the one before."""
    for zone in ("Pacific/Kiritimati", "Pacific/Pago_Pago"):
        alice.patch("/api/v1/auth/me", json={"time_zone": zone})
        for days, is_finished in ((0, True), (1, False)):
            day = (today(zone) + timedelta(days=days)).isoformat()
            task = alice.creates(**daily(due={"date": day}))
            done = alice.patch(f"{TASKS}/{task['id']}", json={"is_completed": True}).json()
            assert (done["completed_occurrence"] == day) == is_finished


def test_a_rule_without_which_it_is_completed(alice: Person) -> None:
    task = alice.creates(**daily())
    done = alice.patch(f"{TASKS}/{task['id']}", json={"is_completed": True, "recurrence": None}).json()
    assert (done["is_completed"], done["due"]) == (True, task["due"])
    assert finished(alice, task) == []


def test_a_rule_from_completion_counts_from_today(alice: Person) -> None:
    rule = {"rule": "FREQ=DAILY;INTERVAL=3", "from": "completion"}
    for days in (-30, 0):
        task = alice.creates(due={"date": (today() + timedelta(days=days)).isoformat()}, recurrence=rule)
        assert completes(alice, task).json()["due"] == {"date": (today() + timedelta(days=3)).isoformat()}
    early = alice.creates(due={"date": (today() + timedelta(days=4)).isoformat()}, recurrence=rule)
    assert completes(alice, early).json()["due"] == {"date": (today() + timedelta(days=6)).isoformat()}


def test_a_task_made_anew_has_nothing_of_the_deleted_one(alice: Person) -> None:
    task = alice.creates(due={"date": "2026-12-28"}, recurrence=WEEKLY)
    completes(alice, task)
    path = f"{TASKS}/{task['id']}"
    alice.delete(path)
    assert_error(alice.get(f"{path}/occurrences"), 404, "task_not_found")
    again = alice.put(path, json={"title": "x"}, headers={"If-None-Match": "*"}).json()
    assert (again["completed_occurrence"], finished(alice, task)) == (None, [])


def test_occurrences_are_the_users_own(alice: Person, bob: Person) -> None:
    task = alice.creates(due={"date": "2026-12-28"}, recurrence=WEEKLY)
    completes(alice, task)
    assert_error(bob.get(f"{TASKS}/{task['id']}/occurrences"), 404, "task_not_found")
    assert_error(completes(bob, task, "2026-12-30"), 404, "task_not_found")
    page = alice.get(f"{TASKS}/{task['id']}/occurrences")
    known = {"If-None-Match": page.headers["etag"]}
    assert alice.get(f"{TASKS}/{task['id']}/occurrences", headers=known).status_code == 304
    assert finished(alice, task) == ["2026-12-28"]
