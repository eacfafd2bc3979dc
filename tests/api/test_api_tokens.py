"""/auth/tokens, and what the tokens that are made there open."""

import base64
import re
import zlib
from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from tests.database.wire import Tap
from tests.support import postgres
from tests.support.cast import PASSWORD, Person
from tests.support.errors import assert_error, invalid_fields
from tests.support.server import RunningServer
from tests.support.signed_in import API_TOKENS, AUTH, ME, TASKS, SignedIn, bearer, make_api_token, sign_in, signed_in

NEW = {"name": "script", "scopes": ["tasks:read"], "expires_in_days": 30}


@pytest.fixture(scope="module")
def dora(server: RunningServer) -> Iterator[SignedIn]:
    """Shared: no test here ends her sign-in."""
    with signed_in(server) as somebody:
        yield somebody


def assert_unusable(client: httpx.Client, token: str) -> None:
    answer = client.get(TASKS, headers=bearer(token))
    assert_error(answer, 401, "token_invalid")
    assert answer.headers["www-authenticate"] == 'Bearer realm="taskwell", error="invalid_token"'


# ---- making one --------------------------------------------------------------------------------------------------------


def test_it_is_shown_once_and_opens_what_it_says(anonymous: httpx.Client, alice: Person) -> None:
    answer = alice.post(API_TOKENS, json=NEW | {"scopes": ["tasks:write", "tasks:read"]})
    made = answer.json()
    assert answer.status_code == 201
    assert answer.headers["cache-control"] == "no-store"
    assert list(made) == ["token", "id", "name", "scope", "ends_with", "created_at", "expires_at", "last_used_at"]
    assert re.fullmatch(r"tw_[A-Za-z0-9_-]{49}", made["token"])
    assert (made["name"], made["scope"], made["last_used_at"]) == ("script", "tasks:read tasks:write", None)
    assert made["ends_with"] == made["token"][-6:]
    listed = alice.get(API_TOKENS)
    assert listed.json() == {"items": [{name: value for name, value in made.items() if name != "token"}]}
    assert made["token"] not in listed.text
    task = alice.creates()
    assert anonymous.get(TASKS, headers=bearer(made["token"])).json()["items"] == [task]
    assert anonymous.post(TASKS, headers=bearer(made["token"]), json={"title": "x"}).json()["user_id"] == str(alice.id)


def test_its_last_six_letters_are_a_checksum(alice: Person) -> None:
    """So that who scans for leaked secrets can tell one without asking."""
    secret = make_api_token(alice)["token"].removeprefix("tw_")
    check = base64.urlsafe_b64encode(zlib.crc32(secret[:43].encode()).to_bytes(4, "big")).rstrip(b"=").decode()
    assert secret[43:] == check


def test_it_ends_when_it_was_told_to(alice: Person, shared_database: str) -> None:
    for days in (1, 366):
        made = make_api_token(alice, days=days)
        sql = "SELECT expires_at - created_at FROM api_tokens WHERE id = $1"
        assert postgres.query(shared_database, sql, made["id"])[0][0].total_seconds() == days * 24 * 3600


def test_two_may_have_one_name(alice: Person) -> None:
    first, second = (make_api_token(alice, name="same") for _ in range(2))
    assert first["token"] != second["token"]
    assert [one["id"] for one in alice.get(API_TOKENS).json()["items"]] == [second["id"], first["id"]]  # the newest first


def test_the_database_keeps_a_digest_alone(alice: Person, shared_database: str) -> None:
    made = make_api_token(alice)
    (row,) = postgres.query(shared_database, "SELECT * FROM api_tokens WHERE id = $1", made["id"])
    secret = made["token"].removeprefix("tw_")[:43]
    assert not any(secret in str(value) for value in row.values())
    assert len(row["token_hash"]) == 43
    assert row["token_hash"] not in made["token"]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": " "}, "name"),
        ({"name": "x" * 256}, "name"),
        ({"name": "nul \x00"}, "name"),
        ({"name": None}, "name"),
        ({"name": 1}, "name"),
        ({"scopes": []}, "scopes"),
        ({"scopes": None}, "scopes"),
        ({"scopes": "tasks:read"}, "scopes"),
        ({"scopes": ["tasks"]}, "scopes.0"),
        ({"scopes": ["tasks:read", "tasks:delete"]}, "scopes.1"),
        ({"scopes": ["tasks:read"] * 5}, "scopes"),
        ({"expires_in_days": 0}, "expires_in_days"),
        ({"expires_in_days": -1}, "expires_in_days"),
        ({"expires_in_days": 367}, "expires_in_days"),
        ({"expires_in_days": 10**20}, "expires_in_days"),
        ({"expires_in_days": 1.5}, "expires_in_days"),
        ({"expires_in_days": "30"}, "expires_in_days"),
        ({"expires_in_days": None}, "expires_in_days"),
        ({"token": "tw_" + "A" * 49}, "token"),
        ({"user_id": str(uuid4())}, "user_id"),
    ],
)
def test_an_invalid_one_is_refused_with_the_name_of_the_field(alice: Person, change: dict[str, Any], field: str) -> None:
    assert invalid_fields(alice.post(API_TOKENS, json=NEW | change)) == [field]
    assert alice.get(API_TOKENS).json() == {"items": []}


@pytest.mark.parametrize("lacking", NEW)
def test_nothing_may_be_missing_least_of_all_the_end(alice: Person, lacking: str) -> None:
    answer = alice.post(API_TOKENS, json={name: value for name, value in NEW.items() if name != lacking})
    assert invalid_fields(answer) == [lacking]


def test_one_that_has_expired_makes_room(alice: Person, shared_database: str) -> None:
    old = make_api_token(alice)
    postgres.query(shared_database, "UPDATE api_tokens SET expires_at = now() WHERE id = $1", UUID(old["id"]))
    new = make_api_token(alice)
    assert [one["id"] for one in alice.get(API_TOKENS).json()["items"]] == [new["id"]]


def test_a_hundred_are_enough(alice: Person, bob: Person, shared_database: str) -> None:
    sql = (
        "INSERT INTO api_tokens (user_id, id, name, scope, token_hash, ends_with, created_at, expires_at)"
        " SELECT $1, gen_random_uuid(), 'x', '', md5($1::uuid::text || n), 'xxxxxx', now(), now() + interval '1 day'"
        " FROM generate_series(1, 99) n"
    )
    postgres.query(shared_database, sql, alice.id)
    hundredth = make_api_token(alice)
    assert_error(alice.post(API_TOKENS, json=NEW), 409, "too_many_api_tokens")
    assert len(alice.get(API_TOKENS).json()["items"]) == 100
    make_api_token(bob)
    assert alice.delete(f"{API_TOKENS}/{hundredth['id']}").status_code == 204
    make_api_token(alice)


# ---- what it must not do -----------------------------------------------------------------------------------------------


def test_it_cannot_do_what_only_a_sign_in_can(anonymous: httpx.Client, dora: SignedIn) -> None:
    token = bearer(make_api_token(dora, "tasks:read", "tasks:write", "account")["token"])
    passwords = {"current_password": PASSWORD, "new_password": "another password"}
    for method, path, body in (
        ("POST", API_TOKENS, NEW),
        ("POST", f"{AUTH}/password", passwords),
        ("DELETE", ME, {"password": PASSWORD}),
        ("POST", f"{AUTH}/sign-out-everywhere", None),
    ):
        assert_error(anonymous.request(method, path, headers=token, json=body), 403, "sign_in_required")
    assert anonymous.get(ME, headers=token).json() == dora.get(ME).json()
    assert anonymous.get(API_TOKENS, headers=token).status_code == 200


def test_it_cannot_exceed_who_made_it(server: RunningServer, dora: SignedIn) -> None:
    with sign_in(server, dora.account, scope="account tasks:read") as less:
        make_api_token(less, "account", "tasks:read")
        for scopes in (["tasks:write"], ["tasks:read", "tasks:write"]):
            answer = less.post(API_TOKENS, json=NEW | {"scopes": scopes})
            assert assert_error(answer, 403, "insufficient_scope") == {"scope": "tasks:write"}


def test_admin_is_for_an_administrators_alone(server: RunningServer, alice: Person, carol: Person, shared_database: str) -> None:
    answer = alice.post(API_TOKENS, json=NEW | {"scopes": ["admin"]})
    assert assert_error(answer, 403, "insufficient_scope") == {"scope": "admin"}
    make_api_token(carol, "admin")
    postgres.query(shared_database, "UPDATE users SET is_admin = false WHERE id = $1", carol.id)
    answer = carol.post(API_TOKENS, json=NEW | {"scopes": ["admin"]})  # whatever her access token still says
    assert assert_error(answer, 403, "insufficient_scope") == {"scope": "admin"}


# ---- its end -----------------------------------------------------------------------------------------------------------


def test_a_deleted_one_is_refused_at_the_next_request(anonymous: httpx.Client, alice: Person) -> None:
    made, kept = make_api_token(alice), make_api_token(alice)
    assert anonymous.get(TASKS, headers=bearer(made["token"])).status_code == 200
    answer = alice.delete(f"{API_TOKENS}/{made['id']}")
    assert (answer.status_code, answer.content) == (204, b"")
    assert_unusable(anonymous, made["token"])
    assert anonymous.get(TASKS, headers=bearer(kept["token"])).status_code == 200
    assert_error(alice.delete(f"{API_TOKENS}/{made['id']}"), 404, "api_token_not_found")


def test_one_that_may_can_delete_itself(anonymous: httpx.Client, alice: Person) -> None:
    made = make_api_token(alice, "account")
    assert anonymous.delete(f"{API_TOKENS}/{made['id']}", headers=bearer(made["token"])).status_code == 204
    assert_unusable(anonymous, made["token"])


def test_anothers_is_the_same_404_as_an_unknown_one(anonymous: httpx.Client, alice: Person, bob: Person) -> None:
    his = make_api_token(bob)
    same = {"X-Request-Id": "same"}
    first, second = (alice.delete(f"{API_TOKENS}/{one}", headers=same) for one in (his["id"], uuid4()))
    assert_error(first, 404, "api_token_not_found")
    assert first.content == second.content
    assert first.headers.keys() == second.headers.keys()
    assert anonymous.get(TASKS, headers=bearer(his["token"])).status_code == 200
    assert his["id"] not in alice.get(API_TOKENS).text


SOME_ID = "01930000-0000-7000-8000-0123456789ab"


@pytest.mark.parametrize("token_id", ["x", "1", SOME_ID + "0", SOME_ID.replace("-", ""), f"{{{SOME_ID}}}", "%00"])
def test_what_is_no_id_is_refused(alice: Person, token_id: str) -> None:
    assert invalid_fields(alice.delete(f"{API_TOKENS}/{token_id}")) == ["token_id"]


def test_an_expired_one_is_refused(anonymous: httpx.Client, alice: Person, shared_database: str) -> None:
    made = make_api_token(alice)
    sql = "UPDATE api_tokens SET expires_at = clock_timestamp() + $2 * interval '1 second' WHERE id = $1"
    postgres.query(shared_database, sql, made["id"], 60)
    assert anonymous.get(TASKS, headers=bearer(made["token"])).status_code == 200
    postgres.query(shared_database, sql, made["id"], 0)
    assert_unusable(anonymous, made["token"])
    assert [one["id"] for one in alice.get(API_TOKENS).json()["items"]] == [made["id"]]  # so that one sees why


@pytest.mark.parametrize("column", ["disabled_at", "deleted_at", "signed_out_at"])
def test_one_of_a_disabled_deleted_or_signed_out_user_is_refused(
    anonymous: httpx.Client, alice: Person, shared_database: str, column: str
) -> None:
    token = make_api_token(alice, "account", "tasks:read")["token"]
    assert anonymous.get(ME, headers=bearer(token)).status_code == 200
    postgres.query(shared_database, f"UPDATE users SET {column} = clock_timestamp() WHERE id = $1", alice.id)
    for path in (ME, TASKS, API_TOKENS):
        assert_error(anonymous.get(path, headers=bearer(token)), 401, "token_invalid")


def test_when_it_was_used_last_is_true_to_the_hour(anonymous: httpx.Client, alice: Person, shared_database: str) -> None:
    made = make_api_token(alice)

    def use() -> str:
        assert anonymous.get(TASKS, headers=bearer(made["token"])).status_code == 200
        last: str = alice.get(API_TOKENS).json()["items"][0]["last_used_at"]
        return last

    def let_pass(minutes: int) -> None:
        sql = "UPDATE api_tokens SET last_used_at = last_used_at - $2 * interval '1 minute' WHERE id = $1"
        postgres.query(shared_database, sql, made["id"], minutes)

    first = use()
    assert first > made["created_at"]
    assert use() == first  # no write for each use
    let_pass(59)
    assert use() < first
    let_pass(2)
    assert use() > first


def test_it_says_nothing_to_who_is_not_signed_in(anonymous: httpx.Client) -> None:
    assert_error(anonymous.get(API_TOKENS), 401, "token_missing")
    assert_error(anonymous.post(API_TOKENS, json=NEW), 401, "token_missing")
    assert_error(anonymous.delete(f"{API_TOKENS}/{uuid4()}"), 401, "token_missing")


# ---- what is none ------------------------------------------------------------------------------------------------------


def swapped(text: str, place: int) -> str:
    return text[:place] + text[place + 1] + text[place] + text[place + 2 :]


def test_a_slip_of_the_pen_costs_the_database_nothing(tap: Tap, dora: SignedIn) -> None:
    token = make_api_token(dora)["token"]
    slips = {swapped(token, place) for place in range(3, 51)} | {token[:place] + token[place + 1 :] for place in range(3, 52)}
    slips |= {token[:place] + ("A" if token[place] != "A" else "B") + token[place + 1 :] for place in range(3, 52)}
    slips |= {
        token.swapcase(),
        token + "A",
        "tw_",
        "tw_" + "A" * 49,
        "tw_" + token,
        token.replace("tw_", "TW_"),
        token + "=",
        token * 2,
    }
    slips -= {token}
    assert tap.client.get(TASKS, headers=bearer(token)).status_code == 200
    mark = tap.wire.mark()
    for slip in slips:
        assert_unusable(tap.client, slip)
    assert tap.wire.since(mark) == ""
    assert len(slips) > 100
    assert tap.client.get(TASKS, headers=bearer(token)).status_code == 200
    assert tap.wire.since(mark) != ""


@pytest.mark.parametrize("text", [b"tw_\xff\xfe", b"tw_" + b"\xe9" * 49, "tw_é".encode() * 10, b"tw_" + b"x" * 60_000])
def test_what_is_no_ascii_or_endless_is_no_token(tap: Tap, text: bytes) -> None:
    mark = tap.wire.mark()
    answer = tap.client.get(TASKS, headers=[(b"Authorization", b"Bearer " + text)])
    assert_error(answer, 401, "token_invalid")
    assert tap.wire.since(mark) == ""


def test_one_that_was_never_made_is_looked_for_and_not_found(tap: Tap) -> None:
    secret = "A" * 43
    check = base64.urlsafe_b64encode(zlib.crc32(secret.encode()).to_bytes(4, "big")).rstrip(b"=").decode()
    mark = tap.wire.mark()
    assert_unusable(tap.client, f"tw_{secret}{check}")
    assert tap.wire.since(mark) != ""
