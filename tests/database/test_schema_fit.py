"""Does the database's schema fit the program? One that is behind refuses to start, one that is ahead serves."""

import asyncio
from pathlib import Path

import httpx
import pytest
from alembic.script import ScriptDirectory

from taskwell.api.health import Readiness
from taskwell.app import build_app
from taskwell.database import schema, url
from taskwell.database.migrate import migrate
from taskwell.database.schema import HEAD, KNOWN_REVISIONS, Fit, fit
from taskwell.database.upgrade import alembic_config
from taskwell.errors import CannotStart
from tests.conftest import settings_for
from tests.support import postgres
from tests.support.logged import logged
from tests.support.server import serve

NEWER = "9999"


def _start(database_url: str, data_dir: Path) -> None:
    app = build_app(settings_for(database_url, data_dir))

    async def start_and_stop() -> None:
        async with app.router.lifespan_context(app):
            pass

    asyncio.run(start_and_stop())


def _says(database_url: str, version: str) -> None:
    postgres.run(database_url, f"UPDATE alembic_version SET version_num = '{version}'")


def test_the_versions_that_the_program_knows_are_those_of_alembic() -> None:
    script = ScriptDirectory.from_config(alembic_config())
    assert script.get_heads() == [HEAD]
    assert {revision.revision for revision in script.walk_revisions()} == KNOWN_REVISIONS


def test_a_version_is_current_behind_or_newer(monkeypatch: pytest.MonkeyPatch) -> None:
    assert fit(HEAD) is Fit.CURRENT
    assert fit(None) is Fit.BEHIND
    assert fit(NEWER) is Fit.NEWER
    monkeypatch.setattr(schema, "HEAD", NEWER)
    assert fit(HEAD) is Fit.BEHIND


def test_a_schema_that_fits_starts_without_a_word(own_database: str, tmp_path: Path) -> None:
    with logged() as logs:
        _start(own_database, tmp_path)
    assert logs == []


def test_a_database_without_tables_refuses_to_start_and_says_what_to_run(empty_database: str, tmp_path: Path) -> None:
    with pytest.raises(CannotStart, match=r"no tables .*: run `taskwell migrate`"):
        _start(empty_database, tmp_path)


def test_a_database_taken_back_to_before_the_first_migration_is_one_without_tables(own_database: str, tmp_path: Path) -> None:
    asyncio.run(migrate(url.parse(own_database), down_to="base"))
    with pytest.raises(CannotStart, match=r"run `taskwell migrate`"):
        _start(own_database, tmp_path)


def test_a_schema_that_is_behind_refuses_to_start_and_says_what_to_run(
    own_database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schema, "HEAD", NEWER)  # this program has one more migration than the database has had
    with pytest.raises(CannotStart, match=rf"schema \({HEAD}\) is older than this program: run `taskwell migrate`"):
        _start(own_database, tmp_path)


def test_so_does_one_that_lacks_a_column_that_the_first_connection_reads(own_database: str, tmp_path: Path) -> None:
    asyncio.run(migrate(url.parse(own_database), down_to="0002"))
    with pytest.raises(CannotStart, match=r"schema \(0002\) is older than this program: run `taskwell migrate`"):
        _start(own_database, tmp_path)


def test_a_database_that_cannot_be_reached_refuses_to_start(tmp_path: Path) -> None:
    with pytest.raises(CannotStart, match="cannot be reached"):
        _start(f"postgresql://somebody@/taskwell?host={tmp_path}", tmp_path)


def test_a_newer_schema_starts_with_a_warning(own_database: str, tmp_path: Path) -> None:
    _says(own_database, NEWER)
    with logged() as logs:
        _start(own_database, tmp_path)
    assert [(log["event"], log["level"], log["version"]) for log in logs] == [("newer_schema", "warning", NEWER)]


def test_readiness_says_how_the_schema_stands(own_database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with serve(settings_for(own_database, tmp_path)) as server, httpx.Client(base_url=server.base_url, trust_env=False) as client:
        answers = [client.get("/readyz")]
        for version in (NEWER, HEAD):
            _says(own_database, version)
            server.app.services.of_face(Readiness).until = 0.0
            answers.append(client.get("/readyz"))
        monkeypatch.setattr(schema, "HEAD", NEWER)
        server.app.services.of_face(Readiness).until = 0.0
        behind = client.get("/readyz")
    assert [answer.json() for answer in answers] == [
        {"status": "ok", "schema": is_, "auth": "token"} for is_ in ("current", "newer", "current")
    ]
    assert behind.status_code == 503
    assert "taskwell migrate" in behind.json()["error"]["message"]
