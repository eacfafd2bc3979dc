"""`priority` of a task."""

from typing import Any
from uuid import uuid4

import pytest

from tests.support.cast import Person
from tests.support.errors import assert_error, invalid_fields

TASKS = "/api/v1/tasks"
NOTHING_THERE = {"If-None-Match": "*"}
PRIORITIES = ("none", "low", "medium", "high", "urgent")


def test_a_task_has_none_until_somebody_says_so(alice: Person) -> None:
    assert alice.creates()["priority"] == "none"
    assert alice.creates(priority=None)["priority"] == "none"
    placed = alice.put(f"{TASKS}/{uuid4()}", json={"title": "x"}, headers=NOTHING_THERE)
    assert (placed.status_code, placed.json()["priority"]) == (201, "none")


@pytest.mark.parametrize("priority", PRIORITIES)
def test_every_write_can_set_it(alice: Person, priority: str) -> None:
    task = alice.creates(priority=priority)
    assert task["priority"] == priority
    assert alice.sees() == [task]
    path = f"{TASKS}/{alice.creates()['id']}"
    assert alice.patch(path, json={"priority": priority}).json()["priority"] == priority
    path = f"{TASKS}/{alice.creates()['id']}"
    assert alice.put(path, json={"title": "x", "priority": priority}).json()["priority"] == priority
    placed = alice.put(f"{TASKS}/{uuid4()}", json={"title": "x", "priority": priority}, headers=NOTHING_THERE)
    assert (placed.status_code, placed.json()["priority"]) == (201, priority)


def test_an_old_client_that_replaces_a_task_leaves_it(alice: Person) -> None:
    path = f"{TASKS}/{alice.creates(priority='high')['id']}"
    assert alice.put(path, json={"title": "y"}).json()["priority"] == "high"
    assert alice.patch(path, json={"title": "z"}).json()["priority"] == "high"


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_null_clears_it(alice: Person, method: str) -> None:
    task = alice.creates("x", priority="urgent")
    cleared = alice.request(method, f"{TASKS}/{task['id']}", json={"title": "x", "priority": None}).json()
    assert (cleared["priority"], cleared["revision"]) == ("none", task["revision"] + 1)
    again = alice.request(method, f"{TASKS}/{task['id']}", json={"title": "x", "priority": None})
    assert again.json() == cleared


def test_a_task_that_was_read_is_sent_back_with_it(alice: Person) -> None:
    task = alice.creates(priority="low")
    path = f"{TASKS}/{task['id']}"
    assert alice.put(path, json=task).json() == task
    assert alice.patch(path, json=task | {"priority": "medium"}).json()["priority"] == "medium"


def test_a_repeated_creation_with_another_one_is_a_conflict(alice: Person) -> None:
    body: dict[str, Any] = {"title": "x", "id": str(uuid4()), "priority": "high"}
    assert [alice.post(TASKS, json=body).status_code for _ in range(2)] == [201, 200]
    for other in (body | {"priority": "low"}, body | {"priority": None}, {"title": "x", "id": body["id"]}):
        assert_error(alice.post(TASKS, json=other), 409, "task_id_taken")


@pytest.mark.parametrize("priority", ["", "High", "highest", 1, 0, True, [], {}, ["high"]])
def test_what_is_none_of_the_five_is_refused(alice: Person, priority: Any) -> None:
    task = alice.creates()
    assert invalid_fields(alice.post(TASKS, json={"title": "x", "priority": priority})) == ["priority"]
    assert invalid_fields(alice.put(f"{TASKS}/{task['id']}", json={"title": "x", "priority": priority})) == ["priority"]
    assert invalid_fields(alice.patch(f"{TASKS}/{task['id']}", json={"priority": priority})) == ["priority"]
    assert alice.sees() == [task]
