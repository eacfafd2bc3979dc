"""Runs statements, and turns what can go wrong on the way to PostgreSQL into errors that a client can act on.

A connection that was dead before the statement was sent raises the same errors as one that was killed in the middle. After any of
them, a statement that can be repeated is repeated once, on another connection. Any other write may have been committed, and the
answer is OutcomeUnknown.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, TypeVar, cast

import asyncpg

from taskwell.database.clock import Clock
from taskwell.database.constraints import meaning
from taskwell.database.failures import (
    BROKEN,
    DEFECTS,
    NOT_STORABLE,
    NOT_STORABLE_SAYS,
    OUTDATED,
    ROLLED_BACK,
    TOOK_TOO_LONG,
    UNKNOWN_ZONE,
    UNKNOWN_ZONE_SAYS,
)
from taskwell.database.inspection import inspect
from taskwell.database.keyed_hash import KeyedHash
from taskwell.database.pool import Pool
from taskwell.database.schema import SCHEMA_STATE, Fit, fit
from taskwell.database.sets import Sets
from taskwell.database.statement import Connection, Statement
from taskwell.database.turns import Turns
from taskwell.database.unreachable import connect, unreachable
from taskwell.database.url import ConnectionTarget, PreparedStatements, parse, statement_cache
from taskwell.errors import CannotStart, DatabaseUnavailable, InvalidInput, OutcomeUnknown, Unavailable
from taskwell.log import log

CONNECT_SECONDS = 10.0
"""A serverless database that sleeps takes a while to wake up."""

STATEMENT_SECONDS = 10.0

T = TypeVar("T")
_Run = Callable[[Connection, list[Any]], Awaitable[T]]
_Try = Callable[[float | None], Awaitable[T]]
"""Runs a statement once. It takes the time until which it may wait for a connection."""


class Database:
    """The database gives rows (database/rows.py).

    `epoch` and `keyed_hash` are those of the database that the newest connection found.
    """

    def __init__(
        self, target: ConnectionTarget, *, pool_size: int, statement_cache: int, sets: bool = True, trash_days: int = 30
    ) -> None:
        self.epoch = ""
        self.keyed_hash = KeyedHash("")
        self.failures = 0  # statements that the database did not carry out, and connections that it did not accept
        self.schema_version: str | None = None
        self._target = target
        self._statement_cache = statement_cache
        self.clock = Clock()
        self.pool = Pool(self._connect, pool_size)
        # A statement over a set is worth it where it is prepared: planned with each run, it costs half as much again.
        self.sets = Sets(self._attempt, pool_size) if sets and statement_cache else None
        self.turns = Turns()
        self._kept_for = timedelta(days=trash_days)

    @classmethod
    def at(
        cls,
        url: str,
        *,
        pool_size: int,
        prepared_statements: PreparedStatements,
        sets: bool = True,
        trash_days: int = 30,
    ) -> "Database":
        target = parse(url)
        cache = statement_cache(prepared_statements, target)
        return cls(target, pool_size=pool_size, statement_cache=cache, sets=sets, trash_days=trash_days)

    @property
    def old_before(self) -> datetime:
        """By this machine's clock, since what is counted are days."""
        return datetime.now(UTC) - self._kept_for

    async def check_schema(self) -> None:
        """Raises CannotStart if this program cannot work on the schema. A newer schema serves, so that deployments can roll."""
        try:
            unfit = await self._unfit()
            if unfit is None:
                await self.row(SCHEMA_STATE)
        except Unavailable as error:
            raise unreachable(self._target, error.__cause__ or error) from error
        if unfit is not None:
            raise unfit
        if fit(self.schema_version) is Fit.NEWER:
            log.warning("newer_schema", version=self.schema_version)

    async def _unfit(self) -> CannotStart | None:
        """Returns why this program cannot work on the database, or None. Raises DatabaseUnavailable.

        It opens a connection of its own, because a connection of the pool needs a database that fits.
        """
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                connection = await self._open()
                try:
                    found = await inspect(connection)
                    why = found.unfit()
                    return None if why is None else CannotStart(why, may_pass=found.never_fits() is None)
                finally:
                    await connection.close(timeout=2)
        except (asyncpg.PostgresError, *BROKEN) as error:
            raise DatabaseUnavailable from error

    async def close(self) -> None:
        await self.pool.close()

    async def row(self, statement: Statement, **arguments: Any) -> asyncpg.Record | None:
        """Returns the first row that the statement gives.

        Raises DatabaseBusy, DatabaseUnavailable, OutcomeUnknown, InvalidInput, or the error that a failed constraint stands for.
        """
        return await self._in_turn(statement, statement.run, arguments, sets=self.sets if statement.of_set else None)

    async def rows(self, statement: Statement, **arguments: Any) -> list[asyncpg.Record]:
        """Returns every row that the statement gives. Raises what `row` raises."""
        return await self._in_turn(statement, statement.run_all, arguments)

    async def _in_turn(self, statement: Statement, run: _Run[T], arguments: dict[str, Any], sets: Sets | None = None) -> T:
        values = statement.values(arguments)
        alone: _Try[T] = partial(self._attempt, run, values)
        first = alone if sets is None else cast("_Try[T]", partial(sets.row, statement, values, cast("Any", alone)))
        if not statement.writes or statement.unscoped:
            return await self._run(statement, alone, first)
        owner = arguments[statement.queue]
        deadline = await self.turns.take(owner)
        try:
            return await self._run(statement, alone, first, deadline)
        finally:
            self.turns.give_back(owner)

    async def _run(self, statement: Statement, alone: _Try[T], first: _Try[T], deadline: float | None = None) -> T:
        try:
            return await first(deadline)
        except ROLLED_BACK as error:
            # A statement that took too long is not repeated, because that would double the load on a database in trouble.
            if isinstance(error, TOOK_TOO_LONG):
                raise self._unavailable(statement, error) from error
            return await self._last_attempt(statement, alone)
        except BROKEN as error:
            self.pool.discard_idle()
            if not statement.repeatable or isinstance(error, TOOK_TOO_LONG):
                raise self._unavailable(statement, error) from error
            log.info("statement_repeated", statement=statement.name, error=_without_values(error))
            try:
                return await self._last_attempt(statement, alone)
            except Unavailable as second:
                # The first try may have been committed, whatever the second did.
                raise (OutcomeUnknown() if statement.writes else second) from error
        except asyncpg.PostgresError as error:
            raise self.refused(statement.name, error) from error

    async def _last_attempt(self, statement: Statement, alone: _Try[T]) -> T:
        try:
            return await alone(None)
        except (*ROLLED_BACK, *BROKEN) as error:
            raise self._unavailable(statement, error) from error
        except asyncpg.PostgresError as error:
            raise self.refused(statement.name, error) from error

    def refused(self, name: str, error: asyncpg.PostgresError) -> Exception:
        """Returns the error for the client when PostgreSQL refused a statement. The statement was undone."""
        if isinstance(error, DEFECTS):
            return error
        refusal = meaning(error.constraint_name) if isinstance(error, asyncpg.IntegrityConstraintViolationError) else None
        if refusal is not None:
            return refusal
        if isinstance(error, NOT_STORABLE):
            log.warning("value_refused", statement=name, error=_without_values(error))
            return InvalidInput(UNKNOWN_ZONE_SAYS if isinstance(error, UNKNOWN_ZONE) else NOT_STORABLE_SAYS)
        self.failures += 1
        log.error("statement_refused", statement=name, error=_without_values(error))
        return DatabaseUnavailable()

    def _unavailable(self, statement: Statement, error: Exception) -> Unavailable:
        self.note_failure(statement.name, error)
        if statement.writes and not isinstance(error, ROLLED_BACK):
            return OutcomeUnknown()
        return DatabaseUnavailable()

    def note_failure(self, name: str, error: Exception) -> None:
        self.failures += 1
        log.warning("statement_failed", statement=name, error=_without_values(error))

    async def _attempt(self, run: _Run[T], values: list[Any], deadline: float | None = None) -> T:
        connection = await self.pool.acquire(deadline)
        try:
            given = await run(connection, values)
        except OUTDATED:
            # After a fail-over, for example, neither this connection nor the idle ones lead to the server that takes writes now.
            self.pool.discard(connection)
            self.pool.discard_idle()
            raise
        except asyncpg.PostgresError:
            self.pool.release(connection)  # the pool notices when the error closed the connection
            raise
        except (TimeoutError, asyncio.CancelledError):
            self.pool.call_off(connection)
            raise
        except BaseException as error:
            # This connection is never used again, because an answer may still be on its way to it.
            self.pool.discard(connection)
            if isinstance(error, asyncpg.InterfaceError) and isinstance(error, ValueError):
                # asyncpg's own DataError is both. It means a value that PostgreSQL's type cannot hold.
                raise InvalidInput(NOT_STORABLE_SAYS) from error
            raise
        self.pool.release(connection)
        return given

    async def _connect(self) -> Connection:
        connection: Connection | None = None
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                connection = await self._open()
                asked = time.time()
                state = await connection.fetchrow(SCHEMA_STATE.sql)
                answered = time.time()
        except BaseException as error:
            if connection is not None:
                # The pool asked for this connection, and gives its place back itself.
                self.pool.call_off(connection, has_place=False)
            # No statement of a request was sent yet. So it is not the client's fault, whatever the server says: a wrong password,
            # no such database or table, or an error of a pooler.
            if isinstance(error, (asyncpg.PostgresError, *BROKEN)):
                self.failures += 1
                log.warning("cannot_connect", error=repr(error))
                raise DatabaseUnavailable from error
            raise
        if state is not None:
            self.epoch, self.schema_version = state["epoch"], state["version"]
            self.keyed_hash = KeyedHash(state["tag_key"])
            self.clock.compare(state["now"].timestamp(), asked, answered)
        return connection

    async def _open(self) -> Connection:
        return await connect(
            self._target,
            timeout=CONNECT_SECONDS,
            command_timeout=STATEMENT_SECONDS,
            statement_cache_size=self._statement_cache,
            max_cached_statement_lifetime=0,
            max_cacheable_statement_size=0,  # else what is longer than 15 KB would be planned with each run
            # These two settings are the only ones that every pooler lets through.
            server_settings={"application_name": "taskwell", "timezone": "UTC"},
        )


def _without_values(error: Exception) -> str:
    """Returns what may be logged of an error. The messages of PostgreSQL and asyncpg can quote what a client sent."""
    if isinstance(error, asyncpg.PostgresError):
        return " ".join(filter(None, (type(error).__name__, error.sqlstate, error.constraint_name)))
    return repr(error) if isinstance(error, OSError) else type(error).__name__
