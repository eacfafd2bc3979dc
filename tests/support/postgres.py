"""One PostgreSQL for the whole run, and a database of its own for whoever asks, copied from a migrated template."""

import asyncio
import os
import re
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import get_ident
from uuid import uuid4

import asyncpg
import pytest

from taskwell.database import url
from taskwell.database.embedded import EmbeddedPostgres
from taskwell.database.migrate import migrate

TEMPLATE = "taskwell_template"


class TestServer:
    """The PostgreSQL under test: the embedded one, or TEST_DATABASE_URL's, whose user may create databases."""

    def __init__(self) -> None:
        given = os.environ.get("TEST_DATABASE_URL")
        self._folder = None if given else Path(tempfile.mkdtemp(prefix="taskwell-tests-"))
        # Only durability is off: a test that kills PostgreSQL starts one of its own.
        self._postgres = (
            EmbeddedPostgres.start(self._folder, options={"fsync": "off", "max_connections": "300"}) if self._folder else None
        )
        self.url = given or (self._postgres.url if self._postgres else "")
        run(self.url, f"DROP DATABASE IF EXISTS {TEMPLATE}", f"CREATE DATABASE {TEMPLATE}")
        asyncio.run(migrate(url.parse(at(self.url, TEMPLATE))))

    def stop(self) -> None:
        if self._postgres is not None and self._folder is not None:
            self._postgres.stop()
            shutil.rmtree(self._folder, ignore_errors=True)


def at(server_url: str, database: str) -> str:
    """The URL of another database of the same server."""
    head, question, query = server_url.partition("?")
    return head.rpartition("/")[0] + "/" + database + question + query


def as_role(database_url: str, role: str) -> str:
    """The URL with somebody else's name in it."""
    return re.sub("//[^@:]+", f"//{role}", database_url, count=1)


def as_superuser(database_url: str) -> str:
    """The embedded PostgreSQL's superuser has a name; who is named by TEST_DATABASE_URL is taken for one."""
    return database_url if os.environ.get("TEST_DATABASE_URL") else as_role(database_url, "postgres")


def run(database_url: str, *statements: str) -> None:
    async def all_of_them() -> None:
        connection = await asyncpg.connect(**url.parse(database_url).arguments())
        try:
            for statement in statements:
                await connection.execute(statement)
        finally:
            await connection.close()

    asyncio.run(all_of_them())


def query(database_url: str, statement: str, *arguments: object) -> list[asyncpg.Record]:
    kept = _KEPT.get((database_url, get_ident()))
    if kept is not None:
        return kept.query(statement, arguments)

    async def fetch() -> list[asyncpg.Record]:
        connection = await asyncpg.connect(**url.parse(database_url).arguments())
        try:
            rows: list[asyncpg.Record] = await connection.fetch(statement, *arguments)
            return rows
        finally:
            await connection.close()

    return asyncio.run(fetch())


class _Kept:
    """A connection that stays, and is made anew where it is lost."""

    def __init__(self, database_url: str) -> None:
        self._url = database_url
        self._runner = asyncio.Runner()
        self._connection: asyncpg.Connection[asyncpg.Record] | None = None

    def query(self, statement: str, arguments: Sequence[object]) -> list[asyncpg.Record]:
        return self._runner.run(self._fetch(statement, arguments))

    async def _fetch(self, statement: str, arguments: Sequence[object]) -> list[asyncpg.Record]:
        if self._connection is None or self._connection.is_closed():
            self._connection = await asyncpg.connect(**url.parse(self._url).arguments())
        rows: list[asyncpg.Record] = await self._connection.fetch(statement, *arguments)
        return rows

    def close(self) -> None:
        if self._connection is not None:
            self._runner.run(self._connection.close())
        self._runner.close()


_KEPT: dict[tuple[str, int], _Kept] = {}


@contextmanager
def kept_connection(database_url: str) -> Iterator[None]:
    """Meanwhile `query` of this database and thread keeps its connection: making one takes longer than most queries."""
    place = (database_url, get_ident())
    _KEPT[place] = _Kept(database_url)
    try:
        yield
    finally:
        _KEPT.pop(place).close()


@contextmanager
def new_database(server_url: str, *, template: str = TEMPLATE) -> Iterator[str]:
    name = f"test_{uuid4().hex}"
    run(server_url, f"CREATE DATABASE {name} TEMPLATE {template}")
    try:
        yield at(server_url, name)
    finally:
        drop(server_url, name)


def drop(server_url: str, database: str) -> None:
    """By the superuser, because nobody else may end an autovacuum that happens to be there."""
    run(as_superuser(server_url), f"DROP DATABASE IF EXISTS {database} WITH (FORCE)")


def needs_generic_plans(database_url: str) -> None:
    """Skips a test that explains a statement without its arguments."""
    (row,) = query(database_url, "SELECT current_setting('server_version_num')::int AS version")
    if row["version"] < 160_000:
        pytest.skip("EXPLAIN (GENERIC_PLAN) came with PostgreSQL 16")
