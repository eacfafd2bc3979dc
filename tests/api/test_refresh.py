"""POST /auth/token with grant_type=refresh_token: a token is good once, and a second use of it is somebody else's."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import pytest

from tests.support import postgres
from tests.support.bad_refresh_tokens import Parts
from tests.support.errors import assert_error, invalid_fields
from tests.support.server import RunningServer
from tests.support.signed_in import (
    ME,
    TASKS,
    TOKEN,
    Account,
    SignedIn,
    bearer,
    browser,
    make_api_token,
    refresh,
    refreshed,
    sign_in,
    sign_up,
    signed_in,
    try_sign_in,
)

GRACE = 20


@pytest.fixture(scope="module")
def account(server: RunningServer) -> Account:
    return sign_up(server)


@pytest.fixture
def dora(server: RunningServer, account: Account) -> Iterator[SignedIn]:
    """A session of her own for each test; the account is shared."""
    with sign_in(server, account) as somebody:
        yield somebody


def session_of(token: str) -> UUID:
    return Parts.of(token).session_id


def family(database_url: str, token: str) -> list[asyncpg.Record]:
    """The rows of the session that a token is of."""
    return postgres.query(database_url, "SELECT * FROM sessions WHERE id = $1", session_of(token))


def let_pass(database_url: str, token: str, seconds: int) -> None:
    """Since the last rotation in this token's session."""
    sql = "UPDATE sessions SET rotated_at = rotated_at - make_interval(secs => $2) WHERE id = $1"
    postgres.query(database_url, sql, session_of(token), seconds)


def assert_refused(answer: httpx.Response) -> None:
    assert_error(answer, 401, "refresh_token_invalid")
    assert answer.headers["www-authenticate"] == 'Bearer realm="taskwell"'


# ---- rotation ----------------------------------------------------------------------------------------------------------


def test_each_refresh_gives_a_new_pair_that_works(anonymous: httpx.Client, dora: SignedIn, shared_database: str) -> None:
    tokens = [dora.refresh_token]
    for _ in range(5):
        answer = refresh(anonymous, tokens[-1])
        given = answer.json()
        assert answer.headers["cache-control"] == "no-store"
        assert given.keys() == {"access_token", "token_type", "expires_in", "refresh_token", "scope"}
        assert (given["token_type"], given["expires_in"]) == ("bearer", 900)
        assert given["scope"] == dora.scope == "tasks:read tasks:write account"
        assert anonymous.get(ME, headers=bearer(given["access_token"])).json()["id"] == str(dora.id)
        tokens.append(given["refresh_token"])
    assert len(set(tokens)) == 6
    assert {session_of(token) for token in tokens} == {session_of(dora.refresh_token)}
    assert len(family(shared_database, dora.refresh_token)) == 1
    assert dora.get(ME).status_code == 200  # the first access token lives on until it expires


def test_whoever_is_signed_in_beside_it_does_not_matter(dora: SignedIn, bob: httpx.Client) -> None:
    given = refreshed(bob, dora.refresh_token)
    assert bob.get(ME, headers=bearer(given["access_token"])).json()["id"] == str(dora.id)


def test_a_session_lives_thirty_days_from_its_last_use(anonymous: httpx.Client, dora: SignedIn, shared_database: str) -> None:
    (row,) = family(shared_database, dora.refresh_token)
    assert row["expires_at"] - row["created_at"] == timedelta(days=30)
    sql = "UPDATE sessions SET expires_at = clock_timestamp() + interval '5 seconds' WHERE id = $1"
    postgres.query(shared_database, sql, row["id"])
    refreshed(anonymous, dora.refresh_token)
    (after,) = family(shared_database, dora.refresh_token)
    assert timedelta(0) <= after["expires_at"] - row["expires_at"] < timedelta(minutes=1)
    assert after["created_at"] == row["created_at"]


def test_an_expired_session_is_refused(anonymous: httpx.Client, dora: SignedIn, shared_database: str) -> None:
    sql = "UPDATE sessions SET expires_at = clock_timestamp() WHERE id = $1"
    postgres.query(shared_database, sql, session_of(dora.refresh_token))
    assert_refused(refresh(anonymous, dora.refresh_token))
    assert dora.get(ME).status_code == 200  # nothing was stolen: nobody else's sign-in ends by it


@pytest.mark.parametrize("column", ["disabled_at", "deleted_at"])
def test_a_disabled_or_deleted_user_is_refused(
    server: RunningServer, anonymous: httpx.Client, shared_database: str, column: str
) -> None:
    with signed_in(server) as somebody:
        postgres.query(shared_database, f"UPDATE users SET {column} = clock_timestamp() WHERE id = $1", somebody.id)
        assert_refused(refresh(anonymous, somebody.refresh_token))
        postgres.query(shared_database, f"UPDATE users SET {column} = NULL WHERE id = $1", somebody.id)
        refreshed(anonymous, somebody.refresh_token)


def test_a_session_from_before_a_sign_out_is_refused_though_its_row_be_there(
    server: RunningServer, anonymous: httpx.Client, shared_database: str
) -> None:
    """As the row of a sign-in that ran beside the sign-out may be."""
    with signed_in(server) as somebody:
        row = family(shared_database, somebody.refresh_token)[0]
        assert somebody.post("/api/v1/auth/sign-out-everywhere").status_code == 204
        names = ", ".join(row.keys())
        places = ", ".join(f"${place}" for place in range(1, len(row) + 1))
        postgres.query(shared_database, f"INSERT INTO sessions ({names}) VALUES ({places})", *row.values())
        assert_refused(refresh(anonymous, somebody.refresh_token))


# ---- the grace ---------------------------------------------------------------------------------------------------------


def test_within_the_grace_a_repeated_request_gets_the_same_successor(
    anonymous: httpx.Client, dora: SignedIn, shared_database: str
) -> None:
    first = refreshed(anonymous, dora.refresh_token)
    before = family(shared_database, dora.refresh_token)
    again = refreshed(anonymous, dora.refresh_token)
    assert again["refresh_token"] == first["refresh_token"]
    assert anonymous.get(ME, headers=bearer(again["access_token"])).status_code == 200
    assert family(shared_database, dora.refresh_token) == before
    let_pass(shared_database, dora.refresh_token, GRACE - 5)
    assert refreshed(anonymous, dora.refresh_token)["refresh_token"] == first["refresh_token"]
    assert refreshed(anonymous, first["refresh_token"])["refresh_token"] not in (dora.refresh_token, first["refresh_token"])


def test_in_each_grace_it_is_the_successor_of_that_rotation(anonymous: httpx.Client, dora: SignedIn) -> None:
    token = dora.refresh_token
    for _ in range(3):
        following = refreshed(anonymous, token)["refresh_token"]
        assert refreshed(anonymous, token)["refresh_token"] == following
        token = following


def test_ten_at_once_get_one_successor(server: RunningServer, dora: SignedIn, shared_database: str) -> None:
    token = dora.refresh_token

    def from_elsewhere(token: str) -> dict[str, Any]:
        with browser(server) as client:
            return refreshed(client, token)

    with ThreadPoolExecutor(10) as threads:
        for _ in range(5):
            given = list(threads.map(from_elsewhere, [token] * 10))
            assert len({one["refresh_token"] for one in given}) == 1
            assert len({one["access_token"] for one in given}) == 10
            assert len(family(shared_database, token)) == 1
            token = given[0]["refresh_token"]
    assert from_elsewhere(token)["refresh_token"] != token


# ---- reuse -------------------------------------------------------------------------------------------------------------


def test_after_the_grace_a_second_use_ends_the_session_and_the_access_tokens(
    server: RunningServer, anonymous: httpx.Client, account: Account, dora: SignedIn, shared_database: str
) -> None:
    minted = make_api_token(dora)["token"]
    older = make_api_token(dora)
    postgres.query(
        shared_database, "UPDATE api_tokens SET created_at = now() - interval '1 day' WHERE id = $1", UUID(older["id"])
    )
    newest = refreshed(anonymous, dora.refresh_token)
    with sign_in(server, account) as elsewhere:
        let_pass(shared_database, dora.refresh_token, GRACE + 1)
        assert_refused(refresh(anonymous, dora.refresh_token))
        assert_refused(refresh(anonymous, newest["refresh_token"]))
        for stolen in (dora.token, newest["access_token"], elsewhere.token):
            assert_error(anonymous.get(ME, headers=bearer(stolen)), 401, "account_unusable")
            assert_error(anonymous.post(TASKS, headers=bearer(stolen), json={"title": "x"}), 401, "account_unusable")
        # Nobody has a copy of what the other device holds: it goes on, with a new access token.
        given = refreshed(anonymous, elsewhere.refresh_token)
        assert anonymous.get(ME, headers=bearer(given["access_token"])).status_code == 200
    # What the session may have been used for goes with it; what was there before does not.
    assert_error(anonymous.get(TASKS, headers=bearer(minted)), 401, "token_invalid")
    assert anonymous.get(TASKS, headers=bearer(older["token"])).status_code == 200
    assert family(shared_database, dora.refresh_token) == []


def test_a_token_of_two_rotations_ago_ends_the_session_within_the_grace_too(
    anonymous: httpx.Client, dora: SignedIn, shared_database: str
) -> None:
    second = refreshed(anonymous, dora.refresh_token)
    third = refreshed(anonymous, second["refresh_token"])
    assert_refused(refresh(anonymous, dora.refresh_token))
    assert_refused(refresh(anonymous, second["refresh_token"]))
    assert_refused(refresh(anonymous, third["refresh_token"]))
    assert_error(anonymous.get(ME, headers=bearer(third["access_token"])), 401, "account_unusable")
    assert family(shared_database, dora.refresh_token) == []


def test_a_token_of_a_session_that_has_ended_ends_nothing_else(anonymous: httpx.Client, dora: SignedIn) -> None:
    """Whoever has found a very old token signs nobody out by it, over and over."""
    assert anonymous.post("/api/v1/auth/revoke", data={"token": dora.refresh_token}).status_code == 200
    assert_refused(refresh(anonymous, dora.refresh_token))
    assert dora.get(ME).status_code == 200


# ---- how many there are ------------------------------------------------------------------------------------------------


def test_a_fifty_first_session_pushes_out_what_was_not_used_longest(server: RunningServer, shared_database: str) -> None:
    with signed_in(server) as somebody, browser(server) as client:
        sql = (
            "INSERT INTO sessions (user_id, id, token_hash, scope, created_at, rotated_at, expires_at)"
            " SELECT $1, gen_random_uuid(), 'x' || n, '', now(), now() + n * interval '1 second', now() + interval '1 day'"
            " FROM generate_series(1, 48) n"
        )
        postgres.query(shared_database, sql, somebody.id)
        fiftieth = sign_in(server, somebody.account)
        count = "SELECT count(*) FROM sessions WHERE user_id = $1"
        assert postgres.query(shared_database, count, somebody.id)[0][0] == 50
        # The first one to sign in, and in use: it stays. The fiftieth has been idle since.
        token = refreshed(client, somebody.refresh_token)["refresh_token"]
        with fiftieth, sign_in(server, somebody.account) as newest:
            assert postgres.query(shared_database, count, somebody.id)[0][0] == 50
            assert_refused(refresh(client, fiftieth.refresh_token))
            assert newest.get(ME).status_code == 200
            refreshed(client, newest.refresh_token)
            refreshed(client, token)


# ---- the form ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("form", "named"),
    [
        ({"grant_type": "refresh_token"}, "refresh_token"),
        ({"grant_type": "refresh_token", "username": "dora@example.com", "password": "x"}, "refresh_token"),
        ({"grant_type": "refresh_token", "refresh_token": "x" * 201}, "refresh_token"),
        ({"grant_type": "refresh_token", "refresh_token": ["tr_x", "tr_y"]}, "refresh_token"),
        ({"grant_type": "refresh_token", "refresh_token": "tr_x", "user_id": "x"}, "user_id"),
        ({"grant_type": "client_credentials", "refresh_token": "tr_x"}, "grant_type"),
        ({"grant_type": "", "refresh_token": "tr_x"}, "grant_type"),
    ],
)
def test_an_invalid_form_is_refused_with_the_name_of_the_field(anonymous: httpx.Client, form: dict[str, Any], named: str) -> None:
    answer = anonymous.post(TOKEN, data=form)
    assert invalid_fields(answer) == [named]
    assert "tr_x" not in answer.text


def test_the_fields_of_oauth_clients_are_taken_in(anonymous: httpx.Client, dora: SignedIn) -> None:
    refreshed(anonymous, dora.refresh_token, client_id="string", client_secret="********", scope="")


def test_json_is_no_form(anonymous: httpx.Client, dora: SignedIn) -> None:
    answer = anonymous.post(TOKEN, json={"grant_type": "refresh_token", "refresh_token": dora.refresh_token})
    assert_error(answer, 415, "unsupported_media_type")


def test_a_refresh_token_in_the_query_is_refused(anonymous: httpx.Client, dora: SignedIn) -> None:
    """Where it would stand in the logs of every proxy."""
    answer = anonymous.post(f"{TOKEN}?refresh_token={dora.refresh_token}", data={"grant_type": "refresh_token"})
    assert_error(answer, 400, "invalid_input")
    assert dora.refresh_token not in answer.text


def test_a_refresh_token_opens_nothing_itself(anonymous: httpx.Client, dora: SignedIn) -> None:
    assert_error(anonymous.get(ME, headers=bearer(dora.refresh_token)), 401, "token_invalid")


def test_a_wrong_password_does_not_end_a_session(anonymous: httpx.Client, dora: SignedIn) -> None:
    assert_error(try_sign_in(anonymous, dora.account, password="wrong password"), 401, "wrong_credentials")
    refreshed(anonymous, dora.refresh_token)
