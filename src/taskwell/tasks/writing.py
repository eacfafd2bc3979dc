"""Writing a task: what its fields have to be to each other, beside what is done in a tree of tasks (tasks/subtasks.py)."""

from collections.abc import Iterator
from uuid import UUID

from taskwell.accounts.owner import Owner, unit_for
from taskwell.database.connection import Database
from taskwell.errors import InvalidInput
from taskwell.records.store import Rendered
from taskwell.tasks import subtasks
from taskwell.tasks.due import refuse_start_after_due
from taskwell.tasks.requests import NewTask, TaskChanges, WholeTask
from taskwell.types import Revisions


async def create_task(db: Database, owner: Owner, new: NewTask) -> tuple[Rendered, bool]:
    """The task, and whether this request made it. Raises InvalidInput for fields that do not go together."""
    _refuse_unfit(new)
    refuse_start_after_due(new)
    return await subtasks.create_task(db, owner, new)


async def place_task(db: Database, owner: Owner, task_id: UUID, whole: WholeTask) -> Rendered:
    """Create the task at this id, likewise."""
    _refuse_unfit(whole)
    refuse_start_after_due(whole)
    return await subtasks.place_task(db, owner, task_id, whole)


async def change_task(
    db: Database,
    owner: Owner,
    task_id: UUID,
    changes: WholeTask | TaskChanges,
    *,
    if_match: Revisions | None,
    as_read: Revisions | None,
    with_subtasks: bool,
) -> Rendered:
    """PATCH and PUT, likewise. Where what is stored decides, it is looked at once the change is made, and before it is
    committed."""
    refuse_start_after_due(changes)
    if not _rests_on_what_is_stored(changes):
        return await subtasks.change_task(
            db, owner, task_id, changes, if_match=if_match, as_read=as_read, with_subtasks=with_subtasks
        )
    async with unit_for(db, owner) as unit:
        task = await subtasks.change_in_tree(
            unit, owner, task_id, changes, if_match=if_match, as_read=as_read, with_subtasks=with_subtasks
        )
        _refuse_unfit(WholeTask.model_validate_json(task.json))
        return task


def _rests_on_what_is_stored(changes: WholeTask | TaskChanges) -> bool:
    given = changes.model_fields_set & {"due", "reminders"}
    if not given or changes.due is not None:
        return False
    return "due" in given or any(_lacking_due(changes))


def _refuse_unfit(task: NewTask | WholeTask) -> None:
    """Raises InvalidInput."""
    lacking = [{"field": name, "code": "needs_due", "message": "needs a due"} for name in _lacking_due(task)]
    if lacking:
        raise InvalidInput(fields=lacking)


def _lacking_due(task: NewTask | WholeTask | TaskChanges) -> Iterator[str]:
    """The fields that say nothing without a `due`, where there is none."""
    if task.due is None and any(one.minutes_before is not None for one in task.reminders or ()):
        yield "reminders"
