"""A token of another issuer that is dated ahead: whatever was good before its person's sign-ins ended is dead afterwards."""

import asyncio
import math
import time
from collections.abc import Callable, Iterator

import pytest

from taskwell.identity.tokens import AHEAD_SECONDS, DOUBT_SECONDS, HELD_SECONDS, until_new_tokens_count
from tests.cli.command import taskwell
from tests.support.errors import assert_error
from tests.support.outside import Elsewhere, Outsider, elsewhere
from tests.support.signed_in import ME, TASKS


@pytest.fixture(scope="module")
def there(shared_database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Elsewhere]:
    with elsewhere(shared_database, tmp_path_factory.mktemp("data")) as made:
        yield made


@pytest.fixture
def dora(there: Elsewhere) -> Outsider:
    somebody = there.somebody()
    assert somebody.asks("POST", TASKS, json={"title": "buy milk"}).status_code == 201
    return somebody


@pytest.fixture
def operator(shared_database: str, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., None]:
    def runs(*words: str) -> None:
        done = taskwell("users", *words, cwd=tmp_path_factory.mktemp("cli"), DATABASE_URL=shared_database)
        assert done.returncode == 0, done.stderr

    return runs


def by_herself(dora: Outsider, token: str, end: str, operator: Callable[..., None]) -> None:
    """`token` is the one that asks for it, where she asks for it herself."""
    match end:
        case "sign-out-everywhere":
            dora.signs_out_everywhere(token)
        case "deletion":
            dora.deletes_the_account(token)
        case "operator's deletion":
            operator("delete", "--yes", str(dora.id))
        case "disabling":
            operator("disable", str(dora.id))
            operator("enable", str(dora.id))
        case "demotion":
            operator("make-admin", str(dora.id))
            operator("make-admin", "--undo", str(dora.id))


ENDS = ["sign-out-everywhere", "deletion", "operator's deletion", "disabling", "demotion"]


@pytest.mark.parametrize("end", ENDS)
def test_what_was_good_before_is_dead_afterwards_for_good(
    there: Elsewhere, dora: Outsider, operator: Callable[..., None], end: str
) -> None:
    """At the server that has verified it before, and at the other, and when the time that it says has come."""
    asking, elsewhere_used, unused = dora.token(), dora.token(AHEAD_SECONDS), dora.token(AHEAD_SECONDS, jti="unused")
    for token in (asking, elsewhere_used):
        assert dora.asks("GET", ME, token).status_code == 200
    by_herself(dora, asking, end, operator)
    # A slow operator's command may have taken until the unused one had been made long ago: it is dead all the same.
    until = time.time() + AHEAD_SECONDS + DOUBT_SECONDS + 1
    while time.time() < until:
        for server in (0, 1):
            for token in (asking, elsewhere_used, unused):
                assert_error(dora.asks("GET", ME, token, server=server), 401, "account_unusable")
                assert_error(dora.asks("POST", TASKS, token, server=server, json={"title": "x"}), 401, "account_unusable")
        time.sleep(0.5)
    assert dora.asks("GET", ME).status_code == 200


@pytest.mark.parametrize("ahead", [1, 3])
def test_a_token_that_is_dated_ahead_can_end_itself(dora: Outsider, ahead: int) -> None:
    token = dora.token(ahead)
    dora.signs_out_everywhere(token)
    for server in (0, 1):
        assert_error(dora.asks("GET", ME, token, server=server), 401, "account_unusable")


@pytest.mark.parametrize("ahead", [15, 30, 59])
def test_a_token_that_is_dated_far_ahead_is_not_good_yet(dora: Outsider, ahead: int) -> None:
    """Nor was it before a sign-out, which it then is after: it is as if it were made at the time that it says."""
    token = dora.token(ahead)
    answer = dora.asks("GET", ME, token)
    assert_error(answer, 401, "token_invalid")
    assert "dated ahead" in answer.json()["error"]["message"]
    dora.signs_out_everywhere()
    for server in (0, 1):
        assert_error(dora.asks("GET", ME, token, server=server), 401, "token_invalid")


def test_one_that_is_dated_a_little_ahead_is_held_until_then(dora: Outsider) -> None:
    ahead = AHEAD_SECONDS + HELD_SECONDS - 3
    token = dora.token(ahead)
    at = time.time() + ahead
    assert dora.asks("GET", ME, token).status_code == 200
    assert time.time() >= at - AHEAD_SECONDS - 0.1
    assert dora.asks("GET", ME, token, server=1).status_code == 200


@pytest.mark.parametrize("end", [Outsider.signs_out_everywhere, Outsider.deletes_the_account])
def test_who_signs_in_again_as_soon_as_they_are_told_is_in(dora: Outsider, end: Callable[[Outsider], None]) -> None:
    for _ in range(2):
        end(dora)
        token = dora.token()
        for server in (0, 1):
            assert dora.asks("GET", ME, token, server=server).status_code == 200
        assert dora.asks("POST", TASKS, token, json={"title": "x"}).status_code == 201


def test_a_timer_that_fires_early_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    sleep = asyncio.sleep
    monkeypatch.setattr(asyncio, "sleep", lambda seconds: sleep(seconds - 0.005))
    began = time.time()
    asyncio.run(until_new_tokens_count())
    assert time.time() >= math.ceil(began + DOUBT_SECONDS)


def test_nobody_else_is_signed_out(there: Elsewhere, dora: Outsider) -> None:
    emil = there.somebody()
    token = emil.token()
    assert emil.asks("POST", TASKS, token, json={"title": "x"}).status_code == 201
    dora.signs_out_everywhere()
    assert emil.asks("GET", TASKS, token).status_code == 200
