"""POST /tasks/{task_id}/move and POST /lists/{list_id}/move."""

import random
from typing import Any
from uuid import uuid4

import httpx
import pytest

from taskwell.types import POSITION_LENGTH
from tests.support import postgres
from tests.support.cast import Person
from tests.support.errors import assert_error, invalid_fields
from tests.support.lists import LISTS, unknown_references
from tests.support.stored import revision_of

TASKS = "/api/v1/tasks"
NEW = {TASKS: {"title": "x"}, LISTS: {"name": "x"}}
of_both = pytest.mark.parametrize("path", NEW)
Record = dict[str, Any]


def creates(person: Person, path: str, **more: Any) -> Record:
    answer = person.post(path, json=NEW[path] | more)
    assert answer.status_code == 201, answer.text
    record: Record = answer.json()
    return record


def row(person: Person, path: str, **where: Any) -> list[str]:
    """The ids of the siblings, in their order."""
    records = person.sees(**where) if path == TASKS else person.lists()
    return [record["id"] for record in sorted(records, key=lambda record: (record["position"], record["id"]))]


def moves(person: Person, path: str, record_id: str, **where: Any) -> Record:
    answer = person.post(f"{path}/{record_id}/move", json=where)
    assert answer.status_code == 200, answer.text
    record: Record = answer.json()
    assert answer.headers["etag"] == record["etag"]
    return record


@of_both
def test_it_goes_before_or_after_a_sibling_or_to_the_end(alice: Person, path: str, shared_database: str) -> None:
    one, two, three, four = (creates(alice, path)["id"] for _ in range(4))
    others = {record: alice.get(f"{path}/{record}").json() for record in (one, two, three)}
    for where, expected in (
        ({"before": one}, [four, one, two, three]),
        ({"after": one}, [one, four, two, three]),
        ({"after": three}, [one, two, three, four]),
        ({"before": three}, [one, two, four, three]),
        ({}, [one, two, three, four]),
        ({"before": two, "after": None}, [one, four, two, three]),
    ):
        moved = moves(alice, path, four, **where)
        assert row(alice, path) == expected
        assert moved["revision"] == revision_of(shared_database, alice.id)
        assert {record: alice.get(f"{path}/{record}").json() for record in others} == others, "no other is renumbered"
    new = creates(alice, path)["id"]
    assert row(alice, path)[-1] == new


@of_both
def test_a_move_that_has_been_made_changes_nothing(alice: Person, path: str, shared_database: str) -> None:
    one, two, three = (creates(alice, path)["id"] for _ in range(3))
    for where in ({"before": two}, {"after": two}, {}):
        moved = moves(alice, path, three, **where)
        before = revision_of(shared_database, alice.id)
        for _ in range(3):
            assert moves(alice, path, three, **where) == moved
        assert revision_of(shared_database, alice.id) == before
    assert moves(alice, path, one, before=two)["revision"] == 1


@of_both
def test_records_of_before_are_spread_where_one_is_moved_among_them(alice: Person, path: str, shared_database: str) -> None:
    """All their positions are equal, and they are in the order of their ids."""
    ids = sorted(creates(alice, path)["id"] for _ in range(5))
    table = path.rpartition("/")[2]
    postgres.query(shared_database, f"UPDATE {table} SET position = DEFAULT WHERE user_id = $1", alice.id)
    assert row(alice, path) == ids
    moved = moves(alice, path, ids[4], after=ids[1])
    assert row(alice, path) == [ids[0], ids[1], ids[4], ids[2], ids[3]]
    records = [alice.get(f"{path}/{record}").json() for record in ids]
    assert {record["revision"] for record in records} == {moved["revision"]} == {revision_of(shared_database, alice.id)}
    assert all(record["position"] < "h" for record in records)
    assert row(alice, path)[-1] == ids[3] != creates(alice, path)["id"] == row(alice, path)[-1]


@of_both
def test_hundreds_of_moves_between_the_same_two_stay_right(alice: Person, path: str, shared_database: str) -> None:
    first, last, *some = (creates(alice, path)["id"] for _ in range(5))
    moves(alice, path, last)
    order = [*some]
    chance = random.Random(12)
    stands = f"SELECT position, revision FROM {path.rpartition('/')[2]} WHERE user_id = $1"
    spread = 0
    for _ in range(700):
        mover = chance.choice([one for one in some if one != order[0]])
        order = [mover, *(one for one in order if one != mover)]
        moved = moves(alice, path, mover, after=first)
        rows = postgres.query(shared_database, stands, alice.id)
        spread += sum(stored["revision"] == moved["revision"] for stored in rows) > 1
        assert max(len(stored["position"]) for stored in rows) < POSITION_LENGTH
    assert row(alice, path) == [first, *order, last]
    assert 1 <= spread <= 4, "others are renumbered where there is no room, and not else"
    assert revision_of(shared_database, alice.id) == moved["revision"]


def test_a_key_of_the_clients_own_at_the_very_end_leaves_room(alice: Person) -> None:
    last = alice.creates(position="z" * POSITION_LENGTH)["id"]
    task = alice.creates()["id"]
    moves(alice, TASKS, task)
    assert row(alice, TASKS) == [last, task]
    first = alice.creates(position="0" * (POSITION_LENGTH - 1) + "1")["id"]
    moves(alice, TASKS, task, before=first)
    assert row(alice, TASKS) == [task, first, last]


def test_a_task_goes_into_a_list_and_below_another_task_at_the_named_place(alice: Person) -> None:
    made = alice.creates_list()["id"]
    one, two = (alice.creates(list_id=made)["id"] for _ in range(2))
    task, below = alice.creates(), alice.creates()
    alice.patch(f"{TASKS}/{below['id']}", json={"parent_id": task["id"]})
    moved = moves(alice, TASKS, task["id"], list_id=made, before=two)
    assert (moved["list_id"], row(alice, TASKS, list_id=made)[:1]) == (made, [one])
    along = alice.get(f"{TASKS}/{below['id']}").json()
    assert (along["list_id"], along["revision"], along["parent_id"]) == (made, moved["revision"], task["id"])
    siblings = [record for record in row(alice, TASKS, list_id=made) if record != below["id"]]
    assert siblings == [one, task["id"], two]
    nested = moves(alice, TASKS, two, parent_id=task["id"], before=below["id"])
    assert (nested["parent_id"], nested["position"] < along["position"]) == (task["id"], True)
    assert unknown_references(alice.post(f"{TASKS}/{two}/move", json={"after": one})) == [("body", "after")], "no sibling now"
    back = moves(alice, TASKS, two, parent_id=None, after=one)
    assert (back["parent_id"], back["list_id"]) == (None, made)
    in_inbox = moves(alice, TASKS, two, list_id=None)
    assert in_inbox["list_id"] is None
    elsewhere = alice.creates(list_id=made)
    same = moves(alice, TASKS, elsewhere["id"], list_id=None, after=in_inbox["id"])
    assert (same["list_id"], same["position"] > in_inbox["position"]) == (None, True)


def test_a_place_that_is_the_same_key_in_another_list_is_taken(alice: Person) -> None:
    """The key that fits there is the one that the task has, and still it is meant."""
    made = alice.creates_list()["id"]
    one, two = alice.creates(list_id=made, position="1")["id"], alice.creates(list_id=made, position="3")["id"]
    task = alice.creates(position="2")["id"]
    moves(alice, TASKS, task, list_id=made, after=one)
    assert row(alice, TASKS, list_id=made) == [one, task, two]


def test_a_place_that_is_the_same_key_is_spread_where_another_one_would_be_too_long(alice: Person) -> None:
    made, near = alice.creates_list()["id"], "a" * (POSITION_LENGTH - 2)
    one, two = (alice.creates(list_id=made, position=near + end)["id"] for end in ("1z", "3"))
    task = alice.creates(position=near + "2")["id"]
    moves(alice, TASKS, task, list_id=made, after=one)
    assert row(alice, TASKS, list_id=made) == [one, task, two]


def test_a_move_is_refused_where_a_change_is(alice: Person) -> None:
    parent = alice.creates()
    task = alice.creates(parent_id=parent["id"])
    path = f"{TASKS}/{parent['id']}/move"
    assert_error(alice.post(path, json={"parent_id": task["id"]}), 409, "below_itself")
    assert_error(alice.post(path, json={"parent_id": parent["id"]}), 409, "below_itself")
    for field in ("list_id", "parent_id", "before", "after"):
        assert unknown_references(alice.post(path, json={field: str(uuid4())})) == [("body", field)]
    body = {"parent_id": task["id"], "list_id": alice.creates_list()["id"]}
    assert invalid_fields(alice.post(f"{TASKS}/{alice.creates()['id']}/move", json=body)) == ["list_id"]
    assert alice.get(f"{TASKS}/{parent['id']}").json() == parent


@of_both
def test_a_neighbour_that_is_no_sibling_is_unknown(alice: Person, bob: Person, path: str, shared_database: str) -> None:
    """Another's, missing, deleted, of another kind, or the record itself: the same, to the byte."""
    record, deleted = creates(alice, path)["id"], creates(alice, path)["id"]
    alice.delete(f"{path}/{deleted}")
    other_kind = creates(alice, LISTS if path == TASKS else TASKS)["id"]
    in_a_list = alice.creates(list_id=alice.creates_list()["id"])["id"]
    before = revision_of(shared_database, alice.id)
    for side in ("before", "after"):
        answers = [
            alice.post(f"{path}/{record}/move", json={side: neighbour}, headers={"X-Request-Id": "x"})
            for neighbour in (str(uuid4()), deleted, creates(bob, path)["id"], other_kind, record, in_a_list)
        ]
        for answer in answers:
            assert unknown_references(answer) == [("body", side)]
            assert answer.content == answers[0].content
    assert revision_of(shared_database, alice.id) == before


@of_both
def test_it_is_moved_only_as_it_is_known(alice: Person, path: str) -> None:
    one, two = creates(alice, path), creates(alice, path)
    address = f"{path}/{one['id']}/move"
    code = "task_changed" if path == TASKS else "list_changed"
    for tag in (two["etag"], '"stale"'):
        assert assert_error(alice.post(address, json={}, headers={"If-Match": tag}), 412, code) == {"current": one}
    moved = alice.post(address, json={"after": two["id"]}, headers={"If-Match": one["etag"]})
    assert moved.status_code == 200
    assert_error(alice.post(f"{path}/{uuid4()}/move", json={}), 404, code.replace("changed", "not_found"))


@of_both
@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({"before": "x"}, ["before"]),
        ({"after": 1}, ["after"]),
        ({"before": str(uuid4()), "after": str(uuid4())}, ["after"]),
        ({"position": "a"}, ["position"]),
        ([], [None]),
    ],
)
def test_what_is_no_move_is_refused(alice: Person, path: str, body: Any, fields: list[str | None]) -> None:
    record = creates(alice, path)["id"]
    assert invalid_fields(alice.post(f"{path}/{record}/move", json=body)) == fields


@of_both
def test_nobody_moves_what_is_not_theirs(anonymous: httpx.Client, alice: Person, bob: Person, carol: Person, path: str) -> None:
    one, two = creates(alice, path)["id"], creates(alice, path)["id"]
    assert_error(anonymous.post(f"{path}/{two}/move", json={}), 401, "token_missing")
    assert_error(bob.post(f"{path}/{two}/move", json={}), 404, "task_not_found" if path == TASKS else "list_not_found")
    of_alice = path.replace("/v1/", f"/v1/users/{alice.id}/")
    assert_error(bob.post(f"{of_alice}/{two}/move", json={}), 404, "user_not_found")
    assert row(alice, path) == [one, two]
    assert carol.post(f"{of_alice}/{two}/move", json={"before": one}).status_code == 200
    assert row(alice, path) == [two, one]
