"""Everything of a user's as JSON Lines: the account, and then each record, after those that it names. The finished occurrences of
a task follow it, at the end of its step.

A step is one short statement, and a record's place is that of its creation, which never changes: so each record that is there
from the first step to the last is exported once, whatever others write meanwhile.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from datetime import UTC, date, datetime
from typing import Any, Final, TypeVar
from uuid import UUID

import asyncpg

from taskwell.accounts.owner import Owner
from taskwell.database.connection import Database
from taskwell.database.statement import Statement
from taskwell.errors import Unavailable
from taskwell.labels.statements import EXPORT_LABELS, LABEL
from taskwell.lists.statements import EXPORT_LISTS, LIST
from taskwell.records.kinds import Kind
from taskwell.tasks.occurrences.statements import EXPORT_OCCURRENCES
from taskwell.tasks.statements import EXPORT_TASKS, TASK

T = TypeVar("T")

RECORDS_PER_STEP: Final = 100
PAUSES: Final = (0.1, 0.5, 2.0)
"""A database that is busy for a moment ends no export and no import: it is asked again after so many seconds."""

EXPORTS: Final[tuple[tuple[Kind, Statement], ...]] = ((LIST, EXPORT_LISTS), (LABEL, EXPORT_LABELS), (TASK, EXPORT_TASKS))
"""Each kind comes after those that it names."""

_LINE_ENDS: Final = {character: f"\\u{ord(character):04x}" for character in ("\u0085", "\u2028", "\u2029")}
_FIRST: Final = (datetime(1, 1, 1, tzinfo=UTC), UUID(int=0))


async def export(db: Database, owner: Owner, account: str) -> AsyncGenerator[bytes, None]:
    """The lines. `account` is the first one's JSON. Raises what `owner.not_in_standing` says, and what `Database.rows` raises."""
    yield _line("account", account)
    lists: set[UUID | None] = {None}
    for kind, statement in EXPORTS:
        async for lines in _records(db, owner, kind, statement, lists):
            yield lines


async def _records(
    db: Database, owner: Owner, kind: Kind, statement: Statement, lists: set[UUID | None]
) -> AsyncGenerator[bytes, None]:
    """The lines of each step. `lists` are those that came, and get those that come."""
    # Those that stand further on, and came already, since one that came names them.
    early = set(lists) if kind is LIST else set()
    place = _FIRST
    while True:
        rows = await _next(db, owner, statement, place, RECORDS_PER_STEP)
        lines: list[bytes] = []
        recurring: list[UUID] = []
        for row in rows:
            if row["id"] in early:
                early.discard(row["id"])
                continue
            for one in reversed(await _with_those_above(db, owner, statement, row, early)):
                early.add(one["id"])
                lines += await _new_lists(db, owner, kind, one, lists)
                lines.append(_line(kind.name, one["record"]))
                if one.get("has_occurrences"):
                    recurring.append(one["id"])
            early.discard(row["id"])
        if lines:
            yield b"".join(lines)
        if recurring:
            async for lines_of_them in _occurrences(db, owner, recurring):
                yield lines_of_them
        if len(rows) < RECORDS_PER_STEP:
            return
        place = rows[-1]["created_at"], rows[-1]["id"]


async def _new_lists(db: Database, owner: Owner, kind: Kind, one: asyncpg.Record, lists: set[UUID | None]) -> list[bytes]:
    """The lists that were made after all lists came, where the record is a task that somebody has put into one of them."""
    list_id = one["id"] if kind is LIST else one.get("list_id")
    is_new = kind is not LIST and list_id not in lists
    made = [lines async for lines in _records(db, owner, LIST, EXPORT_LISTS, lists)] if is_new else []
    lists.add(list_id)  # also where it was deleted in this very moment
    return made


async def _with_those_above(
    db: Database, owner: Owner, statement: Statement, row: asyncpg.Record, early: set[UUID | None]
) -> list[asyncpg.Record]:
    """The record, the one that it names, what that one names, and so on, as far as they have not come yet."""
    chain, place = [row], (row["created_at"], row["id"])
    while True:
        above = chain[-1]["above_created_at"], chain[-1]["above_id"]
        if above[1] is None or above < place or above[1] in early or any(one["id"] == above[1] for one in chain):
            return chain
        # The place just before it: no id comes between two that follow each other.
        before = UUID(int=max(above[1].int - 1, 0))
        found = await _next(db, owner, statement, (above[0], before), 1)
        if not found or found[0]["id"] != above[1]:
            return chain  # it was deleted in this very moment
        chain.append(found[0])


async def _occurrences(db: Database, owner: Owner, task_ids: list[UUID]) -> AsyncGenerator[bytes, None]:
    ids = [str(one) for one in task_ids]
    place: dict[str, Any] = {"after_task_id": UUID(int=0), "after_occurrence": date.min}
    while rows := await _step(db, owner, EXPORT_OCCURRENCES, ids=ids, **place, limit=RECORDS_PER_STEP):
        yield b"".join(_line("occurrence", row["record"]) for row in rows)
        place = {"after_task_id": rows[-1]["task_id"], "after_occurrence": rows[-1]["occurrence"]}


async def _next(
    db: Database, owner: Owner, statement: Statement, place: tuple[datetime, UUID], limit: int
) -> list[asyncpg.Record]:
    return await _step(db, owner, statement, after_created_at=place[0], after_id=place[1], limit=limit)


async def _step(db: Database, owner: Owner, statement: Statement, **arguments: Any) -> list[asyncpg.Record]:
    async def ask() -> list[asyncpg.Record]:
        return await db.rows(statement, owner=owner.id, issued_at=owner.issued_at, **arguments)

    rows = await patiently(ask)
    if not rows and not owner.is_outside:
        raise owner.not_in_standing()
    return [row for row in rows if row["record"] is not None]


async def patiently(attempt: Callable[[], Awaitable[T]]) -> T:
    """Makes an attempt that may be repeated, and repeats it where the database was unavailable for a moment."""
    for pause in PAUSES:
        try:
            return await attempt()
        except Unavailable:
            await asyncio.sleep(pause)
    return await attempt()


def _line(kind: str, record: str) -> bytes:
    # JSON may hold these as they are, within its texts alone; but Python's splitlines, and httpx with it, ends a line at each.
    for character, escape in _LINE_ENDS.items():
        record = record.replace(character, escape)
    return f'{{"kind":"{kind}",{record[1:]}\n'.encode()
