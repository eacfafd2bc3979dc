"""Migrates a database from the schema that it has to the one that this program needs."""

import re

import asyncpg
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from taskwell.database.inspection import inspect, quoted
from taskwell.database.schema import MIGRATIONS, Fit, fit
from taskwell.database.unreachable import unreachable
from taskwell.database.url import ConnectionTarget
from taskwell.errors import CannotStart


def alembic_config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    return config


async def migrate(target: ConnectionTarget, *, down_to: str | None = None) -> Fit:
    """Bring the schema to its newest revision, or back to the revision `down_to`. Several processes may do so at once.

    The schema of a newer program is left as it is. Raises CannotStart when the database cannot be reached or refuses, and when
    it belongs to another application.
    """

    async def connect() -> "asyncpg.Connection[asyncpg.Record]":
        return await asyncpg.connect(**target.arguments(), timeout=10)

    engine = create_async_engine("postgresql+asyncpg://", async_creator=connect, poolclass=NullPool)
    try:
        await _refuse_strangers(await connect())
        async with engine.connect() as connection:
            schema = await connection.run_sync(_run, down_to)
            await connection.commit()
            return schema
    except DBAPIError as error:
        raise CannotStart(f"the database refuses to be migrated: {_refusal(error, target)}") from error
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise unreachable(target, error, "for migrating") from error
    finally:
        await engine.dispose()


def _refusal(error: DBAPIError, target: ConnectionTarget) -> str:
    said = str(error.orig).splitlines()[0]
    schema = re.search(r"permission denied for schema (\S+)$", said)
    if schema is None:
        return said
    # Since PostgreSQL 15 nobody but the owner of a database may make tables in its schema `public`.
    return f"{said}: GRANT CREATE ON SCHEMA {schema[1]} TO {quoted(target.arguments()['user'])}, as the owner of the database"


async def _refuse_strangers(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
    try:
        never = (await inspect(connection)).never_fits()
    finally:
        await connection.close()
    if never is not None:
        raise CannotStart(never)


def _run(connection: Connection, down_to: str | None) -> Fit:
    config = alembic_config()
    config.attributes["connection"] = connection
    if fit(MigrationContext.configure(connection).get_current_revision()) is Fit.NEWER:
        return Fit.NEWER
    if down_to is None:
        command.upgrade(config, "head")
    else:
        command.downgrade(config, down_to)
    return Fit.CURRENT if down_to is None else Fit.BEHIND
