"""PATCH /tasks/{task_id}: JSON Merge Patch (RFC 7396)."""

import json
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.support.cast import Person
from tests.support.errors import assert_error, invalid_fields
from tests.support.mounts import at_every_mount, at_named_mounts, tasks_of
from tests.support.stored import revision_of
from tests.support.tags import never_given, of_another_epoch, of_revision, weak

IS_JSON = {"Content-Type": "application/json"}


@at_every_mount
@pytest.mark.parametrize(
    "change", [{"title": "new"}, {"description": "new"}, {"description": None}, {"title": "n", "description": "d"}]
)
def test_it_changes_what_is_given_and_nothing_else(alice: Person, mount: str, change: dict[str, Any]) -> None:
    task = alice.creates(description="old", is_completed=True)
    path = f"{tasks_of(mount, alice.id)}/{task['id']}"
    answer = alice.patch(path, json=change)
    changed = answer.json()
    assert answer.status_code == 200
    assert changed["revision"] == task["revision"] + 1
    assert changed["updated_at"] > task["updated_at"]
    assert changed == task | change | {name: changed[name] for name in ("revision", "updated_at", "etag")}
    read = alice.get(path)
    assert (read.json(), read.headers["etag"]) == (changed, answer.headers["etag"])


def test_a_merge_patch_may_say_that_it_is_one(alice: Person) -> None:
    path = f"/api/v1/tasks/{alice.creates()['id']}"
    headers = {"Content-Type": "application/merge-patch+json"}
    assert alice.patch(path, content=b'{"title":"y"}', headers=headers).json()["title"] == "y"


def test_null_clears_and_absent_leaves_alone(alice: Person) -> None:
    path = f"/api/v1/tasks/{alice.creates(description='old')['id']}"
    assert alice.patch(path, json={"title": "t"}).json()["description"] == "old"
    assert alice.patch(path, json={"description": None}).json()["description"] is None
    assert alice.patch(path, json={"description": ""}).json()["description"] == ""


@pytest.mark.parametrize(
    "change",
    [{}, {"title": "buy milk"}, {"description": None}, {"is_completed": False}, {"title": "buy milk", "description": None}],
)
def test_a_patch_that_changes_nothing_takes_no_revision(alice: Person, shared_database: str, change: dict[str, Any]) -> None:
    task = alice.creates()
    tag = alice.get("/api/v1/tasks").headers["etag"]
    answer = alice.patch(f"/api/v1/tasks/{task['id']}", json=change)
    assert (answer.status_code, answer.json()) == (200, task)
    assert revision_of(shared_database, alice.id) == 1
    assert alice.get("/api/v1/tasks").headers["etag"] == tag


def test_completing_sets_the_time_and_reopening_clears_it(alice: Person) -> None:
    path = f"/api/v1/tasks/{alice.creates()['id']}"
    completed = alice.patch(path, json={"is_completed": True}).json()
    assert completed["completed_at"] == completed["updated_at"] > completed["created_at"]
    reopened = alice.patch(path, json={"is_completed": False}).json()
    assert reopened["completed_at"] is None
    again = alice.patch(path, json={"is_completed": True}).json()
    assert again["completed_at"] > completed["completed_at"]


def test_renaming_a_completed_task_does_not_complete_it_again(alice: Person, shared_database: str) -> None:
    task = alice.creates(is_completed=True)
    path = f"/api/v1/tasks/{task['id']}"
    assert alice.patch(path, json={"title": "y"}).json()["completed_at"] == task["completed_at"]
    assert alice.patch(path, json={"title": "z", "is_completed": True}).json()["completed_at"] == task["completed_at"]
    assert alice.patch(path, json={"is_completed": True}).json()["completed_at"] == task["completed_at"]
    assert revision_of(shared_database, alice.id) == 3


@at_every_mount
def test_nobody_changes_without_signing_in(anonymous: httpx.Client, alice: Person, mount: str) -> None:
    task = alice.creates()
    assert_error(anonymous.patch(f"{tasks_of(mount, alice.id)}/{task['id']}", json={"title": "x"}), 401, "token_missing")
    assert alice.sees() == [task]


@at_every_mount
def test_what_is_not_there_is_404(alice: Person, mount: str) -> None:
    assert_error(alice.patch(f"{tasks_of(mount, alice.id)}/{uuid4()}", json={"title": "x"}), 404, "task_not_found")
    assert_error(alice.patch(f"{tasks_of(mount, alice.id)}/{uuid4()}", json={}), 404, "task_not_found")


def test_a_deleted_task_is_not_there(alice: Person, shared_database: str) -> None:
    path = f"/api/v1/tasks/{alice.creates()['id']}"
    alice.delete(path)
    assert_error(alice.patch(path, json={"title": "x"}), 404, "task_not_found")
    assert revision_of(shared_database, alice.id) == 2


def test_a_stranger_changes_nothing(alice: Person, bob: Person, shared_database: str) -> None:
    task = alice.creates()
    assert_error(bob.patch(f"/api/v1/tasks/{task['id']}", json={"title": "x"}), 404, "task_not_found")
    assert_error(bob.patch(f"/users/{alice.id}/tasks/{task['id']}", json={"title": "x"}), 404, "user_not_found")
    assert alice.sees() == [task]
    assert revision_of(shared_database, bob.id) == 0


@at_named_mounts
def test_an_administrator_changes_by_the_owners_name_alone(alice: Person, carol: Person, mount: str) -> None:
    task = alice.creates()
    answer = carol.patch(f"{tasks_of(mount, alice.id)}/{task['id']}", json={"title": "by carol"})
    assert (answer.status_code, alice.sees()) == (200, [answer.json()])
    assert_error(carol.patch(f"/api/v1/tasks/{task['id']}", json={"title": "x"}), 404, "task_not_found")
    assert_error(carol.patch(f"{tasks_of(mount, uuid4())}/{task['id']}", json={"title": "x"}), 404, "user_not_found")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"title": None}, "title"),
        ({"title": ""}, "title"),
        ({"title": " "}, "title"),
        ({"title": "x" * 256}, "title"),
        ({"title": 1}, "title"),
        ({"description": "x" * 16_385}, "description"),
        ({"description": ["x"]}, "description"),
        ({"is_completed": None}, "is_completed"),
        ({"is_completed": "true"}, "is_completed"),
        ({"is_completed": 1}, "is_completed"),
        ({"title": "x", "id": str(uuid4())}, "id"),
        ({"title": "x", "user_id": str(uuid4())}, "user_id"),
        ({"revision": "1"}, "revision"),
        ({"title": "x", "completed_at": "2020-01-01T00:00:00Z"}, "completed_at"),
        # By itself as well: it would seem to be set.
        ({"id": str(uuid4())}, "id"),
        ({"user_id": str(uuid4())}, "user_id"),
        ({"completed_at": "2020-01-01T00:00:00Z"}, "completed_at"),
        ({"created_at": "2020-01-01T00:00:00Z"}, "created_at"),
        ({"deleted_at": None}, "deleted_at"),
        ([], None),
        ([{"op": "replace", "path": "/title", "value": "x"}], None),
        ("x", None),
        (None, None),
    ],
)
def test_an_invalid_patch_is_refused_with_the_name_of_the_field(alice: Person, body: Any, field: str | None) -> None:
    task = alice.creates()
    assert invalid_fields(alice.patch(f"/api/v1/tasks/{task['id']}", content=json.dumps(body), headers=IS_JSON)) == [field]
    assert alice.sees() == [task]


@pytest.mark.parametrize("form", ["{tag}", '"other", {tag}', "{tag} , W/{tag}", "*"])
def test_a_condition_that_holds_lets_it_happen(alice: Person, form: str) -> None:
    path = f"/api/v1/tasks/{alice.creates()['id']}"
    condition = form.format(tag=alice.get(path).headers["etag"])
    answer = alice.patch(path, json={"title": "changed"}, headers={"If-Match": condition})
    assert (answer.status_code, answer.json()["title"]) == (200, "changed")


def test_a_condition_that_does_not_hold_shows_the_task_as_it_is(alice: Person, shared_database: str) -> None:
    path = f"/api/v1/tasks/{alice.creates()['id']}"
    stale = alice.get(path).headers["etag"]
    now = alice.patch(path, json={"title": "changed"}).json()
    current = alice.get(path).headers["etag"]
    for condition in (stale, weak(stale), of_another_epoch(current), of_revision(current, 10**30), '"x"', '""'):
        answer = alice.patch(path, json={"title": "too late"}, headers={"If-Match": condition})
        assert assert_error(answer, 412, "task_changed") == {"current": now}
    assert revision_of(shared_database, alice.id) == 2


def test_a_tag_that_was_never_given_holds_for_nothing(alice: Person) -> None:
    task = alice.creates()
    path = f"/api/v1/tasks/{task['id']}"
    for condition in never_given(alice.get(path).headers["etag"]):
        for answer in (
            alice.patch(path, json={"title": "y"}, headers={"If-Match": condition}),
            alice.put(path, json={"title": "y"}, headers={"If-Match": condition}),
            alice.delete(path, headers={"If-Match": condition}),
        ):
            assert answer.status_code == 412, condition
    assert alice.sees() == [task]


def test_the_tag_that_comes_with_the_answer_serves_for_the_next_change(alice: Person) -> None:
    path = f"/api/v1/tasks/{alice.creates()['id']}"
    tag = alice.get(path).headers["etag"]
    for title in ("one", "two", "three"):
        answer = alice.patch(path, json={"title": title}, headers={"If-Match": tag})
        assert answer.status_code == 200
        tag = answer.headers["etag"]


@pytest.mark.parametrize("condition", ["", "abc", '"abc', '"a" "b"', '*, "a"', 'w/"a"'])
def test_a_malformed_condition_is_refused(alice: Person, condition: str) -> None:
    task = alice.creates()
    path = f"/api/v1/tasks/{task['id']}"
    assert invalid_fields(alice.patch(path, json={"title": "x"}, headers={"If-Match": condition})) == ["if-match"]
    assert alice.sees() == [task]
