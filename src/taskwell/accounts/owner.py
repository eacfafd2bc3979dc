"""The owner is the user whose rows a request is about. `row_for` is the one way to reach these rows."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import asyncpg

from taskwell.accounts.statements import FIND_USER, LOCK_OWNER, MAKE_USER
from taskwell.database.rows import Rows
from taskwell.database.statement import Statement
from taskwell.database.unit_of_work import UnitOfWork, Writable, unit_of_work
from taskwell.errors import AccountUnusable, TaskwellError, UserNotFound


class Owner(NamedTuple):
    """`issued_at` is when the request's token was made. It is None for an administrator and for the machine's own shell.

    `is_outside` is for a user of another issuer, who need not have a row yet.
    """

    id: UUID
    issued_at: datetime | None
    is_outside: bool = False

    def not_in_standing(self) -> TaskwellError:
        """The refusal for an owner of whom `owner_may_act` found no row."""
        return UserNotFound() if self.issued_at is None else AccountUnusable()


async def row_for(rows: Rows, statement: Statement, owner: Owner, **arguments: Any) -> asyncpg.Record | None:
    """The row that the statement gives for this owner; None: this is a user who has nothing yet, or nothing any more.

    The first write of such a user makes the row, or takes the one that a deletion left. Raises what
    `owner.not_in_standing` says, and what `rows.row` raises.
    """
    row = await rows.row(statement, owner=owner.id, issued_at=owner.issued_at, **arguments)
    if row is not None:
        return row
    if owner.is_outside and not statement.writes:
        if await rows.row(FIND_USER, owner=owner.id, issued_at=owner.issued_at) is None:
            return None
        row = await rows.row(statement, owner=owner.id, issued_at=owner.issued_at, **arguments)  # made in between
    elif owner.is_outside:
        # Another request of theirs may have made it in between; one who is disabled, or whose token is too old, has a row too.
        await rows.row(MAKE_USER, owner=owner.id, issued_at=owner.issued_at)
        row = await rows.row(statement, owner=owner.id, issued_at=owner.issued_at, **arguments)
    if row is not None:
        return row
    raise owner.not_in_standing()


@asynccontextmanager
async def unit_for(db: Writable, owner: Owner) -> AsyncIterator[UnitOfWork]:
    """One turn of the owner's writes (database/unit_of_work.py): their row is locked, and made where it is the first.

    Within a unit of work it is a part of that one. Raises what `row_for` raises for a write.
    """
    if isinstance(db, UnitOfWork):
        async with db.part():
            yield db
        return
    async with unit_of_work(db, owner.id) as unit:
        await row_for(unit, LOCK_OWNER, owner)
        yield unit
