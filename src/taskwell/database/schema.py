"""Which schema the database has, which one this program needs, and the way from one to the other."""

from enum import Enum
from pathlib import Path

import asyncpg
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Column, Connection, MetaData, String, Table, select
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from taskwell.database.statement import Statement
from taskwell.database.tables import Instance
from taskwell.database.url import ConnectionTarget
from taskwell.errors import CannotStart

MIGRATIONS = Path(__file__).parent / "migrations"

_alembic_version = Table("alembic_version", MetaData(), Column("version_num", String(32), primary_key=True))
_instance = Instance.__table__  # type: ignore[attr-defined]

SCHEMA_STATE = Statement(
    "schema_state",
    select(_alembic_version.c.version_num.label("version"), _instance.c.epoch),
    unscoped="which database this is and how far it is migrated; holds nothing of a user's",
)


class Fit(Enum):
    """How a database's schema stands to this program."""

    CURRENT = "current"
    BEHIND = "behind"
    NEWER = "newer"


def alembic_config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    return config


_script = ScriptDirectory.from_config(alembic_config())
HEAD = _script.get_current_head()
_KNOWN = frozenset(revision.revision for revision in _script.walk_revisions())


def fit(version: str | None) -> Fit:
    """`version` is what the database says of itself; one that this program has never heard of is from its future."""
    if version == HEAD:
        return Fit.CURRENT
    return Fit.BEHIND if version is None or version in _KNOWN else Fit.NEWER


async def migrate(target: ConnectionTarget, *, down_to: str | None = None) -> None:
    """Bring the schema to its head, or back to the revision `down_to`; several processes may try at once.

    Raises CannotStart when the database cannot be reached or refuses.
    """

    async def connect() -> "asyncpg.Connection[asyncpg.Record]":
        return await asyncpg.connect(**target.arguments(), timeout=10)

    engine = create_async_engine("postgresql+asyncpg://", async_creator=connect, poolclass=NullPool)
    try:
        async with engine.connect() as connection:
            await connection.run_sync(_run, down_to)
            await connection.commit()
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise CannotStart(f"the database cannot be reached for migrating: {error or type(error).__name__}") from error
    finally:
        await engine.dispose()


def _run(connection: Connection, down_to: str | None) -> None:
    config = alembic_config()
    config.attributes["connection"] = connection
    if down_to is None:
        command.upgrade(config, "head")
    else:
        command.downgrade(config, down_to)
