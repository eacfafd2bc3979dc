"""What a server finds wrong with its database as it starts, and what it says that mends it."""

import asyncio
import re

import pytest

from taskwell.database import url
from taskwell.database.connection import Database
from taskwell.errors import CannotStart
from tests.support import postgres


async def started(database_url: str) -> None:
    db = Database.at(database_url, pool_size=1, prepared_statements="auto")
    try:
        await db.check_schema()
    finally:
        await db.close()


def test_what_is_wrong_with_the_tables_is_said_with_what_mends_it(own_database: str) -> None:
    role, is_superuser = postgres.query(
        own_database, "SELECT rolname::text, rolsuper FROM pg_roles WHERE rolname = current_user"
    )[0]
    name = url.parse(own_database).database
    wrong = {
        f"lacks INSERT, UPDATE on tasks: GRANT INSERT, UPDATE ON tasks TO {role}": (
            f"REVOKE INSERT, UPDATE ON tasks FROM {role}",
            f"GRANT INSERT, UPDATE ON tasks TO {role}",
        ),
        f"lacks SELECT on alembic_version: GRANT SELECT ON alembic_version TO {role}": (
            f"REVOKE SELECT ON alembic_version FROM {role}",
            f"GRANT SELECT ON alembic_version TO {role}",
        ),
        "finds no table sessions: put it back, or restore a backup": (
            "ALTER TABLE sessions RENAME TO gone",
            "ALTER TABLE gone RENAME TO sessions",
        ),
        "the table tasks lacks the column title": (
            "ALTER TABLE tasks RENAME COLUMN title TO gone",
            "ALTER TABLE tasks RENAME COLUMN gone TO title",
        ),
        "row-level security hides rows of tasks": (
            "ALTER TABLE tasks ENABLE ROW LEVEL SECURITY; ALTER TABLE tasks FORCE ROW LEVEL SECURITY",
            "ALTER TABLE tasks DISABLE ROW LEVEL SECURITY",
        ),
        "tasks is not a table": (
            "ALTER TABLE tasks RENAME TO kept; CREATE VIEW tasks AS SELECT * FROM kept",
            "DROP VIEW tasks; ALTER TABLE kept RENAME TO tasks",
        ),
        "(there are some in the schema elsewhere)": (
            "ALTER SCHEMA public RENAME TO elsewhere; CREATE SCHEMA public",
            "DROP SCHEMA public; ALTER SCHEMA elsewhere RENAME TO public",
        ),
        "the database only reads": (
            f"ALTER DATABASE {name} SET default_transaction_read_only = on",
            f"SET default_transaction_read_only = off; ALTER DATABASE {name} RESET default_transaction_read_only",
        ),
        "standard_conforming_strings is off": (
            f"ALTER DATABASE {name} SET standard_conforming_strings = off",
            f"ALTER DATABASE {name} RESET standard_conforming_strings",
        ),
    }
    for words, (trouble, remedy) in wrong.items():
        if is_superuser and ("REVOKE" in trouble or "ROW LEVEL" in trouble):
            continue  # whom nothing of it holds
        postgres.run(own_database, trouble)
        with pytest.raises(CannotStart, match=re.escape(words)):
            asyncio.run(started(own_database))
        postgres.run(own_database, *remedy.split("; "))  # one by one, as the database may only read
    asyncio.run(started(own_database))
