"""The way from the schema that a database has to the one that this program needs."""

import asyncpg
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from taskwell.database.schema import MIGRATIONS
from taskwell.database.url import ConnectionTarget
from taskwell.errors import CannotStart


def alembic_config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    return config


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
