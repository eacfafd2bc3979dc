"""POST /auth/password: needs the old one, ends every sign-in, and gives a new one."""

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import asyncpg
import httpx
import jwt
import pytest

from tests.faults.locks import holding
from tests.support import postgres
from tests.support.cast import PASSWORD, Person
from tests.support.errors import assert_error, invalid_fields
from tests.support.server import RunningServer
from tests.support.signed_in import (
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
    try_sign_in,
)

CHANGE = f"{AUTH}/password"
NEW = "another horse battery"


def change(current: str = PASSWORD, new: str = NEW) -> dict[str, str]:
    return {"current_password": current, "new_password": new}


def row_of(database_url: str, person: Person) -> asyncpg.Record:
    return postgres.query(database_url, "SELECT * FROM users WHERE id = $1", person.id)[0]


def test_it_ends_every_sign_in_and_gives_a_new_one(
    server: RunningServer, anonymous: httpx.Client, dora: SignedIn, shared_database: str
) -> None:
    api_token = make_api_token(dora)["token"]
    with sign_in(server, dora.account) as elsewhere:
        answer = dora.post(CHANGE, json=change())
        given = answer.json()
        assert answer.status_code == 200, answer.text
        assert answer.headers["cache-control"] == "no-store"
        assert given.keys() == {"access_token", "token_type", "expires_in", "refresh_token", "scope"}
        for one in (dora, elsewhere):
            assert_error(one.get(ME), 401, "account_unusable")
            assert_error(refresh(anonymous, one.refresh_token), 401, "refresh_token_invalid")
    assert_error(anonymous.get(TASKS, headers=bearer(api_token)), 401, "token_invalid")
    assert anonymous.get(ME, headers=bearer(given["access_token"])).json()["id"] == str(dora.id)
    refreshed(anonymous, given["refresh_token"])
    assert len(postgres.query(shared_database, "SELECT 1 FROM sessions WHERE user_id = $1", dora.id)) == 1
    assert postgres.query(shared_database, "SELECT 1 FROM api_tokens WHERE user_id = $1", dora.id) == []


def test_the_new_password_signs_in_and_the_old_one_no_more(anonymous: httpx.Client, dora: SignedIn, shared_database: str) -> None:
    dora.post(CHANGE, json=change())
    assert_error(try_sign_in(anonymous, dora.account), 401, "wrong_credentials")
    assert try_sign_in(anonymous, dora.account._replace(password=NEW)).status_code == 200
    assert row_of(shared_database, dora)["password_hash"].startswith("$argon2id$v=19$m=19456,t=2,p=1$")


def test_the_same_password_may_be_the_new_one(anonymous: httpx.Client, dora: SignedIn) -> None:
    """It is how one ends all sign-ins but this one."""
    assert dora.post(CHANGE, json=change(new=PASSWORD)).status_code == 200
    assert_error(dora.get(ME), 401, "account_unusable")
    assert try_sign_in(anonymous, dora.account).status_code == 200


def test_the_new_sign_in_can_do_no_more_than_the_old_one(server: RunningServer, dora: SignedIn) -> None:
    with sign_in(server, dora.account, scope="account") as less:
        given = less.post(CHANGE, json=change()).json()
    claims = jwt.decode(given["access_token"], options={"verify_signature": False})
    assert claims["scope"] == given["scope"] == "account"


def test_a_wrong_password_changes_nothing(anonymous: httpx.Client, dora: SignedIn, shared_database: str) -> None:
    before = row_of(shared_database, dora)
    for wrong in ("wrong password", "", NEW):
        answer = dora.post(CHANGE, json=change(wrong))
        assert_error(answer, 403, "wrong_password")
        assert "www-authenticate" not in answer.headers  # it is not the token that is wrong
    assert row_of(shared_database, dora) == before
    assert dora.get(ME).status_code == 200
    refreshed(anonymous, dora.refresh_token)


def test_of_two_changes_at_once_one_wins(anonymous: httpx.Client, dora: SignedIn) -> None:
    with ThreadPoolExecutor(2) as threads:
        both = list(
            threads.map(lambda new: (new, dora.post(CHANGE, json=change(new=new))), ["first password", "second password"])
        )
    (won, answer), (lost, refused) = sorted(both, key=lambda one: one[1].status_code)
    assert answer.status_code == 200
    assert refused.status_code == 401
    assert try_sign_in(anonymous, dora.account._replace(password=won)).status_code == 200
    assert_error(try_sign_in(anonymous, dora.account._replace(password=lost)), 401, "wrong_credentials")


def test_a_sign_in_by_the_old_password_in_that_moment_does_not_outlive_it(
    server: RunningServer, anonymous: httpx.Client, dora: SignedIn, shared_database: str
) -> None:
    lock = "SELECT FROM sessions WHERE user_id = $1 FOR UPDATE"
    with browser(server) as client, ThreadPoolExecutor(2) as threads:
        with holding(shared_database, lock, dora.id) as held:
            changed = threads.submit(dora.post, CHANGE, json=change())
            held.wait_for_waiters(1)  # the password is changed, the old sessions are not deleted yet, nothing is committed
            signed_in_by_the_old_one = threads.submit(try_sign_in, client, dora.account)
            time.sleep(0.5)
            held.execute("COMMIT")
        assert changed.result(30).status_code == 200
        answer = signed_in_by_the_old_one.result(30)
    if answer.status_code == 200:
        assert_error(anonymous.get(ME, headers=bearer(answer.json()["access_token"])), 401, "account_unusable")
        assert_error(refresh(anonymous, answer.json()["refresh_token"]), 401, "refresh_token_invalid")
    else:
        assert_error(answer, 401, "wrong_credentials")


def test_nobody_else_is_signed_out(dora: SignedIn, alice: Person) -> None:
    dora.post(CHANGE, json=change())
    assert alice.get(ME).status_code == 200


def test_a_stolen_access_token_is_no_way_to_guess_the_password(
    server: RunningServer, anonymous: httpx.Client, dora: SignedIn
) -> None:
    for _ in range(10):
        assert_error(dora.post(CHANGE, json=change("wrong password")), 403, "wrong_password")
    answer = dora.post(CHANGE, json=change())
    assert_error(answer, 429, "too_many_attempts")
    assert 0 < int(answer.headers["retry-after"]) <= 900
    # One guess for all of these, and not ten at each.
    assert_error(dora.request("DELETE", ME, json={"password": PASSWORD}), 429, "too_many_attempts")
    assert_error(dora.patch(ME, json={"email": "new@example.com", "password": PASSWORD}), 429, "too_many_attempts")
    assert try_sign_in(anonymous, dora.account).status_code == 200  # who knows it signs in


def test_nor_does_who_guesses_keep_anybody_else_from_changing_theirs(
    server: RunningServer, dora: SignedIn, alice: Person
) -> None:
    for _ in range(110):
        alice.post(CHANGE, json=change("wrong password"))
    assert_error(alice.post(CHANGE, json=change()), 429, "too_many_attempts")
    assert dora.post(CHANGE, json=change()).status_code == 200


def test_it_says_nothing_to_who_is_not_signed_in(anonymous: httpx.Client) -> None:
    assert_error(anonymous.post(CHANGE, json=change()), 401, "token_missing")


def test_an_api_token_cannot(anonymous: httpx.Client, dora: SignedIn, shared_database: str) -> None:
    token = make_api_token(dora, "account")["token"]
    before = row_of(shared_database, dora)
    assert_error(anonymous.post(CHANGE, headers=bearer(token), json=change()), 403, "sign_in_required")
    assert row_of(shared_database, dora) == before


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({}, ["current_password", "new_password"]),
        ({"new_password": NEW}, ["current_password"]),
        (change(new="1234567"), ["new_password"]),
        (change(new="x" * 1025), ["new_password"]),
        (change(new="\U0001f9c0" * 257), ["new_password"]),
        (change() | {"new_password": None}, ["new_password"]),
        (change() | {"current_password": 1}, ["current_password"]),
        (change("x" * 1025), ["current_password"]),
        (change() | {"user_id": "x"}, ["user_id"]),
    ],
)
def test_an_invalid_change_is_refused_with_the_name_of_the_field(
    alice: Person, shared_database: str, body: dict[str, Any], fields: list[str]
) -> None:
    before = row_of(shared_database, alice)
    answer = alice.post(CHANGE, json=body)
    assert invalid_fields(answer) == fields
    assert PASSWORD not in answer.text
    assert NEW not in answer.text
    assert row_of(shared_database, alice) == before


def test_a_form_is_no_json(alice: Person) -> None:
    assert_error(alice.post(CHANGE, data=change()), 415, "unsupported_media_type")
