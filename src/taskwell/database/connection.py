"""Run a statement, and turn what can go wrong on the way to PostgreSQL into errors that a client can act on.

A connection that was dead before the statement was sent and one that was killed in the middle raise the same errors, so
after any of them a statement that can be repeated is repeated once, on another connection, and any other answers
OutcomeUnknown: it may have been committed.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeVar
from uuid import UUID
from weakref import WeakValueDictionary

import asyncpg
import structlog
from asyncpg.exceptions import DataError, InternalClientError

from taskwell.database.constraints import meaning
from taskwell.database.inspection import inspect
from taskwell.database.keyed_hash import KeyedHash
from taskwell.database.pool import WAIT_SECONDS, Pool
from taskwell.database.schema import SCHEMA_STATE, Fit, fit
from taskwell.database.statement import Connection, Statement
from taskwell.database.url import ConnectionTarget, PreparedStatements, parse, statement_cache
from taskwell.errors import CannotStart, DatabaseBusy, DatabaseUnavailable, InvalidInput, OutcomeUnknown, Unavailable

CONNECT_SECONDS = 10.0
"""A serverless database that sleeps takes a while to wake up."""

STATEMENT_SECONDS = 10.0

WRITES_AT_ONCE = 2
"""Of one user, in a process. They queue on that user's row, each holding a connection; without a limit, eight writes of
one user fill a pool of eight, and everybody else waits for that user."""

log = structlog.get_logger()

# The server says that it did not happen.
ROLLED_BACK: Final = (
    asyncpg.SerializationError,
    asyncpg.DeadlockDetectedError,
    asyncpg.LockNotAvailableError,
    asyncpg.QueryCanceledError,
    asyncpg.InsufficientResourcesError,  # out of connections, memory or disk
    asyncpg.ReadOnlySQLTransactionError,  # a standby, in the middle of a fail-over
)
TOOK_TOO_LONG: Final = (TimeoutError, asyncpg.QueryCanceledError, asyncpg.LockNotAvailableError)
# Likewise, as a restore, or somebody at a console, changed what our connection knows: only a new one can know better.
OUTDATED: Final = (
    asyncpg.ReadOnlySQLTransactionError,
    asyncpg.UndefinedTableError,
    asyncpg.UndefinedColumnError,
    asyncpg.FeatureNotSupportedError,  # "cached plan must not change result type"
    asyncpg.InvalidSQLStatementNameError,  # a pooler that does not track prepared statements
    asyncpg.DuplicatePreparedStatementError,
)
# Our own mistakes. Whatever else PostgreSQL refuses is a matter between it and its operator (a grant, a trigger, a table that is
# gone, a disk that lies), and no client's.
_DEFECTS: Final = (asyncpg.PostgresSyntaxError, asyncpg.CardinalityViolationError)
_NOT_STORABLE: Final = (DataError, asyncpg.NotNullViolationError, asyncpg.CheckViolationError)
# Nobody says whether it happened.
BROKEN: Final = (
    OSError,  # TimeoutError and ssl.SSLError are kinds of it
    EOFError,
    asyncpg.InterfaceError,
    InternalClientError,  # a bare Exception to Python, a broken connection in practice
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,  # shut down, crashed, starting
    asyncpg.PostgresSystemError,
    asyncpg.StatementCompletionUnknownError,
    asyncpg.TransactionResolutionUnknownError,
)

T = TypeVar("T")
_Run = Callable[[Connection, list[Any]], Awaitable[T]]


class Database:
    """It gives rows (database/rows.py). `epoch` and `keyed_hash` are those of the database that the last connection found."""

    def __init__(self, target: ConnectionTarget, *, pool_size: int, statement_cache: int) -> None:
        self.epoch = ""
        self.keyed_hash = KeyedHash("")
        self.failures = 0  # statements that the database did not carry out, and connections that it did not accept
        self.schema_version: str | None = None
        self._target = target
        self._statement_cache = statement_cache
        self.pool = Pool(self._connect, pool_size)
        self._writing: WeakValueDictionary[UUID, asyncio.Semaphore] = WeakValueDictionary()

    @classmethod
    def at(cls, url: str, *, pool_size: int, prepared_statements: PreparedStatements) -> "Database":
        target = parse(url)
        return cls(target, pool_size=pool_size, statement_cache=statement_cache(prepared_statements, target))

    async def check_schema(self) -> None:
        """Raises CannotStart when this program cannot work on it. A newer schema serves, so that deployments can roll."""
        try:
            unfit = await self._unfit()
            if unfit is None:
                await self.row(SCHEMA_STATE)
        except Unavailable as error:
            raise CannotStart(f"the database cannot be reached: {error.__cause__ or error.message}") from error
        if unfit is not None:
            raise CannotStart(unfit)
        if fit(self.schema_version) is Fit.NEWER:
            log.warning("newer_schema", version=self.schema_version)

    async def _unfit(self) -> str | None:
        """Not by a connection of the pool's, each of which needs a database that fits. Raises DatabaseUnavailable."""
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                connection = await self._open()
                try:
                    return (await inspect(connection)).unfit()
                finally:
                    await connection.close(timeout=2)
        except (asyncpg.PostgresError, *BROKEN) as error:
            raise DatabaseUnavailable from error

    async def close(self) -> None:
        await self.pool.close()

    async def row(self, statement: Statement, **arguments: Any) -> asyncpg.Record | None:
        """The first row that the statement gives.

        Raises DatabaseBusy, DatabaseUnavailable, OutcomeUnknown, InvalidInput, or what a failed constraint means.
        """
        return await self._in_turn(statement, statement.run, arguments)

    async def rows(self, statement: Statement, **arguments: Any) -> list[asyncpg.Record]:
        """Every row that the statement gives. Raises what `row` raises."""
        return await self._in_turn(statement, statement.run_all, arguments)

    async def _in_turn(self, statement: Statement, run: _Run[T], arguments: dict[str, Any]) -> T:
        values = statement.values(arguments)
        if not statement.writes or statement.unscoped:
            return await self._run(statement, run, values)
        writing, deadline = await self.turn(arguments[statement.queue])
        try:
            return await self._run(statement, run, values, deadline)
        finally:
            writing.release()

    async def turn(self, owner: UUID) -> tuple[asyncio.Semaphore, float | None]:
        """A write of this owner's may begin: what to release afterwards, and until when a connection is waited for.

        Raises DatabaseBusy.
        """
        writing = self._writing.get(owner)
        if writing is None:
            writing = self._writing[owner] = asyncio.Semaphore(WRITES_AT_ONCE)
        deadline = None
        if writing.locked():
            deadline = asyncio.get_running_loop().time() + WAIT_SECONDS  # for the turn and the connection together
            try:
                async with asyncio.timeout_at(deadline):
                    await writing.acquire()
            except TimeoutError:
                raise DatabaseBusy("Many writes of yours are waiting already. Nothing was changed; try again.") from None
        else:
            await writing.acquire()
        return writing, deadline

    async def _run(self, statement: Statement, run: _Run[T], values: list[Any], deadline: float | None = None) -> T:
        try:
            return await self._attempt(run, values, deadline)
        except ROLLED_BACK as error:
            # What took too long once is not asked for again: that would double the load on a database in trouble.
            if isinstance(error, TOOK_TOO_LONG):
                raise self._unavailable(statement, error) from error
            return await self._last_attempt(statement, run, values)
        except BROKEN as error:
            self.pool.discard_idle()
            if not statement.repeatable or isinstance(error, TOOK_TOO_LONG):
                raise self._unavailable(statement, error) from error
            log.info("statement_repeated", statement=statement.name, error=_without_values(error))
            try:
                return await self._last_attempt(statement, run, values)
            except Unavailable as second:
                # Whatever became of the second try, the first may have been committed.
                raise (OutcomeUnknown() if statement.writes else second) from error
        except asyncpg.PostgresError as error:
            raise self.refused(statement.name, error) from error

    async def _last_attempt(self, statement: Statement, run: _Run[T], values: list[Any]) -> T:
        try:
            return await self._attempt(run, values)
        except (*ROLLED_BACK, *BROKEN) as error:
            raise self._unavailable(statement, error) from error
        except asyncpg.PostgresError as error:
            raise self.refused(statement.name, error) from error

    def refused(self, name: str, error: asyncpg.PostgresError) -> Exception:
        """What a statement that PostgreSQL refused means to the client. It was undone."""
        if isinstance(error, _DEFECTS):
            return error
        refusal = meaning(error.constraint_name) if isinstance(error, asyncpg.IntegrityConstraintViolationError) else None
        if refusal is not None:
            return refusal
        if isinstance(error, _NOT_STORABLE):
            log.warning("value_refused", statement=name, error=_without_values(error))
            return InvalidInput("A value cannot be stored.")
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
        connection = await (self.pool.acquire() if deadline is None else self.acquire(deadline))
        try:
            given = await run(connection, values)
        except OUTDATED:
            # After a fail-over to a standby, say, neither this connection nor those that sleep lead to where writes go now.
            self.pool.discard(connection)
            self.pool.discard_idle()
            raise
        except asyncpg.PostgresError:
            self.pool.release(connection)  # which notices by itself when the error closed it
            raise
        except (TimeoutError, asyncio.CancelledError):
            self.pool.call_off(connection)
            raise
        except BaseException as error:
            # Anything may still be on its way to this connection: never use it again.
            self.pool.discard(connection)
            if isinstance(error, asyncpg.InterfaceError) and isinstance(error, ValueError):
                # asyncpg's DataError is a kind of InterfaceError: a value that PostgreSQL's type cannot hold.
                raise InvalidInput("A value cannot be stored.") from error
            raise
        self.pool.release(connection)
        return given

    async def acquire(self, deadline: float | None) -> Connection:
        try:
            async with asyncio.timeout_at(deadline):
                return await self.pool.acquire()
        except TimeoutError:  # the pool's own are DatabaseBusy and DatabaseUnavailable
            raise DatabaseBusy from None

    async def _connect(self) -> Connection:
        connection: Connection | None = None
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                connection = await self._open()
                state = await connection.fetchrow(SCHEMA_STATE.sql)
        except BaseException as error:
            if connection is not None:
                # Its place is given back by the pool, which asked for it.
                self.pool.call_off(connection, has_place=False)
            # No statement of a request was sent yet, so whatever the server says against us (wrong password, no such
            # database or table, a pooler's own words), it is not the client's fault.
            if isinstance(error, (asyncpg.PostgresError, *BROKEN)):
                self.failures += 1
                log.warning("cannot_connect", error=repr(error))
                raise DatabaseUnavailable from error
            raise
        if state is not None:
            self.epoch, self.schema_version = state["epoch"], state["version"]
            self.keyed_hash = KeyedHash(state["tag_key"])
        return connection

    async def _open(self) -> Connection:
        connection: Connection = await asyncpg.connect(
            **self._target.arguments(),
            timeout=CONNECT_SECONDS,
            command_timeout=STATEMENT_SECONDS,
            statement_cache_size=self._statement_cache,
            max_cached_statement_lifetime=0,
            # The only two settings that every pooler lets through.
            server_settings={"application_name": "taskwell", "timezone": "UTC"},
        )
        return connection


def _without_values(error: Exception) -> str:
    """What may be logged of a statement's error: PostgreSQL's own words, and asyncpg's, can quote what a client sent."""
    if isinstance(error, asyncpg.PostgresError):
        return " ".join(filter(None, (type(error).__name__, error.sqlstate, error.constraint_name)))
    return repr(error) if isinstance(error, OSError) else type(error).__name__
