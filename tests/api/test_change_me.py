"""PATCH /auth/me: the name, the time zone, and the address, which needs the password and ends every sign-in."""

from typing import Any

import asyncpg
import httpx
import pytest

from tests.support import postgres
from tests.support.cast import PASSWORD, Person
from tests.support.errors import assert_error, invalid_fields
from tests.support.server import RunningServer
from tests.support.signed_in import (
    ME,
    TASKS,
    SignedIn,
    bearer,
    make_api_token,
    new_email,
    refresh,
    sign_in,
    try_sign_in,
)


def row_of(database_url: str, person: Person) -> asyncpg.Record:
    return postgres.query(database_url, "SELECT * FROM users WHERE id = $1", person.id)[0]


def test_a_field_that_is_named_is_changed_and_no_other(alice: Person, shared_database: str) -> None:
    before = row_of(shared_database, alice)
    user = alice.get(ME).json()
    for change in ({"display_name": "Alicia"}, {"time_zone": "Europe/Berlin"}, {"display_name": "A", "time_zone": "UTC"}, {}):
        answer = alice.patch(ME, json=change)
        user |= change
        assert (answer.status_code, answer.json()) == (200, user)
        assert alice.get(ME).json() == user
    after = row_of(shared_database, alice)
    assert after["updated_at"] > before["updated_at"]
    # What a client must know of the account takes a revision.
    assert {name for name, value in after.items() if value != before[name]} == {
        *("display_name", "updated_at", "revision", "account_revision")
    }


def test_a_name_can_be_taken_away(alice: Person) -> None:
    assert alice.patch(ME, json={"display_name": None}).json()["display_name"] is None


def test_the_account_may_come_back_as_it_was_read(alice: Person) -> None:
    me = alice.get(ME).json()
    answer = alice.patch(ME, json=me | {"display_name": "Alicia"})
    assert (answer.status_code, answer.json()) == (200, me | {"display_name": "Alicia"})
    in_javascript = me["created_at"][:23] + "Z"
    assert alice.patch(ME, json=me | {"created_at": in_javascript, "time_zone": "Europe/Berlin"}).status_code == 200
    assert alice.patch(ME, json={"email": me["email"]}).status_code == 200


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"id": "018f0000-0000-7000-8000-000000000000"}, "id"),
        ({"is_admin": True}, "is_admin"),
        ({"created_at": "2020-01-01T00:00:00Z"}, "created_at"),
        ({"created_at": None}, "created_at"),
        ({"email": None}, "email"),
        ({"email": "another@example.com"}, "password"),
    ],
)
def test_what_only_taskwell_sets_has_to_be_what_is_stored(alice: Person, said: dict[str, Any], field: str) -> None:
    before = alice.get(ME).json()
    answer = alice.patch(ME, json=before | said | {"display_name": "Mallory"})
    assert invalid_fields(answer) == [field]
    assert alice.get(ME).json() == before


def test_nobody_elses_row_is_changed(alice: Person, bob: Person, shared_database: str) -> None:
    before = row_of(shared_database, bob)
    alice.patch(ME, json={"display_name": "Alicia"})
    assert row_of(shared_database, bob) == before


def test_a_merge_patch_may_call_itself_one(alice: Person) -> None:
    answer = alice.patch(ME, content=b'{"display_name": "A"}', headers={"Content-Type": "application/merge-patch+json"})
    assert answer.status_code == 200
    assert_error(alice.patch(ME, data={"display_name": "A"}), 415, "unsupported_media_type")


def test_it_says_nothing_to_who_is_not_signed_in(anonymous: httpx.Client) -> None:
    assert_error(anonymous.patch(ME, json={"display_name": "A"}), 401, "token_missing")


@pytest.mark.parametrize(
    "zone",
    ["UTC", "Europe/Berlin", "America/Argentina/Buenos_Aires", "America/Port-au-Prince", "Etc/GMT+12", "EST5EDT", "Asia/Kolkata"],
)
def test_a_zone_of_the_iana_database_is_taken(alice: Person, zone: str) -> None:
    assert alice.patch(ME, json={"time_zone": zone}).json()["time_zone"] == zone


BAD_ZONES: list[Any] = [None, 1, True, [], {}, "", " ", "Berlin", "europe/berlin", "Europe", "Europe/", "/Europe/Berlin"]
BAD_ZONES += [
    "Europe//Berlin",
    "Europe/Berlin/",
    " Europe/Berlin",
    "Europe/Berlin\n",
    "Europe/Ber lin",
    "Europe/Berlin\x00",
    "+02:00",
]
BAD_ZONES += ["../../etc/passwd", "../../../../etc/passwd", "/etc/localtime", "/usr/share/zoneinfo/UTC", "Europe/../UTC", "./UTC"]
BAD_ZONES += ["Europe\\Berlin", "zone.tab", "tzdata.zi", "leapseconds", "x" * 65, "Ｕｔｃ", "\U0001f9c0", "CON", "NUL"]
# What zoneinfo would take, but is of this machine, or not a zone.
BAD_ZONES += ["localtime", "posixrules", "Factory", "posix/Europe/Berlin", "right/Europe/Berlin"]


@pytest.mark.parametrize("zone", BAD_ZONES, ids=ascii)
def test_anything_else_is_no_zone(alice: Person, shared_database: str, zone: Any) -> None:
    before = row_of(shared_database, alice)
    assert invalid_fields(alice.patch(ME, json={"time_zone": zone})) == ["time_zone"]
    assert row_of(shared_database, alice) == before


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"display_name": ""}, "display_name"),
        ({"display_name": " \t"}, "display_name"),
        ({"display_name": "x" * 256}, "display_name"),
        ({"display_name": "nul \x00"}, "display_name"),
        ({"display_name": 1}, "display_name"),
        ({"display_name": "good", "time_zone": "bad"}, "time_zone"),
        ({"email": None, "password": PASSWORD}, "email"),
        ({"email": "", "password": PASSWORD}, "email"),
        ({"email": "dora@local host", "password": PASSWORD}, "email"),
        ({"email": "dora@example.com\r\nBcc: all@example.com", "password": PASSWORD}, "email"),
        ({"email": "d" * 320 + "@example.com", "password": PASSWORD}, "email"),
        ({"email": "new@example.com"}, "password"),
        ({"email": "new@example.com", "password": None}, "password"),
        ({"email": "new@example.com", "password": "x" * 1025}, "password"),
        ({"email": "new@example.com", "password": 1}, "password"),
        ({"password": PASSWORD}, "email"),
        ({"id": "01930000-0000-7000-8000-0123456789ab"}, "id"),
        ({"is_admin": True}, "is_admin"),
        ({"disabled_at": None}, "disabled_at"),
        ({"password_hash": "x"}, "password_hash"),
        ({"tokens_valid_after": "2026-01-01T00:00:00Z"}, "tokens_valid_after"),
        ({"new_password": "another password"}, "new_password"),
    ],
)
def test_an_invalid_change_is_refused_with_the_name_of_the_field(
    alice: Person, shared_database: str, change: dict[str, Any], field: str
) -> None:
    before = row_of(shared_database, alice)
    answer = alice.patch(ME, json=change)
    assert invalid_fields(answer) == [field]
    assert PASSWORD not in answer.text
    assert row_of(shared_database, alice) == before


# ---- another address ---------------------------------------------------------------------------------------------------


def test_another_address_ends_every_sign_in_and_opens_a_new_one(
    server: RunningServer, anonymous: httpx.Client, dora: SignedIn, shared_database: str
) -> None:
    api_token = make_api_token(dora)["token"]
    task = dora.creates()
    email = new_email("moved")
    with sign_in(server, dora.account) as elsewhere:
        answer = dora.patch(
            ME, json={"email": email, "password": dora.password, "display_name": "Moved", "time_zone": "Asia/Tokyo"}
        )
        user = answer.json()
        assert answer.status_code == 200, answer.text
        assert (user["id"], user["email"]) == (str(dora.id), email)
        assert (user["display_name"], user["time_zone"]) == ("Moved", "Asia/Tokyo")
        for one in (dora, elsewhere):
            assert_error(one.get(ME), 401, "account_unusable")
            assert_error(refresh(anonymous, one.refresh_token), 401, "refresh_token_invalid")
    assert_error(anonymous.get(TASKS, headers=bearer(api_token)), 401, "token_invalid")
    assert_error(try_sign_in(anonymous, dora.account), 401, "wrong_credentials")
    for table in ("sessions", "api_tokens"):
        assert postgres.query(shared_database, f"SELECT 1 FROM {table} WHERE user_id = $1", dora.id) == []
    with sign_in(server, dora.account._replace(email=email)) as again:
        assert again.get(ME).json() == user
        assert again.sees() == [task]


def test_the_same_address_in_other_letters_is_no_conflict(dora: SignedIn) -> None:
    email = dora.email.replace("dora", "DORA")
    assert dora.patch(ME, json={"email": email, "password": dora.password}).json()["email"] == email


def test_a_wrong_password_changes_nothing(anonymous: httpx.Client, dora: SignedIn, shared_database: str) -> None:
    before = row_of(shared_database, dora)
    for wrong in ("wrong password", "", dora.password.upper()):
        answer = dora.patch(ME, json={"email": new_email(), "password": wrong, "display_name": "X"})
        assert_error(answer, 403, "wrong_password")
        assert "www-authenticate" not in answer.headers  # it is not the token that is wrong
    assert row_of(shared_database, dora) == before
    assert dora.get(ME).status_code == 200
    assert try_sign_in(anonymous, dora.account).status_code == 200


def test_a_taken_address_is_a_conflict_and_changes_nothing(dora: SignedIn, bob: Person, shared_database: str) -> None:
    before = row_of(shared_database, dora)
    for taken in (bob.email, bob.email.upper()):
        answer = dora.patch(ME, json={"email": taken, "password": dora.password, "display_name": "X"})
        assert assert_error(answer, 409, "email_taken") == {}
        assert taken not in answer.text
    assert row_of(shared_database, dora) == before
    assert dora.get(ME).status_code == 200


def test_whether_an_address_is_taken_is_not_told_without_the_password(dora: SignedIn, bob: Person) -> None:
    answer = dora.patch(ME, json={"email": bob.email, "password": "wrong password"})
    assert_error(answer, 403, "wrong_password")
