"""The law of refresh tokens, whatever is presented in whatever order: of one sign-in, one line of tokens is alive at most."""

from typing import Literal

import httpx
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.support import postgres
from tests.support.bad_refresh_tokens import Parts
from tests.support.errors import assert_error
from tests.support.server import RunningServer
from tests.support.signed_in import Account, browser, refresh, sign_in, sign_up

Step = Literal["newest", "previous", "old", "invented", "wait"]


class Line:
    """What must be true of one sign-in: all tokens in the order in which they were given, and whether the last one is good."""

    def __init__(self, first: str, client: httpx.Client, database_url: str) -> None:
        self._tokens = [first]
        self._is_alive = True
        self._in_grace = False
        self._client = client
        self._database_url = database_url

    def take(self, step: Step) -> None:
        match step:
            case "wait":
                self._wait()
            case "newest":
                self._present_newest()
            case "invented":
                bad = Parts.of(self._tokens[-1])._replace(secret=bytes(range(32))).token
                assert_error(refresh(self._client, bad), 401, "refresh_token_invalid")
            case "previous" if len(self._tokens) > 1:
                self._present(self._tokens[-2], is_repeated=self._in_grace)
            case "old" if len(self._tokens) > 2:
                self._present(self._tokens[0], is_repeated=False)

    def end(self) -> None:
        """None that was given before is good now; the last one is, unless one of them was taken for stolen."""
        if self._is_alive:
            self._present_newest()
        for token in self._tokens:
            if not self._is_alive or token not in self._tokens[-2:]:
                assert_error(refresh(self._client, token), 401, "refresh_token_invalid")
                self._is_alive = False

    def _present_newest(self) -> None:
        answer = refresh(self._client, self._tokens[-1])
        if not self._is_alive:
            assert_error(answer, 401, "refresh_token_invalid")
            return
        assert answer.status_code == 200, answer.text
        assert answer.json()["refresh_token"] not in self._tokens
        self._tokens.append(answer.json()["refresh_token"])
        self._in_grace = True

    def _present(self, token: str, *, is_repeated: bool) -> None:
        answer = refresh(self._client, token)
        if self._is_alive and is_repeated:
            assert answer.status_code == 200, answer.text
            assert answer.json()["refresh_token"] == self._tokens[-1]
        else:
            assert_error(answer, 401, "refresh_token_invalid")
            self._is_alive = False

    def _wait(self) -> None:
        sql = "UPDATE sessions SET rotated_at = rotated_at - interval '21 seconds' WHERE user_id = $1 AND id = $2 RETURNING 1"
        parts = Parts.of(self._tokens[0])
        rows = postgres.query(self._database_url, sql, parts.user_id, parts.session_id)
        assert len(rows) == self._is_alive  # one row a line, and none of a dead one
        self._in_grace = False


@pytest.fixture(scope="module")
def account(server: RunningServer) -> Account:
    return sign_up(server)


# The newest more often, or hardly any line grows long.
STEPS = st.lists(st.sampled_from(["newest", "newest", "newest", "previous", "old", "invented", "wait"]), min_size=3, max_size=12)


@settings(max_examples=60)
@given(steps=STEPS)
@example(steps=["newest", "wait", "previous", "newest"])
@example(steps=["newest", "previous", "newest", "previous", "wait", "newest", "previous"])
@example(steps=["newest", "newest", "old", "newest"])
@example(steps=["invented", "newest", "invented", "previous", "wait", "invented", "newest"])
@example(steps=["newest", "newest", "previous", "old", "previous"])
def test_of_one_sign_in_one_line_of_tokens_is_alive_at_most(
    server: RunningServer, account: Account, shared_database: str, steps: list[Step]
) -> None:
    with sign_in(server, account) as dora, browser(server) as client:
        line = Line(dora.refresh_token, client, shared_database)
        for step in steps:
            line.take(step)
        line.end()
