"""POST /auth/revoke (RFC 7009): whatever is sent is no good afterwards, and the answer is the same."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.support import postgres
from tests.support.bad_refresh_tokens import Parts
from tests.support.errors import assert_error, invalid_fields
from tests.support.server import RunningServer
from tests.support.signed_in import (
    AUTH,
    ME,
    TASKS,
    Account,
    SignedIn,
    bearer,
    make_api_token,
    refresh,
    refreshed,
    sign_in,
    sign_up,
    signed_in,
)

REVOKE = f"{AUTH}/revoke"


@pytest.fixture(scope="module")
def account(server: RunningServer) -> Account:
    return sign_up(server)


@pytest.fixture
def dora(server: RunningServer, account: Account) -> Iterator[SignedIn]:
    """A session of her own for each test; the account is shared."""
    with sign_in(server, account) as somebody:
        yield somebody


def revoke(client: httpx.Client, token: str, **form: str) -> None:
    answer = client.post(REVOKE, data={"token": token} | form)
    assert answer.status_code == 200, answer.text
    assert answer.json() == {}
    assert answer.headers["cache-control"] == "no-store"


def assert_dead(client: httpx.Client, refresh_token: str) -> None:
    assert_error(refresh(client, refresh_token), 401, "refresh_token_invalid")


def test_a_refresh_token_ends_its_session(
    server: RunningServer, anonymous: httpx.Client, dora: SignedIn, shared_database: str
) -> None:
    with sign_in(server, dora.account) as elsewhere:
        revoke(anonymous, dora.refresh_token)
        assert_dead(anonymous, dora.refresh_token)
        session = Parts.of(dora.refresh_token).session_id
        assert postgres.query(shared_database, "SELECT 1 FROM sessions WHERE id = $1", session) == []
        refreshed(anonymous, elsewhere.refresh_token)
    assert dora.get(ME).status_code == 200  # the access token ends by itself, within 15 minutes
    revoke(anonymous, dora.refresh_token)  # again


def test_one_that_was_just_used_ends_it_too(anonymous: httpx.Client, dora: SignedIn) -> None:
    """Its answer may have been lost, and then it is all that the client has."""
    following = refreshed(anonymous, dora.refresh_token)["refresh_token"]
    revoke(anonymous, dora.refresh_token)
    assert_dead(anonymous, following)


def test_an_older_one_is_no_token_any_more_and_ends_nothing(anonymous: httpx.Client, dora: SignedIn) -> None:
    second = refreshed(anonymous, dora.refresh_token)["refresh_token"]
    third = refreshed(anonymous, second)["refresh_token"]
    revoke(anonymous, dora.refresh_token)
    refreshed(anonymous, third)


def test_an_api_token_is_deleted(anonymous: httpx.Client, dora: SignedIn) -> None:
    revoked, kept = (make_api_token(dora) for _ in range(2))
    assert anonymous.get(TASKS, headers=bearer(revoked["token"])).status_code == 200
    revoke(anonymous, revoked["token"])
    assert_error(anonymous.get(TASKS, headers=bearer(revoked["token"])), 401, "token_invalid")
    assert anonymous.get(TASKS, headers=bearer(kept["token"])).status_code == 200
    listed = [token["id"] for token in dora.get(f"{AUTH}/tokens").json()["items"]]
    assert kept["id"] in listed
    assert revoked["id"] not in listed


def test_an_access_token_works_until_it_expires(anonymous: httpx.Client, dora: SignedIn) -> None:
    revoke(anonymous, dora.token)
    assert dora.get(ME).status_code == 200
    refreshed(anonymous, dora.refresh_token)


@pytest.mark.parametrize("hint", ["refresh_token", "access_token", "api_token", ""])
def test_a_wrong_hint_does_no_harm(anonymous: httpx.Client, dora: SignedIn, hint: str) -> None:
    revoke(anonymous, dora.refresh_token, token_type_hint=hint, client_id="string", client_secret="********")
    assert_dead(anonymous, dora.refresh_token)


GARBAGE = [
    "",
    " ",
    "x",
    "tr_",
    "tw_",
    "tr_" + "A" * 86,
    "tw_" + "A" * 49,
    "tw_" + "é" * 49,
    "Ａ",
    "\x00",
    "\r\n",
    "a.b.c",
    "x" * 8192,
]


@pytest.mark.parametrize("garbage", GARBAGE, ids=lambda text: ascii(text[:12]))
def test_garbage_is_no_good_token_either(anonymous: httpx.Client, dora: SignedIn, garbage: str) -> None:
    revoke(anonymous, garbage)
    revoke(anonymous, dora.refresh_token + garbage[:20] if garbage else dora.refresh_token[:-1])
    refreshed(anonymous, dora.refresh_token)


def test_nobody_elses_session_is_touched(server: RunningServer, anonymous: httpx.Client, dora: SignedIn) -> None:
    with signed_in(server, name="bob") as bob:
        hers, his = Parts.of(dora.refresh_token), Parts.of(bob.refresh_token)
        for forged in (
            hers._replace(user=his.user),
            his._replace(session=hers.session),
            his._replace(user=hers.user),
            hers._replace(secret=his.secret),
            hers._replace(secret=bytes(32)),
        ):
            revoke(anonymous, forged.token)
            revoke(bob, forged.token)
        refreshed(anonymous, dora.refresh_token)
        refreshed(anonymous, bob.refresh_token)


@pytest.mark.parametrize(
    ("form", "named"),
    [
        ({"token_type_hint": "refresh_token"}, "token"),
        ({"token": "x" * 8193}, "token"),
        ({"token": ["x", "y"]}, "token"),
        ({"token": "x", "refresh_token": "y"}, "refresh_token"),
    ],
)
def test_an_invalid_form_is_refused_with_the_name_of_the_field(anonymous: httpx.Client, form: dict[str, Any], named: str) -> None:
    assert invalid_fields(anonymous.post(REVOKE, data=form)) == [named]


def test_json_is_no_form(anonymous: httpx.Client, dora: SignedIn) -> None:
    assert_error(anonymous.post(REVOKE, json={"token": dora.refresh_token}), 415, "unsupported_media_type")
    refreshed(anonymous, dora.refresh_token)


def test_a_token_in_the_query_is_refused(anonymous: httpx.Client, dora: SignedIn) -> None:
    """Where it would stand in the logs of every proxy."""
    answer = anonymous.post(f"{REVOKE}?token={dora.refresh_token}", data={"token": dora.refresh_token})
    assert invalid_fields(answer) == ["token"]
    refreshed(anonymous, dora.refresh_token)
