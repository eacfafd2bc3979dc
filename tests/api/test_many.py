"""POST /tasks/complete, /tasks/delete and /tasks/change: many tasks at once, under one revision."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import httpx
import pytest

from taskwell.tasks.many import requests
from tests.api.test_task_in_a_list import departures
from tests.faults.locks import holding
from tests.support import postgres
from tests.support.cast import Person
from tests.support.errors import assert_error, invalid_fields
from tests.support.lists import unknown_references
from tests.support.stored import revision_of

TASKS = "/api/v1/tasks"
Task = dict[str, Any]
OPERATIONS: dict[str, Task] = {"complete": {}, "delete": {}, "change": {"changes": {"priority": "high"}}}
by_each_operation = pytest.mark.parametrize("what", OPERATIONS)


def does(person: Person, what: str, **body: Any) -> Task:
    answer = person.post(f"{TASKS}/{what}", json=OPERATIONS[what] | body)
    assert answer.status_code == 200, answer.text
    done: Task = answer.json()
    assert done.keys() == {"count", "ids", "unknown", "recurring", "next_after"}
    assert done["count"] == len(done["ids"]) == len(set(done["ids"]))
    return done


def seen(person: Person) -> dict[str, Task]:
    return {task["id"]: task for task in person.sees()}


def ids_of(*tasks: Task) -> list[str]:
    return [task["id"] for task in tasks]


def test_many_tasks_are_completed_under_one_revision(alice: Person, shared_database: str) -> None:
    tasks = [alice.creates(str(number)) for number in range(5)]
    done = alice.creates("done", is_completed=True)
    before = revision_of(shared_database, alice.id)
    answer = does(alice, "complete", ids=ids_of(*tasks[:3], done, tasks[0]))
    assert set(answer["ids"]) == set(ids_of(*tasks[:3]))
    now = seen(alice)
    for task in tasks[:3]:
        changed = now[task["id"]]
        assert (changed["is_completed"], changed["revision"]) == (True, before + 1)
        assert changed["completed_at"] == changed["updated_at"] > task["updated_at"]
        assert alice.get(f"{TASKS}/{task['id']}").json() == changed
    assert [now[task["id"]] for task in (*tasks[3:], done)] == [*tasks[3:], done]
    assert revision_of(shared_database, alice.id) == before + 1
    assert does(alice, "complete", ids=ids_of(*tasks[:3]))["count"] == 0
    assert revision_of(shared_database, alice.id) == before + 1


def test_subtasks_are_completed_where_that_is_asked_for(alice: Person) -> None:
    top = alice.creates()
    middle = alice.creates(parent_id=top["id"])
    bottom = alice.creates(parent_id=middle["id"])
    assert does(alice, "complete", ids=[top["id"]])["ids"] == [top["id"]]
    assert set(does(alice, "complete", ids=[top["id"]], subtasks=True)["ids"]) == set(ids_of(middle, bottom))
    assert {task["is_completed"] for task in alice.sees()} == {True}


def test_what_is_completed_in_a_list_is_cleared(alice: Person, shared_database: str) -> None:
    made = alice.creates_list()["id"]
    inside = [alice.creates(list_id=made, is_completed=number % 2 == 0) for number in range(6)]
    outside = [alice.creates(is_completed=True), alice.creates()]
    revision = revision_of(shared_database, alice.id)
    answer = does(alice, "delete", filter={"list_id": made, "completed": True})
    assert set(answer["ids"]) == set(ids_of(*inside[::2]))
    assert revision_of(shared_database, alice.id) == revision + 1
    assert seen(alice) == {task["id"]: task for task in (*inside[1::2], *outside)}
    assert does(alice, "delete", filter={"list_id": "inbox", "completed": True})["ids"] == ids_of(outside[0])
    assert does(alice, "delete", filter={"list_id": "inbox", "completed": True})["ids"] == []
    assert revision_of(shared_database, alice.id) == revision + 2


@by_each_operation
def test_a_filter_that_means_very_many_is_done_in_steps(alice: Person, what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(requests, "TASKS_AT_ONCE", 3)
    made = [alice.creates(str(number)) for number in range(8)]
    alice.creates("not meant", priority="low")
    recurring = alice.creates(due={"date": "2026-12-24"}, recurrence={"rule": "FREQ=DAILY"})
    done: list[str] = []
    named: list[str] = []
    after, steps = None, 0
    while True:
        step = does(alice, what, filter={"priority": "none"}, **({} if after is None else {"after": after}))
        done += step["ids"]
        named += step["recurring"]
        assert len(step["ids"]) <= 3
        after, steps = step["next_after"], steps + 1
        if after is None:
            break
    assert steps == 3
    assert sorted([*done, *named]) == sorted(ids_of(*made, recurring))
    assert named == (ids_of(recurring) if what == "complete" else [])


def test_the_filter_is_all_that_it_says(alice: Person) -> None:
    made = alice.creates_list()["id"]
    parent = alice.creates(list_id=made, priority="low")
    one, two = alice.creates(parent_id=parent["id"], priority="low"), alice.creates(parent_id=parent["id"])
    for asked, expected in (
        ({"parent_id": parent["id"]}, [one, two]),
        ({"parent_id": parent["id"], "priority": "low"}, [one]),
        ({"priority": "low", "list_id": made, "completed": False}, [parent, one]),
        ({"list_id": "inbox"}, []),
    ):
        due = {"date": f"2027-01-{len(asked):02}"}
        answer = does(alice, "change", filter=asked, changes={"due": due, "labels": [str(len(expected)), "x"]})
        assert set(answer["ids"]) == set(ids_of(*expected))
        now = seen(alice)
        assert {(now[task["id"]]["due"]["date"], *now[task["id"]]["labels"]) for task in expected} <= {
            (due["date"], str(len(expected)), "x")
        }


def test_deleting_takes_what_is_below_along(alice: Person, shared_database: str) -> None:
    top = alice.creates()
    middle, other = alice.creates(parent_id=top["id"]), alice.creates(parent_id=top["id"])
    bottom, alone = alice.creates(parent_id=middle["id"]), alice.creates()
    assert set(does(alice, "delete", ids=ids_of(top, middle))["ids"]) == set(ids_of(top, middle, other, bottom))
    assert alice.sees() == [alone]
    rows = postgres.query(shared_database, "SELECT id, deleted_with FROM tasks WHERE user_id = $1", alice.id)
    with_which = {str(row["id"]): row["deleted_with"] and str(row["deleted_with"]) for row in rows}
    # One that is named and is below another one goes with that one.
    assert with_which == dict.fromkeys(ids_of(top, alone)) | dict.fromkeys(ids_of(middle, other, bottom), top["id"])


def test_many_tasks_go_into_a_list_with_what_is_below_them_in_their_order(alice: Person, shared_database: str) -> None:
    first, second = alice.creates_list()["id"], alice.creates_list()["id"]
    last = alice.creates("last", list_id=second)
    top = alice.creates("top", list_id=first)
    middle = alice.creates("middle", parent_id=top["id"])
    bottom = alice.creates("bottom", parent_id=middle["id"])
    others = [alice.creates(str(number)) for number in range(3)]
    before = revision_of(shared_database, alice.id)
    answer = does(alice, "change", ids=ids_of(*others, bottom, top, last), changes={"list_id": second, "priority": "low"})
    assert set(answer["ids"]) == set(ids_of(*others, last, top, middle, bottom))
    now = seen(alice)
    assert {task["list_id"] for task in now.values()} == {second}
    assert {task["revision"] for task in now.values()} == {before + 1} == {revision_of(shared_database, alice.id)}
    assert [now[task["id"]]["parent_id"] for task in (middle, bottom)] == ids_of(top, middle), "a tree stays a tree"
    assert {task["title"] for task in now.values() if task["priority"] == "none"} == {"middle"}
    tops = sorted((task for task in now.values() if task["parent_id"] is None), key=lambda task: task["position"])
    assert [task["title"] for task in tops] == ["last", "top", "0", "1", "2"]
    assert departures(shared_database, alice) == {(first, task["id"], before + 1) for task in (top, middle, bottom)}
    alone = does(alice, "change", ids=ids_of(middle), changes={"list_id": None})
    assert set(alone["ids"]) == set(ids_of(middle, bottom))
    now = seen(alice)
    assert [(now[task["id"]]["list_id"], now[task["id"]]["parent_id"]) for task in (middle, bottom)] == [
        (None, None),
        (None, middle["id"]),
    ]
    new = alice.creates(list_id=second)
    assert new["position"] > max(task["position"] for task in alice.sees(list_id=second) if task != new)


def test_a_change_makes_labels_and_counts_what_differs(alice: Person, shared_database: str) -> None:
    one, two = alice.creates(priority="high"), alice.creates(is_completed=True)
    changed = does(alice, "change", ids=ids_of(one, two))
    assert changed["ids"] == ids_of(two)
    answer = does(alice, "change", ids=ids_of(one, two), changes={"labels": ["New"], "is_completed": False, "priority": None})
    assert set(answer["ids"]) == set(ids_of(one, two))
    for task in alice.sees():
        assert (task["labels"], task["is_completed"], task["priority"]) == (["New"], False, "none")
    assert does(alice, "change", ids=ids_of(one), changes={})["count"] == 0


@by_each_operation
def test_what_is_not_there_is_named_and_the_rest_is_done(alice: Person, bob: Person, what: str, shared_database: str) -> None:
    task, deleted, others = alice.creates(), alice.creates(), bob.creates()
    alice.delete(f"{TASKS}/{deleted['id']}")
    not_there = [str(uuid4()), *ids_of(deleted, others), alice.creates_list()["id"]]
    answer = does(alice, what, ids=[*not_there, task["id"]])
    assert (answer["ids"], answer["unknown"]) == ([task["id"]], not_there)
    assert bob.sees() == [others]
    before = revision_of(shared_database, alice.id)
    assert does(alice, what, ids=not_there) == {"count": 0, "ids": [], "unknown": not_there, "recurring": [], "next_after": None}
    assert revision_of(shared_database, alice.id) == before


@by_each_operation
def test_what_a_filter_or_a_change_names_and_is_not_there_is_unknown(alice: Person, bob: Person, what: str) -> None:
    task = alice.creates()
    for field, others in (("list_id", bob.creates_list()["id"]), ("parent_id", bob.creates()["id"])):
        answers = [
            alice.post(f"{TASKS}/{what}", json=OPERATIONS[what] | {"filter": {field: one}}, headers={"X-Request-Id": "x"})
            for one in (str(uuid4()), others)
        ]
        assert unknown_references(answers[0]) == [("body", f"filter.{field}")]
        assert answers[1].content == answers[0].content
    for list_id in (str(uuid4()), bob.creates_list()["id"]):
        body = {"ids": [task["id"]], "changes": {"list_id": list_id, "priority": "low"}}
        assert unknown_references(alice.post(f"{TASKS}/change", json=body)) == [("body", "changes.list_id")]
    assert alice.sees() == [task]


@by_each_operation
@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, None),
        ({"ids": []}, "ids"),
        ({"ids": ["x"]}, "ids.0"),
        ({"ids": [str(uuid4())] * 501}, "ids"),
        ({"ids": None}, "ids"),
        ({"filter": {}}, "filter"),
        ({"filter": {"list_id": None}}, "filter.list_id"),
        ({"filter": {"completed": "true"}}, "filter.completed"),
        ({"filter": {"q": "x"}}, "filter.q"),
        ({"ids": [str(uuid4())], "filter": {"completed": True}}, None),
        ({"ids": [str(uuid4())], "all": True}, "all"),
        ({"ids": [str(uuid4())], "after": str(uuid4())}, None),
        ({"filter": {"completed": True}, "after": "x"}, "after"),
    ],
)
def test_what_does_not_say_which_tasks_is_refused(alice: Person, what: str, body: Any, field: str | None) -> None:
    task = alice.creates()
    assert invalid_fields(alice.post(f"{TASKS}/{what}", json=OPERATIONS[what] | body)) == [field]
    assert alice.sees() == [task]


@pytest.mark.parametrize(
    "changes", [{"title": "x"}, {"is_completed": None}, {"due": None}, {"priority": "x"}, {"parent_id": None}]
)
def test_what_cannot_be_the_same_of_many_is_refused(alice: Person, changes: Task) -> None:
    task = alice.creates()
    (name,) = changes
    answer = alice.post(f"{TASKS}/change", json={"ids": [task["id"]], "changes": changes})
    assert invalid_fields(answer) == [f"changes.{name}"]
    assert alice.sees() == [task]


def test_500_tasks_at_once(alice: Person, shared_database: str) -> None:
    some = (
        "INSERT INTO tasks (user_id, id, title, is_completed, created_at, updated_at, revision)"
        " SELECT $1, gen_random_uuid(), 'x', false, now(), now(), 1 FROM generate_series(1, 700) RETURNING id::text"
    )
    ids = [row["id"] for row in postgres.query(shared_database, some, alice.id)]
    assert does(alice, "complete", ids=ids[:500])["count"] == 500
    assert does(alice, "delete", filter={"completed": True})["count"] == 500
    assert does(alice, "change", filter={"completed": False})["count"] == 200


@by_each_operation
def test_a_completion_that_was_on_its_way_is_not_missed(shared_database: str, alice: Person, what: str) -> None:
    """The unit of work began before it was committed, and finds the tasks after it has waited for the owner."""
    late, open_ = alice.creates(), alice.creates()
    complete = "UPDATE tasks SET is_completed = true, completed_at = now() WHERE user_id = $1 AND id = $2"
    lock = "SELECT FROM users WHERE id = $1 FOR UPDATE"
    body = OPERATIONS[what] | {"filter": {"completed": what != "complete"}}
    with ThreadPoolExecutor(1) as pool, holding(shared_database, lock, alice.id) as held:
        waiting = pool.submit(alice.post, f"{TASKS}/{what}", json=body)
        held.wait_for_waiters(1)
        held.execute(complete, alice.id, late["id"])
        held.execute("COMMIT")
        assert waiting.result().json()["ids"] == ids_of(open_ if what == "complete" else late)


@by_each_operation
def test_nobody_reaches_for_others(anonymous: httpx.Client, alice: Person, bob: Person, carol: Person, what: str) -> None:
    task = alice.creates()
    body = OPERATIONS[what] | {"ids": [task["id"]]}
    assert_error(anonymous.post(f"{TASKS}/{what}", json=body), 401, "token_missing")
    assert bob.post(f"{TASKS}/{what}", json=body).json()["unknown"] == [task["id"]]
    assert_error(bob.post(f"/api/v1/users/{alice.id}/tasks/{what}", json=body), 404, "user_not_found")
    assert alice.sees() == [task]
    assert carol.post(f"/api/v1/users/{alice.id}/tasks/{what}", json=body).json()["ids"] == [task["id"]]


def test_a_series_is_not_ended_with_the_others(alice: Person, shared_database: str) -> None:
    task, series = alice.creates(), alice.creates()
    rule = 'UPDATE tasks SET recurrence = \'{"rule": "FREQ=DAILY", "from": "schedule"}\' WHERE id = $1'
    postgres.query(shared_database, rule, series["id"])
    for answer in (
        does(alice, "complete", ids=ids_of(task, series)),
        does(alice, "change", filter={"completed": False}, changes={"is_completed": True}),
    ):
        assert answer["recurring"] == [series["id"]]
        assert series["id"] not in answer["ids"]
    assert does(alice, "change", ids=ids_of(series))["ids"] == [series["id"]]
    assert does(alice, "delete", ids=ids_of(series))["ids"] == [series["id"]]
