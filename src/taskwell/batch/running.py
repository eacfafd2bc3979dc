"""Runs the operations of a batch in their order, in one unit of work.

Each is done by what does a single request. Only creates of one kind that follow each other become one statement.
"""

import json
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, NamedTuple
from uuid import UUID

import asyncpg
from pydantic import BaseModel

from taskwell.accounts.owner import Owner, row_for, unit_for
from taskwell.accounts.statements import LOCK_OWNER
from taskwell.batch.statements import FOLD_INTO_ONE_REVISION, SHOW
from taskwell.database.unit_of_work import UnitOfWork, Writable
from taskwell.errors import InvalidInput, NotFound, PreconditionFailed, TaskwellError, Unavailable
from taskwell.records import limited, store
from taskwell.records.kinds import Kind
from taskwell.records.store import Noun, Rendered
from taskwell.records.tags import tag_head, tag_of
from taskwell.tasks import lists, move, subtasks, writing
from taskwell.tasks.labels.store import LABELS, change_label
from taskwell.tasks.lists import LISTS
from taskwell.tasks.many.creating import Creating, Refused
from taskwell.tasks.requests import NewTask
from taskwell.tasks.store import TASKS
from taskwell.tasks.trash.store import (
    delete_label_for_good,
    delete_list_for_good,
    delete_task_for_good,
    find_trashed,
    restore_label,
    restore_list,
    restore_task,
)
from taskwell.types import Revisions

NOUNS: Final = {"task": TASKS, "list": LISTS, "label": LABELS}
_PLACING: Final = frozenset({"position", "list_id", "parent_id"})
"""The fields by which a record comes to another place."""


@dataclass(frozen=True)
class Step:
    """`number` is its place in the batch. `value` is the body of the single request, a model of the noun's. The `id` of a create
    that names none is one of ours.

    `as_read` are the revisions that the value names (records/as_read.py). The flags are the parameters of the single requests.
    """

    number: int
    op: str
    noun: Noun
    id: UUID
    value: Any = None
    if_match: Revisions | None = None
    as_read: Revisions | None = None
    with_subtasks: bool = False
    is_merge: bool = False
    is_permanent: bool = False


class StepDone(NamedTuple):
    """`record` is None where it was deleted."""

    id: UUID
    record: Rendered | None
    is_new: bool = False


Outcome = StepDone | TaskwellError
Outcomes = dict[int, Outcome]
"""What became of each operation, by its number."""


class _StatementFailed(Exception):
    """PostgreSQL refused a statement, and with it the unit of work. Done apart, the operation fails alone."""


async def run(db: Writable, owner: Owner, steps: Sequence[Step], *, is_atomic: bool) -> Outcomes:
    """Raises what ends the batch as a whole: that the database cannot be reached, and where it `is_atomic` the first error, with
    the number of its operation in `details.operation`."""
    try:
        return await _done(db, owner, steps, is_atomic=is_atomic)
    except PreconditionFailed as error:  # of a batch that is atomic
        raise await _as_it_is_now(db, owner, steps, error) from None


async def _done(db: Writable, owner: Owner, steps: Sequence[Step], *, is_atomic: bool) -> Outcomes:
    try:
        return await _Run(owner, is_atomic=is_atomic).all_of(db, steps)
    except _StatementFailed:
        return await _Run(owner, is_atomic=is_atomic, is_each_apart=True).all_of(db, steps)


async def _as_it_is_now(db: Writable, owner: Owner, steps: Sequence[Step], error: PreconditionFailed) -> TaskwellError:
    """What it says of the record was so within the batch, which was undone: its ETag may become that of something else."""
    number = error.details["operation"]
    (step,) = (one for one in steps if one.number == number)
    try:
        error.details["current"] = await _current(db, owner, step)
    except NotFound as gone:
        return of_operation(number, gone)
    return error


async def _current(db: Writable, owner: Owner, step: Step) -> Any:
    try:
        return json.loads((await store.read(step.noun, db, owner, step.id)).json)
    except NotFound:
        if step.op != "restore" and not step.is_permanent:
            raise
        row = await find_trashed(db, owner, step.noun, step.id)
        return json.loads(row[step.noun.kind.name])


class _Run:
    def __init__(self, owner: Owner, *, is_atomic: bool, is_each_apart: bool = False) -> None:
        self._owner = owner
        self._is_atomic = is_atomic
        self._is_each_apart = is_each_apart
        self._outcomes: Outcomes = {}

    async def all_of(self, db: Writable, steps: Sequence[Step]) -> Outcomes:
        groups = [[one] for one in steps] if self._is_each_apart else list(_groups(steps))
        async with unit_for(db, self._owner) as unit:
            locked = await row_for(unit, LOCK_OWNER, self._owner) if self._is_atomic and len(groups) > 1 else None
            for group in groups:
                await (self._created(unit, group) if len(group) > 1 else self._one(unit, group[0]))
            if locked is not None:
                await self._fold_into_one_revision(unit, locked["revision"], steps)
        return self._outcomes

    async def _one(self, unit: UnitOfWork, step: Step) -> None:
        do = _DO[step.op, step.noun.kind.name]
        try:
            if self._is_each_apart:
                async with unit.part():
                    self._outcomes[step.number] = await do(unit, self._owner, step)
            else:
                self._outcomes[step.number] = await do(unit, self._owner, step)
        except Unavailable:
            raise
        except TaskwellError as error:
            if unit.is_over and not self._is_atomic:
                raise _StatementFailed from error
            self._refuse(step, error)

    def _refuse(self, step: Step, error: TaskwellError) -> None:
        if self._is_atomic:
            raise of_operation(step.number, error)
        self._outcomes[step.number] = error

    async def _created(self, unit: UnitOfWork, steps: Sequence[Step]) -> None:
        """What can be created by one statement, and then the rest in its order, each by itself: of an atomic batch the first that
        fails is the answer."""
        records = [_New(step, step.id, step.value) for step in steps if _is_fit(step)]
        kind = steps[0].noun.kind
        try:
            created = await Creating(unit, self._owner, is_shown=True, is_exact=True).create(kind, records)
        except InvalidInput as error:  # a value that cannot be stored
            raise _StatementFailed from error
        rows = {row["id"]: row for row in created.rows}
        fates = {one.step.number: fate for one, fate in zip(records, created.fates, strict=True)}
        for step in steps:
            fate = fates.get(step.number)
            if fate == "made":
                self._outcomes[step.number] = StepDone(step.id, self._rendered(unit, kind, rows[step.id]), is_new=True)
            elif isinstance(fate, Refused):
                self._refuse(step, fate.error)
            else:
                await self._one(unit, step)

    def _rendered(self, unit: UnitOfWork, kind: Kind, row: asyncpg.Record) -> Rendered:
        return Rendered(row["id"], row[kind.name], row["revision"], tag_of(tag_head(unit, self._owner.id), row["revision"]))

    def _placed(self, steps: Sequence[Step]) -> set[UUID]:
        """What Taskwell has given its place among its siblings, and not the client by a position of its own."""
        placed = set[UUID]()
        for step in steps:
            done = self._outcomes[step.number]
            if isinstance(done, StepDone) and done.record is not None and _may_place(step):
                given = getattr(step.value, "position", None)
                is_given = given is not None and json.loads(done.record.json)["position"] == given
                (placed.discard if is_given else placed.add)(done.id)
        return placed

    async def _fold_into_one_revision(self, unit: UnitOfWork, before: int, steps: Sequence[Step]) -> None:
        placed = [str(one) for one in self._placed(steps)]
        row = await row_for(unit, FOLD_INTO_ONE_REVISION, self._owner, before=before, placed=placed)
        assert row is not None
        if row["revision"] is None:
            return
        for noun in NOUNS.values():
            changed = {
                step.number: done
                for step in steps
                if step.noun is noun and isinstance(done := self._outcomes[step.number], StepDone) and _is_newer(done, before)
            }
            if changed:
                self._outcomes |= await self._as_stored(unit, noun.kind, changed, row["revision"])

    async def _as_stored(self, unit: UnitOfWork, kind: Kind, changed: Mapping[int, StepDone], revision: int) -> Outcomes:
        """Their tag stands for what is stored in the end: what an operation changed, later ones may have changed again."""
        head = tag_head(unit, self._owner.id)
        ids = [str(done.id) for done in changed.values()]
        rows = await unit.rows(SHOW[kind.name], owner=self._owner.id, tag_head=head, ids=ids)
        stored = {row["id"]: self._rendered(unit, kind, row) for row in rows}
        etag = tag_of(head, revision)
        return {
            number: done._replace(record=stored.get(done.id) or _gone(done, revision, etag)) for number, done in changed.items()
        }


class _New(NamedTuple):
    """What `Creating` takes, and whose it is."""

    step: Step
    id: UUID
    new: BaseModel
    created_at: None = None
    completed_at: None = None


def of_operation(number: int, error: TaskwellError) -> TaskwellError:
    error.details["operation"] = number
    return error


def _groups(steps: Sequence[Step]) -> Iterator[list[Step]]:
    """Creates of one kind that follow each other are a group, and all else is one by itself.

    What an earlier one names above itself begins a new group: when that one came, it was not there yet.
    """
    group: list[Step] = []
    above: set[UUID] = set()
    for step in steps:
        goes_along = bool(group) and group[0].op == step.op == "create" and group[0].noun is step.noun
        if group and (not goes_along or step.id in above):
            yield group
            group, above = [], set()
        group.append(step)
        if isinstance(step.value, NewTask) and step.value.parent_id is not None:
            above.add(step.value.parent_id)
    if group:
        yield group


def _is_fit(step: Step) -> bool:
    try:
        if isinstance(step.value, NewTask):
            writing.refuse_unfit(step.value)
    except InvalidInput:
        return False
    return True


def _may_place(step: Step) -> bool:
    return step.op in ("create", "move") or not _PLACING.isdisjoint(getattr(step.value, "model_fields_set", ()))


def _is_newer(done: StepDone, revision: int) -> bool:
    return done.record is not None and done.record.revision > revision


def _gone(done: StepDone, revision: int, etag: str) -> Rendered:
    """What a later operation has deleted, as it was before."""
    assert done.record is not None
    shown = json.loads(done.record.json) | {"revision": revision, "etag": etag}
    return Rendered(done.id, json.dumps(shown, separators=(",", ":")), revision, etag)


# ---- what does each operation ------------------------------------------------------------------------------------------


async def _create_task(unit: UnitOfWork, owner: Owner, one: Step) -> StepDone:
    record, is_new = await writing.create_task(unit, owner, one.value)
    return StepDone(record.id, record, is_new)


async def _create_limited(unit: UnitOfWork, owner: Owner, one: Step) -> StepDone:
    record, is_new = await limited.create(one.noun, unit, owner, one.value, one.value.id)
    return StepDone(record.id, record, is_new)


async def _change_task(unit: UnitOfWork, owner: Owner, one: Step) -> StepDone:
    known = {"if_match": one.if_match, "as_read": one.as_read}
    return StepDone(one.id, await writing.change_task(unit, owner, one.id, one.value, with_subtasks=one.with_subtasks, **known))


async def _change_list(unit: UnitOfWork, owner: Owner, one: Step) -> StepDone:
    return StepDone(one.id, await store.change(LISTS, unit, owner, one.id, one.value, if_match=one.if_match, as_read=one.as_read))


async def _change_label(unit: UnitOfWork, owner: Owner, one: Step) -> StepDone:
    known = {"if_match": one.if_match, "as_read": one.as_read}
    return StepDone(one.id, await change_label(unit, owner, one.id, one.value, is_merge=one.is_merge, **known))


async def _delete(unit: UnitOfWork, owner: Owner, one: Step) -> StepDone:
    delete, delete_for_good = _DELETE[one.noun.kind.name]
    await (delete_for_good if one.is_permanent else delete)(unit, owner, one.id, if_match=one.if_match)
    return StepDone(one.id, None)


async def _restore(unit: UnitOfWork, owner: Owner, one: Step) -> StepDone:
    record = await _RESTORE[one.noun.kind.name](unit, owner, one.id, if_match=one.if_match)
    return StepDone(record.id, record)


async def _complete_task(unit: UnitOfWork, owner: Owner, one: Step) -> StepDone:
    return StepDone(one.id, await writing.complete_task(unit, owner, one.id, one.value.occurrence, if_match=one.if_match))


async def _move_task(unit: UnitOfWork, owner: Owner, one: Step) -> StepDone:
    return StepDone(one.id, await move.move_task(unit, owner, one.id, one.value, if_match=one.if_match))


async def _move_list(unit: UnitOfWork, owner: Owner, one: Step) -> StepDone:
    return StepDone(one.id, await lists.move_list(unit, owner, one.id, one.value, if_match=one.if_match))


_DELETE: Final[dict[str, tuple[Callable[..., Awaitable[None]], Callable[..., Awaitable[None]]]]] = {
    "task": (subtasks.delete_task, delete_task_for_good),
    "list": (partial(limited.delete, LISTS), delete_list_for_good),
    "label": (partial(limited.delete, LABELS), delete_label_for_good),
}
"""Into the trash, and for good."""
_RESTORE: Final = {"task": restore_task, "list": restore_list, "label": restore_label}
_DO: Final[dict[tuple[str, str], Callable[[UnitOfWork, Owner, Step], Awaitable[StepDone]]]] = {
    ("create", "task"): _create_task,
    ("create", "list"): _create_limited,
    ("create", "label"): _create_limited,
    ("replace", "task"): _change_task,
    ("replace", "list"): _change_list,
    ("replace", "label"): _change_label,
    ("change", "task"): _change_task,
    ("change", "list"): _change_list,
    ("change", "label"): _change_label,
    **{("delete", kind): _delete for kind in NOUNS},
    **{("restore", kind): _restore for kind in NOUNS},
    ("complete", "task"): _complete_task,
    ("move", "task"): _move_task,
    ("move", "list"): _move_list,
}
