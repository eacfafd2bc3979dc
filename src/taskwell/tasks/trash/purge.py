"""What is kept for too long goes for good, for all users (`taskwell purge`). records/store.py does it with deletions, and each
write with an idempotency key with the answers of before.
"""

from typing import Any, Final, NamedTuple
from uuid import UUID

from taskwell.accounts.idempotency.statements import FORGET_ANSWERS
from taskwell.accounts.owner import Owner, row_for
from taskwell.database.connection import Database
from taskwell.database.statement import Statement
from taskwell.tasks.trash.purging import FIND_OLD, PURGE

USERS_AT_ONCE: Final = 1_000
ROWS_AT_ONCE: Final = 500
"""Of each kind, in one transaction: the user's own writes wait for no longer than that."""


class Purged(NamedTuple):
    """How many are gone: records of the trash, and answers that were kept for idempotency keys."""

    records: int
    answers: int


async def purge_all_users(db: Database) -> Purged:
    records, answers, after = 0, 0, UUID(int=0)
    while True:
        users = await db.rows(FIND_OLD, after=after, old_before=db.old_before, most=USERS_AT_ONCE)
        for user in users:
            owner = Owner(user["id"], None)
            if user["has_old"]:
                records += await _all_of(db, owner, PURGE, old_before=db.old_before)
            if user["has_old_answers"]:
                answers += await _all_of(db, owner, FORGET_ANSWERS)
        if len(users) < USERS_AT_ONCE:
            return Purged(records, answers)
        after = users[-1]["id"]


async def _all_of(db: Database, owner: Owner, statement: Statement, **arguments: Any) -> int:
    gone = 0
    while True:
        row = await row_for(db, statement, owner, most=ROWS_AT_ONCE, **arguments)
        if row is None or not row["gone"]:
            return gone
        gone += row["gone"]
