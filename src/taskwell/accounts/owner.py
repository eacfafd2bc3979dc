"""The owner is the user whose rows a request is about. `row_for` is the one way to reach these rows."""

from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import asyncpg

from taskwell.accounts.statements import FIND_USER, MAKE_USER
from taskwell.database.connection import Database
from taskwell.database.statement import Statement, Transaction
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


async def row_for(db: Database, statement: Statement | Transaction, owner: Owner, **arguments: Any) -> asyncpg.Record | None:
    """The row that the statement gives for this owner; None: this is a user who has nothing yet, or nothing any more.

    The first write of such a user makes the row, or takes the one that a deletion left. Raises what
    `owner.not_in_standing` says, and what `db.row` raises.
    """
    row = await db.row(statement, owner=owner.id, issued_at=owner.issued_at, **arguments)
    if row is not None:
        return row
    if owner.is_outside and not statement.writes:
        if await db.row(FIND_USER, owner=owner.id, issued_at=owner.issued_at) is None:
            return None
        row = await db.row(statement, owner=owner.id, issued_at=owner.issued_at, **arguments)  # made in between
    elif owner.is_outside:
        # Another request of theirs may have made it in between; one who is disabled, or whose token is too old, has a row too.
        await db.row(MAKE_USER, owner=owner.id, issued_at=owner.issued_at)
        row = await db.row(statement, owner=owner.id, issued_at=owner.issued_at, **arguments)
    if row is not None:
        return row
    raise owner.not_in_standing()
