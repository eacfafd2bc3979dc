"""A write with an idempotency key is done once: its answer is kept in the transaction that does it, for whoever asks again."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final, NamedTuple

import asyncpg

from taskwell.accounts.idempotency.statements import FIND_ANSWER, KEEP_ANSWER
from taskwell.accounts.owner import Owner, row_for
from taskwell.database.connection import Database
from taskwell.database.unit_of_work import UnitOfWork, unit_of_work

_WAITS: Final = (0.005, 0.01, 0.02, 0.04, 0.08, *[0.1] * 9)
"""The row of the user is tried again after these. Together they are a second, since whoever asks again can do so later."""


class Request(NamedTuple):
    """Both are hashes: of who asks and the key, and of all that the request means."""

    key: str
    fingerprint: str


class Answer(NamedTuple):
    fingerprint: str
    status: int
    headers: str
    body: str


class LockedElsewhere(Exception):
    """Another request of the user's is at work: on another connection, and maybe with this key."""


class KeptAlready(Exception):
    """Another request with this key was committed in the meantime. Nothing of this one was."""


@asynccontextmanager
async def unit_with_key(db: Database, owner: Owner, key: str) -> AsyncIterator[tuple[UnitOfWork, Answer | None]]:
    """A unit of work of the owner's, and the answer that is kept for the key.

    Raises LockedElsewhere, and what `unit_for` raises.
    """
    async with unit_of_work(db, owner.id) as unit:
        unit.is_done_once = True
        row = await _locked(unit, owner, key)
        yield unit, None if row["fingerprint"] is None else Answer(*[row[name] for name in Answer._fields])


async def _locked(unit: UnitOfWork, owner: Owner, key: str) -> asyncpg.Record:
    for wait in _WAITS:
        row = await row_for(unit, FIND_ANSWER, owner, key=key)
        assert row is not None  # it locks, so it is a write, which makes the user's row
        if row["is_locked"]:
            return row
        await asyncio.sleep(wait)
    raise LockedElsewhere


async def keep(unit: UnitOfWork, owner: Owner, key: str, answer: Answer) -> None:
    """Raises KeptAlready."""
    kept = await unit.row(KEEP_ANSWER, owner=owner.id, issued_at=owner.issued_at, key=key, **answer._asdict())
    if kept is None:
        raise KeptAlready
