"""POST /auth/sign-out-everywhere: nothing that was signed in before is, at the very next request."""

import httpx

from tests.support import postgres
from tests.support.cast import Person
from tests.support.errors import assert_error, invalid_fields
from tests.support.server import RunningServer
from tests.support.signed_in import (
    AUTH,
    ME,
    TASKS,
    SignedIn,
    bearer,
    make_api_token,
    refresh,
    refreshed,
    sign_in,
    signed_in,
)

SIGN_OUT = f"{AUTH}/sign-out-everywhere"


def test_every_sign_in_ends(server: RunningServer, anonymous: httpx.Client, dora: SignedIn, shared_database: str) -> None:
    api_token = make_api_token(dora, "tasks:read", "tasks:write")["token"]
    task = dora.creates()
    following = refreshed(anonymous, dora.refresh_token)
    with sign_in(server, dora.account) as elsewhere:
        answer = elsewhere.post(SIGN_OUT)
        assert (answer.status_code, answer.content) == (204, b"")
        for token in (dora.token, following["access_token"], elsewhere.token):
            assert_error(anonymous.get(ME, headers=bearer(token)), 401, "account_unusable")
            assert_error(anonymous.get(TASKS, headers=bearer(token)), 401, "account_unusable")
            assert_error(anonymous.get(f"{TASKS}/{task['id']}", headers=bearer(token)), 401, "account_unusable")
            assert_error(anonymous.post(TASKS, headers=bearer(token), json={"title": "x"}), 401, "account_unusable")
        for token in (dora.refresh_token, following["refresh_token"], elsewhere.refresh_token):
            assert_error(refresh(anonymous, token), 401, "refresh_token_invalid")
    assert_error(anonymous.get(TASKS, headers=bearer(api_token)), 401, "token_invalid")
    for table in ("sessions", "api_tokens"):
        assert postgres.query(shared_database, f"SELECT 1 FROM {table} WHERE user_id = $1", dora.id) == []
    with sign_in(server, dora.account) as again:
        assert again.sees() == [task]


def test_who_signs_in_at_once_is_in(server: RunningServer, dora: SignedIn) -> None:
    """Also within the second of the sign-out: times of issue have their fractions."""
    for _ in range(5):
        with sign_in(server, dora.account) as before:
            assert before.post(SIGN_OUT).status_code == 204
            with sign_in(server, dora.account) as after:
                assert after.get(ME).status_code == 200
                assert make_api_token(after)
                assert_error(before.get(ME), 401, "account_unusable")


def test_a_second_time_it_is_somebody_who_is_not_signed_in(dora: SignedIn) -> None:
    assert dora.post(SIGN_OUT).status_code == 204
    assert_error(dora.post(SIGN_OUT), 401, "account_unusable")


def test_nobody_else_is_signed_out(server: RunningServer, anonymous: httpx.Client, dora: SignedIn, alice: Person) -> None:
    with signed_in(server, name="bob") as bob:
        api_token = make_api_token(bob)["token"]
        assert dora.post(SIGN_OUT).status_code == 204
        assert alice.get(ME).status_code == bob.get(ME).status_code == 200
        assert anonymous.get(TASKS, headers=bearer(api_token)).status_code == 200
        refreshed(anonymous, bob.refresh_token)


def test_it_says_nothing_to_who_is_not_signed_in(anonymous: httpx.Client) -> None:
    assert_error(anonymous.post(SIGN_OUT), 401, "token_missing")


def test_neither_an_api_token_nor_a_lesser_sign_in_can(server: RunningServer, anonymous: httpx.Client, dora: SignedIn) -> None:
    api_token = make_api_token(dora, "account")["token"]
    assert_error(anonymous.post(SIGN_OUT, headers=bearer(api_token)), 403, "sign_in_required")
    with sign_in(server, dora.account, scope="tasks:read tasks:write") as less:
        assert assert_error(less.post(SIGN_OUT), 403, "insufficient_scope") == {"scope": "account"}
    assert dora.get(ME).status_code == 200


def test_a_query_is_refused(dora: SignedIn) -> None:
    assert invalid_fields(dora.post(f"{SIGN_OUT}?user_id={dora.id}")) == ["user_id"]
    assert dora.get(ME).status_code == 200
