"""The SQL of docs/deploy.md, run on a PostgreSQL as it is printed, and Taskwell with the roles that it makes."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest

from tests.cli.command import Visitor, refusal, serving, taskwell
from tests.docs.pages import ROOT, blocks
from tests.docs.terminal import in_place_of
from tests.support import postgres

PRINTED = [block.text for block in blocks(ROOT / "docs" / "deploy.md", "sql")]


def printed(beginning: str) -> str:
    (found,) = [text for text in PRINTED if text.startswith(beginning)]
    return found


@dataclass(frozen=True)
class Made:
    """The roles and the database of the page, at names of this test's own."""

    names: dict[str, str]
    superuser: str
    as_owner: str
    as_app: str

    def run(self, database_url: str, text: str) -> None:
        for statement in filter(None, (part.strip() for part in in_place_of(text, self.names).split(";"))):
            postgres.run(database_url, statement)  # one at a time: CREATE DATABASE stands alone


@pytest.fixture
def made(postgres_url: str) -> Iterator[Made]:
    own = f"taskwell_{uuid4().hex}"
    names = {"taskwell_owner": f"{own}_o", "taskwell_app": f"{own}_a", "DATABASE taskwell ": f"DATABASE {own} "}
    administrator = postgres.as_superuser(postgres_url)
    there = postgres.at(administrator, own)
    roles = Made(names, there, postgres.as_role(there, names["taskwell_owner"]), postgres.as_role(there, names["taskwell_app"]))
    roles.run(administrator, printed("CREATE ROLE"))
    try:
        yield roles
    finally:
        postgres.run(administrator, f"DROP DATABASE {own} WITH (FORCE)", f"DROP ROLE {own}_o", f"DROP ROLE {own}_a")


def test_with_the_printed_roles_taskwell_migrates_and_serves(made: Made, tmp_path: Path) -> None:
    made.run(made.as_owner, printed("GRANT USAGE"))
    made.run(made.superuser, printed("ALTER ROLE"))
    migrated = taskwell("migrate", cwd=tmp_path, DATABASE_URL=made.as_app, DATABASE_DIRECT_URL=made.as_owner)
    assert migrated.returncode == 0, migrated
    assert postgres.query(made.as_app, "SHOW statement_timeout")[0][0] == "10s"
    assert postgres.query(made.as_app, "SHOW idle_in_transaction_session_timeout")[0][0] == "30s"
    with serving(tmp_path, "--workers", "1", DATABASE_URL=made.as_app) as server, Visitor(server.url) as me:
        me.signs_up()
        me.signs_in()
        me.delete(f"/api/v1/tasks/{me.adds('x')['id']}").raise_for_status()
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        postgres.run(made.as_app, "ALTER TABLE tasks ADD COLUMN x int")


def test_the_grants_may_come_after_the_first_migration(made: Made, tmp_path: Path) -> None:
    assert taskwell("migrate", cwd=tmp_path, DATABASE_URL=made.as_owner).returncode == 0
    assert "lacks SELECT" in refusal(taskwell("users", "list", cwd=tmp_path, DATABASE_URL=made.as_app))
    made.run(made.as_owner, printed("GRANT USAGE"))
    assert taskwell("users", "list", cwd=tmp_path, DATABASE_URL=made.as_app).returncode == 0


def test_what_postgresql_writes_down_and_the_epoch_are_set_as_printed(made: Made, tmp_path: Path) -> None:
    made.run(made.superuser, printed("ALTER DATABASE"))
    assert postgres.query(made.as_app, "SHOW log_error_verbosity")[0][0] == "terse"
    assert taskwell("migrate", cwd=tmp_path, DATABASE_URL=made.as_owner).returncode == 0
    (before,) = postgres.query(made.as_owner, "SELECT epoch FROM instance")
    made.run(made.as_owner, printed("UPDATE instance"))
    assert postgres.query(made.as_owner, "SELECT epoch FROM instance") != [before]


def test_every_block_of_sql_is_run_here() -> None:
    beginnings = ("CREATE ROLE", "GRANT USAGE", "ALTER ROLE", "ALTER DATABASE", "UPDATE instance")
    assert [text for text in PRINTED if not text.startswith(beginnings)] == []
