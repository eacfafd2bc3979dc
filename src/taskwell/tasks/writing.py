"""Writing a task: what its fields have to be to each other, beside what is done in a tree of tasks (tasks/subtasks.py)."""

from collections.abc import Collection, Iterator
from uuid import UUID

from taskwell.accounts.owner import Owner, unit_for
from taskwell.database.unit_of_work import UnitOfWork, Writable
from taskwell.errors import InvalidInput, OccurrenceNotOpen
from taskwell.records import store
from taskwell.records.store import NeedsUnitOfWork, Rendered
from taskwell.tasks import store as of_tasks
from taskwell.tasks import subtasks
from taskwell.tasks.due import refuse_start_after_due
from taskwell.tasks.occurrences.store import finishing, keep, present
from taskwell.tasks.recurrence import refuse_endless_search
from taskwell.tasks.requests import NewTask, TaskChanges, WholeTask
from taskwell.tasks.store import TASKS
from taskwell.types import Revisions


async def create_task(db: Writable, owner: Owner, new: NewTask) -> tuple[Rendered, bool]:
    """The task, and whether this request made it. Raises InvalidInput for fields that do not go together."""
    refuse_unfit(new)
    return await subtasks.create_task(db, owner, new)


async def place_task(db: Writable, owner: Owner, task_id: UUID, whole: WholeTask) -> Rendered:
    """Create the task at this id, likewise."""
    refuse_unfit(whole)
    return await subtasks.place_task(db, owner, task_id, whole)


async def change_task(
    db: Writable,
    owner: Owner,
    task_id: UUID,
    changes: WholeTask | TaskChanges,
    *,
    if_match: Revisions | None,
    as_read: Revisions | None,
    with_subtasks: bool,
) -> Rendered:
    """PATCH and PUT, likewise. What is below the task goes where it goes, and `with_subtasks` it is completed where the task is.

    Most changes are one statement. What rests on what is stored is done in a unit of work.
    """
    refuse_start_after_due(changes)
    if not with_subtasks and not _rests_on_what_is_stored(changes):
        try:
            return await of_tasks.change_task(db, owner, task_id, changes, if_match=if_match, as_read=as_read)
        except NeedsUnitOfWork:
            pass
    async with unit_for(db, owner) as unit:
        return await _change_in_unit(
            unit, owner, task_id, changes, if_match=if_match, as_read=as_read, with_subtasks=with_subtasks
        )


async def _change_in_unit(
    unit: UnitOfWork,
    owner: Owner,
    task_id: UUID,
    changes: WholeTask | TaskChanges,
    *,
    if_match: Revisions | None,
    as_read: Revisions | None = None,
    with_subtasks: bool = False,
    is_explicit: bool = False,
) -> Rendered:
    known = (if_match, as_read)
    is_repeatable = is_explicit or any(each is not None for each in known)
    meant, finished = await finishing(unit, owner, task_id, changes, known=known, is_repeatable=is_repeatable)
    task = await subtasks.change_in_tree(
        unit, owner, task_id, meant, if_match=if_match, as_read=as_read, with_subtasks=with_subtasks
    )
    if finished is None:
        if not changes.model_fields_set.isdisjoint(_TOGETHER):
            _refuse_unfit(WholeTask.model_validate_json(task.json), changes.model_fields_set)
        return task
    await keep(unit, owner, task_id, finished)
    return await store.read(TASKS, unit, owner, task_id)


async def complete_task(
    db: Writable, owner: Owner, task_id: UUID, occurrence: str | None, *, if_match: Revisions | None
) -> Rendered:
    """Complete the task, or finish an occurrence of one that recurs: that one, or the present one.

    Raises OccurrenceNotOpen for another one that was not finished before.
    """
    done = TaskChanges.model_validate({"is_completed": True})
    if occurrence is None:
        try:
            return await of_tasks.change_task(db, owner, task_id, done, if_match=if_match, as_read=None)
        except NeedsUnitOfWork:
            pass
    async with unit_for(db, owner) as unit:
        task = await present(unit, owner, task_id, occurrence)
        if task is not None and occurrence is not None and (if_match is None or task.revision in if_match):
            is_present = task.due is not None and task.due.date == occurrence
            if task.is_finished and not (is_present and not task.is_completed):
                return await store.read(TASKS, unit, owner, task_id)
            if not is_present:
                raise OccurrenceNotOpen
        return await _change_in_unit(unit, owner, task_id, done, if_match=if_match, is_explicit=True)


_TOGETHER = {"due", "reminders", "recurrence"}


def _rests_on_what_is_stored(changes: WholeTask | TaskChanges) -> bool:
    given = changes.model_fields_set & _TOGETHER
    if not given or (changes.due is not None and "recurrence" not in given):
        return False
    return "due" in given or "recurrence" in given or any(_lacking_due(changes))


def refuse_unfit(task: NewTask | WholeTask) -> None:
    """Raises InvalidInput for fields of a new task that do not go together."""
    _refuse_unfit(task)
    refuse_start_after_due(task)


def _refuse_unfit(task: NewTask | WholeTask, named: Collection[str] = ("recurrence",)) -> None:
    """Raises InvalidInput. A rule is tried where it is `named`: editing `due` never touches the rule."""
    lacking = [{"field": name, "code": "needs_due", "message": "needs a due"} for name in _lacking_due(task)]
    if lacking:
        raise InvalidInput(fields=lacking)
    if "recurrence" in named:
        refuse_endless_search(task.recurrence, task.due)


def _lacking_due(task: NewTask | WholeTask | TaskChanges) -> Iterator[str]:
    """The fields that say nothing without a `due`, where there is none."""
    if task.due is None and any(one.minutes_before is not None for one in task.reminders or ()):
        yield "reminders"
    if task.due is None and task.recurrence is not None:
        yield "recurrence"
