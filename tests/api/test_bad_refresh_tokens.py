"""Refresh tokens that are none, and what a thief of the database finds of those that are."""

from collections.abc import Iterator
from typing import NamedTuple

import asyncpg
import httpx
import pytest

from tests.support import postgres
from tests.support.bad_refresh_tokens import HARMLESS, WRONG_SECRET, Loot, Parts
from tests.support.errors import assert_error
from tests.support.server import RunningServer
from tests.support.signed_in import (
    Account,
    SignedIn,
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


@pytest.mark.parametrize("name", WRONG_SECRET)
def test_a_wrong_secret_ends_the_session_that_it_names(
    server: RunningServer, anonymous: httpx.Client, theft: Theft, shared_database: str, name: str
) -> None:
    """Only who has had one of its tokens knows its id."""
    with sign_in(server, theft.account) as dora, sign_in(server, theft.account) as second:
        digest = Parts.bytes_of(digest_of(shared_database, dora.refresh_token))
        loot = theft.loot._replace(good=dora.refresh_token, second=second.refresh_token, digest=digest)
        assert_error(refresh(anonymous, WRONG_SECRET[name](loot)), 401, "refresh_token_invalid")
        assert_error(refresh(anonymous, dora.refresh_token), 401, "refresh_token_invalid")
        refreshed(anonymous, second.refresh_token)


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
