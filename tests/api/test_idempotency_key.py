"""`Idempotency-Key`: a write is done once, and whoever asks again gets the same answer.

The first five tests are the five points of go-vikunja/vikunja#3391.
"""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from taskwell.types import new_id
from tests.conftest import settings_for
from tests.faults.locks import holding
from tests.support import postgres
from tests.support.cast import Person
from tests.support.errors import assert_error, invalid_fields
from tests.support.outside import elsewhere
from tests.support.server import RunningServer, serve

TASKS = "/api/v1/tasks"
KEPT_HEADERS = ("etag", "location", "content-type", "cache-control")


def keyed(key: str = "", **headers: str) -> dict[str, str]:
    return {"Idempotency-Key": key or f'"{uuid4()}"', **headers}


def is_replayed(answer: httpx.Response) -> bool:
    return "idempotency-replayed" in answer.headers


def assert_same(first: httpx.Response, again: httpx.Response) -> None:
    """The second one is the first one's answer; an error names the request that it is sent to."""
    assert (is_replayed(first), is_replayed(again)) == (False, True)
    assert again.status_code == first.status_code
    assert [again.headers.get(name) for name in KEPT_HEADERS] == [first.headers.get(name) for name in KEPT_HEADERS]
    ids = (again.headers["x-request-id"], first.headers["x-request-id"])
    assert again.content == first.content.replace(ids[1].encode(), ids[0].encode())


def revision(url: str, somebody: Person) -> int:
    found: int = postgres.query(url, "SELECT revision FROM users WHERE id = $1", somebody.id)[0]["revision"]
    return found


def rows(url: str, somebody: Person) -> int:
    found: int = postgres.query(url, "SELECT count(*) FROM idempotency_keys WHERE user_id = $1", somebody.id)[0]["count"]
    return found


def test_the_same_key_twice_makes_one_task(alice: Person) -> None:
    headers = keyed()
    first, *more = [alice.post(TASKS, json={"title": "once"}, headers=headers) for _ in range(3)]
    assert first.status_code == 201
    for again in more:
        assert_same(first, again)
    assert [task["id"] for task in alice.sees()] == [first.json()["id"]]


def test_the_same_key_at_the_same_moment_makes_one_task(alice: Person) -> None:
    headers = keyed()
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: alice.post(TASKS, json={"title": "once"}, headers=headers), range(8)))
    assert [answer.status_code for answer in answers] == [201] * 8
    assert len({answer.text for answer in answers}) == 1
    assert sum(map(is_replayed, answers)) == 7
    assert len(alice.sees()) == 1


def test_a_key_that_comes_with_another_request_is_refused(alice: Person) -> None:
    task = alice.creates("there")
    of_task, headers = f"{TASKS}/{task['id']}", keyed()
    assert alice.patch(of_task, json={"title": "a"}, headers=headers).status_code == 200
    others: list[Callable[[], httpx.Response]] = [
        lambda: alice.patch(of_task, json={"title": "b"}, headers=headers),
        lambda: alice.patch(of_task, json={"title": "a"}, headers=headers | {"If-Match": "*"}),
        lambda: alice.patch(of_task, json={"title": "a"}, headers=headers, params={"subtasks": "true"}),
        lambda: alice.put(of_task, json={"title": "a"}, headers=headers),
        lambda: alice.patch(f"{TASKS}/{uuid4()}", json={"title": "a"}, headers=headers),
        lambda: alice.patch(f"/api/v1/users/{alice.id}/tasks/{task['id']}", json={"title": "a"}, headers=headers),
        lambda: alice.delete(of_task, headers=headers),
        lambda: alice.post("/api/v1/lists", json={"name": "a"}, headers=headers),
    ]
    for other in others:
        answer = other()
        assert_error(answer, 422, "idempotency_key_reused")
        assert not is_replayed(answer)
    assert alice.get(of_task).json()["title"] == "a"


def test_a_key_outlives_the_server_and_holds_between_two(alice: Person, shared_database: str, tmp_path: Path) -> None:
    headers = keyed()
    first = alice.post(TASKS, json={"title": "once"}, headers=headers)
    with (
        serve(settings_for(shared_database, tmp_path)) as another,
        httpx.Client(base_url=another.base_url, headers=alice.headers, trust_env=False) as client,
        ThreadPoolExecutor(4) as pool,
    ):
        assert_same(first, client.post(TASKS, json={"title": "once"}, headers=headers))
        for turn in range(15):
            headers, body = keyed(), {"title": str(turn)}
            answers = list(pool.map(lambda one: one.post(TASKS, json=body, headers=headers), [alice, client] * 2))  # noqa: B023
            assert [answer.status_code for answer in answers] == [201] * 4
            assert len({answer.text for answer in answers}) == 1
            assert sum(map(is_replayed, answers)) == 3
    assert [task["title"] for task in alice.sees(order="oldest")] == ["once", *map(str, range(15))]


def test_a_first_write_with_a_key_makes_the_row_of_whoever_signs_in_elsewhere(own_database: str, tmp_path: Path) -> None:
    headers = keyed()
    with elsewhere(own_database, tmp_path) as place:
        somebody = place.somebody()
        refused = somebody.asks("PATCH", f"{TASKS}/{uuid4()}", json={"title": "x"}, headers=keyed())
        assert_error(refused, 404, "task_not_found")
        first, again = (somebody.asks("POST", TASKS, json={"title": "once"}, headers=headers) for _ in range(2))
        assert first.status_code == 201, first.text
        assert_same(first, again)


def test_a_key_means_nothing_to_anybody_else(alice: Person, bob: Person, carol: Person) -> None:
    """Also where an administrator writes for Alice: neither learns of the other's keys."""
    headers = keyed()
    of_alice = f"/api/v1/users/{alice.id}/tasks"
    answers = [
        alice.post(TASKS, json={"title": "Alice's"}, headers=headers),
        bob.post(TASKS, json={"title": "Bob's"}, headers=headers),
        carol.post(TASKS, json={"title": "Carol's"}, headers=headers),
        carol.post(of_alice, json={"title": "Alice's, by Carol"}, headers=headers),
    ]
    assert [(answer.status_code, is_replayed(answer)) for answer in answers] == [(201, False)] * 4
    assert sorted(task["title"] for task in alice.sees()) == ["Alice's", "Alice's, by Carol"]
    assert_same(answers[3], carol.post(of_alice, json={"title": "Alice's, by Carol"}, headers=headers))
    assert_same(answers[1], bob.post(TASKS, json={"title": "Bob's"}, headers=headers))
    assert_error(bob.post(of_alice, json={"title": "Alice's"}, headers=headers), 404, "user_not_found")
    of_nobody = f"/api/v1/users/{uuid4()}/tasks"
    assert_error(carol.post(of_nobody, json={"title": "Carol's"}, headers=headers), 404, "user_not_found")


CREATES = {"op": "create", "kind": "label", "value": {"name": "batch"}}
CHANGES = {"op": "change", "kind": "task", "id": "{task}", "value": {"title": "changed"}}
CHANGES_NOTHING = CHANGES | {"id": "{new}"}
WRITES: dict[str, tuple[str, str, int, Any, dict[str, str]]] = {
    "create": ("POST", TASKS, 201, {"title": "new", "labels": ["home", "new"]}, {}),
    "create at an id": ("POST", TASKS, 201, {"title": "new", "id": "{new}"}, {}),
    "create below": ("POST", TASKS, 201, {"title": "new", "parent_id": "{task}"}, {}),
    "change": ("PATCH", TASKS + "/{task}", 200, {"title": "changed", "labels": ["new"]}, {}),
    "change below": ("PATCH", TASKS + "/{task}", 200, {"list_id": "{list}", "is_completed": True}, {}),
    "replace": ("PUT", TASKS + "/{task}", 200, {"title": "replaced"}, {}),
    "place": ("PUT", TASKS + "/{new}", 201, {"title": "placed"}, {"If-None-Match": "*"}),
    "delete": ("DELETE", TASKS + "/{task}", 204, None, {}),
    "move": ("POST", TASKS + "/{task}/move", 200, {"list_id": "{list}"}, {}),
    "complete": ("POST", TASKS + "/{task}/complete", 200, None, {}),
    "complete many": ("POST", TASKS + "/complete", 200, {"ids": ["{task}"]}, {}),
    "change many": ("POST", TASKS + "/change", 200, {"ids": ["{task}"], "changes": {"priority": "high"}}, {}),
    "delete many": ("POST", TASKS + "/delete", 200, {"ids": ["{task}"]}, {}),
    "create a list": ("POST", "/api/v1/lists", 201, {"name": "new"}, {}),
    "change a list": ("PATCH", "/api/v1/lists/{list}", 200, {"name": "changed"}, {}),
    "delete a list": ("DELETE", "/api/v1/lists/{list}", 204, None, {}),
    "move a list": ("POST", "/api/v1/lists/{list}/move", 200, {}, {}),
    "create a label": ("POST", "/api/v1/labels", 201, {"name": "new"}, {}),
    "rename a label": ("PATCH", "/api/v1/labels/{label}", 200, {"name": "changed"}, {}),
    "delete a label": ("DELETE", "/api/v1/labels/{label}", 204, None, {}),
    "restore": ("POST", TASKS + "/{trashed}/restore", 200, None, {}),
    "delete for good": ("DELETE", TASKS + "/{task}?permanent=true", 204, None, {}),
    "empty the trash": ("DELETE", "/api/v1/trash", 204, None, {}),
    "batch": ("POST", "/api/v1/batch", 200, {"operations": [CREATES, CHANGES, CHANGES_NOTHING]}, {}),
    "whole batch": ("POST", "/api/v1/batch", 200, {"atomic": True, "operations": [CREATES, CHANGES]}, {}),
    # Refused by what is stored, and for good.
    "half a batch": ("POST", "/api/v1/batch", 404, {"atomic": True, "operations": [CREATES, CHANGES_NOTHING]}, {}),
    "no such task": ("PATCH", TASKS + "/{new}", 404, {"title": "x"}, {}),
    "no such list": ("POST", TASKS, 400, {"title": "new", "list_id": "{new}"}, {}),
    "a taken name": ("POST", "/api/v1/labels", 409, {"name": "HOME"}, {}),
    "changed since": ("PATCH", TASKS + "/{task}", 412, {"title": "x"}, {"If-Match": '"other"'}),
    "there already": ("PUT", TASKS + "/{task}", 412, {"title": "x"}, {"If-None-Match": "*"}),
}


@pytest.mark.parametrize("write", WRITES)
def test_the_answer_comes_again_and_nothing_else_happens(alice: Person, shared_database: str, write: str) -> None:
    a_list, new = alice.creates_list(), str(new_id())
    task = alice.creates("there", labels=["home"])
    alice.creates_list("Errands")
    alice.creates("below", parent_id=task["id"])
    trashed = alice.creates("trashed")["id"]
    assert alice.delete(f"{TASKS}/{trashed}").status_code == 204
    named = {"{trashed}": trashed, "{task}": task["id"], "{list}": a_list["id"], "{label}": alice.labels()[0]["id"], "{new}": new}
    method, path, status, body, more = WRITES[write]
    content = "" if body is None else json.dumps(body)
    for name, value in named.items():
        path, content = path.replace(name, value), content.replace(name, value)
    headers = keyed(**more) | ({"Content-Type": "application/json"} if content else {})
    before = revision(shared_database, alice)
    first = alice.request(method, path, content=content, headers=headers)
    assert first.status_code == status, first.text
    after = revision(shared_database, alice)
    assert (after > before) == (status < 300 and write != "empty the trash")
    # What is stored may be another by now; the answer is not.
    alice.creates("later")
    alice.delete(f"{TASKS}/{task['id']}")
    after = revision(shared_database, alice)
    assert_same(first, alice.request(method, path, content=content, headers=headers))
    assert revision(shared_database, alice) == after


def test_every_write_of_records_takes_a_key(server: RunningServer) -> None:
    lacking = [
        f"{method} {path}"
        for path, operations in server.app.openapi()["paths"].items()
        for method, operation in operations.items()
        if method != "get" and not any(one["name"] == "idempotency-key" for one in operation.get("parameters", ()))
    ]
    others = ("/api/v1/auth/", "/api/v1/oauth/", "/api/v1/import", "/api/v1/users/{user_id}/import")
    writes = [name for name in lacking if not name.partition(" ")[2].startswith(others)]
    assert [name for name in writes if not name.endswith("/events/ticket")] == [], "it writes a record"


@pytest.mark.parametrize("mount", [TASKS, "/api/tasks", "/users/{me}/tasks", "/api/v1/users/{me}/tasks"])
def test_a_key_works_wherever_the_tasks_are(alice: Person, mount: str) -> None:
    headers, path = keyed(), mount.format(me=alice.id)
    first = alice.post(path, json={"title": "once"}, headers=headers)
    assert_same(first, alice.post(path, json={"title": "once"}, headers=headers))


def test_a_key_with_if_match_answers_after_the_tag_is_old(alice: Person) -> None:
    task = alice.creates("a")
    of_task = f"{TASKS}/{task['id']}"
    headers = keyed(**{"If-Match": task["etag"]})
    first = alice.patch(of_task, json={"title": "b"}, headers=headers)
    assert first.status_code == 200
    assert_same(first, alice.patch(of_task, json={"title": "b"}, headers=headers))
    assert_error(alice.patch(of_task, json={"title": "b"}, headers=keyed(**{"If-Match": task["etag"]})), 412, "task_changed")


GOOD_KEYS = [
    "a",
    "8e03978e-40d5-43dd-bc93-6894a57f9324",
    "~!@#$%^&*()_+,;:'<>[]{}|\\",
    "x" * 255,
    '"quoted"',
    f'"{"x" * 255}"',
    r'"\"\\"',
]
BAD_KEYS = [
    "",
    '""',
    "x" * 256,
    f'"{"x" * 256}"',
    "two words",
    '"two words"',
    "tab\tbed",
    '"open',
    'shut"',
    'a"b',
    '"',
    r'"\a"',
    r'"\"',
    "ä",
    '"a", "b"',
    '"a";b',
]


@pytest.mark.parametrize("key", GOOD_KEYS, ids=range(len(GOOD_KEYS)))
def test_a_key_is_visible_characters_quoted_or_bare(alice: Person, key: str) -> None:
    first = alice.post(TASKS, json={"title": "once"}, headers={"Idempotency-Key": key})
    assert first.status_code == 201, first.text
    assert_same(first, alice.post(TASKS, json={"title": "once"}, headers={"Idempotency-Key": key}))


@pytest.mark.parametrize("key", BAD_KEYS, ids=range(len(BAD_KEYS)))
def test_anything_else_is_no_key_and_nothing_is_done(alice: Person, key: str) -> None:
    answer = alice.post(TASKS, json={"title": "x"}, headers={b"Idempotency-Key": key.encode()})
    assert invalid_fields(answer) == ["idempotency-key"]
    assert alice.sees() == []


def test_a_key_given_twice_is_no_key(alice: Person) -> None:
    answer = alice.post(
        TASKS, json={"title": "x"}, headers=[*alice.headers.items(), ("Idempotency-Key", "a"), ("Idempotency-Key", "a")]
    )
    assert invalid_fields(answer) == ["idempotency-key"]


def test_a_key_is_the_same_with_quotation_marks_and_without(alice: Person) -> None:
    first = alice.post(TASKS, json={"title": "once"}, headers={"Idempotency-Key": "k"})
    assert_same(first, alice.post(TASKS, json={"title": "once"}, headers={"Idempotency-Key": '"k"'}))


def test_what_is_refused_before_it_is_looked_at_takes_no_key(
    alice: Person, anonymous: httpx.Client, shared_database: str
) -> None:
    headers = keyed()
    assert_error(anonymous.post(TASKS, json={"title": "x"}, headers=headers), 401, "token_missing")
    assert invalid_fields(alice.post(TASKS, json={"title": ""}, headers=headers)) == ["title"]
    assert_error(alice.post(TASKS, content="x", headers=headers), 415, "unsupported_media_type")
    assert rows(shared_database, alice) == 0
    assert alice.post(TASKS, json={"title": "x"}, headers=headers).status_code == 201


def test_an_answer_is_not_given_to_a_token_that_is_dead_or_may_not_write(alice: Person, server: RunningServer) -> None:
    headers = keyed()
    assert alice.post(TASKS, json={"title": "x"}, headers=headers).status_code == 201
    reader = server.sign_in.tokens.make(alice.id, frozenset({"tasks:read"}))
    answer = alice.post(TASKS, json={"title": "x"}, headers=headers | {"Authorization": f"Bearer {reader}"})
    assert_error(answer, 403, "insufficient_scope")
    assert alice.post("/api/v1/auth/sign-out-everywhere").status_code == 204
    answer = alice.post(TASKS, json={"title": "x"}, headers=headers)
    assert_error(answer, 401, "account_unusable")


def test_a_write_while_the_users_row_is_locked_elsewhere_is_told_so_within_a_moment(alice: Person, shared_database: str) -> None:
    headers = keyed()
    with holding(shared_database, f"SELECT 1 FROM users WHERE id = '{alice.id}' FOR UPDATE") as held:
        answer = alice.post(TASKS, json={"title": "once"}, headers=headers)
        assert_error(answer, 409, "idempotency_key_in_use")
        assert int(answer.headers["retry-after"]) >= 1
        held.execute("COMMIT")
    assert alice.post(TASKS, json={"title": "once"}, headers=headers).status_code == 201
    assert len(alice.sees()) == 1


def test_a_key_that_is_at_work_here_is_told_so(alice: Person, shared_database: str) -> None:
    headers = keyed()
    with (
        ThreadPoolExecutor(1) as pool,
        holding(shared_database, "LOCK TABLE tasks IN ACCESS EXCLUSIVE MODE") as held,
    ):
        first = pool.submit(alice.post, TASKS, json={"title": "once"}, headers=headers)
        held.wait_for_waiters(1)
        assert_error(alice.post(TASKS, json={"title": "once"}, headers=headers), 409, "idempotency_key_in_use")
        held.execute("COMMIT")
        answer = first.result(20)
    assert_same(answer, alice.post(TASKS, json={"title": "once"}, headers=headers))


def test_a_key_is_forgotten_after_a_day_a_few_at_a_time(alice: Person, shared_database: str) -> None:
    def age(by: str) -> None:
        postgres.query(
            shared_database,
            f"UPDATE idempotency_keys SET created_at = created_at - interval '{by}' WHERE user_id = $1",
            alice.id,
        )

    headers = keyed()
    first = alice.post(TASKS, json={"title": "x"}, headers=headers)
    for _ in range(12):
        alice.post(TASKS, json={"title": "x"}, headers=keyed())
    age("23 hours 59 minutes")
    assert_same(first, alice.post(TASKS, json={"title": "x"}, headers=headers))
    assert rows(shared_database, alice) == 13
    age("2 minutes")
    again = alice.post(TASKS, json={"title": "another"}, headers=headers)
    assert (again.status_code, is_replayed(again)) == (201, False)
    assert rows(shared_database, alice) == 13 - 10
    alice.post(TASKS, json={"title": "x"}, headers=keyed())
    assert rows(shared_database, alice) == 2
    assert_same(again, alice.post(TASKS, json={"title": "another"}, headers=headers))


def test_no_key_leaves_no_row_and_an_account_takes_its_rows_along(alice: Person, shared_database: str) -> None:
    alice.creates()
    assert rows(shared_database, alice) == 0
    alice.post(TASKS, json={"title": "x"}, headers=keyed())
    assert rows(shared_database, alice) == 1
    kept = postgres.query(shared_database, "SELECT key FROM idempotency_keys WHERE user_id = $1", alice.id)
    assert len(kept[0]["key"]) == 43
    assert alice.request("DELETE", "/api/v1/auth/me", json={"password": "correct horse battery"}).status_code == 204
    assert rows(shared_database, alice) == 0


def test_an_import_takes_no_key(alice: Person) -> None:
    answer = alice.post("/api/v1/import", content="x", headers=keyed(**{"Content-Type": "text/plain"}))
    assert invalid_fields(answer) == ["idempotency-key"]
