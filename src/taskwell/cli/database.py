"""The database for a command: DATABASE_URL's, that of a server which runs on the data folder, or the folder's own."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from taskwell.database import url
from taskwell.database.database import Database
from taskwell.database.embedded import EmbeddedPostgres, running_url
from taskwell.database.migrate import migrate
from taskwell.settings import Settings

T = TypeVar("T")


def with_database(settings: Settings, work: Callable[[Database], Awaitable[T]]) -> T:
    """Run `work` on a database whose schema fits. Raises CannotStart, and what `work` raises."""

    async def run(there: str) -> T:
        db = Database.at(there, pool_size=1, prepared_statements="off")
        try:
            await db.check_schema()
            return await work(db)
        finally:
            await db.close()

    with database_url(settings) as there:
        return asyncio.run(run(there))


@contextmanager
def database_url(settings: Settings) -> Iterator[str]:
    """Where the database is, for as long as the block lasts."""
    if settings.database_url is not None:
        yield settings.database_url.get_secret_value()
        return
    running = running_url(settings.data_dir)
    if running is not None:
        yield running
        return
    with own_postgres(settings) as postgres:
        yield postgres.url


@contextmanager
def own_postgres(settings: Settings) -> Iterator[EmbeddedPostgres]:
    """The data folder's PostgreSQL, started and migrated."""
    with EmbeddedPostgres.start(settings.data_dir) as postgres:
        asyncio.run(migrate(url.parse(postgres.url)))
        yield postgres
