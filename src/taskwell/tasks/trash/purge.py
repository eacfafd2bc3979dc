"""What is in the trash for too long goes for good, for all users (`taskwell purge`). records/store.py does it with deletions."""

from typing import Final
from uuid import UUID

from taskwell.accounts.owner import Owner, row_for
from taskwell.database.connection import Database
from taskwell.tasks.trash.purging import FIND_OLD, PURGE

USERS_AT_ONCE: Final = 1_000
RECORDS_AT_ONCE: Final = 500
"""Of each kind, in one transaction: the user's own writes wait for no longer than that."""


async def purge_trash(db: Database) -> int:
    """How many records are gone."""
    purged, after = 0, UUID(int=0)
    while True:
        users = await db.rows(FIND_OLD, after=after, old_before=db.old_before, most=USERS_AT_ONCE)
        for user in users:
            if user["has_old"]:
                purged += await _purge_all_of(db, Owner(user["id"], None))
        if len(users) < USERS_AT_ONCE:
            return purged
        after = users[-1]["id"]


async def _purge_all_of(db: Database, owner: Owner) -> int:
    purged = 0
    while True:
        row = await row_for(db, PURGE, owner, old_before=db.old_before, most=RECORDS_AT_ONCE)
        if row is None or not row["purged"]:
            return purged
        purged += row["purged"]
