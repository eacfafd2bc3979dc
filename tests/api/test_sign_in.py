"""POST /auth/token: the OAuth 2 password form (RFC 6749 4.3)."""

from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4

import httpx
import jwt
import pytest
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

from taskwell.accounts import passwords
from tests.conftest import settings_for
from tests.support import postgres
from tests.support.errors import assert_error, invalid_fields
from tests.support.server import RunningServer, serve
from tests.support.signed_in import browser, sign_in, sign_up, try_sign_in

TOKEN = "/api/v1/auth/token"
PASSWORD = "correct horse battery"


class Account(NamedTuple):
    id: str
    email: str


@pytest.fixture(scope="module")
def dora(server: RunningServer) -> Account:
    """Somebody who really signed up, with a password."""
    email = f"dora-{uuid4().hex[:8]}@example.com"
    answer = httpx.post(
        f"{server.base_url}/api/v1/auth/register", json={"email": email, "password": PASSWORD}, trust_env=False, timeout=30
    )
    return Account(answer.json()["id"], email)


TODAYS = "$argon2id$v=19$m=19456,t=2,p=1"


def parameters_of(hashed: str) -> str:
    """Without salt and hash."""
    return hashed.rpartition("$")[0].rpartition("$")[0]


def form(email: str, password: str = PASSWORD, **more: str) -> dict[str, Any]:
    return {"data": {"username": email, "password": password} | more}


def test_it_gives_a_token_that_opens_ones_own_tasks(anonymous: httpx.Client, dora: Account) -> None:
    answer = anonymous.post(TOKEN, **form(dora.email))
    assert answer.status_code == 200
    token = answer.json()
    assert token.keys() == {"access_token", "token_type", "expires_in", "refresh_token", "scope"}
    assert (token["token_type"], token["expires_in"], token["scope"]) == ("bearer", 900, "tasks:read tasks:write account")
    assert answer.headers["cache-control"] == "no-store"
    signed_in = {"Authorization": f"Bearer {token['access_token']}"}
    assert anonymous.get("/api/v1/auth/me", headers=signed_in).json()["id"] == dora.id


def test_the_token_says_no_more_than_it_must(anonymous: httpx.Client, dora: Account) -> None:
    token = anonymous.post(TOKEN, **form(dora.email)).json()["access_token"]
    assert jwt.get_unverified_header(token).keys() == {"typ", "alg", "kid"}
    assert jwt.get_unverified_header(token)["typ"] == "at+jwt"  # RFC 9068
    claims = jwt.decode(token, options={"verify_signature": False})
    assert claims.keys() == {"iss", "aud", "sub", "sid", "iat", "exp", "jti", "scope"}
    assert (claims["sub"], claims["scope"]) == (dora.id, "tasks:read tasks:write account")
    assert claims["exp"] - claims["iat"] == pytest.approx(900, abs=1)


def test_the_fields_of_oauth_clients_are_taken_in(anonymous: httpx.Client, dora: Account) -> None:
    more = {"grant_type": "password", "scope": "", "client_id": "string", "client_secret": "********"}
    assert anonymous.post(TOKEN, **form(dora.email, **more)).status_code == 200


def test_the_case_of_the_address_does_not_matter_and_that_of_the_password_does(anonymous: httpx.Client, dora: Account) -> None:
    assert anonymous.post(TOKEN, **form(dora.email.upper())).status_code == 200
    assert_error(anonymous.post(TOKEN, **form(dora.email, PASSWORD.upper())), 401, "wrong_credentials")


def test_a_wrong_password_and_an_unknown_address_are_the_same_answer(anonymous: httpx.Client, dora: Account) -> None:
    same = {"X-Request-Id": "same"}
    wrong = anonymous.post(TOKEN, headers=same, **form(dora.email, "wrong password"))
    unknown = anonymous.post(TOKEN, headers=same, **form(f"nobody-{uuid4().hex}@example.com"))
    none_at_all = anonymous.post(TOKEN, headers=same, **form("not an address"))
    assert_error(wrong, 401, "wrong_credentials")
    assert wrong.content == unknown.content == none_at_all.content
    assert wrong.headers.keys() == unknown.headers.keys()


def test_both_take_the_same_work(anonymous: httpx.Client, dora: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    verified: list[str] = []

    class Counting:
        def verify_and_update(self, password: str, hashed: str) -> tuple[bool, str | None]:
            verified.append(parameters_of(hashed))
            return real.verify_and_update(password, hashed)

    real = passwords._argon2id
    monkeypatch.setattr(passwords, "_argon2id", Counting())
    anonymous.post(TOKEN, **form(dora.email, "wrong password"))
    anonymous.post(TOKEN, **form(f"nobody-{uuid4().hex}@example.com"))
    anonymous.post(TOKEN, **form(dora.email))
    assert verified == [TODAYS] * 3


OLDER = PasswordHash((Argon2Hasher(time_cost=1, memory_cost=1024, parallelism=1),))


def test_a_password_that_was_hashed_by_older_parameters_is_hashed_anew(
    server: RunningServer, anonymous: httpx.Client, shared_database: str
) -> None:
    account = sign_up(server)
    sql = "UPDATE users SET password_hash = $2 WHERE id = $1"
    postgres.query(shared_database, sql, account.id, OLDER.hash(account.password))

    def parameters() -> str:
        (row,) = postgres.query(shared_database, "SELECT password_hash FROM users WHERE id = $1", account.id)
        return parameters_of(row["password_hash"])

    assert_error(try_sign_in(anonymous, account, password="wrong password"), 401, "wrong_credentials")
    assert parameters() == "$argon2id$v=19$m=1024,t=1,p=1"
    with sign_in(server, account) as dora:
        assert parameters() == TODAYS
        with sign_in(server, account):
            assert dora.get("/api/v1/auth/me").status_code == 200  # it is the same password: nobody is signed out by it


def test_a_disabled_account_signs_in_no_more_and_is_not_told_why(anonymous: httpx.Client, shared_database: str) -> None:
    email = f"dora-{uuid4().hex[:8]}@example.com"
    anonymous.post("/api/v1/auth/register", json={"email": email, "password": PASSWORD})
    postgres.query(shared_database, "UPDATE users SET disabled_at = now() WHERE email = $1", email)
    same = {"X-Request-Id": "same"}
    right = anonymous.post(TOKEN, headers=same, **form(email))
    wrong = anonymous.post(TOKEN, headers=same, **form(email, "wrong password"))
    assert_error(right, 401, "wrong_credentials")
    assert right.content == wrong.content


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"password": PASSWORD}, "username"),
        ({"username": "dora@example.com"}, "password"),
        ({"username": "d" * 321, "password": PASSWORD}, "username"),
        ({"username": "dora@example.com", "password": "x" * 1025}, "password"),
        ({"username": "dora@example.com", "password": "\U0001f9c0" * 257}, "password"),
        ({"username": "dora@example.com", "password": PASSWORD, "grant_type": "refresh_token"}, "refresh_token"),
        ({"username": "dora@example.com", "password": PASSWORD, "grant_type": "client_credentials"}, "grant_type"),
        ({"username": "dora@example.com", "password": PASSWORD, "scope": "openid"}, "scope"),
        ({"username": "dora@example.com", "password": PASSWORD, "email": "dora@example.com"}, "email"),
        ({"username": ["dora@example.com", "bob@example.com"], "password": PASSWORD}, "username"),
        ({"username": "dora@example.com", "password": [PASSWORD, "another"]}, "password"),
    ],
)
def test_an_invalid_form_is_refused_with_the_name_of_the_field(
    anonymous: httpx.Client, fields: dict[str, Any], field: str
) -> None:
    answer = anonymous.post(TOKEN, data=fields)
    assert invalid_fields(answer) == [field]
    assert PASSWORD not in answer.text


def test_an_empty_form_names_both(anonymous: httpx.Client) -> None:
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    assert invalid_fields(anonymous.post(TOKEN, content=b"", headers=headers)) == ["username", "password"]


def test_json_is_no_form(anonymous: httpx.Client, dora: Account) -> None:
    answer = anonymous.post(TOKEN, json={"username": dora.email, "password": PASSWORD})
    assert_error(answer, 415, "unsupported_media_type")


def test_too_many_at_once_are_told_to_come_back(anonymous: httpx.Client, dora: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "SIGN_INS_WAITING", 0)
    assert_error(anonymous.post(TOKEN, **form(dora.email)), 503, "sign_in_busy")
    monkeypatch.undo()
    assert anonymous.post(TOKEN, **form(dora.email)).status_code == 200


def test_one_address_does_not_take_all_the_turns(
    server: RunningServer, anonymous: httpx.Client, dora: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting = server.sign_in.by_password.passwords._waiting
    monkeypatch.setitem(waiting, "192.0.2.1", passwords.SIGN_INS_WAITING_PER_ADDRESS)
    assert anonymous.post(TOKEN, **form(dora.email)).status_code == 200
    monkeypatch.setitem(waiting, "127.0.0.1", passwords.SIGN_INS_WAITING_PER_ADDRESS)
    assert_error(anonymous.post(TOKEN, **form(dora.email)), 503, "sign_in_busy")
    new = {"email": f"dora-{uuid4().hex[:8]}@example.com", "password": PASSWORD}
    assert_error(anonymous.post("/api/v1/auth/register", json=new), 503, "sign_in_busy")


def test_one_household_of_ipv6_does_not_either(
    shared_database: str, dora: Account, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serve(settings_for(shared_database, tmp_path, trusted_proxies="127.0.0.1")) as server, browser(server) as client:
        waiting = server.sign_in.by_password.passwords._waiting
        monkeypatch.setitem(waiting, "2001:db8:1:1::/64", passwords.SIGN_INS_WAITING_PER_ADDRESS)
        new = {"email": f"dora-{uuid4().hex[:8]}@example.com", "password": PASSWORD}
        at_home, next_door = ({"X-Forwarded-For": f"2001:db8:1:{house}::5"} for house in (1, 2))
        assert_error(client.post(TOKEN, headers=at_home, **form(dora.email)), 503, "sign_in_busy")
        assert_error(client.post("/api/v1/auth/register", headers=at_home, json=new), 503, "sign_in_busy")
        assert client.post(TOKEN, headers=next_door, **form(dora.email)).status_code == 200


@pytest.mark.parametrize(
    "typed",
    ["Ivan@M\u00fcnchen.example", "ivan@m\u00fcnchen.example", "ivan@mu\u0308nchen.example", "ivan@xn--mnchen-3ya.example"],
)
def test_an_address_is_one_however_it_is_written(anonymous: httpx.Client, typed: str) -> None:
    local = f"ivan-{uuid4().hex[:8]}"
    typed = typed.lower().replace("ivan", local) if typed[0] == "i" else typed.replace("Ivan", local.upper())
    new = {"email": f"{local}@m\u00fcnchen.example", "password": "correct horse"}
    assert anonymous.post("/api/v1/auth/register", json=new).status_code == 201
    answer = anonymous.post("/api/v1/auth/token", data={"username": typed, "password": "correct horse"})
    assert answer.status_code == 200, answer.text
    assert_error(anonymous.post("/api/v1/auth/register", json=new | {"email": typed}), 409, "email_taken")
