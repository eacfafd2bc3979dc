"""GET /lists."""

from uuid import uuid4

import httpx
import pytest

from tests.support.cast import Person
from tests.support.errors import assert_error, invalid_fields
from tests.support.lists import LISTS, at_every_list_mount, at_named_list_mounts
from tests.support.mounts import tasks_of
from tests.support.pages import cursor_of


@at_every_list_mount
def test_it_shows_the_newest_first(alice: Person, mount: str) -> None:
    made = [alice.creates_list(str(number)) for number in range(3)]
    path = tasks_of(mount, alice.id)
    assert alice.get(path).json() == {"items": made[::-1], "next_cursor": None}
    assert alice.get(path, params={"order": "oldest"}).json()["items"] == made


@at_every_list_mount
def test_who_has_none_has_an_empty_page(alice: Person, mount: str) -> None:
    """The inbox is no list."""
    alice.creates()
    assert alice.get(tasks_of(mount, alice.id)).json() == {"items": [], "next_cursor": None}


@at_every_list_mount
def test_nobody_lists_without_signing_in(anonymous: httpx.Client, alice: Person, mount: str) -> None:
    assert_error(anonymous.get(tasks_of(mount, alice.id)), 401, "token_missing")


@at_named_list_mounts
def test_a_stranger_sees_nothing_and_an_administrator_all(alice: Person, bob: Person, carol: Person, mount: str) -> None:
    made = alice.creates_list()
    assert bob.lists() == carol.lists() == []
    assert_error(bob.get(tasks_of(mount, alice.id)), 404, "user_not_found")
    assert carol.get(tasks_of(mount, alice.id)).json()["items"] == [made]
    assert_error(carol.get(tasks_of(mount, uuid4())), 404, "user_not_found")


@pytest.mark.parametrize("order", ["newest", "oldest"])
def test_pages_follow_each_other_exactly(alice: Person, order: str) -> None:
    made = [alice.creates_list(str(number)) for number in range(5)]
    assert alice.lists(limit=2, order=order) == (made if order == "oldest" else made[::-1])
    first = alice.get(LISTS, params={"limit": 2, "order": order})
    assert alice.get(first.links["next"]["url"]).status_code == 200


def test_a_cursor_is_of_its_own_list(alice: Person, bob: Person) -> None:
    for somebody in (alice, bob):
        for _ in range(2):
            somebody.creates_list()
            somebody.creates()
    cursor = cursor_of(alice.get(f"{LISTS}?limit=1"))
    for other in (
        bob.get(LISTS, params={"cursor": cursor}),
        alice.get("/api/v1/tasks", params={"cursor": cursor}),
        alice.get(LISTS, params={"cursor": cursor, "order": "oldest"}),
    ):
        assert invalid_fields(other) == ["cursor"]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("order=position", "order"),
        ("cursor=x", "cursor"),
        ("list_id=inbox", "list_id"),
    ],
)
def test_what_cannot_be_asked_is_refused(alice: Person, query: str, field: str) -> None:
    assert invalid_fields(alice.get(f"{LISTS}?{query}")) == [field]


def test_the_tag_changes_with_every_write(alice: Person) -> None:
    tag = alice.get(LISTS).headers["etag"]
    made = alice.creates_list()
    assert alice.get(LISTS, headers={"If-None-Match": tag}).status_code == 200
    tag = alice.get(LISTS).headers["etag"]
    assert alice.get(LISTS, headers={"If-None-Match": tag}).status_code == 304
    alice.delete(f"{LISTS}/{made['id']}")
    assert alice.get(LISTS, headers={"If-None-Match": tag}).json()["items"] == []
