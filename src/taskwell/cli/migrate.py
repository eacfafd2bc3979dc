"""`taskwell migrate`."""

import asyncio

from taskwell.cli.database import database_url
from taskwell.database import url
from taskwell.database.migrate import migrate as bring_to_head
from taskwell.database.schema import HEAD, Fit
from taskwell.settings import Settings


def migrate() -> None:
    """Bring the database's schema to what this version needs (DATABASE_DIRECT_URL, or DATABASE_URL if it is direct)."""
    settings = Settings.load()
    direct = settings.database_direct_url
    with database_url(settings) as there:
        target = url.for_migrations(there, None if direct is None else direct.get_secret_value())
        schema = asyncio.run(bring_to_head(target))
    if schema is Fit.NEWER:
        print("The schema is newer than this version of Taskwell: nothing to do.")
    else:
        print(f"The schema is at {HEAD}.")
