"""`position` of tasks and lists: where a record stands among its siblings, as a client with a library of its own may say."""

from typing import Any
from uuid import uuid4

import pytest

from tests.support import postgres
from tests.support.cast import Person
from tests.support.errors import assert_error, invalid_fields
from tests.support.stored import revision_of

TASKS, LISTS = "/api/v1/tasks", "/api/v1/lists"
NEW: dict[str, dict[str, Any]] = {TASKS: {"title": "x"}, LISTS: {"name": "x"}}
NOTHING_THERE = {"If-None-Match": "*"}
of_both = pytest.mark.parametrize("path", NEW)


def creates(person: Person, path: str, **more: Any) -> dict[str, Any]:
    answer = person.post(path, json=NEW[path] | more)
    assert answer.status_code == 201, answer.text
    record: dict[str, Any] = answer.json()
    return record


@of_both
def test_a_new_record_is_the_last_however_many_there_are(alice: Person, path: str, shared_database: str) -> None:
    positions = [creates(alice, path, **more)["position"] for more in ({}, {"id": str(uuid4())}, {}, {"position": None})]
    for revision in (13, 30, 253, 4094, 2**31, 2**62):
        postgres.query(shared_database, "UPDATE users SET revision = $2 WHERE id = $1", alice.id, revision)
        positions.append(creates(alice, path)["position"])
        positions.append(creates(alice, path, id=str(uuid4()))["position"])
        placed = alice.put(f"{path}/{uuid4()}", json=NEW[path], headers=NOTHING_THERE)
        positions.append(placed.json()["position"])
    assert positions == sorted(set(positions))
    assert all(position > "h" and len(position) <= 18 and position[-1] != "0" for position in positions)


@of_both
def test_a_record_of_before_stands_before_all_that_came_later(alice: Person, path: str, shared_database: str) -> None:
    made = creates(alice, path)
    table = path.rpartition("/")[2]
    postgres.query(shared_database, f"UPDATE {table} SET position = DEFAULT WHERE user_id = $1", alice.id)
    assert alice.get(f"{path}/{made['id']}").json()["position"] == "h" < creates(alice, path)["position"]


@of_both
@pytest.mark.parametrize("position", ["1", "h", "0a", "i1hh", "z" * 64])
def test_a_position_is_given_and_changed_and_comes_back(alice: Person, path: str, position: str) -> None:
    assert creates(alice, path, position=position)["position"] == position
    assert alice.put(f"{path}/{uuid4()}", json=NEW[path] | {"position": position}, headers=NOTHING_THERE).json()["position"] == (
        position
    )
    made = creates(alice, path)
    address = f"{path}/{made['id']}"
    changed = alice.patch(address, json={"position": position}).json()
    assert changed["position"] == position
    assert alice.patch(address, json={"position": position}).json() == changed
    assert alice.put(address, json=NEW[path]).json() == changed, "an old client loses nothing"
    assert alice.put(address, json=changed).json() == changed
    assert alice.put(address, json=NEW[path] | {"position": "a"}).json()["position"] == "a"


@of_both
@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_null_puts_it_behind_all_others(alice: Person, path: str, method: str) -> None:
    first, last = creates(alice, path, position="a"), creates(alice, path)
    address = f"{path}/{first['id']}"
    moved = alice.request(method, address, json=(NEW[path] if method == "PUT" else {}) | {"position": None}).json()
    assert moved["position"] > last["position"]
    assert moved["revision"] == last["revision"] + 1
    assert alice.request(method, address, json=moved | {"position": None}).json()["position"] > moved["position"]


@of_both
@pytest.mark.parametrize("position", ["", "0", "a0", "A", "a-", "ä", " a", "a\n", "\x00", "z" * 65, 1, True, [], {}])
def test_what_is_no_position_is_refused(alice: Person, path: str, position: Any) -> None:
    made = creates(alice, path)
    address, body = f"{path}/{made['id']}", {"position": position}
    assert invalid_fields(alice.post(path, json=NEW[path] | body)) == ["position"]
    assert invalid_fields(alice.put(address, json=NEW[path] | body)) == ["position"]
    assert invalid_fields(alice.patch(address, json=body)) == ["position"]
    assert alice.get(address).json() == made


@of_both
def test_a_repeated_creation_finds_the_record_whatever_its_position_is_now(alice: Person, path: str) -> None:
    body = NEW[path] | {"id": str(uuid4())}
    code = "task_id_taken" if path == TASKS else "list_id_taken"
    made = alice.post(path, json=body)
    again = alice.post(path, json=body)
    assert (made.status_code, again.status_code, again.json()) == (201, 200, made.json())
    moved = alice.patch(f"{path}/{body['id']}", json={"position": "a"}).json()
    for same in (body, body | {"position": None}, body | {"position": "a"}):
        answer = alice.post(path, json=same)
        assert (answer.status_code, answer.json()) == (200, moved)
    assert_error(alice.post(path, json=body | {"position": "b"}), 409, code)


def test_a_task_that_comes_into_a_list_is_the_last_there(alice: Person, shared_database: str) -> None:
    made = alice.creates_list()
    task, last = alice.creates(), alice.creates(list_id=made["id"])
    path = f"{TASKS}/{task['id']}"
    moved = alice.patch(path, json={"list_id": made["id"]}).json()
    assert moved["position"] > last["position"]
    assert alice.patch(path, json={"list_id": made["id"], "title": "y"}).json()["position"] == moved["position"]
    back = alice.put(path, json=alice.get(path).json() | {"list_id": None}).json()
    assert back["position"] > moved["position"]
    chosen = alice.patch(path, json={"list_id": made["id"], "position": "a"}).json()
    assert (chosen["list_id"], chosen["position"]) == (made["id"], "a")
    assert revision_of(shared_database, alice.id) == chosen["revision"]


def test_the_lists_that_one_user_can_have_are_counted_whatever_is_said(alice: Person, shared_database: str) -> None:
    some = (
        "INSERT INTO lists (user_id, id, name, is_archived, created_at, updated_at, revision)"
        " SELECT $1, gen_random_uuid(), 'x', false, now(), now(), 1 FROM generate_series(1, 500)"
    )
    postgres.query(shared_database, some, alice.id)
    for body in ({"position": "a"}, {"position": "a", "id": str(uuid4())}):
        assert_error(alice.post(LISTS, json=NEW[LISTS] | body), 409, "too_many_lists")
