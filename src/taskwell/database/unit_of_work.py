"""A unit of work: several statements of one owner that are done together or not at all.

Its first statement locks the owner's row (accounts/owner.py has it), and each one after that has a snapshot of its own: it sees
what others had committed before the lock was given. So it is where to decide on rows that a statement cannot name before it is
run: by a filter, a limit or a count.

As long as COMMIT was not sent, nothing was changed, whatever breaks. A statement that fails ends the unit: PostgreSQL would
answer a COMMIT after it with a ROLLBACK, without an error. What may fail by itself is a part of the unit.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

import asyncpg

from taskwell.database.connection import Database
from taskwell.database.failures import BROKEN, NOT_STORABLE_SAYS, OUTDATED, ROLLED_BACK, TOOK_TOO_LONG
from taskwell.database.keyed_hash import KeyedHash
from taskwell.database.statement import Connection, Statement, UnsafeStatement
from taskwell.errors import DatabaseUnavailable, InvalidInput, OutcomeUnknown

T = TypeVar("T")

ROLLBACK_SECONDS = 2.0

_BEGIN = "BEGIN ISOLATION LEVEL READ COMMITTED"
"""Said, since an operator can make another one the database's own, by which a decision would rest on what was before the lock."""


@asynccontextmanager
async def unit_of_work(db: Database, owner: UUID) -> AsyncIterator["UnitOfWork"]:
    """It is committed at the end of the block, and rolled back by an exception.

    Nothing within the block may write for this owner by `db` itself: it would wait for this very unit. Raises DatabaseBusy,
    DatabaseUnavailable (nothing was changed), and OutcomeUnknown where the connection broke at the COMMIT.
    """
    deadline = await db.turns.take(owner)
    try:
        unit = UnitOfWork(db, owner, await _begun(db, deadline))
        try:
            yield unit
            await unit.commit()
        except Exception:
            await unit.roll_back()
            raise
        except BaseException:
            # The client hung up. The server ends the transaction with the connection.
            unit.abandon()
            raise
    finally:
        db.turns.give_back(owner)


async def _begun(db: Database, deadline: float | None) -> Connection:
    try:
        try:
            return await _begin(db, deadline)
        except BROKEN as error:
            if isinstance(error, TOOK_TOO_LONG):
                raise
            db.pool.discard_idle()  # it may have been dead for long
            return await _begin(db, None)
    except (*BROKEN, asyncpg.PostgresError) as error:
        db.note_failure("begin", error)
        raise DatabaseUnavailable from error


async def _begin(db: Database, deadline: float | None) -> Connection:
    connection = await db.pool.acquire(deadline)
    try:
        await connection.execute(_BEGIN)
    except BaseException:
        db.pool.call_off(connection)
        raise
    return connection


class UnitOfWork:
    """The statements of one owner, on one connection, between BEGIN and COMMIT."""

    def __init__(self, db: Database, owner: UUID, connection: Connection) -> None:
        self._db = db
        self._owner = owner
        self._connection: Connection | None = connection
        self._failure: BaseException | None = None
        self.is_done_once = False  # what is done is kept with its answer, so that the same request does nothing again

    @property
    def epoch(self) -> str:
        return self._db.epoch

    @property
    def keyed_hash(self) -> KeyedHash:
        return self._db.keyed_hash

    @property
    def old_before(self) -> datetime:
        return self._db.old_before

    async def row(self, statement: Statement, **arguments: Any) -> asyncpg.Record | None:
        return await self._run(statement, statement.run, arguments)

    async def rows(self, statement: Statement, **arguments: Any) -> list[asyncpg.Record]:
        return await self._run(statement, statement.run_all, arguments)

    async def _run(
        self, statement: Statement, run: Callable[[Connection, list[Any]], Awaitable[T]], arguments: dict[str, Any]
    ) -> T:
        if arguments.get("owner") != self._owner:
            raise UnsafeStatement(f"{statement.name}: not of the owner whose unit of work this is")
        if self._connection is None or self._failure is not None:
            raise UnsafeStatement(f"{statement.name}: the unit of work is over")
        values = statement.values(arguments)
        try:
            return await run(self._connection, values)
        except BaseException as error:
            self._failure = self._meaning(statement, error)
            if self._failure is error:
                raise
            raise self._failure from error

    def _meaning(self, statement: Statement, error: BaseException) -> BaseException:
        if isinstance(error, OUTDATED):
            self.abandon()
            self._db.pool.discard_idle()
        if isinstance(error, asyncpg.InterfaceError) and isinstance(error, ValueError):
            return InvalidInput(NOT_STORABLE_SAYS)
        if isinstance(error, (*ROLLED_BACK, *BROKEN)):
            self.abandon()
            self._db.note_failure(statement.name, error)
            return DatabaseUnavailable()
        return self._db.refused(statement.name, error) if isinstance(error, asyncpg.PostgresError) else error

    @property
    def is_over(self) -> bool:
        """A statement has failed, so that nothing more can be done in it."""
        return self._connection is None or self._failure is not None

    @asynccontextmanager
    async def part(self) -> AsyncIterator[None]:
        """An exception undoes what was done within the block, and the unit goes on with what was done before it.

        Raises DatabaseUnavailable where the unit is over with it.
        """
        await self._mark("SAVEPOINT part")
        try:
            yield
            if self._failure is not None:  # somebody has caught it on the way
                raise self._failure
        except Exception:
            if self._connection is not None:
                await self._mark("ROLLBACK TO SAVEPOINT part; RELEASE SAVEPOINT part")
                self._failure = None
            raise
        await self._mark("RELEASE SAVEPOINT part")

    async def _mark(self, command: str) -> None:
        if self._connection is None:
            raise self._failure or DatabaseUnavailable()
        try:
            await self._connection.execute(command)
        except (*ROLLED_BACK, *BROKEN) as error:
            self._failure = DatabaseUnavailable()
            self.abandon()
            self._db.note_failure("part", error)
            raise self._failure from error

    async def commit(self) -> None:
        """Raises what ended the unit, also where somebody has caught it on the way."""
        if self._failure is not None or self._connection is None:
            raise self._failure or DatabaseUnavailable()
        try:
            done = await self._connection.execute("COMMIT")
        except (*ROLLED_BACK, *BROKEN) as error:
            self.abandon()
            self._db.note_failure("commit", error)
            raise (DatabaseUnavailable() if isinstance(error, ROLLED_BACK) else OutcomeUnknown()) from error
        except asyncpg.PostgresError as error:
            raise self._db.refused("commit", error) from error
        if done != "COMMIT":
            raise DatabaseUnavailable
        connection, self._connection = self._connection, None
        self._db.pool.release(connection)

    async def roll_back(self) -> None:
        if self._connection is None:
            return
        try:
            await self._connection.execute("ROLLBACK", timeout=ROLLBACK_SECONDS)
        except (asyncpg.PostgresError, *BROKEN):
            self.abandon()
        except BaseException:
            self.abandon()
            raise
        else:
            connection, self._connection = self._connection, None
            self._db.pool.release(connection)

    def abandon(self) -> None:
        """Ends the connection, and the transaction with it."""
        if self._connection is not None:
            connection, self._connection = self._connection, None
            self._db.pool.call_off(connection)


Writable = Database | UnitOfWork
"""Where a write is done: as a unit of its own, or as a part of one that is open."""
