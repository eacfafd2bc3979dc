"""DELETE /tasks/{task_id}."""

from uuid import uuid4

import httpx
import pytest

from tests.support import postgres
from tests.support.cast import Person
from tests.support.errors import assert_error, invalid_fields
from tests.support.mounts import at_every_mount, at_named_mounts, tasks_of
from tests.support.stored import revision_of
from tests.support.tags import of_another_epoch, weak


@at_every_mount
def test_it_deletes_a_task(alice: Person, mount: str) -> None:
    kept, task = alice.creates("kept"), alice.creates("gone")
    path = f"{tasks_of(mount, alice.id)}/{task['id']}"
    answer = alice.delete(path)
    assert (answer.status_code, answer.content) == (204, b"")
    assert "content-type" not in answer.headers
    assert "content-length" not in answer.headers
    assert_error(alice.get(path), 404, "task_not_found")
    assert alice.sees() == [kept]
    for filtered in ("true", "false"):
        assert task not in alice.sees(completed=filtered)


def test_a_second_time_there_is_nothing_to_delete(alice: Person, shared_database: str) -> None:
    path = f"/api/v1/tasks/{alice.creates()['id']}"
    alice.delete(path)
    assert_error(alice.delete(path), 404, "task_not_found")
    assert revision_of(shared_database, alice.id) == 2


def test_the_row_stays_for_those_who_ask_what_changed(alice: Person, shared_database: str) -> None:
    task = alice.creates()
    alice.delete(f"/api/v1/tasks/{task['id']}")
    rows = postgres.query(shared_database, "SELECT deleted_at, updated_at, revision FROM tasks WHERE user_id = $1", alice.id)
    assert [(row["revision"], row["deleted_at"] == row["updated_at"]) for row in rows] == [(2, True)]


@at_every_mount
def test_nobody_deletes_without_signing_in(anonymous: httpx.Client, alice: Person, mount: str) -> None:
    task = alice.creates()
    assert_error(anonymous.delete(f"{tasks_of(mount, alice.id)}/{task['id']}"), 401, "token_missing")
    assert alice.sees() == [task]


@at_every_mount
def test_what_is_not_there_is_404(alice: Person, mount: str) -> None:
    assert_error(alice.delete(f"{tasks_of(mount, alice.id)}/{uuid4()}"), 404, "task_not_found")


def test_a_stranger_deletes_nothing(alice: Person, bob: Person, shared_database: str) -> None:
    task = alice.creates()
    assert_error(bob.delete(f"/api/v1/tasks/{task['id']}"), 404, "task_not_found")
    assert_error(bob.delete(f"/api/v1/users/{alice.id}/tasks/{task['id']}"), 404, "user_not_found")
    assert alice.sees() == [task]
    assert revision_of(shared_database, bob.id) == 0


@at_named_mounts
def test_an_administrator_deletes_by_the_owners_name_alone(alice: Person, carol: Person, mount: str) -> None:
    task = alice.creates()
    assert_error(carol.delete(f"/api/v1/tasks/{task['id']}"), 404, "task_not_found")
    assert_error(carol.delete(f"{tasks_of(mount, uuid4())}/{task['id']}"), 404, "user_not_found")
    assert carol.delete(f"{tasks_of(mount, alice.id)}/{task['id']}").status_code == 204
    assert alice.sees() == []


@pytest.mark.parametrize("task_id", ["1", "abc", "%20"])
def test_an_id_that_is_none_is_refused(alice: Person, task_id: str) -> None:
    assert invalid_fields(alice.delete(f"/api/v1/tasks/{task_id}")) == ["task_id"]


def test_a_query_is_refused(alice: Person) -> None:
    task = alice.creates()
    assert invalid_fields(alice.delete(f"/api/v1/tasks/{task['id']}?force=1")) == ["force"]
    assert alice.sees() == [task]


@pytest.mark.parametrize("form", ["{tag}", '"other", {tag}', "*"])
def test_a_condition_that_holds_lets_it_happen(alice: Person, form: str) -> None:
    path = f"/api/v1/tasks/{alice.creates()['id']}"
    condition = form.format(tag=alice.get(path).headers["etag"])
    assert alice.delete(path, headers={"If-Match": condition}).status_code == 204
    assert alice.sees() == []


def test_a_condition_that_does_not_hold_shows_the_task_as_it_is(alice: Person) -> None:
    path = f"/api/v1/tasks/{alice.creates()['id']}"
    stale = alice.get(path).headers["etag"]
    now = alice.patch(path, json={"title": "changed"}).json()
    current = alice.get(path).headers["etag"]
    for condition in (stale, weak(stale), of_another_epoch(current), '"x"'):
        assert assert_error(alice.delete(path, headers={"If-Match": condition}), 412, "task_changed") == {"current": now}
    assert alice.sees() == [now]


@pytest.mark.parametrize("condition", ["", "abc", '"abc', '"a" "b"', '*, "a"'])
def test_a_malformed_condition_is_refused(alice: Person, condition: str) -> None:
    task = alice.creates()
    assert invalid_fields(alice.delete(f"/api/v1/tasks/{task['id']}", headers={"If-Match": condition})) == ["if-match"]
    assert alice.sees() == [task]
