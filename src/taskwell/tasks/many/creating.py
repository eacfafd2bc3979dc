"""Creates many records of one kind in a unit of work, by one statement. What is taken, unknown or too much is decided first."""

from collections.abc import Collection, Iterable, Sequence
from typing import Any, Final, Literal, NamedTuple, Protocol
from uuid import UUID

import asyncpg
from pydantic import BaseModel

from taskwell.accounts.owner import Owner
from taskwell.database.statement import Statement
from taskwell.database.unit_of_work import UnitOfWork
from taskwell.errors import TaskwellError, TooManyLabels, TooManyLevels, TooManyLists, UnknownReference
from taskwell.labels.statements import (
    COUNT_LABELS,
    CREATE_LABELS,
    IMPORT_LABELS,
    LABEL,
    LABELS_PER_USER,
    LOOK_UP_LABELS,
    LOOK_UP_LABELS_BY_KEY,
)
from taskwell.labels.store import make_labels
from taskwell.lists.statements import COUNT_LISTS, CREATE_LISTS, IMPORT_LISTS, LIST, LISTS_PER_USER, LOOK_UP_LISTS
from taskwell.records.kinds import Kind
from taskwell.records.many import as_imported
from taskwell.records.tags import tag_head
from taskwell.tasks.statements import CREATE_TASKS, IMPORT_TASKS, LOOK_UP_TASKS, TASK
from taskwell.tasks.subtasks import not_the_parents_list
from taskwell.tasks.tree import MARK_PARENTS, TASK_LEVELS
from taskwell.types import name_key


class NewRecord(Protocol):
    """A record to create, at this id. A time that is None is the present."""

    @property
    def id(self) -> UUID: ...
    @property
    def new(self) -> BaseModel: ...
    @property
    def created_at(self) -> Any: ...
    @property
    def completed_at(self) -> Any: ...


class Refused(NamedTuple):
    """`field` is None where the whole record is meant."""

    field: str | None
    error: TaskwellError


Fate = Literal["made", "there_already", "waiting"] | Refused
"""What becomes of a record. It waits where it names a task above it that is not there."""


class Created(NamedTuple):
    """The fate of each record, in their order; the rows of those that were made, in any; and how many labels the tasks made."""

    fates: list[Fate]
    rows: list[asyncpg.Record]
    new_labels: int


class Creating:
    """`is_shown`: the rows have the records, as they are shown. `is_exact`: a subtask that names a list which is not its
    parent's is refused; else it comes into that of its parent."""

    def __init__(self, unit: UnitOfWork, owner: Owner, *, is_shown: bool = False, is_exact: bool = False) -> None:
        self._unit = unit
        self._owner = owner
        self._is_shown = is_shown
        self._is_exact = is_exact

    async def create(self, kind: Kind, records: Sequence[NewRecord]) -> Created:
        creators = {LIST.name: self._lists, LABEL.name: self._labels, TASK.name: self._tasks}
        return await creators[kind.name](records)

    async def _lists(self, records: Sequence[NewRecord]) -> Created:
        taken = await self._found(LOOK_UP_LISTS, [one.id for one in records])
        room = LISTS_PER_USER - await self._count(COUNT_LISTS)
        new: _New = {}
        fates: list[Fate] = []
        for one in records:
            if one.id in taken or one.id in new:
                fates.append("there_already")
            elif len(new) >= room:
                fates.append(Refused(None, TooManyLists()))
            else:
                new[one.id] = _row(LIST, one)
                fates.append("made")
        return Created(fates, await self._made(LIST, new), 0)

    async def _labels(self, records: Sequence[NewRecord]) -> Created:
        """A label whose name is there already is that one, whatever its id."""
        taken = await self._found(LOOK_UP_LABELS, [one.id for one in records])
        labels = await self._labels_named(name_key(_said(one, "name")) for one in records)
        new: _New = {}
        fates: list[Fate] = []
        for one in records:
            name = _said(one, "name")
            if one.id in taken or one.id in new or name_key(name) in labels.names:
                fates.append("there_already")
            elif labels.spelled([name]) is None:
                fates.append(Refused(None, TooManyLabels()))
            else:
                new[one.id] = _row(LABEL, one)
                fates.append("made")
        return Created(fates, await self._made(LABEL, new), 0)

    async def _tasks(self, records: Sequence[NewRecord]) -> Created:
        taken = await self._found(LOOK_UP_TASKS, [one.id for one in records])
        named = {list_id for one in records if (list_id := _said(one, "list_id")) is not None}
        lists = {list_id for list_id, row in (await self._found(LOOK_UP_LISTS, named)).items() if row["is_live"]}
        labels = await self._labels_named(name_key(name) for one in records for name in _said(one, "labels"))
        places = await self._places({parent_id for one in records if (parent_id := _said(one, "parent_id")) is not None})
        new: _New = {}
        fates: list[Fate] = []
        for one in records:
            if one.id in taken or one.id in new:
                fates.append("there_already")
                continue
            place = self._place(one, places, lists)
            names = labels.spelled(_said(one, "labels")) if isinstance(place, Branch) else None
            if not isinstance(place, Branch):
                fates.append(place)
            elif names is None:
                fates.append(Refused("labels", TooManyLabels()))
            else:
                new[one.id] = _row(TASK, one) | {"labels": names, "list_id": place.list_id}
                places[one.id] = place
                fates.append("made")
        if labels.new:
            await make_labels(self._unit, self._owner, labels.new)
        rows = await self._made(TASK, new)
        parents = {str(row["parent_id"]) for row in new.values() if row["parent_id"] is not None}
        if parents:
            await self._unit.row(MARK_PARENTS, **self._who, ids=",".join(parents))
        return Created(fates, rows, len(labels.new))

    def _place(self, one: NewRecord, places: dict[UUID, "Branch"], lists: Collection[UUID]) -> "Branch | Fate":
        parent_id, list_id = _said(one, "parent_id"), _said(one, "list_id")
        if parent_id is None:
            if list_id is not None and list_id not in lists:
                return Refused("list_id", UnknownReference.at(["list_id"]))
            return Branch(list_id, 1)
        above = places.get(parent_id)
        if above is None:
            return "waiting"
        if self._is_exact and "list_id" in one.new.model_fields_set and list_id != above.list_id:
            return Refused("list_id", not_the_parents_list())
        if above.level >= TASK_LEVELS:
            return Refused("parent_id", TooManyLevels())
        return Branch(above.list_id, above.level + 1)

    async def _places(self, ids: Collection[UUID]) -> dict[UUID, "Branch"]:
        """The places of those of the tasks that there are."""
        rows: dict[UUID, asyncpg.Record] = {}
        wanted = set(ids)
        while wanted:
            found = await self._found(LOOK_UP_TASKS, wanted)
            rows |= {task_id: row for task_id, row in found.items() if row["is_live"]}
            wanted = {row["parent_id"] for row in found.values() if row["is_live"]} - {None} - rows.keys()

        def level(task_id: UUID | None) -> int:
            return 0 if task_id is None or task_id not in rows else 1 + level(rows[task_id]["parent_id"])

        return {task_id: Branch(rows[task_id]["list_id"], level(task_id)) for task_id in ids if task_id in rows}

    async def _labels_named(self, keys: Iterable[str]) -> "Labels":
        wanted = [*dict.fromkeys(keys)]
        if not wanted:
            return Labels({}, 0)
        rows = await self._unit.rows(LOOK_UP_LABELS_BY_KEY, owner=self._owner.id, keys=wanted)
        room = LABELS_PER_USER - await self._count(COUNT_LABELS)
        return Labels({row["key"]: row["name"] for row in rows}, room)

    async def _found(self, statement: Statement, ids: Collection[UUID]) -> dict[UUID, asyncpg.Record]:
        if not ids:
            return {}
        rows = await self._unit.rows(statement, owner=self._owner.id, ids=[str(one) for one in ids])
        return {row["id"]: row for row in rows}

    async def _count(self, statement: Statement) -> int:
        row = await self._unit.row(statement, owner=self._owner.id)
        return 0 if row is None else int(row["records"])

    async def _made(self, kind: Kind, new: "_New") -> list[asyncpg.Record]:
        if not new:
            return []
        statements = _MAKE[kind.name]
        shown = {"tag_head": tag_head(self._unit, self._owner.id)} if self._is_shown else {}
        statement = statements.shown if self._is_shown else statements.unseen
        return await self._unit.rows(statement, **self._who, **shown, **as_imported(statement, list(new.values())))

    @property
    def _who(self) -> dict[str, Any]:
        return {"owner": self._owner.id, "issued_at": self._owner.issued_at}


class Branch(NamedTuple):
    """Where a task is: its list, and its level in its tree, whose top is the first one."""

    list_id: UUID | None
    level: int


class Labels:
    """The labels that records name: those that are there, as they are spelled, and those that they make."""

    def __init__(self, names: dict[str, str], room: int) -> None:
        self.names = names
        self.new: list[str] = []
        self._room = room

    def spelled(self, names: Sequence[str]) -> list[str] | None:
        """The names as they are stored, or will be; None where that would be too many labels."""
        new = {name_key(name): name for name in names if name_key(name) not in self.names}
        if len(self.new) + len(new) > self._room:
            return None
        self.names |= new
        self.new += new.values()
        return [self.names[name_key(name)] for name in names]


class _Make(NamedTuple):
    unseen: Statement
    shown: Statement


_New = dict[UUID, dict[str, Any]]
_MAKE: Final = {
    LIST.name: _Make(IMPORT_LISTS, CREATE_LISTS),
    LABEL.name: _Make(IMPORT_LABELS, CREATE_LABELS),
    TASK.name: _Make(IMPORT_TASKS, CREATE_TASKS),
}


def _said(one: NewRecord, field: str) -> Any:
    return getattr(one.new, field)


def _row(kind: Kind, one: NewRecord) -> dict[str, Any]:
    times = {"created_at": one.created_at, "completed_at": one.completed_at}
    return {f"{kind.name}_id": one.id, **kind.content.given_by(one.new), **times}
