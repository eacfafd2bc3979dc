"""PATCH /lists/{list_id}."""

from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.support.cast import Person
from tests.support.errors import assert_error, invalid_fields
from tests.support.lists import LISTS, at_every_list_mount, at_named_list_mounts
from tests.support.mounts import tasks_of
from tests.support.stored import revision_of


@at_every_list_mount
@pytest.mark.parametrize(
    ("change", "becomes"),
    [
        ({"name": "y"}, {"name": "y"}),
        ({"colour": "#FFFFFF"}, {"colour": "#ffffff"}),
        ({"colour": None, "icon": None}, {"colour": None, "icon": None}),
        ({"is_archived": True}, {"is_archived": True}),
    ],
)
def test_it_changes_what_is_named_and_leaves_the_rest(
    alice: Person, mount: str, change: dict[str, Any], becomes: dict[str, Any]
) -> None:
    made = alice.creates_list(colour="#abcdef", icon="x")
    path = f"{tasks_of(mount, alice.id)}/{made['id']}"
    answer = alice.patch(path, json=change)
    changed = answer.json()
    assert answer.status_code == 200
    assert changed == made | becomes | {name: changed[name] for name in ("revision", "updated_at", "etag")}
    assert changed["revision"] == made["revision"] + 1
    assert alice.get(path).json() == changed


@pytest.mark.parametrize("change", [{}, {"name": "Groceries"}, {"colour": "#ABCDEF"}, {"is_archived": False}])
def test_a_change_that_changes_nothing_takes_no_revision(alice: Person, shared_database: str, change: dict[str, Any]) -> None:
    made = alice.creates_list(colour="#abcdef")
    answer = alice.patch(f"{LISTS}/{made['id']}", json=change)
    assert (answer.status_code, answer.json()) == (200, made)
    assert revision_of(shared_database, alice.id) == 1


@at_every_list_mount
def test_nobody_changes_without_signing_in(anonymous: httpx.Client, alice: Person, mount: str) -> None:
    made = alice.creates_list()
    assert_error(anonymous.patch(f"{tasks_of(mount, alice.id)}/{made['id']}", json={"name": "x"}), 401, "token_missing")
    assert alice.lists() == [made]


def test_a_stranger_changes_nothing(alice: Person, bob: Person) -> None:
    made = alice.creates_list()
    for path in (f"{LISTS}/{made['id']}", f"{LISTS}/{uuid4()}"):
        assert_error(bob.patch(path, json={"name": "x"}), 404, "list_not_found")
    assert_error(bob.patch(f"/api/v1/users/{alice.id}/lists/{made['id']}", json={"name": "x"}), 404, "user_not_found")
    assert alice.lists() == [made]


@at_named_list_mounts
def test_an_administrator_changes_by_the_owners_name(alice: Person, carol: Person, mount: str) -> None:
    made = alice.creates_list()
    assert carol.patch(f"{tasks_of(mount, alice.id)}/{made['id']}", json={"name": "x"}).status_code == 200
    assert_error(carol.patch(f"{tasks_of(mount, uuid4())}/{made['id']}", json={"name": "x"}), 404, "user_not_found")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": None}, "name"),
        ({"name": ""}, "name"),
        ({"colour": "blue"}, "colour"),
        ({"is_archived": None}, "is_archived"),
        ({"title": "x"}, "title"),
        ({"name": "x", "user_id": str(uuid4())}, "user_id"),
    ],
)
def test_an_invalid_change_is_refused_with_the_name_of_the_field(alice: Person, change: dict[str, Any], field: str) -> None:
    made = alice.creates_list()
    assert invalid_fields(alice.patch(f"{LISTS}/{made['id']}", json=change)) == [field]
    assert alice.lists() == [made]


def test_it_is_changed_only_as_long_as_it_is_what_the_client_has_seen(alice: Person) -> None:
    made = alice.creates_list()
    path = f"{LISTS}/{made['id']}"
    now = alice.patch(path, json={"name": "y"}, headers={"If-Match": made["etag"]}).json()
    late = alice.patch(path, json={"name": "z"}, headers={"If-Match": made["etag"]})
    assert assert_error(late, 412, "list_changed") == {"current": now}
