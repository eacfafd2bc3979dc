"""Another column of the matrix: whoever asks, at whatever address, with the validators and the cursors of everybody else.

All of them have tasks and lists of the same ids, made at the same moments, and have counted as many revisions. What each should
get without a condition is said in tests/api/test_isolation_matrix.py.
"""

import re
from collections.abc import Iterator
from hashlib import sha256
from typing import Any
from uuid import UUID

import httpx
import pytest

from tests.api.test_isolation_matrix import GUARDED, RESTORES, expected, ids_in
from tests.support.alike import Alike, Held, make_alike
from tests.support.errors import assert_error, invalid_fields
from tests.support.tags import decorated
from tests.support.world import ASKERS, PRESETS, Asker, make_world

CONDITIONAL = sorted(
    (method, path)
    for method, path in GUARDED
    if re.search("/(tasks|lists|labels)", path) and (method != "POST" or path.endswith(("/move", "{task_id}/complete")))
)
READS = [(method, path) for method, path in CONDITIONAL if method == "GET"]
WRITES = [(method, path) for method, path in CONDITIONAL if method != "GET"]
LISTS = [route for route in READS if not re.search(r"\{(task|list|label)_id\}", route[1])]

CHANGED = {"/lists": "list_changed", "/labels": "label_changed", "/tasks": "task_changed"}
SAME: dict[str, Any] = {"/lists": {"is_archived": False}, "/labels": {"colour": None}, "/tasks": {"is_completed": False}}
"""What each of the records is already."""


@pytest.fixture(scope="module")
def alike(shared_database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Alike]:
    with make_world(shared_database, tmp_path_factory.mktemp("alike")) as world:
        yield make_alike(world, shared_database)


@pytest.fixture
def unwritten(alike: Alike) -> Iterator[None]:
    before = alike.rows()
    yield
    assert alike.rows() == before


def asked(alike: Alike, asks: str, method: str, path: str, **headers: str) -> httpx.Response:
    sent = alike.world.askers[asks].headers | {"X-Request-Id": "matrix"} | headers
    whole = (
        {} if path.endswith(("/move", "/complete", "/restore")) else {"title": "mine"} if "/tasks" in path else {"name": "mine"}
    )
    body = None if method in ("GET", "HEAD", "DELETE") else whole
    return alike.world.browser.request(method, path, headers=sent, json=body)


def cells(
    alike: Alike, asker: Asker, route: tuple[str, str], record_id: UUID | None = None
) -> Iterator[tuple[str, UUID | None, int, str]]:
    """Each address of the route, whose rows are there, and what is answered without a condition."""
    for user in sorted({user for user, _ in ids_in(route[1])}, key=str):
        owner = asker.id if user is None else alike.world.owner_of(user)
        named = "" if user is None else str(alike.world.user(user))
        path = re.sub(r"\{(task|list|label)_id\}", str(record_id or alike.record_id), route[1].replace("{user_id}", named))
        yield path, owner, *expected(alike.world, asker, route, user, None)


def own_and_others(alike: Alike, owner: UUID | None, path: str) -> tuple[str, str]:
    """The tag that is right at this address; and all those that are not, as they are and weak."""
    kind = "task_tag" if str(alike.record_id) in path and not path.endswith("/occurrences") else "list_tag"
    others = [getattr(held, kind) for user_id, held in alike.held.items() if user_id != owner]
    own = getattr(alike.held[owner], kind) if owner in alike.held else '"of-nobody"'
    return own, ", ".join([*others, *(decorated(other)[number % 25] for number, other in enumerate(others))])


def cursors(held: Held) -> dict[str, str]:
    """By the noun that the address of a collection ends with."""
    return {"tasks": held.cursor, "lists": held.cursor_of_lists, "labels": held.cursor_of_labels}


def test_nobodys_tags_and_cursors_are_anybody_elses(alike: Alike) -> None:
    came_back = 1
    assert len(alike.held) == 4 + len(PRESETS) + came_back
    for field in Held._fields:
        assert len({getattr(held, field) for held in alike.held.values()}) == len(alike.held)


@pytest.mark.parametrize("asks", ASKERS)
def test_a_read_is_not_modified_for_its_owners_tag_alone(alike: Alike, asks: str, unwritten: None) -> None:
    asker = alike.world.askers[asks]
    for route in READS:
        for path, owner, status, _ in cells(alike, asker, route):
            own, others = own_and_others(alike, owner, path)
            for method in ("GET", "HEAD"):
                plain = asked(alike, asks, method, path)
                same = (status, plain.content, plain.headers["vary"], plain.headers.get("etag"))
                assert (plain.status_code, same[3]) == (status, own if status == 200 else None)
                for tags in (others, f"{others}, {own}", own, *decorated(own)[::8]):
                    answer = asked(alike, asks, method, path, **{"If-None-Match": tags})
                    if status == 200 and tags != others:
                        assert answer.status_code == 304, (method, path)
                    else:
                        given = (answer.status_code, answer.content, answer.headers["vary"], answer.headers.get("etag"))
                        assert given == same, (method, path)


@pytest.mark.parametrize("asks", ASKERS)
def test_a_write_is_done_for_its_owners_tag_alone(alike: Alike, asks: str, unwritten: None) -> None:
    asker = alike.world.askers[asks]
    for route in WRITES:
        for path, owner, status, code in cells(alike, asker, route):
            own, others = own_and_others(alike, owner, path)
            if status >= 400:
                for tags in (others, own):
                    assert_error(asked(alike, asks, route[0], path, **{"If-Match": tags}), status, code)
                continue
            changed = next(code for noun, code in CHANGED.items() if noun in path)
            details = assert_error(asked(alike, asks, route[0], path, **{"If-Match": others}), 412, changed)
            assert details["current"]["user_id"] == str(owner)
            if route[0] == "PUT":
                assert invalid_fields(asked(alike, asks, "PUT", path, **{"If-None-Match": others})) == ["if-none-match"]
            if route[0] == "PATCH":  # of what it is already: the tag matches, and nothing is counted
                headers = asker.headers | {"If-Match": f"{others}, {own}"}
                same = next(body for noun, body in SAME.items() if noun in path)
                assert alike.world.browser.patch(path, headers=headers, json=same).status_code == 200


@pytest.mark.parametrize("asks", ASKERS)
def test_a_restore_is_done_for_its_owners_tag_alone(alike: Alike, asks: str, unwritten: None) -> None:
    asker = alike.world.askers[asks]
    for route in RESTORES:
        for path, owner, status, code in cells(alike, asker, route, alike.trashed_id):
            others = ", ".join(held.trashed_tag for user_id, held in alike.held.items() if user_id != owner)
            answer = asked(alike, asks, "POST", path, **{"If-Match": others})
            if status >= 400:
                assert_error(answer, status, code)
                continue
            changed = next(code for noun, code in CHANGED.items() if noun in path)
            current = assert_error(answer, 412, changed)["current"]
            assert (current["user_id"], current["etag"]) == (str(owner), alike.held[owner].trashed_tag if owner else None)


def test_a_key_brings_nobody_elses_answer(alike: Alike, unwritten: None) -> None:
    """All send the same key with the same request at each address: each gets an answer of their own, kept for them alone."""
    seen: set[tuple[UUID | None, str, str]] = set()
    for asks, asker in alike.world.askers.items():
        for route in (
            ("PATCH", "/api/v1/tasks/{task_id}"),
            ("DELETE", "/api/v1/users/{user_id}/lists/{list_id}"),
            *RESTORES[::5],
        ):
            record_id = alike.trashed_id if route in RESTORES else None
            for path, owner, status, code in cells(alike, asker, route, record_id):
                key = sha256(f"{route[0]} {path}".encode()).hexdigest()
                answer = asked(alike, asks, route[0], path, **{"Idempotency-Key": key, "If-Match": '"of-nobody"'})
                if status >= 400:
                    assert_error(answer, status, code)
                    continue
                changed = next(code for noun, code in CHANGED.items() if noun in path)
                assert assert_error(answer, 412, changed)["current"]["user_id"] == str(owner)
                mark = asker.id, route[0], path
                assert ("idempotency-replayed" in answer.headers) == (mark in seen), (asks, mark)
                seen.add(mark)
    assert len({user_id for user_id, *_ in seen}) > 4


@pytest.mark.parametrize("asks", ASKERS)
def test_a_cursor_goes_on_with_its_owners_list_alone(alike: Alike, asks: str) -> None:
    asker = alike.world.askers[asks]
    for route in LISTS:
        for path, owner, status, code in cells(alike, asker, route):
            for user_id, held in alike.held.items():
                page = f"{path}?cursor={cursors(held)[path.rpartition('/')[2]]}"
                answer = asked(alike, asks, "GET", page, **{"If-None-Match": held.list_tag})
                if user_id != owner and answer.status_code == 400:
                    # Before the database is asked, which knows of disabled users, and for an administrator of absent ones.
                    assert status == 200 or code == "account_unusable" or asker.is_admin
                    assert invalid_fields(answer) == ["cursor"]
                elif status >= 400:
                    assert_error(answer, status, code)
                else:
                    assert (user_id, answer.status_code) == (owner, 304)
                    assert {task["user_id"] for task in asked(alike, asks, "GET", page).json()["items"]} == {str(owner)}
