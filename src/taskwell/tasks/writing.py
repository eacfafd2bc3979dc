"""Writing a task: what its fields have to be to each other, beside what is done in a tree of tasks (tasks/subtasks.py)."""

from uuid import UUID

from taskwell.accounts.owner import Owner, unit_for
from taskwell.database.unit_of_work import UnitOfWork, Writable
from taskwell.errors import InvalidInput, OccurrenceNotOpen
from taskwell.records import store
from taskwell.records.revisions import is_stale
from taskwell.records.store import NeedsUnitOfWork, Rendered
from taskwell.tasks import store as of_tasks
from taskwell.tasks import subtasks
from taskwell.tasks.due import refuse_start_after_due
from taskwell.tasks.occurrences.store import Present, finishing, keep, present
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
    rests_on_stored = _rests_on_what_is_stored(changes)
    if not with_subtasks and not rests_on_stored:
        try:
            return await of_tasks.change_task(db, owner, task_id, changes, if_match=if_match, as_read=as_read)
        except NeedsUnitOfWork:
            pass
    async with unit_for(db, owner) as unit:
        if rests_on_stored:
            await _refuse_unfit_changes(unit, owner, task_id, changes, known=(if_match, as_read))
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
    is_repeatable = is_explicit or unit.is_done_once or any(each is not None for each in known)
    meant, finished = await finishing(unit, owner, task_id, changes, known=known, is_repeatable=is_repeatable)
    task = await subtasks.change_in_tree(
        unit, owner, task_id, meant, if_match=if_match, as_read=as_read, with_subtasks=with_subtasks
    )
    if finished is None:
        return task
    await keep(unit, owner, task_id, finished, changed=task.revision)
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


def _rests_on_what_is_stored(changes: WholeTask | TaskChanges) -> bool:
    """Whether the changes fit depends on what they leave alone, or they do not fit unless they are stored so already."""
    named = changes.model_fields_set
    if "due" in named and changes.due is None and not named >= {"reminders", "recurrence"}:
        return True
    try:
        refuse_unfit(changes)
    except InvalidInput:
        return True
    return False


async def _refuse_unfit_changes(
    unit: UnitOfWork, owner: Owner, task_id: UUID, changes: WholeTask | TaskChanges, *, known: tuple[Revisions | None, ...]
) -> None:
    """Raises InvalidInput, but not for what is stored so already: a task can be sent back as it was read."""
    stored = await present(unit, owner, task_id, None)
    if stored is None or is_stale(stored.revision, *known):
        return  # the statement that changes says so
    named = changes.model_fields_set & {"due", "start", "reminders", "recurrence"}
    meant = stored._replace(**{name: getattr(changes, name) for name in named})
    if (meant.start, meant.due) != (stored.start, stored.due):
        refuse_start_after_due(changes)
    _refuse_lacking_due(meant)
    if meant.recurrence != stored.recurrence:
        refuse_endless_search(meant.recurrence, meant.due)


def refuse_unfit(task: NewTask | WholeTask | TaskChanges) -> None:
    """Raises InvalidInput for fields that do not go together."""
    _refuse_lacking_due(task)
    refuse_endless_search(task.recurrence, task.due)
    refuse_start_after_due(task)


def _refuse_lacking_due(task: NewTask | WholeTask | TaskChanges | Present) -> None:
    """Raises InvalidInput for the fields that say nothing without a `due`, where there is none."""
    if task.due is not None:
        return
    lacking = {"reminders": any(one.minutes_before is not None for one in task.reminders or ()), "recurrence": task.recurrence}
    fields = [{"field": name, "code": "needs_due", "message": "needs a due"} for name, is_there in lacking.items() if is_there]
    if fields:
        raise InvalidInput(fields=fields)
