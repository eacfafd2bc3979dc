"""Takes the schema of a database from one revision to another, by Alembic.

It is imported when there is something to do: Alembic, and the engine that it wants, take 100 ms of each command otherwise.
"""

from collections.abc import Awaitable, Callable

import asyncpg
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from taskwell.database.schema import MIGRATIONS, Fit, fit

__all__ = ["DBAPIError", "alembic_config", "upgrade"]


def alembic_config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    return config


async def upgrade(connect: "Callable[[], Awaitable[asyncpg.Connection[asyncpg.Record]]]", down_to: str | None) -> Fit:
    """To the newest revision, or back to `down_to`. Raises DBAPIError, and what connecting raises."""
    engine = create_async_engine("postgresql+asyncpg://", async_creator=connect, poolclass=NullPool)
    try:
        async with engine.connect() as connection:
            schema = await connection.run_sync(_run, down_to)
            await connection.commit()
            return schema
    finally:
        await engine.dispose()


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
