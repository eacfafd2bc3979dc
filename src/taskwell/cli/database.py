"""Finds the database of a command: DATABASE_URL's, or that of the data folder, whether a server runs on it or not.

`taskwell serve` alone makes a database (and `taskwell restore`, whose purpose it is). Any other command would find its own new
one empty, and what it does there nobody would ever see.
"""

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, TypeVar

import typer

import taskwell.accounts.idempotency.tables
import taskwell.accounts.tables
import taskwell.database.tables
import taskwell.labels.tables
import taskwell.tasks.tables  # noqa: F401  # a table that nobody has imported is none that a database is searched for
from taskwell.database import url
from taskwell.database.connection import Database
from taskwell.database.embedded import EmbeddedPostgres, running_url
from taskwell.database.migrate import migrate
from taskwell.environment import read_settings
from taskwell.errors import CannotStart
from taskwell.observability import say
from taskwell.settings import Settings
from taskwell.types import trimmed

T = TypeVar("T")


AccountName = Annotated[str, typer.Argument(callback=trimmed, help="The account: its e-mail address, or its id.")]
Wait = Annotated[
    int, typer.Option("--wait", min=0, max=3600, metavar="SECONDS", help="How long to wait for a database that is not up yet.")
]
RETRY_SECONDS = 1.0


def _folder(text: str) -> Path:
    if not text.strip():  # as "$DATA" is where it is not set; Path("") would be the current folder
        raise typer.BadParameter("is empty: leave it out for its default")
    return Path(text)


DataDir = Annotated[
    Path | None,
    typer.Option("--data-dir", parser=_folder, metavar="PATH", help="Where the private database and the signing key are."),
]


def load_settings(data_dir: Path | None) -> Settings:
    """Raises CannotStart, also when the option `--data-dir` and DATABASE_URL name two databases."""
    if data_dir is not None:
        # Through the environment, so that it goes before .env, and is refused in the words of the setting.
        os.environ["TASKWELL_DATA_DIR"] = str(data_dir)
    settings = read_settings()
    if data_dir is not None and settings.database_url is not None:
        raise CannotStart("--data-dir means a private database, and DATABASE_URL another one: leave one of them out")
    return settings


def existing_database(data_dir: Path | None, *, direct: bool = False) -> Settings:
    """The settings of a command, which says on standard error which database it means. Raises CannotStart if there is none.

    `direct` is for a command that goes by DATABASE_DIRECT_URL where it is set.
    """
    settings = load_settings(data_dir)
    if settings.database_url is None and not holds_database(settings.data_dir):
        raise CannotStart(
            f"there is no database in {settings.data_dir}: `taskwell serve` makes one, --data-dir names another folder"
        )
    say_which(settings, direct=direct)
    return settings


def holds_database(data_dir: Path) -> bool:
    """Whether a private database was ever made in this folder. Raises CannotStart where the folder cannot be read."""
    try:
        (data_dir / "postgresql").stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:
        raise CannotStart(f"the data folder {data_dir} cannot be read ({error.strerror})") from error
    return True


def say_which(settings: Settings, *, direct: bool = False) -> None:
    given = settings.database_url
    if given is not None and direct:
        given = settings.database_direct_url or given
    where = f"in {settings.data_dir}" if given is None else f"at {url.parse(given.get_secret_value())}"
    say(f"the database {where}", event="database")


def with_database(settings: Settings, work: Callable[[Database], Awaitable[T]], *, wait: float = 0) -> T:
    """Run `work` on a database whose schema fits, if need be in `wait` seconds. Raises CannotStart, and what `work` raises."""

    async def run(there: str) -> T:
        db = Database.at(there, pool_size=1, prepared_statements="off", trash_days=settings.trash_days)
        try:
            await in_time(db.check_schema, wait)
            return await work(db)
        finally:
            await db.close()

    with database_url(settings) as there:
        return asyncio.run(run(there))


async def in_time(attempt: Callable[[], Awaitable[T]], wait: float) -> T:
    """Attempts again what may pass, for `wait` seconds. Raises the last CannotStart."""
    until = time.monotonic() + wait
    told = False
    while True:
        try:
            return await attempt()
        except CannotStart as error:
            if not error.may_pass or time.monotonic() >= until:
                raise
            if not told:
                told = True
                say(f"waiting for up to {wait} s: {error.message}", event="waiting")
        await asyncio.sleep(min(RETRY_SECONDS, max(0.0, until - time.monotonic())))


@contextmanager
def database_url(settings: Settings) -> Iterator[str]:
    """The URL of the database, which is there for as long as the block lasts."""
    if settings.database_url is not None:
        yield settings.database_url.get_secret_value()
        return
    if running_url(settings.data_dir) is not None:
        with private_url(settings) as there:
            yield there
        return
    with own_postgres(settings) as postgres:
        yield postgres.url


@contextmanager
def private_url(settings: Settings) -> Iterator[str]:
    """The URL of the data folder's database, which is not migrated."""
    running = running_url(settings.data_dir)
    if running is not None:
        yield running
        return
    with EmbeddedPostgres.start(settings.data_dir) as postgres:
        yield postgres.url


@contextmanager
def own_postgres(settings: Settings) -> Iterator[EmbeddedPostgres]:
    """The data folder's PostgreSQL, started and migrated."""
    with EmbeddedPostgres.start(settings.data_dir) as postgres:
        asyncio.run(migrate(url.parse(postgres.url)))
        yield postgres
