"""Refresh tokens that are none, and what a thief of the database finds of those that are."""

from collections.abc import Iterator
from typing import NamedTuple

import asyncpg
import httpx
import pytest

from taskwell.accounts.sessions.refresh import RefreshToken
from taskwell.database.keyed_hash import KeyedHash
from tests.support import postgres
from tests.support.bad_refresh_tokens import HARMLESS, Loot, Parts
from tests.support.errors import assert_error
from tests.support.server import RunningServer
from tests.support.signed_in import (
    ME,
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
)
from tests.support.stored import rows_as_text


class Theft(NamedTuple):
    loot: Loot
    account: Account


def digest_of(database_url: str, token: str) -> str:
    sql = "SELECT token_hash FROM sessions WHERE user_id = $1 AND id = $2"
    parts = Parts.of(token)
    digest: str = postgres.query(database_url, sql, parts.user_id, parts.session_id)[0]["token_hash"]
    return digest


@pytest.fixture(scope="module")
def theft(server: RunningServer, shared_database: str) -> Iterator[Theft]:
    account = sign_up(server)
    with (
        signed_in(server, name="bob") as bob,
        sign_in(server, account) as dora,
        sign_in(server, account) as elsewhere,
        browser(server) as client,
    ):
        good = dora.refresh_token
        while not {"-", "_"} & set(good.removeprefix("tr_")):
            good = refreshed(client, good)["refresh_token"]
        digest = Parts.bytes_of(digest_of(shared_database, good))
        api_token = make_api_token(dora)["token"]
        yield Theft(Loot(good, bob.refresh_token, elsewhere.refresh_token, dora.token, api_token, digest), account)
        # After all of them, each of the good ones still is.
        for token in (good, bob.refresh_token, elsewhere.refresh_token):
            refreshed(client, token)


def sessions(database_url: str) -> list[asyncpg.Record]:
    return postgres.query(database_url, "SELECT * FROM sessions ORDER BY user_id, id")


@pytest.mark.parametrize("name", HARMLESS)
def test_what_is_no_refresh_token_is_refused_and_changes_nothing(
    anonymous: httpx.Client, theft: Theft, shared_database: str, name: str
) -> None:
    bad = HARMLESS[name](theft.loot)
    assert bad != theft.loot.good
    before = sessions(shared_database)
    answer = refresh(anonymous, bad)
    assert_error(answer, 401, "refresh_token_invalid")
    assert answer.headers["www-authenticate"] == 'Bearer realm="taskwell"'
    assert sessions(shared_database) == before


def test_there_are_enough_of_them(theft: Theft) -> None:
    assert len({make(theft.loot) for make in HARMLESS.values()}) == len(HARMLESS) >= 30


def test_a_wrong_secret_neither_ends_the_session_nor_an_access_token(
    anonymous: httpx.Client, dora: SignedIn, shared_database: str
) -> None:
    used = dora.refresh_token
    newest = refreshed(anonymous, refreshed(anonymous, used)["refresh_token"])
    for token in (used, newest["refresh_token"]):
        for invented in (bytes(32), bytes(range(32)), Parts.of(newest["refresh_token"]).secret[::-1]):
            bad = Parts.of(token)._replace(secret=invented).token
            assert_error(refresh(anonymous, bad), 401, "refresh_token_invalid")
    for token in (dora.token, newest["access_token"]):
        assert anonymous.get(ME, headers=bearer(token)).status_code == 200
    newest = refreshed(anonymous, newest["refresh_token"])
    # The one that was really used ends it all.
    assert_error(refresh(anonymous, used), 401, "refresh_token_invalid")
    assert_error(refresh(anonymous, newest["refresh_token"]), 401, "refresh_token_invalid")
    assert_error(anonymous.get(ME, headers=bearer(newest["access_token"])), 401, "account_unusable")


def test_a_seal_by_another_database_is_none(anonymous: httpx.Client, dora: SignedIn) -> None:
    """As an attacker makes it who knows how, and has not the key."""
    newest = refreshed(anonymous, dora.refresh_token)["refresh_token"]
    forged = (
        RefreshToken.of_new_session(dora.id)._replace(session_id=Parts.of(newest).session_id).sealed(KeyedHash("another key"))
    )
    bad = Parts.of(newest)._replace(secret=forged.secret, seal=forged.seal).token
    assert_error(refresh(anonymous, bad), 401, "refresh_token_invalid")
    refreshed(anonymous, newest)


def test_the_database_holds_no_token_but_digests_alone(anonymous: httpx.Client, dora: SignedIn, shared_database: str) -> None:
    second = refreshed(anonymous, dora.refresh_token)
    third = refreshed(anonymous, second["refresh_token"])
    api_token = make_api_token(dora)["token"]
    dump = "\n".join(rows_as_text(shared_database))
    assert str(dora.id) in dump
    assert digest_of(shared_database, third["refresh_token"]) in dump
    for token in (dora.refresh_token, second["refresh_token"], third["refresh_token"]):
        for secret in Parts.of(token).spellings_of_the_secret():
            assert secret not in dump
    for token in (dora.token, third["access_token"], api_token, api_token[3:-6], dora.password):
        assert token not in dump
