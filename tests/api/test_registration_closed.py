"""TASKWELL_REGISTRATION=closed: nobody signs up, and whoever has an account goes on as ever."""

import asyncio
from collections.abc import Iterator
from uuid import uuid4

import httpx
import pytest
from pydantic import SecretStr

from taskwell.accounts import store
from taskwell.accounts.passwords import Passwords
from taskwell.accounts.requests import NewAccount
from taskwell.database.connection import Database
from tests.conftest import settings_for
from tests.support import postgres
from tests.support.cast import PASSWORD
from tests.support.errors import assert_error, invalid_fields
from tests.support.plain_http import PLAIN_HTTP
from tests.support.server import RunningServer, serve

REGISTER = "/api/v1/auth/register"


@pytest.fixture(scope="module")
def closed_server(shared_database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    with serve(settings_for(shared_database, tmp_path_factory.mktemp("data"), registration="closed")) as running:
        yield running


@pytest.fixture
def stranger(closed_server: RunningServer) -> Iterator[httpx.Client]:
    hooks = {"response": [closed_server.contract.hook]}
    with httpx.Client(
        base_url=closed_server.base_url, timeout=30, trust_env=False, verify=PLAIN_HTTP, event_hooks=hooks
    ) as client:
        yield client


def new_account() -> dict[str, str]:
    return {"email": f"dora-{uuid4().hex[:8]}@example.com", "password": PASSWORD}


def added_by_the_operator(database_url: str, account: dict[str, str]) -> None:
    """What `taskwell users add` does."""

    async def add() -> None:
        db = Database.at(database_url, pool_size=1, prepared_statements="off")
        passwords = Passwords()
        try:
            await store.add_user(db, passwords, NewAccount(email=account["email"], password=SecretStr(account["password"])))
        finally:
            passwords.close()
            await db.close()

    asyncio.run(add())


def test_nobody_signs_up(stranger: httpx.Client, shared_database: str) -> None:
    before = postgres.query(shared_database, "SELECT count(*) FROM users")
    answer = stranger.post(REGISTER, json=new_account())
    assert assert_error(answer, 403, "registration_closed") == {}
    # It is nothing that another token would change.
    assert "www-authenticate" not in answer.headers
    assert postgres.query(shared_database, "SELECT count(*) FROM users") == before


def test_it_does_not_tell_which_addresses_are_taken(stranger: httpx.Client, shared_database: str) -> None:
    account = new_account()
    added_by_the_operator(shared_database, account)
    assert_error(stranger.post(REGISTER, json=account), 403, "registration_closed")
    assert invalid_fields(stranger.post(REGISTER, json={})) == ["email", "password"]


def test_whom_the_operator_adds_signs_in_and_keeps_tasks(stranger: httpx.Client, shared_database: str) -> None:
    account = new_account()
    added_by_the_operator(shared_database, account)
    answer = stranger.post("/api/v1/auth/token", data={"username": account["email"], "password": PASSWORD})
    assert answer.status_code == 200
    signed_in = {"Authorization": f"Bearer {answer.json()['access_token']}"}
    assert stranger.post("/api/v1/tasks", json={"title": "x"}, headers=signed_in).status_code == 201
    renewal = {"grant_type": "refresh_token", "refresh_token": answer.json()["refresh_token"]}
    assert stranger.post("/api/v1/auth/token", data=renewal).status_code == 200
