"""A token that can never be valid costs a signature once: it is remembered as refused, and a good one is taken beside it."""

import time
from typing import Any

import httpx
import jwt
import pytest

from taskwell.identity import tokens
from taskwell.identity.keys import SigningKeys
from taskwell.identity.tokens import Tokens
from tests.support.cast import Person
from tests.support.errors import assert_error
from tests.support.server import RunningServer

TASKS = "/api/v1/tasks"


@pytest.fixture
def signatures(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The tokens whose signature was looked at, in order."""
    looked_at: list[str] = []
    decode = jwt.decode

    def counted(token: Any, *args: Any, **options: Any) -> Any:
        looked_at.append(token.decode())
        return decode(token, *args, **options)

    monkeypatch.setattr(jwt, "decode", counted)
    return looked_at


def asked(client: httpx.Client, token: str) -> httpx.Response:
    return client.get(TASKS, headers={"Authorization": f"Bearer {token}"})


def forged(token: str, turn: int = 0) -> str:
    head, payload, signature = token.split(".")
    return f"{head}.{payload}.{'AQgw'[turn % 4]}{'BCDE'[turn // 4]}{signature[2:]}"


def test_a_forged_token_is_verified_once(alice: Person, signatures: list[str]) -> None:
    wrong = forged(alice.token)
    for _ in range(5):
        assert_error(asked(alice, wrong), 401, "token_invalid")
    assert signatures == [wrong]
    assert asked(alice, alice.token).status_code == 200


def test_an_expired_token_is_verified_once(
    server: RunningServer, alice: Person, signatures: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now - 100)
    token = server.sign_in.tokens.make(alice.id, lifetime_seconds=60)
    monkeypatch.setattr(time, "time", lambda: now)
    for _ in range(5):
        assert_error(asked(alice, token), 401, "token_invalid")
    assert signatures == [token]


def test_a_token_of_a_key_that_is_not_known_yet_is_not_held_against_it(server: RunningServer, alice: Person) -> None:
    ours = server.sign_in.tokens
    older, newer = ours.keys.new_kid(), f"{'f' * 12}-{'0' * 8}"
    elsewhere = SigningKeys(ours.keys.first.private)
    elsewhere.learn(older)
    token = Tokens(elsewhere, issuer="taskwell", lifetime_seconds=900).make(alice.id)
    try:
        ours.learn_keys(newer)
        for _ in range(2):
            assert_error(asked(alice, token), 401, "token_invalid")
        ours.learn_keys(f"{older} {newer}")
        assert asked(alice, token).status_code == 200
    finally:
        ours.learn_keys(None)


def test_no_more_are_remembered_than_there_is_room_for(
    server: RunningServer, alice: Person, signatures: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tokens, "REFUSED_REMEMBERED", 8)
    wrong = [forged(alice.token, turn) for turn in range(16)]
    for token in wrong:
        assert_error(asked(alice, token), 401, "token_invalid")
    assert len(server.sign_in.tokens._refused) <= 8
    assert asked(alice, alice.token).status_code == 200
    assert signatures[:16] == wrong
