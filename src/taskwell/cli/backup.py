"""`taskwell backup` and `taskwell restore`: of the private database; for any other they print the lines for its operator."""

import os
import shlex
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from taskwell.cli.database import DataDir, existing_database, holds_database, load_settings, private_url, say_which
from taskwell.cli.ending import Ending
from taskwell.cli.files import STANDARD_STREAM, opened, written
from taskwell.database import url
from taskwell.database.backup import NEW_EPOCH, PG_DUMP, PG_RESTORE, dump, load
from taskwell.database.embedded import EmbeddedPostgres
from taskwell.errors import CannotStart
from taskwell.identity.keys import KEY_FILE
from taskwell.settings import Settings


def backup(
    file: Annotated[Path, typer.Argument(help="Where to write it; - is standard output.")],
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there.")] = False,
    data_dir: DataDir = None,
) -> None:
    """Write the private database to a file, also while its server runs. Of DATABASE_URL's, print the line that does it."""
    settings = existing_database(data_dir, direct=True)
    if settings.database_url is not None:
        to = [] if file == STANDARD_STREAM else [f"--file={file}"]
        print(shlex.join([*PG_DUMP, f"--dbname={_reached_by_libpq(settings)}", *to]))
        _by_your_own("backed up by your own pg_dump")
    if file == STANDARD_STREAM and sys.stdout.isatty():
        raise CannotStart("a backup is nothing for a terminal: name a file, or send it into one")
    with Ending().heard(), written(file, force=force) as to_file, private_url(settings) as there:
        dump(there, to_file)
    if file != STANDARD_STREAM:
        print(f"The backup is in {file}. Keep a copy of {settings.data_dir / KEY_FILE} too, apart from it.")


def restore(
    file: Annotated[Path, typer.Argument(help="What `taskwell backup` wrote; - is standard input.")],
    force: Annotated[bool, typer.Option("--force", help="Replace the database that is there, and all that is in it.")] = False,
    data_dir: DataDir = None,
) -> None:
    """Make the private database what a backup holds, while no server runs. For DATABASE_URL's, print the lines that do it."""
    settings = load_settings(data_dir)
    say_which(settings, direct=True)
    if settings.database_url is not None:
        to = f"--dbname={_reached_by_libpq(settings)}"
        print(shlex.join([*PG_RESTORE, "--single-transaction", to, *([] if file == STANDARD_STREAM else [str(file)])]))
        print(shlex.join(["psql", to, f"--command={NEW_EPOCH}"]))
        _by_your_own("restored, into an empty one, by your own pg_restore")
    there = holds_database(settings.data_dir)
    if there and not force:
        raise CannotStart(f"there is a database in {settings.data_dir} already: --force replaces it, and all that is in it")
    with Ending().heard(), opened(file) as source:
        if there:
            with EmbeddedPostgres.start(settings.data_dir) as postgres:
                load(postgres.url, source)
        else:
            _make(settings.data_dir, source)
    print(f"{settings.data_dir} holds what the backup held. With the {KEY_FILE} of then, its access tokens are good as well.")


def _make(data_dir: Path, source: int) -> None:
    """Restores into a folder of its own, and moves it by one rename, so that the data folder never holds half of it."""
    is_new = not data_dir.exists()
    try:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="restoring-", dir=data_dir) as draft:
            with EmbeddedPostgres.start(Path(draft)) as postgres:
                load(postgres.url, source)
            Path(draft, "postgresql").rename(data_dir / "postgresql")
            folder = os.open(data_dir, os.O_RDONLY)
            os.fsync(folder)
            os.close(folder)
    except OSError as error:
        raise CannotStart(f"the data folder {data_dir} cannot be used ({error.strerror})") from error
    finally:
        if is_new:
            with suppress(OSError):
                data_dir.rmdir()  # this works only if the restore failed and the folder is empty


def _reached_by_libpq(settings: Settings) -> str:
    """The URL without a password, because the command line is in the shell's history and in the list of processes."""
    assert settings.database_url is not None
    direct = settings.database_direct_url
    target = url.for_migrations(settings.database_url.get_secret_value(), None if direct is None else direct.get_secret_value())
    return target.for_libpq()


def _by_your_own(way: str) -> NoReturn:
    raise CannotStart(
        f"nothing was done: the database of DATABASE_URL is {way}, of its version or newer. What is printed does it, with the "
        "password in PGPASSWORD or ~/.pgpass"
    )
