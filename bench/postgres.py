"""The embedded PostgreSQL of the benchmarks, with its durability as in production, and its databases.

Each dataset is loaded once, for each schema, into a database that nobody touches afterwards; every server works on a copy of its
own, file by file, so that none meets rows, dead rows or statistics that another left behind. What a run adds is taken away again.
"""

import asyncio
import os
import statistics
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import asyncpg

from bench import distance as distances
from bench.checkout import Checkout
from bench.dataset import BASE, TASK_COLUMNS, USER_COLUMNS, YEAR_MS, Dataset
from bench.distance import BESIDE, Distance
from taskwell.database import url
from taskwell.database.embedded import EmbeddedPostgres
from taskwell.errors import CannotStart

OPTIONS = {
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    # What one would give a PostgreSQL of this machine's own; the same for every server that is measured.
    "shared_buffers": f"{os.sysconf('SC_PHYS_PAGES') * os.sysconf('SC_PAGE_SIZE') // 2**20 // 4}MB",  # a quarter of the memory
    "max_wal_size": "8GB",
    "checkpoint_timeout": "30min",  # a checkpoint is forced before each run, so that none falls into one
    "max_connections": "300",
    "autovacuum": "off",  # it would clean up after one server in the turn of another; `undo` vacuums between the turns
}


class Postgres:
    def __init__(self, embedded: EmbeddedPostgres, distance: Distance) -> None:
        self._url = embedded.url
        self.distance = distance
        note = embedded.data_dir / "postgresql" / "postmaster.pid"
        self.pid = int(note.read_text().splitlines()[0])

    def url_of(self, database: str) -> str:
        head, question, query = self._url.partition("?")
        return head.rpartition("/")[0] + "/" + database + question + query

    def url_for_servers(self, database: str) -> str:
        """As far away as `--distance` says."""
        return self.distance.url(self.url_of(database))

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

    def load(self, dataset: Dataset, checkout: Checkout) -> None:
        """Once for each schema; a later run finds it."""
        name = _loaded(dataset, checkout.schema)
        if self.rows("postgres", "SELECT 1 FROM pg_database WHERE datname = $1", name):
            return
        new = f"{name}_new"  # renamed when it is complete, so that an interrupted load is not taken for a whole one
        self.create(new, checkout)
        asyncio.run(self._fill(new, dataset))
        self.run(new, "VACUUM (FREEZE, ANALYZE)", "CHECKPOINT")
        self.run("postgres", f"ALTER DATABASE {new} RENAME TO {name}")

    def create(self, database: str, checkout: Checkout) -> None:
        """With the tables that this version of Taskwell makes for itself."""
        self.run("postgres", f"DROP DATABASE IF EXISTS {database} WITH (FORCE)", f"CREATE DATABASE {database} OWNER taskwell")
        environment = {"PATH": os.environ["PATH"], "DATABASE_URL": self.url_of(database)}
        command = [str(checkout.program), "migrate"]
        done = subprocess.run(command, env=environment, cwd="/", capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise CannotStart(f"{checkout.commit} does not migrate: {(done.stderr or done.stdout)[-500:]}")

    def add(self, dataset: Dataset, database: str) -> None:
        """Beside what is there."""
        asyncio.run(self._fill(database, dataset))
        self.run(database, "VACUUM (FREEZE, ANALYZE)", "CHECKPOINT")

    async def _fill(self, database: str, dataset: Dataset) -> None:
        async with self.connected(database) as connection:
            tables = (
                ("users", USER_COLUMNS, dataset.user_rows()),
                ("tasks", TASK_COLUMNS, _shown(dataset.task_rows(), dataset.tasks)),
            )
            for table, columns, rows in tables:
                await connection.copy_records_to_table(table, records=rows, columns=columns, timeout=3600)

    def fresh_copy(self, dataset: Dataset, schema: str, database: str) -> None:
        """As it was after the load, warm in memory."""
        self.run(
            "postgres",
            f"DROP DATABASE IF EXISTS {database} WITH (FORCE)",
            f"CREATE DATABASE {database} TEMPLATE {_loaded(dataset, schema)} OWNER taskwell STRATEGY FILE_COPY",
        )
        self.run(
            database,
            "SET enable_indexscan = off; SET enable_bitmapscan = off; SELECT sum(length(title)) FROM tasks",
            "SET enable_seqscan = off; SELECT count(*) FROM tasks WHERE user_id IS NOT NULL AND deleted_at IS NULL",
            "CHECKPOINT",
        )

    def undo(self, database: str) -> None:
        """Takes away what a run has created, and the dead rows, so that no server has a larger table to read than another.

        What was changed or deleted stays so.
        """
        end = BASE + timedelta(milliseconds=YEAR_MS)
        self.run(database, f"DELETE FROM tasks WHERE created_at > '{end}'", "VACUUM (INDEX_CLEANUP ON) tasks, users")

    def round_trip_ms(self) -> float:
        """Of the shortest statement, as a server would send it: the median of twenty."""

        async def measure() -> float:
            address = url.parse(self.url_for_servers("postgres")).arguments()
            connection = await asyncpg.connect(**(address | {"user": "taskwell", "timeout": 30}))
            times = []
            for _ in range(20):
                began = time.perf_counter()
                await connection.fetchval("SELECT 1")
                times.append((time.perf_counter() - began) * 1000)
            await connection.close()
            return statistics.median(times)

        return asyncio.run(measure())

    def version(self) -> str:
        return str(self.rows("postgres", "SHOW server_version")[0][0])


def _loaded(dataset: Dataset, schema: str) -> str:
    return f"{dataset.name}_{schema}"


def _shown(rows: Iterator[tuple[Any, ...]], total: int) -> Iterator[tuple[Any, ...]]:
    """The rows, and on a terminal how many of them have gone already."""
    step = max(1, total // 100)
    for number, row in enumerate(rows, 1):
        yield row
        if number % step == 0 and sys.stderr.isatty():
            done = number * 40 // total
            sys.stderr.write(f"\r  [{'#' * done}{'.' * (40 - done)}] {number:,} of {total:,} tasks")
    sys.stderr.write(f"\r  [{'#' * 40}] {total:,} tasks; vacuum, analyze, checkpoint ...\n")


@contextmanager
def running(folder: Path, distance_ms: float = 0) -> Iterator[Postgres]:
    with ExitStack() as stack:
        distance = distances.by_the_kernel(distance_ms) if distance_ms else BESIDE
        settings = distances.tcp_settings(folder) if distance and distance.host else {}
        embedded = stack.enter_context(EmbeddedPostgres.start(folder, options=OPTIONS | settings))
        distance = distance or stack.enter_context(distances.by_a_proxy(distance_ms, embedded.url))
        postgres = Postgres(embedded, distance)
        if postgres.round_trip_ms() < distance_ms:
            raise CannotStart(f"--distance {distance_ms:g}: SELECT 1 took {postgres.round_trip_ms():.2f} ms")
        yield postgres
