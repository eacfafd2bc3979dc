"""What can be done with many tasks at once: they are found once the owner is locked, and all get one revision."""

from collections.abc import Iterable
from functools import partial
from typing import Any, NamedTuple
from uuid import UUID

import asyncpg

from taskwell.accounts.owner import Owner, row_for, unit_for
from taskwell.database.unit_of_work import UnitOfWork, Writable
from taskwell.errors import UnknownReference
from taskwell.lists.statements import READ_LIST
from taskwell.records.store import NewNames, purge_some
from taskwell.records.tags import tag_head
from taskwell.tasks.labels.new import with_labels_of_unit
from taskwell.tasks.many import requests
from taskwell.tasks.many.requests import ChangesOfMany, ManyFilter, ManyTasks, ManyToChange, ManyToComplete
from taskwell.tasks.many.statements import (
    CHANGE_TASKS,
    DELETE_TASKS,
    FIND_BELOW,
    FIND_TASKS,
    FIND_TASKS_BY_FILTER,
    MOVE_TASKS,
)
from taskwell.tasks.statements import TASK
from taskwell.tasks.store import TASKS

_COMPLETED = ChangesOfMany.model_validate({"is_completed": True})


class Found(NamedTuple):
    """Texts, since that is what statements take. `unknown` are those of the named ids that are no tasks of the owner's, and
    `next_after` is the last one where the filter means more than are done at once."""

    ids: list[str]
    recurring: list[str]
    unknown: list[str]
    next_after: str | None = None


class Done(NamedTuple):
    """What was changed; what was named and is not there; what recurs, and so was not completed; and where to go on."""

    ids: list[str]
    unknown: list[str]
    recurring: list[str]
    next_after: str | None


async def complete_tasks(db: Writable, owner: Owner, meant: ManyToComplete) -> Done:
    """A task that recurs is not completed this way, since its series would end."""
    async with unit_for(db, owner) as unit:
        found = await _find(unit, owner, meant)
        if meant.subtasks:
            more = await _find_by_ids(unit, owner, await _below(unit, owner, found.ids))
            found = Found(_once(found.ids, more.ids), _once(found.recurring, more.recurring), found.unknown, found.next_after)
        return await _change(unit, owner, found, _COMPLETED)


async def change_tasks(db: Writable, owner: Owner, meant: ManyToChange) -> Done:
    """Raises UnknownReference for a list that is not there, and TooManyLabels."""
    async with unit_for(db, owner) as unit:
        return await _change(unit, owner, await _find(unit, owner, meant), meant.changes)


async def delete_tasks(db: Writable, owner: Owner, meant: ManyTasks) -> Done:
    """Deletes also what is below them."""
    async with unit_for(db, owner) as unit:
        found = await _find(unit, owner, meant)
        if not found.ids:
            return Done([], found.unknown, [], None)
        deleted = await row_for(unit, DELETE_TASKS, owner, ids=",".join(found.ids), old_before=unit.old_before)
        await purge_some(TASKS, unit, owner, deleted)
        return Done(_ids(deleted), found.unknown, [], found.next_after)


async def _change(unit: UnitOfWork, owner: Owner, found: Found, changes: ChangesOfMany) -> Done:
    ids, recurring = found.ids, found.recurring if changes.is_completed else []
    ids = [one for one in ids if one not in set(recurring)]
    is_moved = "list_id" in changes.model_fields_set
    if changes.list_id is not None:
        await _refuse_unknown_list(unit, owner, changes.list_id)
    changed: list[str] = []
    if ids and changes.content.model_fields_set:
        write = partial(_write, unit, owner, ids, changes)
        changed = await with_labels_of_unit(unit, owner, changes.labels or (), write)
    moved: list[str] = []
    if ids and is_moved:
        beneath = set(await _below(unit, owner, ids))
        tops = ",".join(one for one in ids if one not in beneath)
        more = 0 if changed else 1
        moved = _ids(await row_for(unit, MOVE_TASKS, owner, ids=tops, list_id=changes.list_id, more=more))
    return Done(_once(changed, moved), found.unknown, recurring, found.next_after)


async def _write(unit: UnitOfWork, owner: Owner, ids: list[str], changes: ChangesOfMany) -> list[str]:
    given = TASK.content.changed_by(changes.content)
    row = await row_for(unit, CHANGE_TASKS, owner, ids=",".join(ids), if_match=None, **given)
    if row is not None and row["has_new_names"]:
        raise NewNames
    return _ids(row)


async def _find(unit: UnitOfWork, owner: Owner, meant: ManyTasks) -> Found:
    if meant.filter is None:
        return await _find_by_ids(unit, owner, map(str, meant.ids))
    most = requests.TASKS_AT_ONCE
    row = await row_for(unit, FIND_TASKS_BY_FILTER, owner, **_arguments(meant.filter), after=meant.after, most=most + 1)
    assert row is not None  # the unit has locked the owner
    if row["unknown"]:
        raise UnknownReference.at(row["unknown"].split(","))
    ids = sorted(_ids(row))
    if len(ids) <= most:
        return Found(ids, _ids(row, "recurring"), [])
    return Found(ids[:most], [one for one in _ids(row, "recurring") if one != ids[most]], [], ids[most - 1])


def _arguments(asked: ManyFilter) -> dict[str, Any]:
    list_id = asked.list_id if isinstance(asked.list_id, UUID) else None
    given = {name: getattr(asked, name) for name in ("parent_id", "completed", "priority")}
    return {"list_id": list_id, "is_inbox": asked.list_id == "inbox", **given}


async def _find_by_ids(unit: UnitOfWork, owner: Owner, ids: Iterable[str]) -> Found:
    named = _once(ids)
    row = await row_for(unit, FIND_TASKS, owner, ids=",".join(named)) if named else None
    there = set(_ids(row))
    return Found([one for one in named if one in there], _ids(row, "recurring"), [one for one in named if one not in there])


async def _below(unit: UnitOfWork, owner: Owner, ids: list[str]) -> list[str]:
    return _ids(await row_for(unit, FIND_BELOW, owner, ids=",".join(ids))) if ids else []


async def _refuse_unknown_list(unit: UnitOfWork, owner: Owner, list_id: UUID) -> None:
    row = await row_for(unit, READ_LIST, owner, list_id=list_id, tag_head=tag_head(unit, owner.id))
    if row is None or row["revision"] is None:
        raise UnknownReference.at(["changes.list_id"])


def _ids(row: asyncpg.Record | None, name: str = "ids") -> list[str]:
    return row[name].split(",") if row is not None and row[name] else []


def _once(*ids: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(one for some in ids for one in some))
