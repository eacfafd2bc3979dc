"""GET /lists/{list_id}."""

from uuid import uuid4

import httpx
import pytest

from tests.support.cast import Person
from tests.support.errors import assert_error, invalid_fields
from tests.support.lists import LISTS, at_every_list_mount, at_named_list_mounts
from tests.support.mounts import tasks_of
from tests.support.tags import of_another_epoch, of_revision


@at_every_list_mount
def test_it_shows_a_list(alice: Person, mount: str) -> None:
    made = alice.creates_list(colour="#abcdef", icon="x", is_archived=True)
    answer = alice.get(f"{tasks_of(mount, alice.id)}/{made['id']}")
    assert (answer.status_code, answer.json(), answer.headers["etag"]) == (200, made, made["etag"])


@at_every_list_mount
def test_nobody_reads_without_signing_in(anonymous: httpx.Client, alice: Person, mount: str) -> None:
    made = alice.creates_list()
    assert_error(anonymous.get(f"{tasks_of(mount, alice.id)}/{made['id']}"), 401, "token_missing")


@at_every_list_mount
def test_what_is_not_there_is_404(alice: Person, mount: str) -> None:
    assert_error(alice.get(f"{tasks_of(mount, alice.id)}/{uuid4()}"), 404, "list_not_found")
    # A task is no list, and the inbox is none either.
    assert_error(alice.get(f"{tasks_of(mount, alice.id)}/{alice.creates()['id']}"), 404, "list_not_found")
    assert invalid_fields(alice.get(f"{tasks_of(mount, alice.id)}/inbox")) == ["list_id"]


def test_a_stranger_reads_nothing(alice: Person, bob: Person) -> None:
    made = alice.creates_list()
    another, unknown = (bob.get(f"{LISTS}/{id_}", headers={"X-Request-Id": "x"}) for id_ in (made["id"], uuid4()))
    assert_error(another, 404, "list_not_found")
    assert another.content == unknown.content
    assert_error(bob.get(f"/api/v1/users/{alice.id}/lists/{made['id']}"), 404, "user_not_found")


@at_named_list_mounts
def test_an_administrator_reads_by_the_owners_name(alice: Person, carol: Person, mount: str) -> None:
    made = alice.creates_list()
    assert carol.get(f"{tasks_of(mount, alice.id)}/{made['id']}").json() == made
    assert_error(carol.get(f"{LISTS}/{made['id']}"), 404, "list_not_found")
    assert_error(carol.get(f"{tasks_of(mount, uuid4())}/{made['id']}"), 404, "user_not_found")


def test_a_client_that_has_it_already_is_told_so_in_no_words(alice: Person) -> None:
    path = f"{LISTS}/{alice.creates_list()['id']}"
    tag = alice.get(path).headers["etag"]
    assert alice.get(path, headers={"If-None-Match": tag}).status_code == 304
    for other in (of_another_epoch(tag), of_revision(tag, 7)):
        assert alice.get(path, headers={"If-None-Match": other}).status_code == 200
    alice.patch(path, json={"name": "y"})
    assert alice.get(path, headers={"If-None-Match": tag}).status_code == 200


@pytest.mark.parametrize("list_id", ["x", "1", "%00", "{00000000-0000-0000-0000-000000000001}"])
def test_what_is_no_id_is_refused(alice: Person, list_id: str) -> None:
    assert invalid_fields(alice.get(f"{LISTS}/{list_id}")) == ["list_id"]
    assert invalid_fields(alice.get(f"{LISTS}/{alice.creates_list()['id']}?x=1")) == ["x"]
