"""A task that recurs is not completed, but its present occurrence: it is kept, and the task is due again.

Whoever completes a task need not know that it recurs, and whose answer was lost may ask again: nothing is finished twice.
"""

import json
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple, TypeVar
from uuid import UUID
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel
from pydantic_core import to_json

from taskwell.accounts.owner import Owner, row_for
from taskwell.database.failures import UNKNOWN_ZONE_SAYS
from taskwell.database.rows import Rows
from taskwell.database.unit_of_work import UnitOfWork
from taskwell.errors import InvalidInput, TaskNotFound
from taskwell.records.cursors import decode_cursor, encode_cursor
from taskwell.records.paging import BETWEEN_ITEMS
from taskwell.records.revisions import is_stale
from taskwell.records.store import RenderedPage
from taskwell.records.tags import tag_head, tag_of
from taskwell.tasks.due import Reminder, When
from taskwell.tasks.occurrences.statements import (
    COUNT_OCCURRENCES,
    FIND_OCCURRENCE,
    FINISH_OCCURRENCE,
    LIST_OCCURRENCES,
    LIST_OCCURRENCES_RESUMED,
)
from taskwell.tasks.recurrence import Recurrence, day_on_clocks, today_at
from taskwell.tasks.requests import TaskChanges, WholeTask
from taskwell.types import Revisions

M = TypeVar("M", bound=BaseModel)


class Present(NamedTuple):
    """A task as it is stored, and the clocks of the account. `is_finished` is the occurrence that was asked for."""

    clocks: ZoneInfo
    revision: int
    is_completed: bool
    due: When | None
    start: When | None
    reminders: list[Reminder]
    recurrence: Recurrence | None
    is_finished: bool


class Finished(NamedTuple):
    """`revision` is that of the task before."""

    revision: int
    due: When
    start: When | None
    recurrence: Recurrence


async def present(unit: UnitOfWork, owner: Owner, task_id: UUID, occurrence: str | None) -> Present | None:
    """None: there is no such task."""
    row = await row_for(unit, FIND_OCCURRENCE, owner, task_id=task_id, occurrence=occurrence)
    if row is None or row["revision"] is None:
        return None
    try:
        clocks = ZoneInfo(row["time_zone"])
    except ZoneInfoNotFoundError:
        raise InvalidInput(UNKNOWN_ZONE_SAYS) from None
    return Present(
        clocks,
        row["revision"],
        row["is_completed"],
        _stored(When, row["due"]),
        _stored(When, row["start"]),
        [Reminder.model_construct(**one) for one in json.loads(row["reminders"])],
        _stored(Recurrence, row["recurrence"]),
        row["is_finished"],
    )


def _stored(model: type[M], value: str | None) -> M | None:
    # What was taken once is not held to what is taken now: another tzdata may have other zones.
    return None if value is None else model.model_construct(**json.loads(value))


async def finishing(
    unit: UnitOfWork,
    owner: Owner,
    task_id: UUID,
    changes: WholeTask | TaskChanges,
    *,
    known: Sequence[Revisions | None],
    is_repeatable: bool,
) -> tuple[WholeTask | TaskChanges, Finished | None]:
    """What a change that completes a task means where it recurs, and the occurrence that is finished by it.

    `known` are the revisions under which it is to be done. Where nothing makes it repeatable, it may come again after the task
    has moved on: then it finishes nothing that is not due yet, and the task moves on to a day that is not today.
    """
    named = changes.model_fields_set
    if "is_completed" not in named or not changes.is_completed:
        return changes, None
    sent = changes.due if "due" in named else None
    task = await present(unit, owner, task_id, None if sent is None else sent.date)
    if task is None or task.is_completed or is_stale(task.revision, *known):
        return changes, None  # the statement that changes says so
    recurrence = changes.recurrence if "recurrence" in named else task.recurrence
    due = changes.due if "due" in named else task.due
    if recurrence is None or due is None:
        return changes, None
    if task.is_finished and sent != task.due and all(revisions is None for revisions in known):
        # It is the same PUT once more, whose answer was lost: the task has moved on.
        return changes.model_copy(update={"is_completed": False, "due": task.due, "start": task.start}), None
    now = datetime.now(UTC)
    today = now.astimezone(task.clocks).date()
    if not is_repeatable and day_on_clocks(due, task.clocks) > today:
        return changes.model_copy(update={"is_completed": False}), None
    finished = Finished(task.revision, due, changes.start if "start" in named else task.start, recurrence)
    moved = await _moved(unit, owner, task_id, finished, task.clocks, now, past=None if is_repeatable else today)
    return changes.model_copy(update=moved), finished


async def _moved(
    unit: UnitOfWork, owner: Owner, task_id: UUID, finished: Finished, clocks: ZoneInfo, now: datetime, *, past: date | None
) -> dict[str, Any]:
    """The fields of the task that are others after it: it is due `past` that day of the account, where there is one."""
    _, due, start, recurrence = finished
    kept = {"task_id": task_id, "occurrence": due.date, "recurrence": as_stored(recurrence)}
    row = await unit.row(COUNT_OCCURRENCES, owner=owner.id, **kept)
    assert row is not None
    today, behind = today_at(now, due, clocks), date.fromisoformat(due.date)
    if past is not None:
        # Of what was missed only the days that are over for sure, where it is due: today may be another day for the account.
        behind = max(behind, today - timedelta(days=1))
    while True:
        following = recurrence.after(due, start, today=today, behind=behind, finished=row["finished"] + 1, clocks=clocks)
        if following is None:
            return {"is_completed": True}
        if past is None or day_on_clocks(following[0], clocks) > past:
            return {"is_completed": False, "due": following[0], "start": following[1]}
        behind = date.fromisoformat(following[0].date)


async def keep(unit: UnitOfWork, owner: Owner, task_id: UUID, finished: Finished, *, changed: int) -> None:
    """After the task has changed, to the revision that it gets. Where nothing of it differed, both get the next one."""
    before, due, start, recurrence = finished
    await row_for(
        unit,
        FINISH_OCCURRENCE,
        owner,
        task_id=task_id,
        occurrence=due.date,
        due=as_stored(due),
        start=None if start is None else as_stored(start),
        recurrence=as_stored(recurrence),
        more=int(changed == before),
    )


def as_stored(value: When | Recurrence) -> str:
    """Its JSON, as text for a column of such."""
    return to_json(value, exclude_none=True, by_alias=True).decode()


async def list_occurrences_page(
    rows: Rows, owner: Owner, task_id: UUID, *, limit: int, cursor: str | None, if_none_match: Revisions | None
) -> RenderedPage:
    """The finished occurrences, the last one first. Raises TaskNotFound."""
    asked = f"occurrences of {task_id}"
    statement, place = LIST_OCCURRENCES, {}
    if cursor is not None:
        statement, begin = LIST_OCCURRENCES_RESUMED, decode_cursor(cursor, rows.keyed_hash, owner.id, asked)
        place = {"first_occurrence": begin["occurrence"]}
    row = await row_for(rows, statement, owner, task_id=task_id, limit=limit, **place)
    if row is None or not row["is_there"]:
        raise TaskNotFound
    etag = tag_of(tag_head(rows, owner.id), row["revision"])
    if if_none_match is not None and row["revision"] in if_none_match:
        return RenderedPage(None, None, row["revision"], etag)
    items: str = row["items"] or ""
    following = row["next_occurrence"]
    if following is None:
        return RenderedPage(items, None, row["revision"], etag)
    next_cursor = encode_cursor({"occurrence": following}, rows.keyed_hash, owner.id, asked)
    return RenderedPage(items.rpartition(BETWEEN_ITEMS)[0], next_cursor, row["revision"], etag)
