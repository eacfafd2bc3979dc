"""DELETE /auth/me: the person, and everything of theirs."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.conftest import settings_for
from tests.faults.locks import holding
from tests.support import postgres
from tests.support.cast import PASSWORD, Person
from tests.support.errors import assert_error, invalid_fields
from tests.support.server import RunningServer, serve
from tests.support.signed_in import (
    API_TOKENS,
    AUTH,
    ME,
    TASKS,
    SignedIn,
    bearer,
    browser,
    make_api_token,
    refresh,
    refreshed,
    sign_in,
    signed_in,
    try_sign_in,
)
from tests.support.stored import rows_as_text

OWNED = """
    SELECT c.table_name AS name
    FROM information_schema.columns c JOIN information_schema.tables t USING (table_schema, table_name)
    WHERE c.table_schema = 'public' AND c.column_name = 'user_id' AND t.table_type = 'BASE TABLE'
"""
"""Every table that has rows of somebody's: a later one is looked at as soon as it is there."""

EMPTY = {"email", "email_key", "password_hash", "display_name", "disabled_at"}
"""Columns of the row that stays."""


def delete(client: httpx.Client, password: Any = PASSWORD, **more: Any) -> httpx.Response:
    return client.request("DELETE", ME, json={"password": password}, **more)


def rows_of(database_url: str, person: Person) -> dict[str, int]:
    """How many rows of theirs each table has."""
    tables = [row["name"] for row in postgres.query(database_url, OWNED)]
    count = "SELECT count(*) FROM {} WHERE user_id = $1"
    return {name: postgres.query(database_url, count.format(name), person.id)[0][0] for name in tables}


def with_something_everywhere(person: SignedIn) -> None:
    there = person.creates_list()["id"]
    kept = person.creates("kept", list_id=there)["id"]
    assert person.patch(f"{TASKS}/{kept}", json={"list_id": None}).status_code == 200  # which the list makes a note of
    assert person.delete(f"{TASKS}/{person.creates('deleted')['id']}").status_code == 204
    make_api_token(person)
    assert person.post("/api/v1/labels", json={"name": "home"}).status_code == 201
    daily = person.creates("daily", due={"date": "2026-01-01"}, recurrence={"rule": "FREQ=DAILY"})["id"]
    key = {"Idempotency-Key": "daily"}
    assert person.post(f"{TASKS}/{daily}/complete", headers=key).status_code == 200  # which is written down as an occurrence


def test_everything_of_theirs_is_gone(dora: SignedIn, shared_database: str) -> None:
    with_something_everywhere(dora)
    before = rows_of(shared_database, dora)
    assert before.keys() >= {"tasks", "sessions", "api_tokens"}
    assert all(before.values()), "a table of which this test makes no row for Dora"
    answer = delete(dora)
    assert (answer.status_code, answer.content) == (204, b"")
    assert set(rows_of(shared_database, dora).values()) == {0}


def test_the_row_that_stays_says_nothing_of_them(dora: SignedIn, shared_database: str) -> None:
    assert dora.patch(ME, json={"display_name": "Dorothea", "time_zone": "Pacific/Chatham"}).status_code == 200
    dora.creates("secret gardening")
    signed_up = dora.get(ME).json()["created_at"]
    assert delete(dora).status_code == 204
    (row,) = postgres.query(shared_database, "SELECT * FROM users WHERE id = $1", dora.id)
    assert {name for name, value in row.items() if value is None} == EMPTY
    assert (row["is_admin"], row["time_zone"]) == (False, "UTC")
    assert row["deleted_at"] == row["tokens_valid_after"] == row["signed_out_at"]
    dump = "\n".join(rows_as_text(shared_database))
    assert str(dora.id) in dump
    for personal in (
        dora.email,
        "Dorothea",
        "Pacific/Chatham",
        "secret gardening",
        signed_up.partition("+")[0].replace("T", " "),
    ):
        assert personal not in dump


def test_no_credential_of_theirs_is_good(server: RunningServer, anonymous: httpx.Client, dora: SignedIn) -> None:
    api_token = make_api_token(dora, "tasks:read", "tasks:write")["token"]
    with sign_in(server, dora.account) as elsewhere:
        assert delete(dora).status_code == 204
        for one in (dora, elsewhere):
            assert_error(one.get(ME), 401, "account_unusable")
            assert_error(one.get(TASKS), 401, "account_unusable")
            assert_error(one.post(TASKS, json={"title": "x"}), 401, "account_unusable")
            assert_error(
                one.put(f"{TASKS}/{uuid4()}", json={"title": "x"}, headers={"If-None-Match": "*"}), 401, "account_unusable"
            )
            assert_error(delete(one), 401, "account_unusable")
            assert_error(refresh(anonymous, one.refresh_token), 401, "refresh_token_invalid")
    assert_error(anonymous.get(TASKS, headers=bearer(api_token)), 401, "token_invalid")
    assert_error(try_sign_in(anonymous, dora.account), 401, "wrong_credentials")


def test_for_an_administrator_there_is_no_such_user_any_more(dora: SignedIn, carol: Person) -> None:
    path = f"/api/v1/users/{dora.id}/tasks"
    assert carol.get(path).status_code == 200
    assert delete(dora).status_code == 204
    assert_error(carol.get(path), 404, "user_not_found")
    assert_error(carol.post(path, json={"title": "x"}), 404, "user_not_found")


def test_the_address_can_sign_up_again_as_somebody_new(anonymous: httpx.Client, dora: SignedIn) -> None:
    dora.creates()
    assert delete(dora).status_code == 204
    new = anonymous.post(f"{AUTH}/register", json={"email": dora.email, "password": PASSWORD})
    assert new.status_code == 201
    assert new.json()["id"] != str(dora.id)
    token = try_sign_in(anonymous, dora.account).json()["access_token"]
    assert anonymous.get(TASKS, headers=bearer(token)).json()["items"] == []
    assert_error(dora.get(ME), 401, "account_unusable")  # the old token is not the new person's


def test_nobody_else_loses_anything(server: RunningServer, anonymous: httpx.Client, dora: SignedIn, shared_database: str) -> None:
    with signed_in(server, name="bob") as bob:
        with_something_everywhere(bob)
        before = rows_of(shared_database, bob)
        assert delete(dora).status_code == 204
        assert rows_of(shared_database, bob) == before
        assert bob.get(ME).status_code == 200
        refreshed(anonymous, bob.refresh_token)


def test_without_the_right_password_nothing_is_deleted(dora: SignedIn, shared_database: str) -> None:
    with_something_everywhere(dora)
    before = rows_of(shared_database, dora)
    for wrong in ("wrong password", "", PASSWORD.upper(), None):
        assert_error(delete(dora, wrong), 403, "wrong_password")
    assert_error(dora.request("DELETE", ME, json={}), 403, "wrong_password")
    assert rows_of(shared_database, dora) == before
    assert dora.get(ME).status_code == 200


@pytest.mark.parametrize("body", [{"password": 1}, {"password": "x" * 1025}, {"password": [PASSWORD]}])
def test_an_invalid_password_is_refused(alice: Person, body: dict[str, Any]) -> None:
    assert invalid_fields(alice.request("DELETE", ME, json=body)) == ["password"]
    assert alice.get(ME).status_code == 200


def test_what_is_no_json_is_refused(alice: Person) -> None:
    assert_error(alice.delete(ME), 415, "unsupported_media_type")
    assert_error(alice.request("DELETE", ME, data={"password": PASSWORD}), 415, "unsupported_media_type")
    assert invalid_fields(alice.request("DELETE", ME, json={"password": PASSWORD, "user_id": "x"})) == ["user_id"]
    assert alice.get(ME).status_code == 200


def test_it_says_nothing_to_who_is_not_signed_in(anonymous: httpx.Client) -> None:
    assert_error(delete(anonymous), 401, "token_missing")


def test_neither_an_api_token_nor_a_lesser_sign_in_can(server: RunningServer, anonymous: httpx.Client, dora: SignedIn) -> None:
    api_token = make_api_token(dora, "account")["token"]
    assert_error(delete(anonymous, headers=bearer(api_token)), 403, "sign_in_required")
    with sign_in(server, dora.account, scope="tasks:read tasks:write") as less:
        assert assert_error(delete(less), 403, "insufficient_scope") == {"scope": "account"}
    assert dora.get(ME).status_code == 200


# ---- in this very moment -----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def other_server(shared_database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    with serve(settings_for(shared_database, tmp_path_factory.mktemp("other"))) as running:
        yield running


MEANWHILE: dict[str, tuple[Callable[[httpx.Client, SignedIn], httpx.Response], int]] = {
    "creates a task": (lambda client, dora: dora.post(TASKS, json={"title": "late"}), 201),
    "places a task": (
        lambda client, dora: dora.put(f"{TASKS}/{uuid4()}", json={"title": "late"}, headers={"If-None-Match": "*"}),
        201,
    ),
    "makes an API token": (
        lambda client, dora: dora.post(API_TOKENS, json={"name": "late", "scopes": ["account"], "expires_in_days": 1}),
        201,
    ),
    "signs in": (lambda client, dora: try_sign_in(client, dora.account), 200),
    "refreshes": (lambda client, dora: refresh(client, dora.refresh_token), 200),
    "changes a name": (lambda client, dora: dora.patch(ME, json={"display_name": "late"}), 200),
    "signs out everywhere": (lambda client, dora: dora.post(f"{AUTH}/sign-out-everywhere"), 204),
    "deletes as well": (lambda client, dora: delete(dora), 204),
}


@pytest.mark.parametrize("is_first", [True, False], ids=["before", "after"])
@pytest.mark.parametrize("does", MEANWHILE)
def test_what_is_asked_for_in_that_moment_leaves_nothing_behind(
    server: RunningServer, other_server: RunningServer, shared_database: str, does: str, is_first: bool
) -> None:
    """Both wait for the user's row, in this order: what is done first goes with the rest, what comes later is refused.

    They are sent to two servers, since one lets a user's writes into the database one after the other.
    """
    act, good = MEANWHILE[does]
    lock = "SELECT FROM users WHERE id = $1 FOR UPDATE"
    with (
        signed_in(server) as dora,
        Person(other_server, id=dora.id, email=dora.email, token=dora.token) as elsewhere,
        browser(server) as client,
        ThreadPoolExecutor(2) as threads,
    ):
        both = [lambda: act(client, dora), lambda: delete(elsewhere)]
        with holding(shared_database, lock, dora.id) as held:
            first = threads.submit(both[not is_first])
            held.wait_for_waiters(1)
            second = threads.submit(both[is_first])
            held.wait_for_waiters(2)
            held.execute("COMMIT")
        acted, deleted = (first, second) if is_first else (second, first)
        assert acted.result(30).status_code == (good if is_first else 401), acted.result().text
        ends_the_sign_in = is_first and does in ("signs out everywhere", "deletes as well")
        assert deleted.result(30).status_code == (401 if ends_the_sign_in else 204), deleted.result().text
        if not (is_first and does == "signs out everywhere"):
            assert set(rows_of(shared_database, dora).values()) == {0}
            assert_error(dora.get(ME), 401, "account_unusable")
