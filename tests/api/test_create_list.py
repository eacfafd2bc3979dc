"""POST /lists."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from taskwell.lists.statements import LISTS_PER_USER
from tests.support import postgres
from tests.support.cast import Person
from tests.support.errors import assert_error, invalid_fields
from tests.support.lists import LISTS, NEW, at_every_list_mount, at_named_list_mounts
from tests.support.mounts import tasks_of
from tests.support.stored import revision_of


def test_it_creates_a_list_and_says_where(alice: Person) -> None:
    answer = alice.post(LISTS, json={"name": "Groceries", "colour": "#2E7D32", "icon": "\U0001f6d2"})
    made = answer.json()
    assert answer.status_code == 201
    assert UUID(made["id"]).version == 7
    assert made == {
        "id": made["id"],
        "user_id": str(alice.id),
        "name": "Groceries",
        "colour": "#2e7d32",
        "icon": "\U0001f6d2",
        "is_archived": False,
        "position": made["position"],
        "created_at": made["created_at"],
        "updated_at": made["created_at"],
        "revision": 1,
        "etag": answer.headers["etag"],
    }
    assert answer.headers["location"] == f"{LISTS}/{made['id']}"
    read = alice.get(answer.headers["location"])
    assert (read.json(), read.headers["etag"]) == (made, answer.headers["etag"])


@at_every_list_mount
def test_nobody_creates_without_signing_in(anonymous: httpx.Client, alice: Person, mount: str) -> None:
    assert_error(anonymous.post(tasks_of(mount, alice.id), json=NEW), 401, "token_missing")
    assert alice.lists() == []


@at_named_list_mounts
def test_a_stranger_cannot_create_for_somebody_else_and_an_administrator_can(
    alice: Person, bob: Person, carol: Person, mount: str
) -> None:
    assert_error(bob.post(tasks_of(mount, alice.id), json=NEW), 404, "user_not_found")
    assert_error(carol.post(tasks_of(mount, uuid4()), json=NEW), 404, "user_not_found")
    answer = carol.post(tasks_of(mount, alice.id), json=NEW)
    assert (answer.status_code, answer.json()["user_id"]) == (201, str(alice.id))
    assert alice.lists() == [answer.json()]
    assert carol.lists() == bob.lists() == []


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "name"),
        ({"name": None}, "name"),
        ({"name": ""}, "name"),
        ({"name": " \u200b"}, "name"),
        ({"name": "x" * 256}, "name"),
        ({"name": 1}, "name"),
        ({"name": "a\x00b"}, "name"),
        ({"name": "x", "colour": ""}, "colour"),
        ({"name": "x", "colour": "red"}, "colour"),
        ({"name": "x", "colour": "#fff"}, "colour"),
        ({"name": "x", "colour": "#12345g"}, "colour"),
        ({"name": "x", "colour": "#123456\n"}, "colour"),
        ({"name": "x", "colour": "#12345\uff16"}, "colour"),
        ({"name": "x", "colour": 123456}, "colour"),
        ({"name": "x", "icon": ""}, "icon"),
        ({"name": "x", "icon": "x" * 65}, "icon"),
        ({"name": "x", "icon": 1}, "icon"),
        ({"name": "x", "is_archived": "yes"}, "is_archived"),
        ({"name": "x", "is_archived": None}, "is_archived"),
        ({"name": "x", "id": "1"}, "id"),
        ({"name": "x", "title": "y"}, "title"),
        ({"name": "x", "revision": 1}, "revision"),
        ({"name": "x", "user_id": str(uuid4())}, "user_id"),
    ],
)
def test_an_invalid_list_is_refused_with_the_name_of_the_field(alice: Person, body: dict[str, Any], field: str) -> None:
    assert invalid_fields(alice.post(LISTS, json=body)) == [field]
    assert alice.lists() == []


def test_repeating_a_creation_with_an_own_id_finds_the_first(alice: Person, shared_database: str) -> None:
    body = {"name": "x", "colour": "#ABCDEF", "id": str(uuid4())}
    first, second = alice.post(LISTS, json=body), alice.post(LISTS, json=body | {"colour": "#abcdef"})
    assert (first.status_code, second.status_code) == (201, 200)
    assert second.content == first.content
    assert second.headers["location"] == first.headers["location"]
    assert revision_of(shared_database, alice.id) == 1


@pytest.mark.parametrize("other", [{"name": "y"}, {"colour": "#000000"}, {"icon": "y"}, {"is_archived": True}])
def test_an_id_taken_by_another_content_is_a_conflict(
    alice: Person, bob: Person, shared_database: str, other: dict[str, Any]
) -> None:
    body = {"name": "x", "id": str(uuid4())}
    made = alice.post(LISTS, json=body).json()
    assert_error(alice.post(LISTS, json=body | other), 409, "list_id_taken")
    assert alice.lists() == [made]
    assert revision_of(shared_database, alice.id) == 1
    assert bob.post(LISTS, json=body | other).status_code == 201


def test_the_id_of_a_deleted_list_is_taken(alice: Person) -> None:
    body = {"name": "x", "id": str(uuid4())}
    alice.post(LISTS, json=body)
    alice.delete(f"{LISTS}/{body['id']}")
    assert_error(alice.post(LISTS, json=body), 409, "list_id_taken")


def test_there_are_so_many_lists_and_never_more(alice: Person, bob: Person, shared_database: str) -> None:
    """Whoever asks for the last ones at once."""
    some = "INSERT INTO lists (user_id, id, name, is_archived, created_at, updated_at, revision)"
    some += " SELECT $1, gen_random_uuid(), 'x', false, now(), now(), 1 FROM generate_series(1, $2)"
    postgres.query(shared_database, some, alice.id, LISTS_PER_USER - 3)
    own = [{"name": "x", "id": str(uuid4())} for _ in range(12)]
    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(lambda body: alice.post(LISTS, json=body), own))
    assert sorted(answer.status_code for answer in answers) == [201] * 3 + [409] * 9
    refused = next(answer for answer in answers if answer.status_code == 409)
    assert_error(refused, 409, "too_many_lists")
    assert_error(alice.post(LISTS, json=NEW), 409, "too_many_lists")
    assert len(alice.lists()) == LISTS_PER_USER
    # What is there is found again, and who deletes one has room for one.
    there = next(body for body, answer in zip(own, answers, strict=True) if answer.status_code == 201)
    assert alice.post(LISTS, json=there).status_code == 200
    path = f"{LISTS}/{uuid4()}"
    assert_error(alice.put(path, json=NEW, headers={"If-None-Match": "*"}), 409, "too_many_lists")
    assert alice.delete(f"{LISTS}/{there['id']}").status_code == 204
    assert alice.put(path, json=NEW, headers={"If-None-Match": "*"}).status_code == 201
    assert_error(alice.post(LISTS, json=NEW), 409, "too_many_lists")
    assert bob.post(LISTS, json=NEW).status_code == 201
