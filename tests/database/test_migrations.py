"""The migrations make the schema that the tables describe, can be undone, and may be run by several at once."""

import asyncio
import re
import subprocess
import sys
from typing import Any

import asyncpg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool
from sqlalchemy.schema import CreateIndex, CreateTable
from sqlmodel import SQLModel

import taskwell.app  # noqa: F401  # every table is in SQLModel.metadata
from taskwell.database import url
from taskwell.database.migrate import migrate
from taskwell.database.schema import HEAD
from taskwell.errors import CannotStart
from tests.support import postgres

TABLES = set(SQLModel.metadata.tables)

# What Alembic compares not at all, or only in part: taken from PostgreSQL's own catalogue, so that both sides read alike.
CATALOGUE = {
    "columns": """
        SELECT c.relname || '.' || a.attname, format_type(a.atttypid, a.atttypmod)
            || CASE WHEN a.attnotnull THEN ' NOT NULL' ELSE '' END || coalesce(' DEFAULT ' || pg_get_expr(d.adbin, d.adrelid), '')
        FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
            LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
        WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped
    """,
    "constraints": """
        SELECT c.relname || '.' || o.conname, pg_get_constraintdef(o.oid)
        FROM pg_constraint o JOIN pg_class c ON c.oid = o.conrelid
        WHERE c.relnamespace = 'public'::regnamespace AND o.contype <> 'n'
    """,
    "indexes": "SELECT tablename || '.' || indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'",
    "storage": """
        SELECT relname, reloptions::text FROM pg_class
        WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'i') AND reloptions IS NOT NULL
    """,
}


def _in_sqlalchemy(database_url: str, work: Any) -> Any:
    async def run() -> Any:
        async def connect() -> Any:
            return await asyncpg.connect(**url.parse(database_url).arguments())

        engine = create_async_engine("postgresql+asyncpg://", async_creator=connect, poolclass=NullPool)
        try:
            async with engine.begin() as connection:
                return await connection.run_sync(work)
        finally:
            await engine.dispose()

    return asyncio.run(run())


def _schema(database_url: str) -> dict[str, dict[str, str]]:
    found = {name: dict(map(tuple, postgres.query(database_url, query))) for name, query in CATALOGUE.items()}
    return {kind: {key: text for key, text in all_.items() if "alembic_version" not in key} for kind, all_ in found.items()}


def _tables(database_url: str) -> set[str]:
    return {row[0] for row in postgres.query(database_url, "SELECT tablename FROM pg_tables WHERE schemaname = 'public'")}


def _epochs(database_url: str) -> list[str]:
    return [row[0] for row in postgres.query(database_url, "SELECT epoch FROM instance")]


def test_from_empty_to_head(empty_database: str) -> None:
    asyncio.run(migrate(url.parse(empty_database)))
    assert _tables(empty_database) == TABLES | {"alembic_version"}
    assert [row[0] for row in postgres.query(empty_database, "SELECT version_num FROM alembic_version")] == [HEAD]


def test_alembic_finds_nothing_to_change(own_database: str) -> None:
    def differences(connection: Connection) -> list[Any]:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        found: list[Any] = compare_metadata(context, SQLModel.metadata)
        return found

    assert _in_sqlalchemy(own_database, differences) == []


def test_the_migrated_schema_is_the_one_that_the_tables_make(own_database: str, empty_database: str) -> None:
    """To the last CHECK, index predicate, default and storage parameter, which `alembic check` does not look at."""
    _in_sqlalchemy(empty_database, SQLModel.metadata.create_all)
    migrated, made = _schema(own_database), _schema(empty_database)
    assert migrated == made
    assert len(migrated["constraints"]) >= 9
    assert "fillfactor=70" in migrated["storage"]["users"]
    assert any("WHERE (deleted_at IS NULL)" in index for index in migrated["indexes"].values())


def test_the_comparison_sees_what_alembic_does_not(own_database: str, empty_database: str) -> None:
    _in_sqlalchemy(empty_database, SQLModel.metadata.create_all)
    made = _schema(empty_database)
    for change in (
        "ALTER TABLE tasks DROP CONSTRAINT tasks_title_check",
        "DROP INDEX tasks_list_idx; CREATE INDEX tasks_list_idx ON tasks (user_id, created_at, id)",
        "ALTER TABLE users SET (fillfactor = 90)",
        "ALTER TABLE users ALTER COLUMN revision SET DEFAULT 1",
    ):
        before = _schema(own_database)
        postgres.run(own_database, change)
        assert _schema(own_database) not in (before, made), change


def test_every_index_and_constraint_has_a_name_of_its_own_choosing() -> None:
    """One that PostgreSQL made up cannot be named in a later migration."""
    for table in SQLModel.metadata.tables.values():
        assert all(index.name for index in table.indexes), CreateTable(table)
        checks = [constraint for constraint in table.constraints if type(constraint).__name__ == "CheckConstraint"]
        assert all(check.name for check in checks), CreateTable(table)
        assert all(re.match(rf"{table.name}_\w+_(idx|key)$", str(index.name)) for index in table.indexes), [
            str(CreateIndex(index)) for index in table.indexes
        ]


def test_down_to_nothing_and_up_again(own_database: str) -> None:
    first = _schema(own_database)
    [epoch] = _epochs(own_database)
    asyncio.run(migrate(url.parse(own_database), down_to="base"))
    assert _tables(own_database) == {"alembic_version"}
    asyncio.run(migrate(url.parse(own_database)))
    assert _schema(own_database) == first
    [new_epoch] = _epochs(own_database)
    assert new_epoch != epoch


def test_a_second_run_changes_nothing(own_database: str) -> None:
    before, epochs = _schema(own_database), _epochs(own_database)
    asyncio.run(migrate(url.parse(own_database)))
    assert _schema(own_database) == before
    assert _epochs(own_database) == epochs
    assert len(epochs) == 1


_MIGRATE = """
import asyncio, sys
from taskwell.database import url
from taskwell.database.migrate import migrate
sys.stdin.readline()
asyncio.run(migrate(url.parse(sys.argv[1])))
"""


def test_several_processes_at_once_all_succeed_and_one_does_it(empty_database: str) -> None:
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", _MIGRATE, empty_database], stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        for _ in range(3)
    ]
    for process in processes:  # all have been started and wait for the word
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    ends = [(process.communicate(timeout=60)[1], process.returncode) for process in processes]
    assert ends == [("", 0)] * 3
    assert len(_epochs(empty_database)) == 1
    assert _tables(empty_database) == TABLES | {"alembic_version"}


def test_a_migration_that_fails_leaves_nothing_behind(empty_database: str) -> None:
    postgres.run(empty_database, "CREATE TABLE tasks (mine int)")
    with pytest.raises(Exception, match="already exists"):
        asyncio.run(migrate(url.parse(empty_database)))
    assert _tables(empty_database) == {"tasks"}


def test_a_database_that_cannot_be_reached_is_said_in_one_line(tmp_path: Any) -> None:
    with pytest.raises(CannotStart, match=r"^the database cannot be reached for migrating: "):
        asyncio.run(migrate(url.parse(f"postgresql://somebody@/taskwell?host={tmp_path}")))
