"""Somebody of another issuer who deleted the account, or was deleted: a token from after that starts an empty one."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import pytest

from tests.cli.command import taskwell
from tests.support import postgres
from tests.support.cast import Person
from tests.support.errors import assert_error
from tests.support.events import EVENTS
from tests.support.lists import unknown_references
from tests.support.outside import Elsewhere, Outsider, elsewhere
from tests.support.replica import CHANGES
from tests.support.signed_in import API_TOKENS, ME, TASKS, bearer
from tests.support.stored import revision_of


@pytest.fixture(scope="module")
def there(shared_database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Elsewhere]:
    with elsewhere(shared_database, tmp_path_factory.mktemp("data")) as made:
        yield made


@pytest.fixture
def dora(there: Elsewhere) -> Outsider:
    """With something of everything."""
    somebody = there.somebody()
    for title in ("buy milk", "buy bread"):
        assert somebody.asks("POST", TASKS, json={"title": title}).status_code == 201
    assert somebody.asks("PATCH", ME, json={"display_name": "Dora", "time_zone": "Pacific/Chatham"}).status_code == 200
    return somebody


@pytest.fixture
def operator(shared_database: str, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., None]:
    def runs(*words: str) -> None:
        done = taskwell("users", *words, cwd=tmp_path_factory.mktemp("cli"), DATABASE_URL=shared_database)
        assert done.returncode == 0, done.stderr

    return runs


def titles(dora: Outsider, **more: Any) -> list[str]:
    answer = dora.asks("GET", TASKS, **more)
    assert answer.status_code == 200, answer.text
    return [task["title"] for task in answer.json()["items"]]


@pytest.mark.parametrize("by", ["herself", "the operator"])
def test_an_older_token_stays_dead_and_a_newer_one_starts_an_empty_account(
    dora: Outsider, operator: Callable[..., None], shared_database: str, by: str
) -> None:
    old = dora.token()
    task = dora.asks("GET", TASKS, old).json()["items"][0]
    minted = dora.asks("POST", API_TOKENS, json={"name": "x", "scopes": ["tasks:read"], "expires_in_days": 1}).json()["token"]
    postgres.query(shared_database, "UPDATE users SET is_admin = true WHERE id = $1", dora.id)
    if by == "herself":
        dora.deletes_the_account()
    else:
        operator("delete", "--yes", str(dora.id))
    # Nothing is there, and a read makes nothing.
    assert titles(dora) == []
    me = dora.asks("GET", ME).json()
    nothing = {"email": None, "display_name": None, "time_zone": "UTC", "is_admin": False, "created_at": None}
    assert me == {"id": str(dora.id)} | nothing
    assert_error(dora.asks("GET", f"{TASKS}/{task['id']}"), 404, "task_not_found")
    assert dora.asks("GET", API_TOKENS).json() == {"items": []}
    assert_error(dora.asks("GET", f"/api/v1/users/{uuid4()}/tasks"), 404, "user_not_found")
    assert postgres.query(shared_database, "SELECT deleted_at FROM users WHERE id = $1", dora.id)[0][0] is not None
    # The first write makes it.
    assert dora.asks("POST", TASKS, json={"title": "again"}, server=1).status_code == 201
    assert titles(dora) == ["again"]
    me = dora.asks("GET", ME).json()
    assert (me["display_name"], me["time_zone"], me["is_admin"]) == (None, "UTC", False)
    assert me["created_at"] > task["created_at"]
    # And nothing from before is good for it.
    for server in (0, 1):
        for path in (TASKS, ME, f"{TASKS}/{task['id']}"):
            assert_error(dora.asks("GET", path, old, server=server), 401, "account_unusable")
        assert_error(dora.asks("POST", TASKS, old, server=server, json={"title": "x"}), 401, "account_unusable")
        assert_error(dora.elsewhere.clients[server].get(TASKS, headers=bearer(minted)), 401, "token_invalid")
    assert titles(dora) == ["again"]


def test_a_copy_from_before_needs_a_new_start(dora: Outsider) -> None:
    made = dora.asks("POST", "/api/v1/lists", json={"name": "L"}).json()
    here = {"list_id": made["id"]}
    tokens = [(query, dora.asks("GET", CHANGES, params=query).json()["next"]) for query in ({}, here, {"limit": 1})]
    dora.deletes_the_account()
    for query, token in tokens:
        assert_error(dora.asks("GET", CHANGES, params=query | {"since": token}), 410, "resync_required")
    assert_error(dora.asks("GET", EVENTS, headers={"Last-Event-ID": tokens[0][1]}), 410, "resync_required")
    assert unknown_references(dora.asks("GET", CHANGES, params=here)) == [("query", "list_id")]
    nothing = dora.asks("GET", CHANGES).json()
    assert nothing["items"] == []
    for _ in range(2):  # there is nothing that was not heard of
        nothing = dora.asks("GET", CHANGES, params={"since": nothing["next"]}).json()
        assert (nothing["items"], nothing["has_more"]) == ([], False)
    dora.asks("POST", TASKS, json={"title": "again"})
    items = dora.asks("GET", CHANGES, params={"since": nothing["next"]}).json()["items"]
    assert [item["kind"] for item in items] == ["account", "task"]


FIRST_WRITES: dict[str, tuple[str, str, Any, int]] = {
    "a task": ("POST", TASKS, {"title": "x"}, 201),
    "a name": ("PATCH", ME, {"display_name": "Theodora"}, 200),
    "an API token": ("POST", API_TOKENS, {"name": "x", "scopes": ["tasks:read"], "expires_in_days": 1}, 201),
    "a sign-out": ("POST", "/api/v1/auth/sign-out-everywhere", None, 204),
    "another deletion": ("DELETE", ME, {}, 204),
}


@pytest.mark.parametrize("name", FIRST_WRITES)
def test_any_write_may_be_the_first(dora: Outsider, name: str) -> None:
    method, path, body, status = FIRST_WRITES[name]
    dora.deletes_the_account()
    assert dora.asks(method, path, json=body).status_code == status
    assert titles(dora) == (["x"] if name == "a task" else [])


def test_no_tag_from_before_matches_what_is_there_afterwards(dora: Outsider, shared_database: str) -> None:
    tags = [dora.asks("GET", TASKS).headers["etag"]]
    for _ in range(3):
        before = revision_of(shared_database, dora.id)
        dora.deletes_the_account()
        tags.append(dora.asks("GET", TASKS).headers["etag"])
        for _ in range(before + 1):
            answer = dora.asks("GET", TASKS, headers={"If-None-Match": tags[0]})
            assert (answer.status_code, answer.headers["etag"]) != (304, tags[0])
            task = dora.asks("POST", TASKS, json={"title": "x"})
            assert task.json()["revision"] > before
            assert task.headers["etag"] not in tags
            tags.append(task.headers["etag"])


def test_who_was_shut_out_before_the_deletion_stays_so(dora: Outsider, operator: Callable[..., None]) -> None:
    operator("disable", str(dora.id))
    operator("delete", "--yes", str(dora.id))
    for token in (dora.token(), dora.token(1)):
        for server in (0, 1):
            assert_error(dora.asks("GET", TASKS, token, server=server), 401, "account_unusable")
            answer = dora.asks("POST", TASKS, token, server=server, json={"title": "x"})
            assert_error(answer, 401, "account_unusable")
            assert "disabled" in answer.json()["error"]["message"]


def test_who_is_back_can_be_shut_out(dora: Outsider, operator: Callable[..., None]) -> None:
    dora.deletes_the_account()
    assert dora.asks("POST", TASKS, json={"title": "x"}).status_code == 201
    operator("disable", str(dora.id))
    assert_error(dora.asks("GET", TASKS, dora.token(1)), 401, "account_unusable")


def test_for_an_administrator_there_is_nobody_until_they_are_back(dora: Outsider, shared_database: str) -> None:
    boss = dora.elsewhere.somebody()
    assert boss.asks("POST", TASKS, json={"title": "x"}).status_code == 201
    postgres.query(shared_database, "UPDATE users SET is_admin = true WHERE id = $1", boss.id)
    theirs = f"/api/v1/users/{dora.id}/tasks"
    dora.deletes_the_account()
    assert_error(boss.asks("GET", theirs), 404, "user_not_found")
    assert_error(boss.asks("POST", theirs, json={"title": "x"}), 404, "user_not_found")
    assert dora.asks("POST", TASKS, json={"title": "again"}).status_code == 201
    assert [task["title"] for task in boss.asks("GET", theirs).json()["items"]] == ["again"]


def test_the_first_requests_may_come_all_at_once(dora: Outsider) -> None:
    dora.deletes_the_account()
    token = dora.token()

    def asks(number: int) -> int:
        method, body = ("POST", {"title": "x"}) if number % 2 else ("GET", None)
        return dora.asks(method, TASKS, token, server=number // 2 % 2, json=body).status_code

    with ThreadPoolExecutor(8) as threads:
        assert set(threads.map(asks, range(16))) == {200, 201}
    assert titles(dora) == ["x"] * 8


def test_a_deletion_in_that_very_moment_leaves_nothing_behind(dora: Outsider, shared_database: str) -> None:
    """Writes by the token that deletes come before the deletion, and go with it, or after it, and are refused."""
    dora.deletes_the_account()
    for _ in range(3):
        token = dora.token()

        def asks(number: int, token: str = token) -> int:
            if number == 5:
                return dora.asks("DELETE", ME, token, json={}).status_code
            return dora.asks("POST", TASKS, token, server=number % 2, json={"title": "x"}).status_code

        with ThreadPoolExecutor(8) as threads:
            assert set(threads.map(asks, range(16))) <= {201, 204, 401}
        assert titles(dora) == []
        assert postgres.query(shared_database, "SELECT FROM tasks WHERE user_id = $1", dora.id) == []


def test_an_account_with_a_password_does_not_come_back(alice: Person, shared_database: str) -> None:
    answer = alice.request("DELETE", ME, json={"password": "correct horse battery"})
    assert answer.status_code == 204
    assert_error(alice.post(TASKS, json={"title": "x"}), 401, "account_unusable")
    assert postgres.query(shared_database, "SELECT deleted_at FROM users WHERE id = $1", alice.id)[0][0] is not None
