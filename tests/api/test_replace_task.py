"""PUT /tasks/{task_id}."""

from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.support.cast import Person
from tests.support.errors import assert_error, invalid_fields
from tests.support.mounts import at_every_mount, at_named_mounts, tasks_of
from tests.support.stored import revision_of
from tests.support.tags import of_another_epoch, of_revision, weak

NOTHING_THERE = {"If-None-Match": "*"}


@at_every_mount
def test_it_replaces_a_task_whole(alice: Person, mount: str) -> None:
    task = alice.creates(description="two litres", is_completed=True)
    path = f"{tasks_of(mount, alice.id)}/{task['id']}"
    answer = alice.put(path, json={"title": "buy oat milk"})
    replaced = answer.json()
    assert answer.status_code == 200
    assert replaced["revision"] == task["revision"] + 1
    assert replaced["updated_at"] > task["updated_at"]
    expected = {"title": "buy oat milk", "description": None, "is_completed": False, "completed_at": None}
    assert replaced == task | expected | {name: replaced[name] for name in ("revision", "updated_at", "etag")}
    assert alice.get(path).json() == replaced
    assert alice.get(path).headers["etag"] == answer.headers["etag"]


def test_replacing_by_the_same_changes_nothing(alice: Person, shared_database: str) -> None:
    task = alice.creates(description="two litres", is_completed=True)
    same = {name: task[name] for name in ("title", "description", "is_completed")}
    answer = alice.put(f"/api/v1/tasks/{task['id']}", json=same)
    assert (answer.status_code, answer.json()) == (200, task)
    assert revision_of(shared_database, alice.id) == task["revision"]


@at_every_mount
def test_nobody_replaces_without_signing_in(anonymous: httpx.Client, alice: Person, mount: str) -> None:
    task = alice.creates()
    assert_error(anonymous.put(f"{tasks_of(mount, alice.id)}/{task['id']}", json={"title": "x"}), 401, "token_missing")
    assert alice.sees() == [task]


@at_every_mount
def test_what_is_not_there_is_404_and_stays_so(alice: Person, mount: str) -> None:
    assert_error(alice.put(f"{tasks_of(mount, alice.id)}/{uuid4()}", json={"title": "x"}), 404, "task_not_found")
    assert alice.sees() == []


def test_a_stale_device_cannot_bring_a_deleted_task_back(alice: Person) -> None:
    path = f"/api/v1/tasks/{alice.creates()['id']}"
    tag = alice.get(path).headers["etag"]
    alice.delete(path)
    assert_error(alice.put(path, json={"title": "x"}), 404, "task_not_found")
    assert_error(alice.put(path, json={"title": "x"}, headers={"If-Match": tag}), 404, "task_not_found")
    assert_error(alice.put(path, json={"title": "x"}, headers={"If-Match": "*"}), 404, "task_not_found")
    assert alice.sees() == []


def test_a_stranger_replaces_nothing(alice: Person, bob: Person) -> None:
    task = alice.creates()
    assert_error(bob.put(f"/api/v1/tasks/{task['id']}", json={"title": "x"}), 404, "task_not_found")
    assert_error(bob.put(f"/api/v1/users/{alice.id}/tasks/{task['id']}", json={"title": "x"}), 404, "user_not_found")
    assert alice.sees() == [task]
    assert bob.sees() == []


@at_named_mounts
def test_an_administrator_replaces_and_places_by_the_owners_name(alice: Person, carol: Person, mount: str) -> None:
    task = alice.creates()
    tasks = tasks_of(mount, alice.id)
    assert carol.put(f"{tasks}/{task['id']}", json={"title": "by carol"}).status_code == 200
    placed = carol.put(f"{tasks}/{uuid4()}", json={"title": "placed"}, headers=NOTHING_THERE)
    assert (placed.status_code, placed.json()["user_id"]) == (201, str(alice.id))
    assert [task["title"] for task in alice.sees()] == ["placed", "by carol"]
    assert_error(carol.put(f"/api/v1/tasks/{task['id']}", json={"title": "x"}), 404, "task_not_found")
    nobody = tasks_of(mount, uuid4())
    assert_error(carol.put(f"{nobody}/{uuid4()}", json={"title": "x"}), 404, "user_not_found")
    assert_error(carol.put(f"{nobody}/{uuid4()}", json={"title": "x"}, headers=NOTHING_THERE), 404, "user_not_found")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "title"),
        ({"description": "only this"}, "title"),
        ({"title": None}, "title"),
        ({"title": "  "}, "title"),
        ({"title": "x" * 256}, "title"),
        ({"title": "x", "description": "x" * 16_385}, "description"),
        ({"title": "x", "is_completed": 0}, "is_completed"),
        ({"title": "x", "is_completed": None}, "is_completed"),
        ({"title": "x", "id": str(uuid4())}, "id"),
        ({"title": "x", "revision": "1"}, "revision"),
        ({"title": "x", "user_id": str(uuid4())}, "user_id"),
    ],
)
@pytest.mark.parametrize("condition", [{}, NOTHING_THERE])
def test_an_invalid_task_is_refused_with_the_name_of_the_field(
    alice: Person, body: dict[str, Any], field: str, condition: dict[str, str]
) -> None:
    task = alice.creates()
    path = f"/api/v1/tasks/{uuid4() if condition else task['id']}"
    assert invalid_fields(alice.put(path, json=body, headers=condition)) == [field]
    assert alice.sees() == [task]


def test_the_time_of_completion_is_that_of_the_first_completion(alice: Person) -> None:
    task = alice.creates()
    path = f"/api/v1/tasks/{task['id']}"
    completed = alice.put(path, json={"title": "x", "is_completed": True}).json()
    assert completed["completed_at"] == completed["updated_at"]
    renamed = alice.put(path, json={"title": "y", "is_completed": True}).json()
    assert renamed["completed_at"] == completed["completed_at"] < renamed["updated_at"]
    reopened = alice.put(path, json={"title": "y"}).json()
    assert (reopened["is_completed"], reopened["completed_at"]) == (False, None)


@pytest.mark.parametrize("form", ["{tag}", '"other", {tag}', "{tag}, {tag}", "*"])
def test_a_condition_that_holds_lets_it_happen(alice: Person, form: str) -> None:
    path = f"/api/v1/tasks/{alice.creates()['id']}"
    condition = form.format(tag=alice.get(path).headers["etag"])
    answer = alice.put(path, json={"title": "changed"}, headers={"If-Match": condition})
    assert (answer.status_code, answer.json()["title"]) == (200, "changed")


def test_a_condition_that_does_not_hold_shows_the_task_as_it_is(alice: Person) -> None:
    task = alice.creates()
    path = f"/api/v1/tasks/{task['id']}"
    stale = alice.get(path).headers["etag"]
    now = alice.patch(path, json={"title": "changed"}).json()
    current = alice.get(path).headers["etag"]
    for condition in (stale, weak(stale), of_another_epoch(current), of_revision(current, 99), '"x"', f'{stale}, W/"y"'):
        answer = alice.put(path, json={"title": "too late"}, headers={"If-Match": condition})
        assert assert_error(answer, 412, "task_changed") == {"current": now}
    assert alice.sees() == [now]


def test_a_stale_condition_holds_back_even_what_would_change_nothing(alice: Person) -> None:
    path = f"/api/v1/tasks/{alice.creates('x')['id']}"
    stale = alice.get(path).headers["etag"]
    alice.patch(path, json={"title": "y"})
    assert_error(alice.put(path, json={"title": "y"}, headers={"If-Match": stale}), 412, "task_changed")


@pytest.mark.parametrize("condition", ["", "abc", '"abc', '"a" "b"', '*, "a"'])
def test_a_malformed_condition_is_refused(alice: Person, condition: str) -> None:
    task = alice.creates()
    path = f"/api/v1/tasks/{task['id']}"
    assert invalid_fields(alice.put(path, json={"title": "x"}, headers={"If-Match": condition})) == ["if-match"]
    assert alice.sees() == [task]


# ---- If-None-Match: * ----------------------------------------------------------------------------------------------


@at_every_mount
def test_where_nothing_is_it_creates_if_asked_to(alice: Person, mount: str) -> None:
    path = f"{tasks_of(mount, alice.id)}/{uuid4()}"
    answer = alice.put(path, json={"title": "x", "is_completed": True}, headers=NOTHING_THERE)
    task = answer.json()
    assert answer.status_code == 201
    assert answer.headers["location"] == path == f"{tasks_of(mount, alice.id)}/{task['id']}"
    assert task["completed_at"] == task["created_at"] == task["updated_at"]
    assert task["revision"] == 1
    read = alice.get(path)
    assert (read.json(), read.headers["etag"]) == (task, answer.headers["etag"])


def test_where_a_task_is_it_does_not_create(alice: Person, shared_database: str) -> None:
    task = alice.creates()
    path = f"/api/v1/tasks/{task['id']}"
    for body in ({"title": "another"}, {"title": task["title"]}):
        assert assert_error(alice.put(path, json=body, headers=NOTHING_THERE), 412, "task_exists") == {"current": task}
    assert alice.sees() == [task]
    assert revision_of(shared_database, alice.id) == 1


def test_the_id_of_a_deleted_task_can_be_used_again(alice: Person) -> None:
    old = alice.creates("old", description="old", is_completed=True)
    path = f"/api/v1/tasks/{old['id']}"
    tag = alice.get(path).headers["etag"]
    alice.delete(path)
    answer = alice.put(path, json={"title": "new"}, headers=NOTHING_THERE)
    new = answer.json()
    assert answer.status_code == 201
    assert (new["title"], new["description"], new["completed_at"]) == ("new", None, None)
    assert new["created_at"] > old["created_at"]
    assert new["revision"] == old["revision"] + 2
    assert alice.sees() == [new]
    assert_error(alice.delete(path, headers={"If-Match": tag}), 412, "task_changed")


def test_another_users_id_does_not_stand_in_the_way(alice: Person, bob: Person) -> None:
    task = alice.creates("hers")
    path = f"/api/v1/tasks/{task['id']}"
    assert bob.put(path, json={"title": "his"}, headers=NOTHING_THERE).status_code == 201
    assert alice.get(path).json() == task


@pytest.mark.parametrize("condition", ['"abc"', "", "abc", "*, *", 'W/"x"'])
def test_only_a_star_can_ask_for_it(alice: Person, condition: str) -> None:
    path = f"/api/v1/tasks/{uuid4()}"
    assert invalid_fields(alice.put(path, json={"title": "x"}, headers={"If-None-Match": condition})) == ["if-none-match"]
    assert alice.sees() == []


def test_it_cannot_be_asked_both_ways(alice: Person) -> None:
    both = NOTHING_THERE | {"If-Match": "*"}
    assert invalid_fields(alice.put(f"/api/v1/tasks/{uuid4()}", json={"title": "x"}, headers=both)) == ["if-none-match"]
