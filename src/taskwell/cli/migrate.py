"""`taskwell migrate`."""

import asyncio

from taskwell.cli.database import DataDir, Wait, database_url, existing_database, in_time
from taskwell.database import url
from taskwell.database.migrate import migrate as bring_to_head
from taskwell.database.schema import HEAD, Fit


def migrate(data_dir: DataDir = None, wait: Wait = 0) -> None:
    """Bring the database's schema to what this version needs (DATABASE_DIRECT_URL, or DATABASE_URL if it is direct)."""
    settings = existing_database(data_dir, direct=True)
    direct = settings.database_direct_url
    with database_url(settings) as there:
        target = url.for_migrations(there, None if direct is None else direct.get_secret_value())
        schema = asyncio.run(in_time(lambda: bring_to_head(target), wait))
    if schema is Fit.NEWER:
        print("The schema is newer than this version of Taskwell: nothing to do.")
    else:
        print(f"The schema is at {HEAD}.")
