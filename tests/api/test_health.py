"""GET /healthz and /readyz."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from taskwell.api.health import Readiness
from taskwell.database.connection import Database
from taskwell.errors import DatabaseUnavailable
from tests.conftest import settings_for
from tests.support import postgres
from tests.support.errors import assert_error, invalid_fields
from tests.support.plain_http import PLAIN_HTTP
from tests.support.server import RunningServer, serve


@pytest.fixture
def own_server(own_database: str, tmp_path: Path) -> Iterator[RunningServer]:
    with serve(settings_for(own_database, tmp_path)) as running:
        yield running


@pytest.fixture
def client(own_server: RunningServer) -> Iterator[httpx.Client]:
    hooks = {"response": [own_server.contract.hook]}
    with httpx.Client(base_url=own_server.base_url, timeout=30, trust_env=False, verify=PLAIN_HTTP, event_hooks=hooks) as client:
        yield client


class Lookups:
    """How often the database was asked, and whether it answers."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.number = 0
        self.is_down = False
        row = Database.row

        async def counted(db: Database, *arguments: object, **more: object) -> object:
            self.number += 1
            if self.is_down:
                raise DatabaseUnavailable
            return await row(db, *arguments, **more)  # type: ignore[arg-type]

        monkeypatch.setattr(Database, "row", counted)


@pytest.fixture
def lookups(monkeypatch: pytest.MonkeyPatch) -> Lookups:
    return Lookups(monkeypatch)


def test_a_process_is_alive_whatever_the_database_does(client: httpx.Client, lookups: Lookups) -> None:
    before = lookups.number
    lookups.is_down = True
    answer = client.get("/healthz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})
    assert client.head("/healthz").status_code == 200
    assert lookups.number == before


def test_it_is_ready_when_the_database_answers_and_fits(client: httpx.Client) -> None:
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok", "schema": "current", "auth": "token"})


def test_a_good_answer_is_kept_so_that_the_database_can_sleep(client: httpx.Client, lookups: Lookups) -> None:
    client.get("/readyz")
    before = lookups.number
    lookups.is_down = True
    for _ in range(5):
        assert client.get("/readyz").status_code == 200
    assert lookups.number == before


def test_a_kept_answer_grows_old(own_server: RunningServer, client: httpx.Client, lookups: Lookups) -> None:
    client.get("/readyz")
    own_server.app.services.of_face(Readiness).until = 0.0
    lookups.is_down = True
    assert_error(client.get("/readyz"), 503, "database_unavailable")


def test_a_bad_answer_is_not_kept(client: httpx.Client, lookups: Lookups) -> None:
    lookups.is_down = True
    assert_error(client.get("/readyz"), 503, "database_unavailable")
    lookups.is_down = False
    assert client.get("/readyz").status_code == 200


def test_a_newer_schema_is_served(client: httpx.Client, own_database: str) -> None:
    postgres.run(own_database, "UPDATE alembic_version SET version_num = 'from_the_future'")
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok", "schema": "newer", "auth": "token"})


def test_an_older_schema_is_not_ready_and_says_what_to_do(client: httpx.Client, own_database: str) -> None:
    postgres.run(own_database, "DELETE FROM alembic_version")
    answer = client.get("/readyz")
    assert_error(answer, 503, "database_unavailable")
    assert "taskwell migrate" in answer.json()["error"]["message"]


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_health_needs_no_token_and_does_not_mind_a_bad_one(anonymous: httpx.Client, path: str) -> None:
    assert anonymous.get(path).status_code == 200
    assert anonymous.get(path, headers={"Authorization": "Bearer garbage"}).status_code == 200


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_health_takes_no_parameters_and_no_other_method(anonymous: httpx.Client, path: str) -> None:
    assert invalid_fields(anonymous.get(f"{path}?verbose=1")) == ["verbose"]
    answer = anonymous.post(path)
    assert_error(answer, 405, "method_not_allowed")
    assert answer.headers["allow"] == "GET, HEAD, OPTIONS"
