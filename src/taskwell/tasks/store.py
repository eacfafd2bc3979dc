"""What can be done with tasks: what can be done with any record (records/store.py), and what is about tasks alone."""

from functools import partial
from typing import Any
from uuid import UUID

from taskwell.accounts.owner import Owner
from taskwell.database.rows import Rows
from taskwell.database.unit_of_work import Writable
from taskwell.errors import TaskChanged, TaskExists, TaskIdTaken, TaskNotFound
from taskwell.records.paging import AS_IT_IS, Tailored
from taskwell.records.store import Noun, Refusals, Rendered, RenderedPage, Writes, change, create, list_page, place
from taskwell.tasks.filter import TaskFilter, TaskShape
from taskwell.tasks.labels.new import with_new_labels
from taskwell.tasks.orders import ORDERS
from taskwell.tasks.requests import NewTask, TaskChanges, WholeTask
from taskwell.tasks.statements import (
    CHANGE_TASK,
    CHANGE_TASK_AS_READ,
    CHANGE_WHOLE_TASK,
    CHANGE_WHOLE_TASK_AS_READ,
    CREATE_TASK,
    CREATE_TASK_AT,
    CREATE_WHOLE_TASK,
    CREATE_WHOLE_TASK_AT,
    DELETE_TASK,
    FILTER_TASKS,
    FIND_SAME_TASK,
    LIST_TASKS,
    PLACE_TASK,
    READ_TASK,
    TASK,
)
from taskwell.tasks.trash.purging import PURGE
from taskwell.types import Revisions

TASKS = Noun(
    kind=TASK,
    refusals=Refusals(TaskNotFound, TaskIdTaken, TaskChanged, TaskExists),
    read=READ_TASK,
    find_same=FIND_SAME_TASK,
    plain=Writes(CREATE_TASK, CREATE_TASK_AT, CHANGE_TASK, CHANGE_TASK_AS_READ),
    delete=DELETE_TASK,
    purge=PURGE,
    place=PLACE_TASK,
    whole=Writes(CREATE_WHOLE_TASK, CREATE_WHOLE_TASK_AT, CHANGE_WHOLE_TASK, CHANGE_WHOLE_TASK_AS_READ),
)


async def list_tasks_page(
    rows: Rows,
    owner: Owner,
    asked: TaskFilter,
    *,
    limit: int,
    cursor: str | None,
    if_none_match: Revisions | None,
    tailored: Tailored = AS_IT_IS,
) -> RenderedPage:
    """One page. What follows from the present has no ETag: time goes by without a write."""
    shape = asked.shape(is_resumed=cursor is not None, is_tailored=tailored != AS_IT_IS)
    filtered = asked.arguments(shape)
    if isinstance(shape, TaskShape):
        statement = LIST_TASKS[shape]
    else:
        statement = FILTER_TASKS[shape]
        filtered |= tailored.arguments
    how: dict[str, Any] = {"limit": limit, "cursor": cursor, "filtered": filtered, "named": asked.named}
    if not asked.is_of_the_present:
        return await list_page(statement, ORDERS[shape.order], rows, owner, asked, **how, if_none_match=if_none_match)
    page = await list_page(statement, ORDERS[shape.order], rows, owner, asked, **how, if_none_match=None)
    return page._replace(etag=None)


async def create_task(db: Writable, owner: Owner, new: NewTask) -> tuple[Rendered, bool]:
    """The task, and whether this request made it."""
    return await with_new_labels(db, owner, new.labels or (), lambda rows: create(TASKS, rows, owner, new, new.id))


async def place_task(db: Writable, owner: Owner, task_id: UUID, new: WholeTask) -> Rendered:
    """Create the task at this id."""
    return await with_new_labels(db, owner, new.labels or (), lambda rows: place(TASKS, rows, owner, task_id, new))


async def change_task(
    db: Writable,
    owner: Owner,
    task_id: UUID,
    changes: WholeTask | TaskChanges,
    *,
    if_match: Revisions | None,
    as_read: Revisions | None,
) -> Rendered:
    """PATCH and PUT."""
    write = partial(change, TASKS, owner=owner, record_id=task_id, changes=changes, if_match=if_match, as_read=as_read)
    return await with_new_labels(db, owner, changes.labels or (), lambda rows: write(rows=rows))
