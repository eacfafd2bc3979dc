"""What can be done with tasks. The owner comes first; a task of somebody else's is a task that does not exist."""

import json
from typing import NamedTuple
from uuid import UUID

import asyncpg

from taskwell.accounts.owner import Owner, row_for
from taskwell.database.rows import Rows
from taskwell.errors import OutcomeUnknown, TaskChanged, TaskExists, TaskIdTaken, TaskNotFound, Unavailable
from taskwell.records.as_read import is_given, not_stored, refuse_but_id
from taskwell.records.cursors import decode_cursor, encode_cursor
from taskwell.records.paging import cut
from taskwell.records.revisions import as_text
from taskwell.records.tags import tag_head, tag_of
from taskwell.tasks.filter import SORTS, TaskFilter
from taskwell.tasks.requests import NewTask, TaskChanges, WholeTask
from taskwell.tasks.statements import (
    CHANGE_TASK,
    CHANGE_TASK_AS_READ,
    CREATE_TASK,
    CREATE_TASK_AT,
    DELETE_TASK,
    FIND_SAME_TASK,
    LIST_TASKS,
    PLACE_TASK,
    READ_TASK,
    TASK,
)
from taskwell.types import Revisions, new_id


class RenderedTask(NamedTuple):
    """A task as PostgreSQL rendered it, with its revision and the ETag."""

    id: UUID
    json: str
    revision: int
    etag: str


class RenderedPage(NamedTuple):
    """`items` is the inside of a JSON array, None where the client's copy of that revision still holds."""

    items: str | None
    next_cursor: str | None
    revision: int
    etag: str


async def read_task(rows: Rows, owner: Owner, task_id: UUID) -> RenderedTask:
    head = tag_head(rows, owner.id)
    return _found(task_id, await row_for(rows, READ_TASK, owner, task_id=task_id, tag_head=head), head)


async def list_tasks(
    rows: Rows, owner: Owner, asked: TaskFilter, *, limit: int, cursor: str | None, if_none_match: Revisions | None
) -> RenderedPage:
    """One page. Nothing is rendered when `if_none_match` holds the revision of the owner's."""
    begin = {} if cursor is None else decode_cursor(cursor, rows.keyed_hash, owner.id, asked.name)
    statement = LIST_TASKS[asked.shape(is_resumed=cursor is not None)]
    resume = {f"first_{name}": value for name, value in begin.items()}
    head = tag_head(rows, owner.id)
    known = as_text(if_none_match)
    row = await row_for(rows, statement, owner, limit=limit, if_none_match=known, tag_head=head, **resume)
    if row is None:
        return RenderedPage("", None, 0, tag_of(head, 0))
    revision = row["revision"]
    etag = tag_of(head, revision)
    if not row["is_changed"]:
        return RenderedPage(None, None, revision, etag)
    items, place = cut(row, SORTS[asked.order])
    next_cursor = None if place is None else encode_cursor(place, rows.keyed_hash, owner.id, asked.name)
    return RenderedPage(items, next_cursor, revision, etag)


async def create_task(rows: Rows, owner: Owner, new: NewTask) -> tuple[RenderedTask, bool]:
    """The task, and whether this request made it: a repeated request finds what the first one made."""
    task_id = new.id or new_id()
    head = tag_head(rows, owner.id)
    arguments = {"task_id": task_id, "tag_head": head, **TASK.content.given_by(new)}
    row = await row_for(rows, CREATE_TASK_AT if new.id else CREATE_TASK, owner, **arguments)
    if row is None or row["task"] is not None:
        return _found(task_id, row, head), True
    if new.id is None:
        return await _created_before(rows, owner, task_id), True
    row = await row_for(rows, FIND_SAME_TASK, owner, **arguments)
    if row is None or row["task"] is None:
        raise TaskIdTaken
    return _found(task_id, row, head), False


async def _created_before(rows: Rows, owner: Owner, task_id: UUID) -> RenderedTask:
    """An id of our own choosing can only be taken because our first try, whose connection broke, was committed after all.

    Raises OutcomeUnknown when that cannot be shown: it was deleted since, or cannot be read just now.
    """
    try:
        return await read_task(rows, owner, task_id)
    except (TaskNotFound, Unavailable) as error:
        raise OutcomeUnknown from error


async def change_task(
    rows: Rows,
    owner: Owner,
    task_id: UUID,
    changes: TaskChanges | WholeTask,
    *,
    if_match: Revisions | None,
    as_read: Revisions | None = None,
) -> RenderedTask:
    """Raises TaskChanged when the task's revision is none of `if_match`.

    What would change the task raises it also for a revision that is none of `as_read`, and then InvalidInput for what was sent
    back otherwise than it is stored.
    """
    change = TASK.content.replaced_by if isinstance(changes, WholeTask) else TASK.content.changed_by
    head = tag_head(rows, owner.id)
    condition = as_text(if_match)
    arguments = {"task_id": task_id, "tag_head": head, "if_match": condition, **change(changes)}
    if not is_given(changes):
        row = await row_for(rows, CHANGE_TASK, owner, **arguments)
        return _unchanged_by_others(_found(task_id, row, head), row)
    arguments |= {"as_read": as_text(as_read), **TASK.compared.given_by(changes)}
    row = await row_for(rows, CHANGE_TASK_AS_READ, owner, **arguments)
    task = _unchanged_by_others(_found(task_id, row, head), row)
    if row is not None and row["unlike"]:
        raise not_stored(row["unlike"].split(","))
    return task


async def delete_task(rows: Rows, owner: Owner, task_id: UUID, *, if_match: Revisions | None) -> None:
    head = tag_head(rows, owner.id)
    row = await row_for(rows, DELETE_TASK, owner, task_id=task_id, tag_head=head, if_match=as_text(if_match))
    _unchanged_by_others(_found(task_id, row, head), row)


async def place_task(rows: Rows, owner: Owner, task_id: UUID, new: WholeTask) -> RenderedTask:
    """Create the task at this id, also where a deleted one was. Raises TaskExists where a live one is."""
    refuse_but_id(new, task_id)
    head = tag_head(rows, owner.id)
    row = await row_for(rows, PLACE_TASK, owner, task_id=task_id, tag_head=head, **TASK.content.given_by(new))
    if row is not None and row["task"] is not None:
        return _found(task_id, row, head)
    try:
        there = await read_task(rows, owner, task_id)
    except TaskNotFound:  # deleted in this very moment
        return await place_task(rows, owner, task_id, new)
    raise TaskExists(json.loads(there.json))


def _found(task_id: UUID, row: asyncpg.Record | None, head: str) -> RenderedTask:
    if row is None or row["revision"] is None:
        raise TaskNotFound
    return RenderedTask(task_id, row["task"], row["revision"], tag_of(head, row["revision"]))


def _unchanged_by_others(task: RenderedTask, row: asyncpg.Record | None) -> RenderedTask:
    if row is not None and not row["matches"]:
        raise TaskChanged(json.loads(task.json))
    return task
