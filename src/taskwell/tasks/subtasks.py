"""What can be done with a task in a tree of tasks: a subtask is in its parent's list, and goes wherever its parent goes.

Most writes concern no tree, and are one statement. One that does says so (`Held` in records/writing.py), and is done here in a
unit of work: the owner is locked by one statement, so the next ones see the tree as it is.
"""

import json
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple, TypeVar
from uuid import UUID

from taskwell.accounts.owner import Owner, row_for, unit_for
from taskwell.database.unit_of_work import UnitOfWork, Writable
from taskwell.errors import BelowItself, InvalidInput, TaskChanged, TooManyLevels
from taskwell.records import store
from taskwell.records.as_read import read_only
from taskwell.records.revisions import is_stale
from taskwell.records.store import NeedsUnitOfWork, Rendered, Writes
from taskwell.tasks import store as of_tasks
from taskwell.tasks.labels.new import with_labels_of_unit
from taskwell.tasks.requests import NewTask, TaskChanges, WholeTask
from taskwell.tasks.statements import (
    CHANGE_TASK_IN_TREE,
    CHANGE_TASK_IN_TREE_AS_READ,
    CREATE_WHOLE_TASK,
    CREATE_WHOLE_TASK_AT,
    DELETE_PARENT,
)
from taskwell.tasks.store import TASKS
from taskwell.tasks.tree import COMPLETE_BELOW, DELETE_BELOW, FIND_PLACE, MARK_PARENT, TAKE_ALONG, TASK_LEVELS
from taskwell.types import Revisions, new_id

T = TypeVar("T", NewTask, WholeTask, TaskChanges)

_IN_TREE = Writes(CREATE_WHOLE_TASK, CREATE_WHOLE_TASK_AT, CHANGE_TASK_IN_TREE, CHANGE_TASK_IN_TREE_AS_READ)
TASKS_IN_TREE = replace(TASKS, whole=_IN_TREE, delete=DELETE_PARENT)


class Place(NamedTuple):
    list_id: UUID | None
    parent_id: UUID | None


class Seen(NamedTuple):
    """What FIND_PLACE found: where the task is, if it is there, and what it would come below, if there is such a task."""

    place: Place | None
    revision: int
    list_of_parent: UUID | None
    has_parent: bool
    is_parent: bool
    is_below_itself: bool
    depth: int
    height: int


async def create_task(db: Writable, owner: Owner, new: NewTask) -> tuple[Rendered, bool]:
    """The task, and whether this request made it. A subtask is made in the list of its parent."""
    if new.parent_id is None:
        return await of_tasks.create_task(db, owner, new)
    async with unit_for(db, owner) as unit:
        settled = await _settled(unit, owner, new.id or new_id(), new)
        return await with_labels_of_unit(unit, owner, new.labels or (), lambda: store.create(TASKS, unit, owner, settled, new.id))


async def place_task(db: Writable, owner: Owner, task_id: UUID, new: WholeTask) -> Rendered:
    """Create the task at this id, likewise."""
    if new.parent_id is None:
        return await of_tasks.place_task(db, owner, task_id, new)
    async with unit_for(db, owner) as unit:
        settled = await _settled(unit, owner, task_id, new)
        return await with_labels_of_unit(unit, owner, new.labels or (), lambda: store.place(TASKS, unit, owner, task_id, settled))


async def _settled(unit: UnitOfWork, owner: Owner, task_id: UUID, new: T) -> T:
    seen = await look(unit, owner, task_id, new.parent_id)
    if not seen.has_parent:
        return new  # the statement that writes says so
    if "list_id" in new.model_fields_set and new.list_id != seen.list_of_parent:
        raise not_the_parents_list()
    _refuse_loops_and_depths(seen)
    await mark_parent(unit, owner, seen, new.parent_id)
    return new.model_copy(update={"list_id": seen.list_of_parent})


async def change_in_tree(
    unit: UnitOfWork,
    owner: Owner,
    task_id: UUID,
    changes: WholeTask | TaskChanges,
    *,
    if_match: Revisions | None = None,
    as_read: Revisions | None = None,
    with_subtasks: bool = False,
) -> Rendered:
    """PATCH and PUT. What is below the task goes where it goes, and `with_subtasks` it is completed where the task is."""
    seen = await look(unit, owner, task_id, changes.parent_id)
    is_old = is_stale(seen.revision, if_match, as_read)
    if seen.place is not None and not is_old:  # else the statement that changes says so
        place = wanted(seen, seen.place, changes)
        if place.parent_id not in (None, seen.place.parent_id):
            _refuse_loops_and_depths(seen)
            await mark_parent(unit, owner, seen, place.parent_id)
        changes = changes.model_copy(update=place._asdict())
    write = partial(store.change, TASKS_IN_TREE, unit, owner, task_id, changes, if_match=if_match, as_read=as_read)
    task = await with_labels_of_unit(unit, owner, changes.labels or (), write)
    below: dict[str, Any] = {"task_id": task_id}
    # An old copy gets here where it changes nothing of the task itself.
    if seen.height and not is_old and seen.place is not None and changes.list_id != seen.place.list_id:
        await row_for(unit, TAKE_ALONG, owner, **below)
    if seen.height and with_subtasks and changes.is_completed:
        row = await row_for(unit, COMPLETE_BELOW, owner, **below, more=int(task.revision == seen.revision))
        if row is not None and row["completed_any"]:
            if is_old:
                raise TaskChanged(current=json.loads(task.json))
            if task.revision == seen.revision:
                await _check_what_was_read(unit, owner, task_id, changes)
    return task


async def _check_what_was_read(unit: UnitOfWork, owner: Owner, task_id: UUID, changes: WholeTask | TaskChanges) -> None:
    """The statement that changes a task looks at what was read of it only where the task itself differs. Raises InvalidInput."""
    named = (read_only(type(changes)) & changes.model_fields_set) - {"revision", "etag"}
    if named:
        read = TaskChanges.model_construct(**{name: getattr(changes, name) for name in named})
        await store.change(TASKS_IN_TREE, unit, owner, task_id, read, if_match=None)


def wanted(seen: Seen, there: Place, changes: WholeTask | TaskChanges) -> Place:
    """Where the task goes: what differs from where it is, is meant. (A record that was read comes back with both fields.)"""
    named = changes.model_fields_set
    list_id = changes.list_id if "list_id" in named else there.list_id
    parent_id = changes.parent_id if "parent_id" in named else there.parent_id
    if parent_id == there.parent_id:
        # As people know it of other applications, a subtask that goes into another list is a subtask no longer.
        return there if list_id == there.list_id else Place(list_id, None)
    if parent_id is None or not seen.has_parent:
        return Place(list_id, parent_id)
    if list_id not in (there.list_id, seen.list_of_parent):
        raise not_the_parents_list()
    return Place(seen.list_of_parent, parent_id)


async def delete_task(db: Writable, owner: Owner, task_id: UUID, *, if_match: Revisions | None) -> None:
    """Delete the task, and what is below it at that moment."""
    try:
        await store.delete(TASKS, db, owner, task_id, if_match=if_match)
    except NeedsUnitOfWork:
        async with unit_for(db, owner) as unit:
            await store.delete(TASKS_IN_TREE, unit, owner, task_id, if_match=if_match)
            await row_for(unit, DELETE_BELOW, owner, task_id=task_id)


async def look(unit: UnitOfWork, owner: Owner, task_id: UUID, parent_id: UUID | None) -> Seen:
    row = await row_for(unit, FIND_PLACE, owner, task_id=task_id, parent_id=parent_id)
    assert row is not None  # the unit has locked the owner
    place = Place(row["list_id"], row["parent_id"]) if row["is_there"] else None
    return Seen(place, row["revision"] or 0, *[row[name] for name in Seen._fields[2:]])


def _refuse_loops_and_depths(seen: Seen) -> None:
    if seen.has_parent and seen.is_below_itself:
        raise BelowItself
    if seen.has_parent and seen.depth + 1 + seen.height > TASK_LEVELS:
        raise TooManyLevels


async def mark_parent(unit: UnitOfWork, owner: Owner, seen: Seen, parent_id: UUID | None) -> None:
    if seen.has_parent and not seen.is_parent:
        await row_for(unit, MARK_PARENT, owner, parent_id=parent_id)


def not_the_parents_list() -> InvalidInput:
    return InvalidInput.of("list_id", "not_the_parents_list", "a subtask is in the list of its parent: leave this out")
