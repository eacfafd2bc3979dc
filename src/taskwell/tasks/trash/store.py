"""What can be done with what is in the trash. A record that went with another one can come back by itself, too."""

import json
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final
from uuid import UUID

import asyncpg

from taskwell.accounts.owner import Owner, row_for, unit_for
from taskwell.database.rows import Rows
from taskwell.database.statement import Statement
from taskwell.database.unit_of_work import UnitOfWork, Writable
from taskwell.errors import TooManyLabels, TooManyLists
from taskwell.records import limited
from taskwell.records.cursors import decode_cursor, encode_cursor
from taskwell.records.paging import cut
from taskwell.records.store import Noun, Rendered, RenderedPage, found, naming
from taskwell.records.tags import tag_head
from taskwell.tasks.labels.store import LABELS
from taskwell.tasks.labels.trash import FIND_TRASHED_LABEL, MERGE_TRASHED_LABEL, RESTORE_LABEL
from taskwell.tasks.lists import LISTS
from taskwell.tasks.store import TASKS
from taskwell.tasks.subtasks import delete_task, look, mark_parent
from taskwell.tasks.trash.emptying import EMPTY_LABEL, EMPTY_LIST, EMPTY_TASK, EMPTY_TRASH
from taskwell.tasks.trash.page import BY_DELETION, LIST_TRASH, LIST_TRASH_RESUMED
from taskwell.tasks.trash.statements import FIND_TRASHED_LIST, FIND_TRASHED_TASK, RESTORE_LIST, RESTORE_TASK
from taskwell.tasks.tree import TASK_LEVELS
from taskwell.types import Revisions

EMPTIED_AT_ONCE: Final = 5_000
"""Of each kind, in one statement: it takes a quarter of a second, and a statement may take ten seconds."""

_FIND_TRASHED: Final = {"task": FIND_TRASHED_TASK, "list": FIND_TRASHED_LIST, "label": FIND_TRASHED_LABEL}

_TRASH: Final = "trash"
"""What a cursor is bound to, besides its owner."""


async def restore_task(db: Writable, owner: Owner, task_id: UUID, *, if_match: Revisions | None) -> Rendered:
    """The task comes back with what was deleted with it: without its parent, or into the inbox, where these are gone.

    Raises TaskNotFound and TaskChanged.
    """
    async with unit_for(db, owner) as unit:
        trashed = await find_trashed(unit, owner, TASKS, task_id, if_match)
        list_id, parent_id = trashed["list_id"], trashed["parent_id"]
        if parent_id is not None:
            seen = await look(unit, owner, task_id, parent_id)
            if seen.has_parent and seen.depth + 1 + trashed["height"] <= TASK_LEVELS:
                list_id = seen.list_of_parent
                await mark_parent(unit, owner, seen, parent_id)
            else:
                parent_id = None
        return await _restored(unit, owner, TASKS, RESTORE_TASK, task_id, list_id=list_id, parent_id=parent_id)


async def restore_list(db: Writable, owner: Owner, list_id: UUID, *, if_match: Revisions | None) -> Rendered:
    """The list comes back with the tasks that were deleted with it. Raises ListNotFound, ListChanged and TooManyLists."""
    async with unit_for(db, owner) as unit:
        trashed = await find_trashed(unit, owner, LISTS, list_id, if_match)
        if not trashed["has_room"]:
            raise TooManyLists
        return await _restored(unit, owner, LISTS, RESTORE_LIST, list_id)


async def restore_label(db: Writable, owner: Owner, label_id: UUID, *, if_match: Revisions | None) -> Rendered:
    """The label comes back, and the tasks carry it again that carried it. Where another one has its name, they carry that one,
    and it is what is given. Raises LabelNotFound, LabelChanged and TooManyLabels."""
    async with unit_for(db, owner) as unit:
        trashed = await find_trashed(unit, owner, LABELS, label_id, if_match)
        if trashed["heir_id"] is not None:
            heir = await _restored(unit, owner, LABELS, MERGE_TRASHED_LABEL, label_id)
            return heir._replace(id=trashed["heir_id"])
        if not trashed["has_room"]:
            raise TooManyLabels
        return await _restored(unit, owner, LABELS, RESTORE_LABEL, label_id)


async def delete_task_for_good(db: Writable, owner: Owner, task_id: UUID, *, if_match: Revisions | None) -> None:
    """Of the task, which may be in the trash already, and of what is below it nothing but a trace stays.

    Raises TaskNotFound and TaskChanged.
    """
    await _for_good(db, owner, TASKS, delete_task, EMPTY_TASK, task_id, if_match)


async def delete_list_for_good(db: Writable, owner: Owner, list_id: UUID, *, if_match: Revisions | None) -> None:
    """Likewise, with its tasks. Raises ListNotFound and ListChanged."""
    delete = partial(limited.delete, LISTS)
    await _for_good(db, owner, LISTS, delete, EMPTY_LIST, list_id, if_match)


async def delete_label_for_good(db: Writable, owner: Owner, label_id: UUID, *, if_match: Revisions | None) -> None:
    """Likewise. Raises LabelNotFound and LabelChanged."""
    delete = partial(limited.delete, LABELS)
    await _for_good(db, owner, LABELS, delete, EMPTY_LABEL, label_id, if_match)


async def _for_good(
    db: Writable,
    owner: Owner,
    noun: Noun,
    delete: Callable[..., Awaitable[None]],
    empty: Statement,
    record_id: UUID,
    if_match: Revisions | None,
) -> None:
    async with unit_for(db, owner) as unit:
        try:
            await delete(unit, owner, record_id, if_match=if_match)
        except noun.refusals.not_found:
            await find_trashed(unit, owner, noun, record_id, if_match)
        await row_for(unit, empty, owner, **{f"{noun.kind.name}_id": record_id})


async def empty_trash(db: Writable, owner: Owner) -> None:
    """Of all that is in the trash nothing but a trace stays. It is one transaction, however many statements that takes."""
    async with unit_for(db, owner) as unit:
        while True:
            row = await row_for(unit, EMPTY_TRASH, owner, most=EMPTIED_AT_ONCE)
            if row is None or row["found"] < EMPTIED_AT_ONCE:
                return


async def list_trash_page(rows: Rows, owner: Owner, *, limit: int, cursor: str | None) -> RenderedPage:
    """What was deleted last comes first. It has no ETag: what is old goes without a write."""
    statement, place = LIST_TRASH, {}
    if cursor is not None:
        begin = decode_cursor(cursor, rows.keyed_hash, owner.id, _TRASH)
        statement, place = LIST_TRASH_RESUMED, {f"first_{name}": value for name, value in begin.items()}
    row = await row_for(rows, statement, owner, limit=limit, tag_head=tag_head(rows, owner.id), **place)
    if row is None:
        return RenderedPage("", None, 0, None)
    items, following = cut(row, BY_DELETION)
    next_cursor = None if following is None else encode_cursor(following, rows.keyed_hash, owner.id, _TRASH)
    return RenderedPage(items, next_cursor, row["revision"], None)


async def find_trashed(
    rows: Rows, owner: Owner, noun: Noun, record_id: UUID, if_match: Revisions | None = None
) -> asyncpg.Record:
    """What is in the trash, for what is done under a condition. Raises what says that it is not there, or has changed."""
    row = await row_for(rows, _FIND_TRASHED[noun.kind.name], owner, **naming(noun, rows, owner, record_id))
    if row is None or row["revision"] is None:
        raise noun.refusals.not_found
    if if_match is not None and row["revision"] not in if_match:
        raise noun.refusals.changed(current=json.loads(row[noun.kind.name]))
    return row


async def _restored(
    unit: UnitOfWork, owner: Owner, noun: Noun, statement: Statement, record_id: UUID, **more: UUID | None
) -> Rendered:
    named = naming(noun, unit, owner, record_id)
    return found(noun, named, await row_for(unit, statement, owner, **named, **more))
