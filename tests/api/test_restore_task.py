"""POST /tasks/{task_id}/restore: a deleted task comes back as it was, with what was deleted with it."""

from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.support.cast import Person
from tests.support.errors import assert_error, invalid_fields
from tests.support.lists import LISTS
from tests.support.stored import revision_of

TASKS = "/api/v1/tasks"
MOUNTS = (TASKS, "/api/v1/users/{user}/tasks")
at_every_mount = pytest.mark.parametrize("mount", MOUNTS)
WHOLE: dict[str, Any] = {
    "description": "two litres",
    "labels": ["shop", "Home"],
    "priority": "high",
    "due": {"date": "2027-01-05", "time": "09:00", "time_zone": "Europe/Berlin"},
    "start": {"date": "2027-01-04"},
    "reminders": [{"minutes_before": 10}],
    "recurrence": {"rule": "FREQ=DAILY"},
}


def lasting(task: dict[str, Any]) -> dict[str, Any]:
    """All of a task but what each write changes."""
    return {name: value for name, value in task.items() if name not in ("revision", "updated_at", "etag")}


def restored(who: Person, task: dict[str, Any]) -> dict[str, Any]:
    answer = who.post(f"{TASKS}/{task['id']}/restore")
    assert answer.status_code == 200, answer.text
    back: dict[str, Any] = answer.json()
    assert answer.headers["etag"] == back["etag"]
    assert who.get(f"{TASKS}/{back['id']}").json() == back
    return back


@at_every_mount
def test_it_comes_back_as_it_was_under_one_revision(alice: Person, mount: str, shared_database: str) -> None:
    first = alice.creates("first")
    task = alice.creates(list_id=alice.creates_list()["id"], **WHOLE)
    task = alice.post(f"{TASKS}/{task['id']}/complete").json()  # one occurrence
    alice.creates("last", list_id=task["list_id"])
    path = f"{mount.format(user=alice.id)}/{task['id']}"
    assert alice.delete(path).status_code == 204
    before = revision_of(shared_database, alice.id)
    answer = alice.post(f"{path}/restore")
    assert answer.status_code == 200, answer.text
    assert lasting(answer.json()) == lasting(task)
    assert answer.json()["revision"] == before + 1 == revision_of(shared_database, alice.id)
    assert answer.json()["updated_at"] > task["updated_at"]
    assert answer.headers["etag"] == answer.json()["etag"]
    assert [one["occurrence"] for one in alice.get(f"{TASKS}/{task['id']}/occurrences").json()["items"]] == ["2027-01-05"]
    assert [one["id"] for one in alice.sees(q="milk")] == [one["id"] for one in alice.sees(label="shop")] == [task["id"]]
    assert_error(alice.post(f"{path}/restore"), 404, "task_not_found")  # it is in the trash no more
    assert alice.get(f"{TASKS}/{first['id']}").json() == first


@at_every_mount
def test_nobody_restores_without_signing_in_and_no_stranger(
    anonymous: httpx.Client, alice: Person, bob: Person, mount: str
) -> None:
    task = alice.creates()
    alice.delete(f"{TASKS}/{task['id']}")
    path = f"{mount.format(user=alice.id)}/{task['id']}/restore"
    assert_error(anonymous.post(path), 401, "token_missing")
    assert_error(bob.post(path), 404, "user_not_found" if "users" in mount else "task_not_found")
    same = {"X-Request-Id": "same"}
    theirs, nobodys = (bob.post(f"{TASKS}/{one}/restore", headers=same) for one in (task["id"], uuid4()))
    assert theirs.content == nobodys.content
    assert alice.sees() == []
    assert invalid_fields(alice.post(f"{TASKS}/{task['id']}/restore?force=1")) == ["force"]


def test_a_condition_is_about_the_deleted_task(alice: Person) -> None:
    task = alice.creates()
    alice.delete(f"{TASKS}/{task['id']}")
    path = f"{TASKS}/{task['id']}/restore"
    current = assert_error(alice.post(path, headers={"If-Match": task["etag"]}), 412, "task_changed")["current"]
    assert lasting(current) == lasting(task)
    assert alice.sees() == []
    assert alice.post(path, headers={"If-Match": current["etag"]}).status_code == 200


def test_a_subtree_comes_back_with_its_top(alice: Person, shared_database: str) -> None:
    made = alice.creates_list()
    top = alice.creates("top", list_id=made["id"])
    middle = alice.creates("middle", parent_id=top["id"])
    leaf = alice.creates("leaf", parent_id=middle["id"])
    gone_before = alice.creates("gone before", parent_id=top["id"])
    alice.delete(f"{TASKS}/{gone_before['id']}")
    below = [middle, leaf]
    alice.delete(f"{TASKS}/{top['id']}")
    assert alice.sees() == []
    back = restored(alice, top)
    assert {one["revision"] for one in alice.sees()} == {back["revision"]} == {revision_of(shared_database, alice.id)}
    assert sorted(map(str, map(lasting, alice.sees()))) == sorted(map(str, map(lasting, [top, *below])))
    assert lasting(restored(alice, gone_before)) == lasting(gone_before)


def test_a_part_of_a_subtree_comes_back_by_itself_and_the_rest_without_it(alice: Person) -> None:
    top = alice.creates("top")
    middle = alice.creates("middle", parent_id=top["id"])
    leaf = alice.creates("leaf", parent_id=middle["id"])
    other = alice.creates("other", parent_id=top["id"])
    alice.delete(f"{TASKS}/{top['id']}")
    assert lasting(restored(alice, middle)) == lasting(middle) | {"parent_id": None}
    assert {one["id"]: one["parent_id"] for one in alice.sees()} == {middle["id"]: None, leaf["id"]: middle["id"]}
    restored(alice, top)
    assert {one["id"]: one["parent_id"] for one in alice.sees()} == {
        top["id"]: None,
        middle["id"]: None,
        leaf["id"]: middle["id"],
        other["id"]: top["id"],
    }


def test_where_its_list_is_gone_it_comes_back_to_the_inbox(alice: Person) -> None:
    made = alice.creates_list()
    by_itself, with_it = (alice.creates(name, list_id=made["id"]) for name in ("by itself", "with it"))
    subtask = alice.creates("below", parent_id=by_itself["id"])
    alice.delete(f"{TASKS}/{by_itself['id']}")
    alice.delete(f"{LISTS}/{made['id']}")
    for task in (by_itself, with_it):
        assert lasting(restored(alice, task)) == lasting(task) | {"list_id": None}
    assert lasting(alice.get(f"{TASKS}/{subtask['id']}").json()) == lasting(subtask) | {"list_id": None}
    assert len(alice.sees(list_id="inbox")) == 3
    assert alice.post(f"{LISTS}/{made['id']}/restore").status_code == 200
    assert alice.sees(list_id=made["id"]) == []


def test_it_comes_back_below_its_parent_wherever_that_is_by_now(alice: Person) -> None:
    first, second = alice.creates_list("first"), alice.creates_list("second")
    top = alice.creates("top", list_id=first["id"])
    task = alice.creates("task", parent_id=top["id"])
    alice.delete(f"{TASKS}/{task['id']}")
    alice.patch(f"{TASKS}/{top['id']}", json={"list_id": second["id"]})
    assert lasting(restored(alice, task)) == lasting(task) | {"list_id": second["id"]}
    alice.delete(f"{TASKS}/{task['id']}")
    alice.delete(f"{TASKS}/{top['id']}")
    assert lasting(restored(alice, task)) == lasting(task) | {"list_id": second["id"], "parent_id": None}


def test_where_its_tree_would_be_too_deep_it_comes_back_without_its_parent(alice: Person) -> None:
    parent = alice.creates("parent")
    task = alice.creates("task", parent_id=parent["id"])
    leaf = alice.creates("leaf", parent_id=task["id"])
    alice.delete(f"{TASKS}/{task['id']}")
    above = None
    for level in range(6):
        above = alice.creates(str(level), parent_id=above)["id"]
    alice.patch(f"{TASKS}/{parent['id']}", json={"parent_id": above})
    assert restored(alice, task)["parent_id"] is None
    assert alice.get(f"{TASKS}/{leaf['id']}").json()["parent_id"] == task["id"]


@pytest.mark.parametrize("meant", ["ids", "filter"])
def test_what_was_deleted_in_bulk_comes_back_one_by_one_with_what_is_below(alice: Person, meant: str) -> None:
    top, alone = alice.creates("top", priority="low"), alice.creates("alone", priority="low")
    child = alice.creates("child", parent_id=top["id"], priority="low")
    leaf = alice.creates("leaf", parent_id=child["id"])
    body = {"filter": {"priority": "low"}} if meant == "filter" else {"ids": [child["id"], alone["id"], top["id"]]}
    assert alice.post(f"{TASKS}/delete", json=body).json()["count"] == 4
    restored(alice, top)
    assert sorted(one["id"] for one in alice.sees()) == sorted(one["id"] for one in (top, child, leaf))
    assert lasting(restored(alice, alone)) == lasting(alone)


def test_whose_id_was_used_again_does_not_come_back_and_neither_does_anything_below_the_new_one(alice: Person) -> None:
    top = alice.creates("top")
    task = alice.creates("task", parent_id=top["id"])
    leaf = alice.creates("leaf", parent_id=task["id"])
    alice.delete(f"{TASKS}/{top['id']}")
    new = alice.put(f"{TASKS}/{task['id']}", json={"title": "new"}, headers={"If-None-Match": "*"}).json()
    assert_error(alice.post(f"{TASKS}/{task['id']}/restore"), 404, "task_not_found")
    restored(alice, top)
    assert {one["id"]: one["parent_id"] for one in alice.sees()} == dict.fromkeys((top["id"], new["id"], leaf["id"]))
    alice.delete(f"{TASKS}/{task['id']}")
    assert lasting(restored(alice, new)) == lasting(new)
