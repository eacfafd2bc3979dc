"""The database is away, or full, or says no: 503 in the envelope, never 500, and back at once when it is."""

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest

from taskwell.accounts.api_tokens.secret import new_token
from taskwell.accounts.sessions.refresh import RefreshToken
from taskwell.database import url
from tests.conftest import settings_for
from tests.faults.own import OwnPostgres, own_postgres
from tests.support import postgres
from tests.support.cast import PASSWORD, Person, person
from tests.support.errors import assert_error
from tests.support.server import RunningServer, serve

TASKS = "/api/v1/tasks"
PLACES = 12


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnPostgres]:
    with own_postgres(tmp_path_factory.mktemp("own") / "data", max_connections=str(PLACES)) as running:
        yield running


@pytest.fixture
def server(own: OwnPostgres, tmp_path: Path) -> Iterator[RunningServer]:
    with serve(settings_for(own.url, tmp_path)) as running:
        yield running


@pytest.fixture
def dana(server: RunningServer, own: OwnPostgres) -> Iterator[Person]:
    with person(server, own.url, "dana") as somebody:
        yield somebody


def a_refresh_token(somebody: Person) -> str:
    return RefreshToken.of_new_session(somebody.id).text


def of_every_kind(somebody: Person, task: dict[str, Any]) -> list[httpx.Response]:
    of_task = f"{TASKS}/{task['id']}"
    new = task["id"][:-4] + "0000"
    return [
        somebody.get("/api/v1/auth/me"),
        somebody.get(TASKS),
        somebody.get(of_task),
        somebody.post(TASKS, json={"title": "x"}),
        somebody.post(TASKS, json={"title": "x", "id": new}),
        somebody.put(of_task, json={"title": "x"}),
        somebody.put(f"{TASKS}/{new}", json={"title": "x"}, headers={"If-None-Match": "*"}),
        somebody.patch(of_task, json={"title": "x"}),
        somebody.delete(of_task),
        somebody.get(f"/api/v1/users/{new}/tasks"),
        somebody.post("/api/v1/auth/token", data={"username": somebody.email, "password": "x"}),
        somebody.post("/api/v1/auth/token", data={"grant_type": "refresh_token", "refresh_token": a_refresh_token(somebody)}),
        somebody.post("/api/v1/auth/revoke", data={"token": a_refresh_token(somebody)}),
        somebody.patch("/api/v1/auth/me", json={"display_name": "x"}),
        somebody.post("/api/v1/auth/password", json={"current_password": PASSWORD, "new_password": "another password"}),
        somebody.request("DELETE", "/api/v1/auth/me", json={"password": PASSWORD}),
        somebody.post("/api/v1/auth/sign-out-everywhere"),
        somebody.get("/api/v1/auth/tokens"),
        somebody.post("/api/v1/auth/tokens", json={"name": "x", "scopes": ["account"], "expires_in_days": 1}),
        somebody.get(TASKS, headers={"Authorization": f"Bearer {new_token()}"}),
        somebody.post("/api/v1/auth/register", json={"email": "new@example.com", "password": "correct horse"}),
    ]


def assert_nothing_was_stored(somebody: Person, task: dict[str, Any], database_url: str) -> None:
    assert somebody.get(TASKS).json()["items"] == [task]
    assert postgres.query(database_url, "SELECT 1 FROM users WHERE email = 'new@example.com'") == []


def test_a_database_that_is_down_is_503_until_it_is_back(dana: Person, own: OwnPostgres) -> None:
    task = dana.creates("there")
    own.stop()
    try:
        for _ in range(2):
            for answer in of_every_kind(dana, task):
                assert_error(answer, 503, "database_unavailable")
            assert dana.get("/healthz").status_code == 200
            assert_error(dana.get("/readyz"), 503, "database_unavailable")
        assert dana.get("/docs").status_code == 200
        assert_error(dana.post(TASKS, json={"title": ""}), 400, "invalid_input")
    finally:
        own.start()
    assert dana.get("/readyz").json() == {"status": "ok", "schema": "current", "auth": "token"}
    assert_nothing_was_stored(dana, task, own.url)


def test_a_database_out_of_connections_is_503_until_one_is_free(dana: Person, own: OwnPostgres) -> None:
    task = dana.creates("there")
    own.terminate_connections()

    async def while_it_is_full() -> list[httpx.Response]:
        hogs: list[asyncpg.Connection[asyncpg.Record]] = []
        try:
            with suppress(asyncpg.TooManyConnectionsError):
                while len(hogs) < PLACES:
                    hogs.append(await asyncpg.connect(**url.parse(own.url).arguments()))
            assert len(hogs) < PLACES, "some are kept for administrators"
            return await asyncio.to_thread(of_every_kind, dana, task)
        finally:
            for hog in hogs:
                await hog.close()

    for answer in asyncio.run(while_it_is_full()):
        assert_error(answer, 503, "database_unavailable")
    assert_nothing_was_stored(dana, task, own.url)


@pytest.mark.parametrize(
    ("trouble", "remedy"),
    [
        ("ALTER ROLE taskwell NOLOGIN", "ALTER ROLE taskwell LOGIN"),
        ("ALTER DATABASE taskwell RENAME TO elsewhere", "ALTER DATABASE elsewhere RENAME TO taskwell"),
        ("REVOKE SELECT ON alembic_version FROM taskwell", "GRANT SELECT ON alembic_version TO taskwell"),
    ],
)
def test_a_database_that_does_not_let_us_in_is_503_until_it_does(
    dana: Person, own: OwnPostgres, trouble: str, remedy: str
) -> None:
    task = dana.creates("there")
    outside = own.administrator_url.replace("/taskwell?", "/postgres?")
    away = own.administrator_url if "alembic" in trouble else outside
    postgres.run(away, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'taskwell'", trouble)
    try:
        for answer in of_every_kind(dana, task):
            assert_error(answer, 503, "database_unavailable")
    finally:
        postgres.run(away, remedy)
    assert_nothing_was_stored(dana, task, own.url)


def test_a_database_that_only_reads_is_503_for_writes(dana: Person, own: OwnPostgres) -> None:
    """A standby in the middle of a fail-over."""
    task = dana.creates("there")
    outside = own.administrator_url
    postgres.run(outside, "ALTER ROLE taskwell SET default_transaction_read_only = on")
    own.terminate_connections()
    try:
        assert dana.get(TASKS).status_code == 200
        assert_error(dana.post(TASKS, json={"title": "x"}), 503, "database_unavailable")
        assert_error(dana.patch(f"{TASKS}/{task['id']}", json={"title": "x"}), 503, "database_unavailable")
    finally:
        postgres.run(outside, "ALTER ROLE taskwell RESET default_transaction_read_only")
    own.terminate_connections()
    assert_nothing_was_stored(dana, task, own.url)
