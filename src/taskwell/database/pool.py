"""The pool opens at most `size` connections to PostgreSQL, and hands them out first come, first served.

asyncpg's own pool runs a reset query at each release. That costs a round trip, and resets what Taskwell never sets. It also wraps
each release in a task. docs/decisions/0007-own-pool.md has what that costs. An idle pool sends nothing and runs no timer, so a
serverless database can fall asleep behind it.
"""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable

import asyncpg
from asyncpg.exceptions import InternalClientError

from taskwell.database.statement import Connection
from taskwell.errors import DatabaseBusy, DatabaseUnavailable

WAIT_SECONDS = 2.0
"""How long a request waits for a connection before it is told that the database is busy."""

TRUST_SECONDS = 240.0
"""A connection that was idle longer is replaced: a NAT in between may have forgotten it without telling either end."""

CALL_OFF_SECONDS = 2.0
"""How long a connection whose statement was given up still counts, for PostgreSQL to confirm that it stopped."""


REFUSED_SECONDS = 5.0
"""How long a pool that has a connection asks for no other one, after the database refused one more.

A role, a database and a server each have a limit of connections. Where it is below what all pools together may open, the requests
share the connections that there are.
"""


class Pool:
    def __init__(self, connect: Callable[[], Awaitable[Connection]], size: int) -> None:
        self._connect = connect
        self._size = size
        self._open = 0  # connections that exist or are being made
        self._idle: list[tuple[float, Connection]] = []  # the newest last, so that the others can grow old
        self._waiting: deque[asyncio.Future[Connection | None]] = deque()
        self._deadlines: deque[tuple[float, asyncio.Future[Connection | None]]] = deque()
        self._calling_off: set[asyncio.Task[None]] = set()
        self._more_from = 0.0  # the database refused one more connection, so until then no other one is asked for

    async def acquire(self, deadline: float | None = None) -> Connection:
        """A connection that no other request uses.

        Raises DatabaseBusy after WAIT_SECONDS, or at the deadline if that is sooner, and what connecting raises. A new connection
        takes its own time: a serverless database that sleeps has to wake up.
        """
        connection = None if self._waiting else self._take_idle()  # nobody overtakes who waits
        if connection is not None:
            return connection
        if self._open < self._size and self._may_open_more():
            self._open += 1
            longest = self._next_waiting()
            if longest is None:
                return await self._make()
            longest.set_result(None)
        try:
            async with asyncio.timeout_at(deadline):
                connection = await self._wait()
        except TimeoutError:
            raise DatabaseBusy from None
        # None: there is a place for a new connection.
        return await self._make() if connection is None else connection

    def release(self, connection: Connection) -> None:
        if connection.is_closed():
            self._vacate()
            return
        waiting = self._next_waiting()
        if waiting is not None:
            waiting.set_result(connection)
        else:
            self._idle.append((time.monotonic(), connection))

    def discard(self, connection: Connection) -> None:
        connection.terminate()
        self._vacate()

    def call_off(self, connection: Connection, *, has_place: bool = True) -> None:
        """Discard a connection on which a statement may still be running.

        PostgreSQL does not notice that its client is gone while it waits for a lock. If it is not told, such statements pile up,
        hold its connections, and take effect long after their requests were answered.
        """
        task = asyncio.create_task(self._call_off(connection, has_place))
        self._calling_off.add(task)
        task.add_done_callback(self._calling_off.discard)

    def discard_idle(self) -> None:
        """After one connection broke, the idle ones are not trusted either."""
        idle, self._idle = self._idle, []
        for _, connection in idle:
            self.discard(connection)

    async def close(self) -> None:
        idle, self._idle = self._idle, []
        self._open -= len(idle)
        closing = [connection.close(timeout=2) for _, connection in idle]
        await asyncio.gather(*closing, *self._calling_off, return_exceptions=True)

    async def _call_off(self, connection: Connection, has_place: bool) -> None:
        try:
            await connection.close(timeout=CALL_OFF_SECONDS)  # waits for the cancel request that asyncpg sends
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, InternalClientError):
            pass  # the server does not listen any more, and close() has cut the connection
        finally:
            if has_place:
                self._vacate()

    def _take_idle(self) -> Connection | None:
        oldest = time.monotonic() - TRUST_SECONDS
        while self._idle:
            since, connection = self._idle.pop()
            if since > oldest and not connection.is_closed():
                return connection
            connection.terminate()
            self._open -= 1
        return None

    def _may_open_more(self) -> bool:
        if self._more_from == 0 or self._open == 0:
            return True
        now = time.monotonic()
        if now < self._more_from:
            return False
        self._more_from = now + REFUSED_SECONDS  # one request asks, for all
        return True

    async def _make(self) -> Connection:
        while True:
            try:
                connection = await self._connect()
            except BaseException as error:
                if not _is_one_too_many(error) or self._open == 1:
                    self._vacate()
                    raise
            else:
                self._more_from = 0.0
                return connection
            self._more_from = time.monotonic() + REFUSED_SECONDS
            self._open -= 1
            # One may have been given back meanwhile: whoever waits beside an idle connection makes everybody wait.
            there = self._take_idle() or await self._wait(first=True)
            if there is not None:
                return there

    def _vacate(self) -> None:
        waiting = self._next_waiting()
        if waiting is not None:
            waiting.set_result(None)  # the request that waits longest makes a new connection
        else:
            self._open -= 1

    def _next_waiting(self) -> asyncio.Future[Connection | None] | None:
        while self._waiting:
            waiting = self._waiting.popleft()
            if not waiting.done():
                return waiting
        return None

    async def _wait(self, *, first: bool = False) -> Connection | None:
        loop = asyncio.get_running_loop()
        waiting: asyncio.Future[Connection | None] = loop.create_future()
        if first:
            self._waiting.appendleft(waiting)
        else:
            self._waiting.append(waiting)
        # Under load every request comes through here, so one timer serves all of them.
        if not self._deadlines:
            loop.call_later(WAIT_SECONDS, self._give_up)
        self._deadlines.append((loop.time() + WAIT_SECONDS, waiting))
        try:
            return await waiting
        except asyncio.CancelledError:
            if waiting.done() and not waiting.cancelled() and waiting.exception() is None:
                # The connection was handed over in the same turn of the loop in which the request was cancelled.
                connection = waiting.result()
                if connection is None:
                    self._vacate()
                else:
                    self.release(connection)
            raise

    def _give_up(self) -> None:
        """Refuse the requests that waited too long, and run again when the next one will have."""
        loop = asyncio.get_running_loop()
        while self._deadlines:
            deadline, waiting = self._deadlines[0]
            if not waiting.done():
                if deadline > loop.time():
                    loop.call_later(deadline - loop.time(), self._give_up)
                    return
                waiting.set_exception(DatabaseBusy())
            self._deadlines.popleft()


def _is_one_too_many(error: BaseException) -> bool:
    """Whether there are too many connections already: of the role, the database, the server, or the clients of a PgBouncer."""
    refusal = error.__cause__ if isinstance(error, DatabaseUnavailable) else None
    return isinstance(refusal, asyncpg.TooManyConnectionsError) or (
        isinstance(refusal, asyncpg.PostgresError) and str(refusal).startswith("no more connections allowed")
    )
