"""Writes a chunk of an import in a unit of work, where what is taken, unknown or too much is decided after the lock."""

from collections.abc import Collection, Sequence
from itertools import groupby
from typing import Any, Final, NamedTuple, Self
from uuid import UUID

import asyncpg

from taskwell.accounts.owner import Owner
from taskwell.database.statement import Statement
from taskwell.database.unit_of_work import UnitOfWork
from taskwell.errors import TaskwellError, TooManyLabels, TooManyLevels, TooManyLists, UnknownReference
from taskwell.labels.statements import (
    COUNT_LABELS,
    IMPORT_LABELS,
    LABELS_PER_USER,
    LOOK_UP_LABELS,
    LOOK_UP_LABELS_BY_KEY,
)
from taskwell.labels.store import make_labels
from taskwell.lists.statements import COUNT_LISTS, IMPORT_LISTS, LISTS_PER_USER, LOOK_UP_LISTS
from taskwell.records.many import as_imported
from taskwell.tasks.statements import IMPORT_TASKS, LOOK_UP_TASKS
from taskwell.tasks.tree import MARK_PARENTS, TASK_LEVELS
from taskwell.transfer.candidates import Candidate
from taskwell.transfer.report import Report
from taskwell.types import name_key


class Written(NamedTuple):
    """What became of a chunk. `waiting` are the tasks that name a task which is not there."""

    report: Report
    waiting: list[Candidate]


async def write(unit: UnitOfWork, owner: Owner, chunk: Sequence[Candidate]) -> Written:
    written = Written(Report(), [])
    for kind, candidates in groupby(chunk, key=lambda one: one.kind):
        await _WRITERS[kind.name](unit, owner, list(candidates), written)
    return written


async def _lists(unit: UnitOfWork, owner: Owner, candidates: list[Candidate], written: Written) -> None:
    taken = await _found(unit, owner, LOOK_UP_LISTS, [one.id for one in candidates])
    room = LISTS_PER_USER - await _count(unit, owner, COUNT_LISTS)
    new: _New = {}
    for one in candidates:
        if one.id in taken or one.id in new:
            written.report.there_already[one.kind.name] += 1
        elif len(new) >= room:
            _refuse(written, one, None, TooManyLists())
        else:
            new[one.id] = _row(one)
    await _made(unit, owner, IMPORT_LISTS, candidates, new, written)


async def _labels(unit: UnitOfWork, owner: Owner, candidates: list[Candidate], written: Written) -> None:
    """A label whose name is there already is that one, whatever its id."""
    taken = await _found(unit, owner, LOOK_UP_LABELS, [one.id for one in candidates])
    labels = await Labels.found(unit, owner, [name_key(_said(one, "name")) for one in candidates])
    new: _New = {}
    for one in candidates:
        name = _said(one, "name")
        if one.id in taken or one.id in new or name_key(name) in labels.names:
            written.report.there_already[one.kind.name] += 1
        elif labels.spelled([name]) is None:
            _refuse(written, one, None, TooManyLabels())
        else:
            new[one.id] = _row(one)
    await _made(unit, owner, IMPORT_LABELS, candidates, new, written)


async def _tasks(unit: UnitOfWork, owner: Owner, candidates: list[Candidate], written: Written) -> None:
    taken = await _found(unit, owner, LOOK_UP_TASKS, [one.id for one in candidates])
    named = {list_id for one in candidates if (list_id := _said(one, "list_id")) is not None}
    lists = {list_id for list_id, row in (await _found(unit, owner, LOOK_UP_LISTS, named)).items() if row["is_live"]}
    labels = await Labels.found(unit, owner, {name_key(name) for one in candidates for name in _said(one, "labels")})
    places = await _places(unit, owner, {parent_id for one in candidates if (parent_id := _said(one, "parent_id")) is not None})
    new: _New = {}
    for one in candidates:
        if one.id in taken or one.id in new:
            written.report.there_already[one.kind.name] += 1
            continue
        row = _row(one)
        place = Branch(row["list_id"], 1)
        if row["parent_id"] is not None:
            above = places.get(row["parent_id"])
            if above is None:
                written.waiting.append(one)
                continue
            place = Branch(above.list_id, above.level + 1)
        elif row["list_id"] is not None and row["list_id"] not in lists:
            _refuse_unknown(written, one, "list_id")
            continue
        if place.level > TASK_LEVELS:
            _refuse(written, one, "parent_id", TooManyLevels())
            continue
        names = labels.spelled(_said(one, "labels"))
        if names is None:
            _refuse(written, one, "labels", TooManyLabels())
            continue
        new[one.id] = row | {"labels": names, "list_id": place.list_id}
        places[one.id] = place
    if labels.new:
        await make_labels(unit, owner, labels.new)
        written.report.created["label"] += len(labels.new)
    await _made(unit, owner, IMPORT_TASKS, candidates, new, written)
    parents = {str(row["parent_id"]) for row in new.values() if row["parent_id"] is not None}
    if parents:
        await unit.row(MARK_PARENTS, owner=owner.id, issued_at=owner.issued_at, ids=",".join(parents))


class Branch(NamedTuple):
    """Where a task is: its list, and its level in its tree, whose top is the first one."""

    list_id: UUID | None
    level: int


async def _places(unit: UnitOfWork, owner: Owner, ids: Collection[UUID]) -> dict[UUID, Branch]:
    """The places of those of the tasks that there are."""
    rows: dict[UUID, asyncpg.Record] = {}
    wanted = set(ids)
    while wanted:
        found = await _found(unit, owner, LOOK_UP_TASKS, wanted)
        rows |= {task_id: row for task_id, row in found.items() if row["is_live"]}
        wanted = {row["parent_id"] for row in found.values() if row["is_live"]} - {None} - rows.keys()

    def level(task_id: UUID | None) -> int:
        return 0 if task_id is None or task_id not in rows else 1 + level(rows[task_id]["parent_id"])

    return {task_id: Branch(rows[task_id]["list_id"], level(task_id)) for task_id in ids if task_id in rows}


class Labels:
    """The labels that a chunk names: those that are there, as they are spelled, and those that it makes."""

    def __init__(self, names: dict[str, str], room: int) -> None:
        self.names = names
        self.new: list[str] = []
        self._room = room

    @classmethod
    async def found(cls, unit: UnitOfWork, owner: Owner, keys: Collection[str]) -> Self:
        if not keys:
            return cls({}, 0)
        rows = await unit.rows(LOOK_UP_LABELS_BY_KEY, owner=owner.id, keys=[*keys])
        room = LABELS_PER_USER - await _count(unit, owner, COUNT_LABELS)
        return cls({row["key"]: row["name"] for row in rows}, room)

    def spelled(self, names: Sequence[str]) -> list[str] | None:
        """The names as they are stored, or will be; None where that would be too many labels."""
        new = {name_key(name): name for name in names if name_key(name) not in self.names}
        if len(self.new) + len(new) > self._room:
            return None
        self.names |= new
        self.new += new.values()
        return [self.names[name_key(name)] for name in names]


_New = dict[UUID, dict[str, Any]]
_WRITERS: Final = {"list": _lists, "label": _labels, "task": _tasks}


def _said(one: Candidate, field: str) -> Any:
    return getattr(one.new, field)


def _row(one: Candidate) -> dict[str, Any]:
    times = {"created_at": one.created_at, "completed_at": one.completed_at}
    return {f"{one.kind.name}_id": one.id, **one.kind.content.given_by(one.new), **times}


def _refuse(written: Written, one: Candidate, field: str | None, error: TaskwellError) -> None:
    written.report.refuse(one.line, field, error.code, error.message)


def _refuse_unknown(written: Written, one: Candidate, field: str) -> None:
    (unknown,) = UnknownReference.at([field]).details["fields"]
    written.report.refuse(one.line, field, unknown["code"], unknown["message"])


async def _found(unit: UnitOfWork, owner: Owner, statement: Statement, ids: Collection[UUID]) -> dict[UUID, asyncpg.Record]:
    if not ids:
        return {}
    return {row["id"]: row for row in await unit.rows(statement, owner=owner.id, ids=[str(one) for one in ids])}


async def _count(unit: UnitOfWork, owner: Owner, statement: Statement) -> int:
    row = await unit.row(statement, owner=owner.id)
    return 0 if row is None else int(row["records"])


async def _made(
    unit: UnitOfWork, owner: Owner, statement: Statement, candidates: list[Candidate], new: _New, written: Written
) -> None:
    if new:
        kind = candidates[0].kind
        made = await unit.rows(statement, owner=owner.id, issued_at=owner.issued_at, **as_imported(kind, list(new.values())))
        written.report.created[kind.name] += len(made)
