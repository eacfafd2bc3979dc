"""POST /auth/register."""

from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from tests.support import postgres
from tests.support.cast import Person
from tests.support.errors import assert_error, invalid_fields

REGISTER = "/api/v1/auth/register"
PASSWORD = "correct horse battery"


def new_email() -> str:
    return f"dora-{uuid4().hex[:8]}@example.com"


def test_a_stranger_signs_up_and_is_told_who_they_are(anonymous: httpx.Client) -> None:
    email = new_email()
    answer = anonymous.post(REGISTER, json={"email": email, "password": PASSWORD, "display_name": "Dora"})
    assert answer.status_code == 201
    user = answer.json()
    assert list(user) == ["id", "email", "display_name", "time_zone", "is_admin", "created_at"]
    assert (user["email"], user["display_name"], user["time_zone"], user["is_admin"]) == (email, "Dora", "UTC", False)
    assert UUID(user["id"]).version == 7
    assert PASSWORD not in answer.text
    assert "argon2" not in answer.text


def test_who_signed_up_signs_in_and_keeps_tasks(anonymous: httpx.Client) -> None:
    email = new_email()
    user = anonymous.post(REGISTER, json={"email": email, "password": PASSWORD}).json()
    token = anonymous.post("/api/v1/auth/token", data={"username": email, "password": PASSWORD}).json()["access_token"]
    signed_in = {"Authorization": f"Bearer {token}"}
    assert anonymous.get("/api/v1/auth/me", headers=signed_in).json() == user
    task = anonymous.post("/api/v1/tasks", json={"title": "x"}, headers=signed_in).json()
    assert task["user_id"] == user["id"]
    assert anonymous.get(f"/api/v1/users/{user['id']}/tasks", headers=signed_in).json()["items"] == [task]


def test_a_display_name_is_nobodys_duty(anonymous: httpx.Client) -> None:
    for more in ({}, {"display_name": None}):
        answer = anonymous.post(REGISTER, json={"email": new_email(), "password": PASSWORD} | more)
        assert (answer.status_code, answer.json()["display_name"]) == (201, None)


def test_the_password_is_kept_as_argon2id_by_the_owasp_minimum(anonymous: httpx.Client, shared_database: str) -> None:
    email = new_email()
    anonymous.post(REGISTER, json={"email": email, "password": PASSWORD})
    (row,) = postgres.query(shared_database, "SELECT password_hash FROM users WHERE email = $1", email)
    assert row["password_hash"].startswith("$argon2id$v=19$m=19456,t=2,p=1$")


def test_a_taken_address_is_a_conflict_in_any_case_of_letters(anonymous: httpx.Client, shared_database: str) -> None:
    email = new_email()
    assert anonymous.post(REGISTER, json={"email": email, "password": PASSWORD}).status_code == 201
    for same in (email, email.upper(), email.replace("dora", "Dora"), email.replace("example", "EXAMPLE")):
        answer = anonymous.post(REGISTER, json={"email": same, "password": "another password"})
        assert assert_error(answer, 409, "email_taken") == {}
        assert same not in answer.text
    rows = postgres.query(shared_database, "SELECT 1 FROM users WHERE email_key = $1", email)
    assert len(rows) == 1


def test_it_makes_no_difference_who_is_signed_in(alice: Person) -> None:
    answer = alice.post(REGISTER, json={"email": new_email(), "password": PASSWORD})
    assert answer.status_code == 201
    assert answer.json()["id"] != str(alice.id)


@pytest.mark.parametrize(
    "password", ["12345678", " " * 8, "\U0001f9c0" * 8, "\U0001f9c0" * 256, "x" * 1024, "with \x00 nul", "e\u0301" * 8]
)
def test_a_password_of_any_characters_signs_in_again(anonymous: httpx.Client, password: str) -> None:
    email = new_email()
    assert anonymous.post(REGISTER, json={"email": email, "password": password}).status_code == 201
    assert anonymous.post("/api/v1/auth/token", data={"username": email, "password": password}).status_code == 200


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"email": None}, "email"),
        ({"email": ""}, "email"),
        ({"email": "dora"}, "email"),
        ({"email": "dora@"}, "email"),
        ({"email": "@example.com"}, "email"),
        ({"email": "do ra@example.com"}, "email"),
        ({"email": "dora@example.com\r\nBcc: all@example.com"}, "email"),
        ({"email": "do\x00ra@example.com"}, "email"),
        ({"email": "dora@example.com, bob@example.com"}, "email"),
        ({"email": "d" * 320 + "@example.com"}, "email"),
        ({"email": "dora@" + "x" * 3000 + ".com"}, "email"),
        ({"email": 1}, "email"),
        ({"email": ["dora@example.com"]}, "email"),
        ({"password": None}, "password"),
        ({"password": "1234567"}, "password"),
        ({"password": "x" * 1025}, "password"),
        ({"password": "\U0001f9c0" * 257}, "password"),
        ({"password": 12345678}, "password"),
        ({"display_name": ""}, "display_name"),
        ({"display_name": " \t"}, "display_name"),
        ({"display_name": "x" * 256}, "display_name"),
        ({"display_name": "nul \x00"}, "display_name"),
        ({"display_name": 1}, "display_name"),
        ({"time_zone": "Europe/Berlin"}, "time_zone"),
        ({"is_admin": True}, "is_admin"),
        ({"id": str(uuid4())}, "id"),
        ({"disabled_at": None}, "disabled_at"),
        ({"password_hash": "x"}, "password_hash"),
    ],
)
def test_an_invalid_account_is_refused_with_the_name_of_the_field(
    anonymous: httpx.Client, shared_database: str, change: dict[str, Any], field: str
) -> None:
    before = postgres.query(shared_database, "SELECT count(*) FROM users")
    answer = anonymous.post(REGISTER, json={"email": new_email(), "password": PASSWORD} | change)
    assert invalid_fields(answer) == [field]
    assert PASSWORD not in answer.text
    assert postgres.query(shared_database, "SELECT count(*) FROM users") == before


def test_what_is_missing_is_named(anonymous: httpx.Client) -> None:
    assert invalid_fields(anonymous.post(REGISTER, json={})) == ["email", "password"]


def test_a_form_is_no_json(anonymous: httpx.Client) -> None:
    answer = anonymous.post(REGISTER, data={"email": new_email(), "password": PASSWORD})
    assert_error(answer, 415, "unsupported_media_type")


def test_too_many_at_once_are_told_to_come_back(anonymous: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("taskwell.accounts.passwords.SIGN_INS_WAITING", 0)
    answer = anonymous.post(REGISTER, json={"email": new_email(), "password": PASSWORD})
    assert_error(answer, 503, "sign_in_busy")
