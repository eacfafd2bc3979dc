"""Requests that wait for a round trip go together: a queue, a statement over a set of them, and an answer handed to each.

A request that takes a connection for a round trip of its own cannot do better than connections divided by round trip. So the
requests of one turn of the event loop that run the same statement share one, first come, first served across statements. A
request that has no company runs the statement's other form, alone; of the writes one at a time does. docs/decisions/0017-sets.md
has the measurements.
"""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any, Final, Literal, Protocol

import asyncpg

from taskwell.database import failures
from taskwell.database.pool import WAIT_SECONDS
from taskwell.database.statement import Connection, Statement
from taskwell.database.statement_of_set import ASKED_BY, IS_SKIPPED, StatementOfSet
from taskwell.errors import DatabaseBusy, DatabaseUnavailable, InvalidInput
from taskwell.log import log

READS_IN_SET: Final = 32
WRITES_IN_SET: Final = 16

AT_LEAST: Final = 2
"""So many round trips may be on their way at once, and one more for each NEAR_SECONDS that one takes.

To a database on the same machine more would only make the sets smaller: with 8 at once they held 1.6 lists each, with 2 they held
8.4, and a third more lists were answered.
"""
NEAR_SECONDS: Final = 0.002

PATIENCE_SECONDS: Final = 0.05
"""Whoever waits so long gets a connection more, as long as there is one: round trips that do not end hold up nobody else."""

SKIPPED_SECONDS: Final = 0.005
LATEST_SECONDS: Final = 0.16
"""A write whose owner somebody else has locked comes again so soon, and twice as late each time, until it has waited too long."""


class AnswersMixedUp(Exception):
    """A statement over a set did not give one row for each request, with the request's number and owner. It is a defect."""


class _Request:
    __slots__ = ("answer", "deadline", "since", "skipped", "statement", "values")

    def __init__(self, statement: Statement, values: list[Any], deadline: float | None) -> None:
        loop = asyncio.get_running_loop()
        self.statement = statement
        self.values = values
        self.skipped = 0  # times
        self.since = loop.time()
        self.deadline = self.since + WAIT_SECONDS if deadline is None else deadline
        self.answer: asyncio.Future[asyncpg.Record | Literal["alone"] | None] = loop.create_future()

    def hand(self, answer: asyncpg.Record | Literal["alone"] | None) -> None:
        if not self.answer.done():  # else the client hung up
            self.answer.set_result(answer)

    def is_alone(self) -> bool:
        answer = self.answer
        return answer.done() and not answer.cancelled() and answer.exception() is None and answer.result() == "alone"

    def refuse(self, error: BaseException) -> None:
        if not self.answer.done():
            self.answer.set_exception(error)


class _Attempt(Protocol):
    def __call__(
        self, run: Callable[..., Awaitable[list[asyncpg.Record]]], values: list[Any], deadline: float | None
    ) -> Awaitable[list[asyncpg.Record]]: ...


class Sets:
    """The queue. `attempt` runs a statement on a connection of the pool, of which there are `connections`."""

    def __init__(self, attempt: _Attempt, connections: int) -> None:
        self._attempt = attempt
        self._connections = connections
        self._queues: dict[Statement, deque[_Request]] = {}
        self._on_the_way = 0
        self._lone_writes = 0  # of those on the way
        self._shortest = float("inf")  # round trip, of the last ones
        self._is_called = False
        self._timer: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def row(
        self,
        statement: Statement,
        values: list[Any],
        alone: Callable[[float | None], Awaitable[asyncpg.Record | None]],
        deadline: float | None,
    ) -> asyncpg.Record | None:
        """Returns what the statement gives for these values. Raises what `alone` and `attempt` raise, and DatabaseBusy."""
        request = _Request(statement, values, deadline)
        self._put(request)
        try:
            answer = await request.answer
        except asyncio.CancelledError:
            if request.is_alone():  # the client hung up in the turn of the loop in which it was sent on its way
                self._ended_alone(request)
            raise
        if answer != "alone":
            return answer
        has_waited = asyncio.get_running_loop().time() - request.since > PATIENCE_SECONDS
        began = time.perf_counter()
        try:
            given = await alone(request.deadline if has_waited else deadline)
            self._note(time.perf_counter() - began)
            return given
        finally:
            self._ended_alone(request)

    def _put(self, request: _Request) -> None:
        self._queues.setdefault(request.statement, deque()).append(request)
        if not self._is_called:
            self._is_called = True
            asyncio.get_running_loop().call_soon(self._send)

    # ---- what goes next ------------------------------------------------------------------------------------------------

    def _send(self) -> None:
        self._is_called = False
        most = min(self._connections, AT_LEAST + int(min(self._shortest, 1.0) / NEAR_SECONDS))
        while self._on_the_way < most and (requests := self._next()):
            self._begin(requests)
        if self._queues and self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(PATIENCE_SECONDS, self._look)

    def _look(self) -> None:
        """Looks after those who still wait. It runs as long as anybody does."""
        self._timer = None
        now = asyncio.get_running_loop().time()
        for queue in self._queues.values():
            for one in queue:  # a write that has waited for its turn has less time than those before it
                if one.deadline <= now:
                    one.refuse(DatabaseBusy())
        oldest = min((queue[0].since for queue in self._queues.values() if queue), default=now)
        if oldest + PATIENCE_SECONDS <= now and self._on_the_way < self._connections and (requests := self._next()):
            self._begin(requests)
        self._send()

    def _next(self) -> list[_Request]:
        """Returns those who wait for the statement of whoever waits longest; nobody, if nobody waits."""
        for statement, queue in list(self._queues.items()):
            while queue and queue[0].answer.done():
                queue.popleft()
            if not queue:
                del self._queues[statement]
        if not self._queues:
            return []
        queue = min(self._queues.values(), key=lambda queue: queue[0].since)
        most = WRITES_IN_SET if queue[0].statement.writes else READS_IN_SET
        requests: list[_Request] = []
        while queue and len(requests) < most:
            request = queue.popleft()
            if not request.answer.done():
                requests.append(request)
        return requests

    def _begin(self, requests: list[_Request]) -> None:
        self._on_the_way += 1
        one = requests[0]
        # Alone, a write would wait for its owner's lock and hold a connection and a place meanwhile. One at a time may.
        if len(requests) == 1 and not (one.statement.writes and (one.skipped or self._lone_writes)):
            self._alone(one)
            return
        task = asyncio.create_task(self._together(requests))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _alone(self, one: _Request) -> None:
        self._lone_writes += one.statement.writes
        one.hand("alone")

    def _ended_alone(self, one: _Request) -> None:
        self._lone_writes -= one.statement.writes
        self._arrived()

    def _arrived(self) -> None:
        self._on_the_way -= 1
        if self._queues and not self._is_called:
            self._send()

    def _note(self, seconds: float) -> None:
        # Not by the loop's clock: uvloop's counts whole milliseconds.
        self._shortest = min(seconds, self._shortest * 1.01)

    # ---- a set ---------------------------------------------------------------------------------------------------------

    async def _together(self, requests: list[_Request]) -> None:
        of_set = requests[0].statement.of_set
        assert of_set is not None
        deadline = min(one.deadline for one in requests)
        try:
            rows = await self._attempt(partial(self._sent, of_set), requests, deadline)
            answers = _answers(of_set, requests, rows) if requests else []
        except DatabaseBusy:
            self._put_back(requests, deadline)
        except BaseException as error:  # noqa: BLE001  # each of the requests goes on with it
            self._take_apart(requests, error)
        else:
            for one, answer in zip(requests, answers, strict=True):
                if of_set.writes and answer[IS_SKIPPED]:
                    self._come_again(one)
                else:
                    one.hand(answer if answer["is_there"] else None)
        finally:
            self._arrived()

    async def _sent(self, of_set: StatementOfSet, connection: Connection, requests: list[_Request]) -> list[asyncpg.Record]:
        # Who hung up while this waited for a connection may have written something else meanwhile, which would be overtaken.
        requests[:] = [one for one in requests if not one.answer.done()]
        if not requests:
            return []
        began = time.perf_counter()
        rows = await of_set.run_all(connection, of_set.values_of([one.values for one in requests]))
        self._note(time.perf_counter() - began)
        return rows

    def _put_back(self, requests: list[_Request], deadline: float) -> None:
        """No connection was free until the deadline of one of them. Nothing was sent, so the others are the next ones again."""
        now = max(deadline, asyncio.get_running_loop().time())
        for one in requests:
            if one.deadline <= now:
                one.refuse(DatabaseBusy())
        self._queues.setdefault(requests[0].statement, deque()).extendleft(reversed(requests))

    def _come_again(self, one: _Request) -> None:
        """Somebody else has locked its owner: it goes with another set, soon, and then later and later."""
        loop = asyncio.get_running_loop()
        delay = min(SKIPPED_SECONDS * 2**one.skipped, LATEST_SECONDS)
        one.skipped += 1
        if loop.time() + delay < one.deadline:
            loop.call_later(delay, self._put, one)
        else:
            one.refuse(DatabaseBusy())

    def _take_apart(self, requests: list[_Request], error: BaseException) -> None:
        """Where nothing was done each request runs again, alone: only one of them may be to blame."""
        # DatabaseUnavailable: no connection could be made, which a connection that another request gives back can mend.
        # A deadline of PostgreSQL's: as many statements would be as many times the load on a database in trouble.
        is_undone = isinstance(error, InvalidInput | DatabaseUnavailable) or (
            isinstance(error, Exception) and failures.is_undone(error) and not isinstance(error, failures.TOOK_TOO_LONG)
        )
        for one in requests:
            if not is_undone:
                one.refuse(error)
            elif one.answer.done():
                continue
            elif len(requests) > 1:
                self._begin([one])
            else:
                self._on_the_way += 1
                self._alone(one)
        log.info("set_taken_apart", statement=requests[0].statement.name, error=type(error).__name__)


def _answers(of_set: StatementOfSet, requests: Sequence[_Request], rows: list[asyncpg.Record]) -> list[asyncpg.Record]:
    """Returns the row of each request. Raises AnswersMixedUp, and then nobody gets anything."""
    by_number = {row["n"]: row for row in rows}
    owner = requests[0].statement.order.index(of_set.queue)
    given = [row for number in range(1, len(requests) + 1) if (row := by_number.get(number)) is not None]
    if not len(rows) == len(given) == len(requests) or any(
        row[ASKED_BY] != one.values[owner] for row, one in zip(given, requests, strict=True)
    ):
        raise AnswersMixedUp(of_set.name)
    return given
