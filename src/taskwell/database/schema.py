"""The version of the schema that the database has, and the one that this program needs."""

from enum import Enum
from pathlib import Path

from sqlalchemy import Column, MetaData, String, Table, func, select

from taskwell.database.statement import Statement
from taskwell.database.tables import Instance

MIGRATIONS = Path(__file__).parent / "migrations"

_alembic_version = Table("alembic_version", MetaData(), Column("version_num", String(32), primary_key=True))
_instance = Instance.__table__  # type: ignore[attr-defined]

SCHEMA_STATE = Statement(
    "schema_state",
    select(
        _alembic_version.c.version_num.label("version"),
        _instance.c.epoch,
        _instance.c.tag_key,
        func.clock_timestamp().label("now"),
    ),
    unscoped="which database this is, how far it is migrated and what its clock says; holds nothing of a user's",
)
"""Asked by each new connection, before it serves: which database this is, how far it is migrated, its hashes' key, its time."""

SCHEMA_VERSION = Statement(
    "schema_version",
    select(_alembic_version.c.version_num),
    unscoped="how far this database is migrated, also where there is nothing else of Taskwell's",
)
"""Asked at a start that found no state: whether this is a database of Taskwell's at all."""

# The name of a migration's file begins with its revision, so a server need not load Alembic to know the revisions.
KNOWN_REVISIONS = frozenset(file.name.partition("_")[0] for file in (MIGRATIONS / "versions").glob("[0-9]*.py"))
HEAD = max(KNOWN_REVISIONS)


class Fit(Enum):
    """How a database's schema stands to this program."""

    CURRENT = "current"
    BEHIND = "behind"
    NEWER = "newer"


def fit(version: str | None) -> Fit:
    """`version` is what the database says. A version that this program does not know is of a newer program."""
    if version == HEAD:
        return Fit.CURRENT
    return Fit.BEHIND if version is None or version in KNOWN_REVISIONS else Fit.NEWER
