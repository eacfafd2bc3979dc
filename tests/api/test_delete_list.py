"""DELETE /lists/{list_id}: the list goes, and its tasks with it."""

from typing import Any
from uuid import UUID, uuid4

import httpx

from tests.support import postgres
from tests.support.cast import Person
from tests.support.errors import assert_error
from tests.support.lists import LISTS, at_every_list_mount, at_named_list_mounts
from tests.support.mounts import tasks_of
from tests.support.stored import revision_of


@at_every_list_mount
def test_it_deletes_a_list_with_its_tasks_and_nothing_else(alice: Person, mount: str) -> None:
    made, other = alice.creates_list(), alice.creates_list("other")
    tasks = [alice.creates(str(number), list_id=made["id"], is_completed=number == 1) for number in range(3)]
    kept = [alice.creates("in the inbox"), alice.creates("elsewhere", list_id=other["id"])]
    path = f"{tasks_of(mount, alice.id)}/{made['id']}"
    answer = alice.delete(path)
    assert (answer.status_code, answer.content) == (204, b"")
    assert_error(alice.get(path), 404, "list_not_found")
    assert_error(alice.delete(path), 404, "list_not_found")
    for task in tasks:
        assert_error(alice.get(f"/api/v1/tasks/{task['id']}"), 404, "task_not_found")
    assert alice.sees(order="oldest") == kept
    assert alice.lists() == [other]


def test_all_of_it_is_one_revision_and_says_what_went_with_the_list(alice: Person, shared_database: str) -> None:
    made = alice.creates_list()
    gone_before = alice.creates("gone before", list_id=made["id"])
    alice.delete(f"/api/v1/tasks/{gone_before['id']}")
    task = alice.creates("with it", list_id=made["id"])
    assert alice.delete(f"{LISTS}/{made['id']}").status_code == 204
    assert revision_of(shared_database, alice.id) == 5
    rows = postgres.query(
        shared_database,
        "SELECT id, revision, deleted_with, deleted_at, updated_at, list_id FROM tasks WHERE user_id = $1",
        alice.id,
    )
    (deleted,) = postgres.query(shared_database, "SELECT revision, deleted_at FROM lists WHERE user_id = $1", alice.id)
    found = {str(row["id"]): row for row in rows}
    assert (found[task["id"]]["revision"], found[task["id"]]["deleted_with"]) == (deleted["revision"], UUID(made["id"]))
    assert found[task["id"]]["deleted_at"] == found[task["id"]]["updated_at"] == deleted["deleted_at"]
    assert (found[gone_before["id"]]["revision"], found[gone_before["id"]]["deleted_with"]) == (3, None)
    assert {row["list_id"] for row in rows} == {UUID(made["id"])}


@at_every_list_mount
def test_nobody_deletes_without_signing_in(anonymous: httpx.Client, alice: Person, mount: str) -> None:
    made = alice.creates_list()
    assert_error(anonymous.delete(f"{tasks_of(mount, alice.id)}/{made['id']}"), 401, "token_missing")
    assert alice.lists() == [made]


@at_every_list_mount
def test_what_is_not_there_is_404(alice: Person, mount: str) -> None:
    task = alice.creates()
    for list_id in (uuid4(), task["id"]):
        assert_error(alice.delete(f"{tasks_of(mount, alice.id)}/{list_id}"), 404, "list_not_found")
    assert alice.sees() == [task]


def test_a_stranger_deletes_nothing(alice: Person, bob: Person) -> None:
    made = alice.creates_list()
    task = alice.creates(list_id=made["id"])
    assert_error(bob.delete(f"{LISTS}/{made['id']}"), 404, "list_not_found")
    assert_error(bob.delete(f"/api/v1/users/{alice.id}/lists/{made['id']}"), 404, "user_not_found")
    assert (alice.lists(), alice.sees()) == ([made], [task])


def test_a_list_of_the_same_id_loses_nothing_to_another_user(alice: Person, bob: Person) -> None:
    list_id = str(uuid4())
    for somebody in (alice, bob):
        somebody.creates_list(id=list_id)
        somebody.creates(list_id=list_id)
    assert bob.delete(f"{LISTS}/{list_id}").status_code == 204
    assert (len(alice.lists()), len(alice.sees()), bob.sees()) == (1, 1, [])


@at_named_list_mounts
def test_an_administrator_deletes_by_the_owners_name(alice: Person, carol: Person, mount: str) -> None:
    made = alice.creates_list()
    assert carol.delete(f"{tasks_of(mount, alice.id)}/{made['id']}").status_code == 204
    assert alice.lists() == []


def test_it_is_deleted_only_as_long_as_it_is_what_the_client_has_seen(alice: Person, shared_database: str) -> None:
    made = alice.creates_list()
    task = alice.creates(list_id=made["id"])
    path = f"{LISTS}/{made['id']}"
    now: dict[str, Any] = alice.patch(path, json={"name": "y"}).json()
    late = alice.delete(path, headers={"If-Match": made["etag"]})
    assert assert_error(late, 412, "list_changed") == {"current": now}
    assert alice.sees() == [task]
    assert revision_of(shared_database, alice.id) == 3
    assert alice.delete(path, headers={"If-Match": now["etag"]}).status_code == 204
    assert alice.sees() == []


def test_a_list_of_many_tasks_goes_whole(alice: Person, shared_database: str) -> None:
    made = alice.creates_list()
    many = "INSERT INTO tasks (user_id, id, title, is_completed, list_id, created_at, updated_at, revision)"
    many += " SELECT $1, gen_random_uuid(), 'x', false, $2, now(), now(), 1 FROM generate_series(1, 3000)"
    postgres.query(shared_database, many, alice.id, UUID(made["id"]))
    assert alice.delete(f"{LISTS}/{made['id']}").status_code == 204
    assert alice.sees() == []


def test_who_uses_the_id_again_begins_with_an_empty_list(alice: Person) -> None:
    made = alice.creates_list()
    alice.creates(list_id=made["id"])
    alice.delete(f"{LISTS}/{made['id']}")
    answer = alice.put(f"{LISTS}/{made['id']}", json={"name": "again"}, headers={"If-None-Match": "*"})
    assert answer.status_code == 201
    assert alice.sees(list_id=made["id"]) == alice.sees() == []
