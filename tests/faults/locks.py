"""Another session of the database that stands in the way, for exactly as long as a test wants."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager

import asyncpg

from taskwell.database import url


class Held:
    def __init__(self, runner: asyncio.Runner, connection: "asyncpg.Connection[asyncpg.Record]") -> None:
        self._runner = runner
        self._connection = connection

    def execute(self, sql: str, *arguments: object) -> list[asyncpg.Record]:
        return self._runner.run(self._connection.fetch(sql, *arguments))

    def waiters(self) -> list[int]:
        """The server processes of this database that wait for a lock."""
        sql = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        self.execute("SELECT pg_stat_clear_snapshot()")  # within a transaction the first look would be kept
        return [row["pid"] for row in self.execute(sql)]

    def wait_for_waiters(self, count: int, *, within: float = 20.0) -> list[int]:
        deadline = time.monotonic() + within
        while len(found := self.waiters()) != count:
            assert time.monotonic() < deadline, f"{len(found)} wait, not {count}"
            time.sleep(0.01)
        return found

    def kills_who_waits(self) -> None:
        """The one server process that waits for a lock ends, and another one waits in its place when this returns."""
        (process_id,) = self.wait_for_waiters(1)
        self.execute("SELECT pg_terminate_backend($1)", process_id)
        while self.wait_for_waiters(1) == [process_id]:
            pass


@contextmanager
def holding(database_url: str, sql: str, *arguments: object) -> Iterator[Held]:
    """Inside a transaction in which `sql` was run; it ends with the block."""
    with asyncio.Runner() as runner:
        connection = runner.run(
            asyncpg.connect(**url.parse(database_url).arguments(), server_settings={"application_name": "test"})
        )
        try:
            held = Held(runner, connection)
            runner.run(connection.execute("BEGIN"))
            held.execute(sql, *arguments)
            yield held
        finally:
            runner.run(connection.close(timeout=5))
