"""PUT /lists/{list_id}."""

from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.support.cast import Person
from tests.support.errors import assert_error, invalid_fields
from tests.support.lists import LISTS, NEW, at_every_list_mount, at_named_list_mounts
from tests.support.mounts import tasks_of
from tests.support.stored import revision_of

NOTHING_THERE = {"If-None-Match": "*"}


@at_every_list_mount
def test_it_replaces_a_list_whole(alice: Person, mount: str) -> None:
    made = alice.creates_list(colour="#abcdef", icon="x", is_archived=True)
    path = f"{tasks_of(mount, alice.id)}/{made['id']}"
    answer = alice.put(path, json={"name": "y"})
    replaced = answer.json()
    expected = {"name": "y", "colour": None, "icon": None, "is_archived": False, "revision": made["revision"] + 1}
    assert (answer.status_code, answer.headers["etag"]) == (200, replaced["etag"])
    assert replaced == made | expected | {name: replaced[name] for name in ("updated_at", "etag")}
    assert replaced["updated_at"] > made["updated_at"]
    assert alice.get(path).json() == replaced


def test_replacing_by_the_same_changes_nothing(alice: Person, shared_database: str) -> None:
    made = alice.creates_list(colour="#abcdef")
    answer = alice.put(f"{LISTS}/{made['id']}", json={"name": made["name"], "colour": "#ABCDEF"})
    assert (answer.status_code, answer.json()) == (200, made)
    assert revision_of(shared_database, alice.id) == 1


@at_every_list_mount
def test_nobody_replaces_without_signing_in(anonymous: httpx.Client, alice: Person, mount: str) -> None:
    made = alice.creates_list()
    assert_error(anonymous.put(f"{tasks_of(mount, alice.id)}/{made['id']}", json=NEW), 401, "token_missing")
    assert alice.lists() == [made]


def test_a_stranger_replaces_nothing(alice: Person, bob: Person) -> None:
    made = alice.creates_list()
    assert_error(bob.put(f"{LISTS}/{made['id']}", json={"name": "x"}), 404, "list_not_found")
    assert_error(bob.put(f"/api/v1/users/{alice.id}/lists/{made['id']}", json={"name": "x"}), 404, "user_not_found")
    assert alice.lists() == [made]


@at_named_list_mounts
def test_an_administrator_replaces_and_places_by_the_owners_name(alice: Person, carol: Person, mount: str) -> None:
    made, lists = alice.creates_list(), tasks_of(mount, alice.id)
    assert carol.put(f"{lists}/{made['id']}", json={"name": "by carol"}).status_code == 200
    assert carol.put(f"{lists}/{uuid4()}", json={"name": "placed"}, headers=NOTHING_THERE).status_code == 201
    assert [one["name"] for one in alice.lists()] == ["placed", "by carol"]


@at_every_list_mount
def test_what_is_not_there_is_404_and_stays_so(alice: Person, mount: str) -> None:
    path = f"{tasks_of(mount, alice.id)}/{alice.creates_list()['id']}"
    tag = alice.get(path).headers["etag"]
    alice.delete(path)
    for headers in ({}, {"If-Match": tag}, {"If-Match": "*"}):
        assert_error(alice.put(path, json=NEW, headers=headers), 404, "list_not_found")
    assert alice.lists() == []


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "name"),
        ({"name": " "}, "name"),
        ({"name": "x", "colour": "red"}, "colour"),
        ({"name": "x", "id": str(uuid4())}, "id"),
    ],
)
@pytest.mark.parametrize("condition", [{}, NOTHING_THERE])
def test_an_invalid_list_is_refused_with_the_name_of_the_field(
    alice: Person, body: dict[str, Any], field: str, condition: dict[str, str]
) -> None:
    made = alice.creates_list()
    path = f"{LISTS}/{uuid4() if condition else made['id']}"
    assert invalid_fields(alice.put(path, json=body, headers=condition)) == [field]
    assert alice.lists() == [made]


def test_it_creates_where_nothing_is_and_only_then(alice: Person) -> None:
    path = f"{LISTS}/{uuid4()}"
    answer = alice.put(path, json=NEW, headers=NOTHING_THERE)
    assert (answer.status_code, answer.headers["location"]) == (201, path)
    there = alice.put(path, json={"name": "other"}, headers=NOTHING_THERE)
    assert assert_error(there, 412, "list_exists") == {"current": answer.json()}
    assert there.headers["etag"] == answer.headers["etag"]
    alice.delete(path)
    again = alice.put(path, json={"name": "again"}, headers=NOTHING_THERE)
    assert (again.status_code, again.json()["name"], again.json()["revision"]) == (201, "again", 3)


def test_it_is_replaced_only_as_long_as_it_is_what_the_client_has_seen(alice: Person) -> None:
    made = alice.creates_list()
    path = f"{LISTS}/{made['id']}"
    now = alice.put(path, json={"name": "y"}, headers={"If-Match": made["etag"]}).json()
    late = alice.put(path, json={"name": "z"}, headers={"If-Match": made["etag"]})
    assert assert_error(late, 412, "list_changed") == {"current": now}
    assert late.headers["etag"] == now["etag"]


def test_a_list_that_was_read_can_be_sent_back(alice: Person) -> None:
    made = alice.creates_list()
    path = f"{LISTS}/{made['id']}"
    changed = alice.put(path, json=made | {"name": "y"})
    assert (changed.status_code, changed.json()["name"]) == (200, "y")
    assert_error(alice.put(path, json=made | {"name": "z"}), 412, "list_changed")
    created = changed.json() | {"created_at": "2020-01-01T00:00:00Z", "name": "z"}
    assert invalid_fields(alice.put(path, json=created)) == ["created_at"]
