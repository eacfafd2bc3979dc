"""Backs the private database up into a file and restores it, by PostgreSQL's own pg_dump and pg_restore, in the custom format.

A restore is all or nothing: it fills a second database, and then one transaction exchanges the names of both.
"""

import asyncio
import subprocess
from dataclasses import replace

import asyncpg

from taskwell.database.embedded import program, quiet_environment
from taskwell.database.inspection import inspect
from taskwell.database.migrate import migrate
from taskwell.database.url import ConnectionTarget, parse
from taskwell.errors import CannotStart

PG_DUMP = ("pg_dump", "--format=custom", "--no-owner", "--no-privileges")
PG_RESTORE = ("pg_restore", "--no-owner", "--no-privileges", "--exit-on-error")

NEW_EPOCH = "UPDATE instance SET epoch = left(md5(gen_random_uuid()::text), 8)"
"""A database that goes back to an earlier moment counts revisions again from there, and no tag of the lost future may match.

The key of the hashes stays: with another one every refresh token would be refused, and everybody would sign in again.
"""

_NEW, _OLD = "taskwell_restored", "taskwell_replaced"


def dump(url: str, to: int) -> None:
    """Write the database to an open file. Raises CannotStart."""
    _run(
        [*PG_DUMP, "--no-password", f"--dbname={parse(url).for_libpq()}"],
        "the database cannot be backed up",
        stdin=subprocess.DEVNULL,
        stdout=to,
    )


def load(url: str, source: int) -> None:
    """Put what an open file holds in the place of the database, with a new epoch. Raises CannotStart, and nothing was changed."""
    target = parse(url)
    new = replace(target, database=_NEW)
    # Nobody else may end an autovacuum, and a database in which one is at work is not dropped before that.
    superuser = replace(target, database="postgres", user="postgres")
    asyncio.run(_execute(superuser, *_dropped(_OLD), *_dropped(_NEW), f"CREATE DATABASE {_NEW} OWNER {target.user}"))
    _run(
        [*PG_RESTORE, "--no-password", f"--dbname={new.for_libpq()}"],
        "the backup cannot be restored",
        stdin=source,
        stdout=subprocess.DEVNULL,
    )
    asyncio.run(_refuse_strangers(new))
    asyncio.run(migrate(new))
    asyncio.run(_execute(new, NEW_EPOCH))
    swap = (
        "BEGIN",
        f"ALTER DATABASE {target.database} RENAME TO {_OLD}",
        f"ALTER DATABASE {_NEW} RENAME TO {target.database}",
        "COMMIT",
    )
    asyncio.run(_execute(superuser, *swap, *_dropped(_OLD)))


async def _refuse_strangers(target: ConnectionTarget) -> None:
    connection = await asyncpg.connect(**target.arguments(), timeout=10)
    try:
        found = await inspect(connection)
    finally:
        await connection.close()
    if not found.is_ours:
        raise CannotStart("the backup cannot be restored: it is none of a database of Taskwell's")


def _dropped(name: str) -> tuple[str, ...]:
    """Drops the database, also one that a killed restore left behind."""
    return (f"DROP DATABASE IF EXISTS {name} WITH (FORCE)",)


async def _execute(target: ConnectionTarget, *statements: str) -> None:
    connection = await asyncpg.connect(**target.arguments(), timeout=10)
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


def _run(command: list[str], failed: str, *, stdin: int, stdout: int) -> None:
    name, *arguments = command
    done = subprocess.run(  # noqa: S603  our own words, and no shell
        [program(name), *arguments], stdin=stdin, stdout=stdout, stderr=subprocess.PIPE, env=quiet_environment(), check=False
    )
    if done.returncode != 0:
        said = [line for line in done.stderr.decode(errors="replace").splitlines() if "error: " in line]
        raise CannotStart(f"{failed}: {said[0].partition('error: ')[2] if said else f'{name} ended with {done.returncode}'}")
