"""The embedded PostgreSQL of the benchmarks, with its durability as in production, and its databases.

Each dataset is loaded once into a database that nobody touches afterwards; every server works on a fresh copy of it, file by
file, so that none meets rows, dead rows or statistics that another left behind.
"""

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import asyncpg

from bench.dataset import TASK_COLUMNS, USER_COLUMNS, Dataset
from taskwell.database import url
from taskwell.database.embedded import EmbeddedPostgres
from taskwell.database.migrate import migrate

WORKING = "bench"
"""The copy that servers work on."""

OPTIONS = {
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    # What one would give a PostgreSQL of this machine's own; the same for every server that is measured.
    "shared_buffers": f"{os.sysconf('SC_PHYS_PAGES') * os.sysconf('SC_PAGE_SIZE') // 2**20 // 4}MB",  # a quarter of the memory
    "max_wal_size": "8GB",
    "checkpoint_timeout": "30min",  # a checkpoint is forced before each run, so that none falls into one
    "max_connections": "300",
}


class Postgres:
    def __init__(self, embedded: EmbeddedPostgres) -> None:
        self._url = embedded.url
        note = embedded.data_dir / "postgresql" / "postmaster.pid"
        self.pid = int(note.read_text().splitlines()[0])

    @property
    def socket(self) -> str:
        """The folder of the socket, as libpq and its kin understand a host."""
        return str(self.arguments(WORKING)["host"])

    def url_of(self, database: str) -> str:
        head, question, query = self._url.partition("?")
        return head.rpartition("/")[0] + "/" + database + question + query

    def arguments(self, database: str) -> dict[str, Any]:
        return url.parse(self.url_of(database)).arguments()

    @asynccontextmanager
    async def connected(self, database: str, user: str = "taskwell") -> "AsyncIterator[asyncpg.Connection[asyncpg.Record]]":
        connection = await asyncpg.connect(**(self.arguments(database) | {"user": user, "timeout": 30}))
        try:
            yield connection
        finally:
            await connection.close()

    def run(self, database: str, *statements: str) -> None:
        """As the superuser: a checkpoint is nobody else's to order."""

        async def all_of_them() -> None:
            async with self.connected(database, "postgres") as connection:
                for statement in statements:
                    await connection.execute(statement, timeout=600)

        asyncio.run(all_of_them())

    def rows(self, database: str, statement: str, *arguments: Any) -> list[asyncpg.Record]:
        async def fetch() -> list[asyncpg.Record]:
            async with self.connected(database) as connection:
                return await connection.fetch(statement, *arguments)

        return asyncio.run(fetch())

    def load(self, dataset: Dataset) -> float | None:
        """Returns the seconds that it took; None where an earlier run had loaded the same."""
        there = self.rows("postgres", "SELECT 1 FROM pg_database WHERE datname = $1", dataset.name)
        if there:
            asyncio.run(migrate(url.parse(self.url_of(dataset.name))))  # the schema may have moved on since
            return None
        began = time.monotonic()
        new = f"{dataset.name}_new"  # renamed when it is complete, so that an interrupted load is not taken for a whole one
        self.run("postgres", f"DROP DATABASE IF EXISTS {new}", f"CREATE DATABASE {new} OWNER taskwell")
        asyncio.run(self._fill(new, dataset))
        self.run(new, "VACUUM (FREEZE, ANALYZE)", "CHECKPOINT")
        self.run("postgres", f"ALTER DATABASE {new} RENAME TO {dataset.name}")
        return time.monotonic() - began

    def add(self, dataset: Dataset) -> None:
        """To WORKING, beside what is there."""
        asyncio.run(self._fill(WORKING, dataset))
        self.run(WORKING, "VACUUM (FREEZE, ANALYZE)", "CHECKPOINT")

    async def _fill(self, database: str, dataset: Dataset) -> None:
        await migrate(url.parse(self.url_of(database)))
        async with self.connected(database) as connection:
            await connection.copy_records_to_table("users", records=dataset.user_rows(), columns=USER_COLUMNS)
            rows = _Progress(dataset.task_rows(), dataset.tasks)
            await connection.copy_records_to_table("tasks", records=rows, columns=TASK_COLUMNS, timeout=3600)

    def fresh_copy(self, dataset: Dataset) -> None:
        """WORKING as it was after the load, warm in memory."""
        self.run(
            "postgres",
            f"DROP DATABASE IF EXISTS {WORKING} WITH (FORCE)",
            f"CREATE DATABASE {WORKING} TEMPLATE {dataset.name} OWNER taskwell STRATEGY FILE_COPY",
        )
        self.run(
            WORKING,
            "SET enable_indexscan = off; SET enable_bitmapscan = off; SELECT sum(length(title)) FROM tasks",
            "SET enable_seqscan = off; SELECT count(*) FROM tasks WHERE user_id IS NOT NULL AND deleted_at IS NULL",
            "CHECKPOINT",
        )

    def version(self) -> str:
        return str(self.rows("postgres", "SHOW server_version")[0][0])


class _Progress:
    """The rows, and how many of them have gone already."""

    def __init__(self, rows: Iterator[tuple[Any, ...]], total: int) -> None:
        self._rows = rows
        self._total = total

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        step = max(1, self._total // 100)
        for number, row in enumerate(self._rows, 1):
            yield row
            if number % step == 0 and sys.stderr.isatty():
                done = number * 40 // self._total
                sys.stderr.write(f"\r  [{'#' * done}{'.' * (40 - done)}] {number:,} of {self._total:,} tasks")
        sys.stderr.write(f"\r  [{'#' * 40}] {self._total:,} tasks; vacuum, analyze, checkpoint ...\n")


@contextmanager
def running(folder: Path) -> Iterator[Postgres]:
    with EmbeddedPostgres.start(folder, options=OPTIONS) as embedded:
        yield Postgres(embedded)
