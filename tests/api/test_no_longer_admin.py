"""Taking an administrator's right: nothing that had it has it back when the same person is made one again."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from tests.cli.command import taskwell
from tests.faults.locks import holding
from tests.support.cast import Person
from tests.support.errors import assert_error
from tests.support.server import RunningServer
from tests.support.signed_in import ME, TASKS, SignedIn, bearer, browser, make_api_token, refresh, refreshed, sign_in, try_sign_in

Administer = Callable[..., None]


@pytest.fixture
def make_admin(dora: SignedIn, shared_database: str, tmp_path: Path) -> Administer:
    def runs(*words: str) -> None:
        done = taskwell("users", "make-admin", *words, dora.email, cwd=tmp_path, DATABASE_URL=shared_database)
        assert done.returncode == 0, done.stderr

    return runs


def may(client: httpx.Client, token: str, somebody: Person) -> bool:
    return client.get(f"/api/v1/users/{somebody.id}/tasks", headers=bearer(token)).status_code == 200


def test_what_had_the_right_is_ended_for_good(
    server: RunningServer, anonymous: httpx.Client, dora: SignedIn, alice: Person, make_admin: Administer
) -> None:
    everyday = make_api_token(dora, "tasks:read")["token"]
    with sign_in(server, dora.account) as earlier:  # an everyday sign-in: she is no administrator yet
        make_admin()
        with sign_in(server, dora.account) as boss:
            assert boss.scope.endswith(" admin")
            api_tokens = [make_api_token(boss, *scopes)["token"] for scopes in (["admin"], ["tasks:read", "admin"])]
            following = refreshed(anonymous, boss.refresh_token)
            by_access_token = [boss.token, following["access_token"]]
            assert all(may(anonymous, token, alice) for token in (*api_tokens, *by_access_token))
            make_admin("--undo")
            for turn in range(2):
                for token in api_tokens:
                    assert_error(anonymous.get(TASKS, headers=bearer(token)), 401, "token_invalid")
                for token in by_access_token:
                    assert_error(anonymous.get(ME, headers=bearer(token)), 401, "account_unusable")
                assert_error(refresh(anonymous, following["refresh_token"]), 401, "refresh_token_invalid")
                # What never had it goes on: another device by its refresh token, and a script.
                assert anonymous.get(TASKS, headers=bearer(everyday)).status_code == 200
                newest = refreshed(anonymous, earlier.refresh_token)
                earlier.refresh_token = newest["refresh_token"]
                assert "admin" not in newest["scope"]
                assert not may(anonymous, newest["access_token"], alice)
                if turn == 0:
                    make_admin()
        assert may(anonymous, try_sign_in(anonymous, dora.account).json()["access_token"], alice)


def test_a_sign_in_in_that_very_moment_gets_no_more_than_others(
    server: RunningServer, shared_database: str, dora: SignedIn, make_admin: Administer
) -> None:
    """It looked when she still was an administrator, and begins when she is none any more."""
    make_admin()
    with browser(server) as client, ThreadPoolExecutor(1) as threads:
        with holding(shared_database, "UPDATE users SET is_admin = false WHERE id = $1", dora.id) as held:
            signs_in = threads.submit(try_sign_in, client, dora.account)
            held.wait_for_waiters(1)
            held.execute("COMMIT")
        answer = signs_in.result(30)
    assert answer.status_code == 200
    assert "admin" not in answer.json()["scope"].split()
    with browser(server) as client:
        assert "admin" not in refreshed(client, answer.json()["refresh_token"])["scope"].split()
