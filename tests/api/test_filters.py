"""GET /tasks by label, by parent and by due date. That every pair of filters holds is in tests/database/test_queries.py."""

from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode
from uuid import UUID, uuid4

import pytest

from tests.support import postgres
from tests.support.cast import Person
from tests.support.errors import invalid_fields
from tests.support.lists import unknown_references
from tests.support.pages import titles

TASKS = "/api/v1/tasks"


def due(database_url: str, task: dict[str, object], at: datetime) -> None:
    postgres.query(database_url, "UPDATE tasks SET due_sort = $1 WHERE id = $2", at.replace(tzinfo=None), UUID(str(task["id"])))


# ---- labels ------------------------------------------------------------------------------------------------------------


def test_a_label_that_is_given_several_times_is_each_of_them(alice: Person) -> None:
    alice.creates("both", labels=["Home", "errand"])
    alice.creates("one", labels=["home"])
    alice.creates("none")
    assert titles(alice.get(f"{TASKS}?label=home")) == ["one", "both"]
    assert titles(alice.get(f"{TASKS}?label=HOME&label=Errand")) == ["both"]
    assert titles(alice.get(f"{TASKS}?label=home&label=home")) == ["one", "both"]
    first = alice.get(f"{TASKS}?label=home&label=Home&limit=1")
    assert first.headers["link"].count("label=") == 2
    assert titles(alice.get(first.links["next"]["url"])) == ["both"]
    assert [task["title"] for task in alice.sees(q="errand")] == ["both"]


def test_a_label_that_is_not_there_is_unknown(alice: Person, bob: Person) -> None:
    alice.creates(labels=["home"])
    bob.creates(labels=["secret"])
    for query in ("label=secret", "label=never", "label=home&label=secret"):
        assert unknown_references(alice.get(f"{TASKS}?{query}")) == [("query", "label")]
    both = alice.get(f"{TASKS}?label=secret&parent_id={uuid4()}")
    assert unknown_references(both) == [("query", "parent_id"), ("query", "label")]


@pytest.mark.parametrize(
    "query", ["label=", "label=%20", "label=%00", "label=" + "x" * 101, "&".join(f"label={n}" for n in range(21))]
)
def test_what_is_no_label_is_refused(alice: Person, query: str) -> None:
    assert invalid_fields(alice.get(f"{TASKS}?{query}"))[0].startswith("label")


def test_no_other_parameter_is_given_twice(alice: Person) -> None:
    assert invalid_fields(alice.get(f"{TASKS}?label=a&priority=low&label=b&priority=low")) == ["priority"]


# ---- lists, and other ids ---------------------------------------------------------------------------------------------

A_UUID = "0192f6d2-c0de-7a7b-8a7b-0192f6d2c0de"
NO_IDS = [A_UUID[:-2] + "_e", "+" + A_UUID[1:], "urn:" + A_UUID.replace("-", ""), A_UUID.replace("-", "") + "----", "1" * 36]


@pytest.mark.parametrize("text", NO_IDS)
def test_what_python_alone_takes_for_an_id_is_none(alice: Person, text: str) -> None:
    for name in ("list_id", "parent_id"):
        assert invalid_fields(alice.get(TASKS, params={name: text})) == [name]


@pytest.mark.parametrize("value", [*NO_IDS, 12345678901234567890123456789012, [A_UUID], {"a": 1}])
def test_nor_does_the_filter_of_a_change_of_many(alice: Person, value: object) -> None:
    task = alice.creates()
    assert invalid_fields(alice.post(f"{TASKS}/delete", json={"filter": {"list_id": value}})) == ["filter.list_id"]
    assert alice.get(f"{TASKS}/{task['id']}").status_code == 200


# ---- subtasks ----------------------------------------------------------------------------------------------------------


def test_the_tasks_below_one_and_those_below_none(alice: Person) -> None:
    parent = alice.creates("parent")
    child = alice.creates("child", parent_id=parent["id"])
    alice.creates("grandchild", parent_id=child["id"])
    assert titles(alice.get(f"{TASKS}?parent_id={parent['id']}")) == ["child"]
    assert titles(alice.get(f"{TASKS}?parent_id={child['id']}&order=position")) == ["grandchild"]
    assert titles(alice.get(f"{TASKS}?parent_id=none")) == ["parent"]


def test_a_parent_that_is_not_there_is_unknown_to_the_byte(alice: Person, bob: Person) -> None:
    deleted = alice.creates()["id"]
    alice.delete(f"{TASKS}/{deleted}")
    tag = alice.get(TASKS).headers["etag"]
    answers = [
        alice.get(TASKS, params={"parent_id": parent_id}, headers={"X-Request-Id": "x"} | headers)
        for parent_id in (str(uuid4()), deleted, bob.creates()["id"], alice.creates_list()["id"])
        for headers in ({}, {"If-None-Match": tag}, {"If-None-Match": "*"})
    ]
    for answer in answers:
        assert unknown_references(answer) == [("query", "parent_id")]
        assert answer.content == answers[0].content


@pytest.mark.parametrize("parent_id", ["", "x", "None", "null", "inbox", "%00"])
def test_a_parent_that_is_no_id_and_not_none_is_refused(alice: Person, parent_id: str) -> None:
    assert invalid_fields(alice.get(f"{TASKS}?parent_id={parent_id}")) == ["parent_id"]


# ---- due dates -----------------------------------------------------------------------------------------------------------


def test_a_day_ends_before_what_is_after_it(alice: Person) -> None:
    alice.creates("23rd", due={"date": "2026-12-23"})
    alice.creates("24th at 0", due={"date": "2026-12-24", "time": "00:00"})
    alice.creates("24th", due={"date": "2026-12-24"})
    alice.creates("25th at 0", due={"date": "2026-12-25", "time": "00:00"})
    alice.creates("some day")
    before, after = "due_before=2026-12-24", "due_after=2026-12-24"
    assert titles(alice.get(f"{TASKS}?{before}")) == ["23rd"]
    assert titles(alice.get(f"{TASKS}?{after}")) == ["25th at 0"]
    assert titles(alice.get(f"{TASKS}?{before}T00:00")) == ["23rd"]
    assert titles(alice.get(f"{TASKS}?{after}T00:00&due_before=2026-12-25")) == ["24th"]
    assert titles(alice.get(f"{TASKS}?order=due&limit=3")) == ["23rd", "24th at 0", "24th"]
    assert [task["title"] for task in alice.sees(order="due", limit=1)] == ["23rd", "24th at 0", "24th", "25th at 0", "some day"]
    # An instant is what the clocks of the account show then.
    alice.patch("/api/v1/auth/me", json={"time_zone": "Europe/Berlin"})
    for instant in ("2026-12-23T23:00:00Z", "2026-12-23t23:00:00z", "2026-12-24T00:00:00+01:00", "2026-12-24T00:00:00%2B01:00"):
        page = alice.get(f"{TASKS}?due_after={instant}&limit=1&order=due")
        assert titles(page) == ["24th"]
        assert titles(alice.get(page.links["next"]["url"])) == ["25th at 0"]


@pytest.mark.parametrize(
    "bound",
    [
        "",
        "today",
        "2026-12-32",
        "20261224",
        "2026-W52-4",
        "2026-12-24T",
        "2026-12-24T25:00",
        "1767225600",
        "0001-01-01T00:00%2B14:00",
        "%00",
    ],
)
def test_what_is_no_day_and_no_time_is_refused(alice: Person, bound: str) -> None:
    assert invalid_fields(alice.get(f"{TASKS}?due_before={bound}")) == ["due_before"]
    assert invalid_fields(alice.get(f"{TASKS}?due_after={bound}")) == ["due_after"]


@pytest.mark.parametrize("days", ["0", "-1", "367", "", "7d", "1.0"])
def test_upcoming_is_a_number_of_days(alice: Person, days: str) -> None:
    assert invalid_fields(alice.get(f"{TASKS}?upcoming={days}")) == ["upcoming"]


def test_what_follows_from_the_present_is_never_a_304(alice: Person, shared_database: str) -> None:
    now = datetime.now(UTC)
    due(shared_database, alice.creates("late"), now - timedelta(days=3))
    due(shared_database, alice.creates("soon"), now + timedelta(days=3))
    done = alice.creates("done", is_completed=True)
    due(shared_database, done, now - timedelta(days=3))
    tag = alice.get(TASKS).headers["etag"]
    for query, seen in (
        ({"overdue": "true"}, ["late"]),
        ({"overdue": "false"}, ["done", "soon"]),
        ({"today": "true"}, []),
        ({"today": "false", "completed": "false"}, ["soon", "late"]),
        ({"upcoming": "7"}, ["soon"]),
        ({"upcoming": "1"}, []),
    ):
        for condition in (tag, "*"):
            answer = alice.get(f"{TASKS}?{urlencode(query)}", headers={"If-None-Match": condition})
            assert (answer.status_code, titles(answer)) == (200, seen)
            assert "etag" not in answer.headers
    assert alice.get(f"{TASKS}?due_before=2026-12-24", headers={"If-None-Match": tag}).status_code == 304


@pytest.mark.parametrize("name", ["overdue", "today"])
@pytest.mark.parametrize("value", ["", "1", "yes", "null"])
def test_a_boolean_is_true_or_false(alice: Person, name: str, value: str) -> None:
    assert invalid_fields(alice.get(f"{TASKS}?{name}={value}")) == [name]


def test_nobody_sees_anybody_elses(alice: Person, bob: Person, carol: Person, shared_database: str) -> None:
    due(shared_database, alice.creates(labels=["home"]), datetime.now(UTC) - timedelta(days=3))
    for query in ("overdue=true", "due_before=2100-01-01", "order=due", "upcoming=366", "parent_id=none"):
        assert bob.get(f"{TASKS}?{query}").json()["items"] == []
        assert bob.get(f"/api/v1/users/{alice.id}/tasks?{query}").status_code == 404
    assert len(carol.get(f"/api/v1/users/{alice.id}/tasks?overdue=true&label=home").json()["items"]) == 1
