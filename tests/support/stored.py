"""What really is in the tables, past the application."""

from typing import NamedTuple
from uuid import UUID

from tests.support import postgres


class Stored(NamedTuple):
    """All that a write could have touched."""

    users: int
    tasks: int
    revisions: int


def stored(database_url: str) -> Stored:
    """Of the whole database; nothing else may write to it meanwhile."""
    (row,) = postgres.query(
        database_url,
        "SELECT (SELECT count(*) FROM users), (SELECT count(*) FROM tasks),"
        " (SELECT coalesce(sum(revision), 0) FROM users)",  # a numeric: two users may have revisions of 2**62
    )
    return Stored(*map(int, row))


def revision_of(database_url: str, user: UUID) -> int:
    (row,) = postgres.query(database_url, "SELECT revision FROM users WHERE id = $1", user)
    revision: int = row["revision"]
    return revision


def rows_as_text(database_url: str) -> list[str]:
    """Every row of every table, as a dump would have it."""
    tables = [row["name"] for row in postgres.query(database_url, _TABLES)]
    rows = [postgres.query(database_url, f'SELECT t::text AS line FROM "{name}" t') for name in tables]
    return [row["line"] for of_table in rows for row in of_table]


_TABLES = "SELECT table_name AS name FROM information_schema.tables WHERE table_schema = 'public' AND table_type = 'BASE TABLE'"
