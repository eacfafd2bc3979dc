"""An ETag and a cursor are one person's: no two people's are ever equal, and another's is of no use, at equal ids and counts."""

import logging
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from tests.conftest import settings_for
from tests.support import postgres
from tests.support.cast import Person
from tests.support.errors import assert_error, invalid_fields
from tests.support.mounts import at_every_mount, tasks_of
from tests.support.pages import cursor_of
from tests.support.server import RunningServer, serve
from tests.support.stored import revision_of
from tests.support.tags import decorated, of_nobody

TASKS = "/api/v1/tasks"
WHOLE = {"title": "mine", "description": None, "is_completed": False}


@pytest.fixture
def shared_ids(alice: Person, bob: Person, shared_database: str) -> list[str]:
    """Alice and Bob have tasks of the same ids, made at the same moments, and have counted as many revisions."""
    ids = [str(uuid4()) for _ in range(3)]
    for who in (alice, bob):
        for number, task_id in enumerate(ids):
            who.creates(f"{number} of {who.email}", id=task_id)
    postgres.query(
        shared_database,
        "UPDATE tasks AS his SET created_at = hers.created_at FROM tasks AS hers"
        " WHERE his.user_id = $1 AND hers.user_id = $2 AND his.id = hers.id",
        bob.id,
        alice.id,
    )
    assert revision_of(shared_database, alice.id) == revision_of(shared_database, bob.id)
    return ids


def tag_of(who: httpx.Client, path: str) -> str:
    return who.get(path).headers["etag"]


def test_no_two_people_have_the_same_tag_for_the_same_address(alice: Person, bob: Person, shared_ids: list[str]) -> None:
    for path in (TASKS, f"{TASKS}?limit=1", *(f"{TASKS}/{task_id}" for task_id in shared_ids)):
        assert tag_of(alice, path) != tag_of(bob, path)


def test_new_people_without_a_task_have_tags_of_their_own(alice: Person, bob: Person) -> None:
    assert tag_of(alice, TASKS) != tag_of(bob, TASKS)


@pytest.mark.parametrize("changed", [str, of_nobody, lambda tag: f'"x", {tag}', lambda tag: ", ".join(decorated(tag))])
def test_anothers_tag_is_never_not_modified(
    alice: Person, bob: Person, shared_ids: list[str], changed: Callable[[str], str]
) -> None:
    for path in (TASKS, f"{TASKS}?limit=1&order=oldest", f"{TASKS}/{shared_ids[0]}"):
        for method in ("GET", "HEAD"):
            answer = bob.request(method, path, headers={"If-None-Match": changed(tag_of(alice, path))})
            assert answer.status_code == 200
            assert answer.headers["etag"] == tag_of(bob, path)
            assert alice.email not in answer.text


def test_anothers_tag_lets_nobody_write(alice: Person, bob: Person, shared_ids: list[str], shared_database: str) -> None:
    path = f"{TASKS}/{shared_ids[0]}"
    before = bob.get(path).json(), revision_of(shared_database, bob.id)
    condition = {"If-Match": ", ".join([tag_of(alice, path), *decorated(tag_of(alice, path))])}
    for method, body in (("PUT", WHOLE), ("PATCH", {"title": "mine"}), ("DELETE", None)):
        details = assert_error(bob.request(method, path, json=body, headers=condition), 412, "task_changed")
        assert details["current"] == before[0]
    assert (bob.get(path).json(), revision_of(shared_database, bob.id)) == before
    assert bob.delete(path, headers={"If-Match": f"{condition['If-Match']}, {tag_of(bob, path)}"}).status_code == 204


@at_every_mount
def test_an_administrator_and_the_owner_have_the_same_tag(
    alice: Person, bob: Person, carol: Person, shared_ids: list[str], mount: str
) -> None:
    named = f"/api/v1/users/{alice.id}/tasks"
    for own, path in (
        (tasks_of(mount, alice.id), named),
        (f"{tasks_of(mount, alice.id)}/{shared_ids[0]}", f"{named}/{shared_ids[0]}"),
    ):
        tag = tag_of(alice, own)
        assert tag_of(carol, path) == tag
        assert carol.get(path, headers={"If-None-Match": tag}).status_code == 304
        assert carol.get(path, headers={"If-None-Match": tag_of(bob, own.replace(str(alice.id), str(bob.id)))}).status_code == 200
    changed = carol.patch(path, json={"title": "seen"}, headers={"If-Match": tag})
    assert changed.status_code == 200
    assert changed.headers["etag"] == tag_of(alice, own)


def test_anothers_cursor_is_refused_although_it_names_the_same_place(alice: Person, bob: Person, shared_ids: list[str]) -> None:
    cursors = {who.id: cursor_of(who.get(f"{TASKS}?limit=1")) for who in (alice, bob)}
    assert cursors[alice.id] != cursors[bob.id]
    assert invalid_fields(bob.get(TASKS, params={"cursor": cursors[alice.id]})) == ["cursor"]
    assert len(bob.get(TASKS, params={"cursor": cursors[bob.id]}).json()["items"]) == 2


def test_the_key_is_the_databases_and_is_shown_nowhere(
    server: RunningServer, alice: Person, shared_database: str, caplog: pytest.LogCaptureFixture
) -> None:
    [(key,)] = postgres.query(shared_database, "SELECT tag_key FROM instance")
    assert len(key) == 43
    db = server.app.services.database
    with caplog.at_level(logging.DEBUG):
        shown = [repr(db), repr(vars(db)), repr(db.keyed_hash), repr(vars(db.keyed_hash))]
        for path in (TASKS, "/readyz", f"{TASKS}/{alice.creates()['id']}"):
            answer = alice.get(path)
            shown += [answer.text, str(answer.headers)]
    assert key not in "".join([*shown, caplog.text])


@pytest.mark.parametrize("key", ["as it was", "x" * 43])
def test_whose_a_tag_and_a_cursor_are_is_said_with_the_key_of_the_database(own_database: str, tmp_path: Path, key: str) -> None:
    """Nobody who knows an id, as that of somebody whom another issuer knows can be known, can tell whose a tag is."""
    user_id, shown = uuid4(), []
    for folder in ("first", "second"):
        with serve(settings_for(own_database, tmp_path / folder)) as server:
            token = server.sign_in.tokens.make(user_id)
            postgres.query(own_database, "INSERT INTO users (id) VALUES ($1) ON CONFLICT DO NOTHING", user_id)
            with Person(server, id=user_id, email="", token=token) as dora:
                if not dora.sees():
                    dora.creates()
                    dora.creates()
                page = dora.get(f"{TASKS}?limit=1")
        shown.append((page.headers["etag"], cursor_of(page)))
        if len(key) == 43:
            postgres.query(own_database, "UPDATE instance SET tag_key = $1", key)
    (tag, cursor), (other_tag, other_cursor) = shown
    assert (tag == other_tag, cursor == other_cursor) == ((False, False) if len(key) == 43 else (True, True))
