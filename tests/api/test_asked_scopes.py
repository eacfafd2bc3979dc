"""Which scopes a sign-in and a refresh give: what was asked for, of what this user can have."""

from collections.abc import Iterator

import httpx
import jwt
import pytest

from tests.support import postgres
from tests.support.errors import assert_error, invalid_fields
from tests.support.server import RunningServer
from tests.support.signed_in import ME, TASKS, Account, bearer, refresh, refreshed, sign_in, sign_up, try_sign_in

EVERYDAY = "tasks:read tasks:write account"


@pytest.fixture(scope="module")
def account(server: RunningServer) -> Account:
    return sign_up(server)


@pytest.fixture(scope="module")
def administrator(server: RunningServer, shared_database: str) -> Account:
    account = sign_up(server, name="carol")
    postgres.query(shared_database, "UPDATE users SET is_admin = true WHERE id = $1", account.id)
    return account


def claimed(token: str) -> str:
    claims = jwt.decode(token, options={"verify_signature": False})
    scope: str = claims["scope"]
    return scope


@pytest.mark.parametrize(
    ("asked", "given"),
    [
        ("", EVERYDAY),
        (" ", EVERYDAY),
        (EVERYDAY, EVERYDAY),
        ("account tasks:write tasks:read", EVERYDAY),  # always in one order
        ("tasks:read", "tasks:read"),
        ("tasks:write  account", "tasks:write account"),
        ("tasks:read tasks:read", "tasks:read"),
        ("admin", ""),
        ("admin tasks:read", "tasks:read"),
    ],
)
def test_a_sign_in_has_what_it_asks_for(anonymous: httpx.Client, account: Account, asked: str, given: str) -> None:
    answer = try_sign_in(anonymous, account, scope=asked).json()
    assert answer["scope"] == claimed(answer["access_token"]) == given
    again = refreshed(anonymous, answer["refresh_token"])
    assert again["scope"] == claimed(again["access_token"]) == given


@pytest.mark.parametrize(
    ("asked", "given"), [("", f"{EVERYDAY} admin"), ("admin", "admin"), ("admin tasks:read", "tasks:read admin")]
)
def test_an_administrators_can_have_admin(anonymous: httpx.Client, administrator: Account, asked: str, given: str) -> None:
    answer = try_sign_in(anonymous, administrator, scope=asked).json()
    assert answer["scope"] == claimed(answer["access_token"]) == given


def test_a_refresh_may_ask_for_less_this_one_time(server: RunningServer, anonymous: httpx.Client, account: Account) -> None:
    with sign_in(server, account) as dora:
        less = refreshed(anonymous, dora.refresh_token, scope="tasks:read")
        assert less["scope"] == claimed(less["access_token"]) == "tasks:read"
        assert anonymous.get(TASKS, headers=bearer(less["access_token"])).status_code == 200
        for refused, scope in (
            (anonymous.post(TASKS, headers=bearer(less["access_token"]), json={"title": "x"}), "tasks:write"),
            (anonymous.get(ME, headers=bearer(less["access_token"])), "account"),
        ):
            assert assert_error(refused, 403, "insufficient_scope") == {"scope": scope}
        # RFC 6749 6: the refresh token's own scope stays what it was.
        assert refreshed(anonymous, less["refresh_token"])["scope"] == EVERYDAY


def test_a_refresh_gives_no_more_than_the_sign_in_had(server: RunningServer, anonymous: httpx.Client, account: Account) -> None:
    with sign_in(server, account, scope="tasks:read") as dora:
        token = dora.refresh_token
        for asked, given in (
            (EVERYDAY, "tasks:read"),
            ("admin tasks:read", "tasks:read"),
            ("tasks:write", ""),
            ("", "tasks:read"),
        ):
            again = refreshed(anonymous, token, scope=asked)
            assert again["scope"] == claimed(again["access_token"]) == given
            token = again["refresh_token"]


def test_who_becomes_an_administrator_signs_in_anew_for_it(
    server: RunningServer, anonymous: httpx.Client, shared_database: str
) -> None:
    account = sign_up(server)
    with sign_in(server, account) as dora:
        postgres.query(shared_database, "UPDATE users SET is_admin = true WHERE id = $1", account.id)
        assert refreshed(anonymous, dora.refresh_token)["scope"] == EVERYDAY
        assert try_sign_in(anonymous, account).json()["scope"] == f"{EVERYDAY} admin"


@pytest.fixture
def refresh_token(server: RunningServer, account: Account) -> Iterator[str]:
    with sign_in(server, account) as dora:
        yield dora.refresh_token


@pytest.mark.parametrize("asked", ["tasks", "tasks:read tasks:delete", "TASKS:READ", "tasks:read,account", "*", "openid", "\x00"])
def test_an_unknown_scope_is_refused(anonymous: httpx.Client, account: Account, refresh_token: str, asked: str) -> None:
    assert invalid_fields(try_sign_in(anonymous, account, scope=asked)) == ["scope"]
    assert invalid_fields(refresh(anonymous, refresh_token, scope=asked)) == ["scope"]
    refreshed(anonymous, refresh_token)  # which was not used up by it


def test_a_scope_that_is_too_long_is_refused(anonymous: httpx.Client, account: Account) -> None:
    assert invalid_fields(try_sign_in(anonymous, account, scope="tasks:read " * 20)) == ["scope"]
