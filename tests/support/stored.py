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
        " (SELECT coalesce(sum(revision), 0)::bigint FROM users)",
    )
    return Stored(*row)


def revision_of(database_url: str, user: UUID) -> int:
    (row,) = postgres.query(database_url, "SELECT revision FROM users WHERE id = $1", user)
    revision: int = row["revision"]
    return revision
