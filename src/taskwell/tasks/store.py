"""What can be done with tasks: what can be done with any record (records/store.py), and what is about tasks alone."""

from taskwell.accounts.owner import Owner
from taskwell.database.rows import Rows
from taskwell.errors import TaskChanged, TaskExists, TaskIdTaken, TaskNotFound
from taskwell.records.paging import BY_CREATION
from taskwell.records.store import Noun, Refusals, RenderedPage, Writes, list_page
from taskwell.tasks.filter import TaskFilter
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
    FIND_SAME_TASK,
    LIST_TASKS,
    PLACE_TASK,
    READ_TASK,
    TASK,
)
from taskwell.types import Revisions

TASKS = Noun(
    kind=TASK,
    refusals=Refusals(TaskNotFound, TaskIdTaken, TaskChanged, TaskExists),
    read=READ_TASK,
    find_same=FIND_SAME_TASK,
    plain=Writes(CREATE_TASK, CREATE_TASK_AT, CHANGE_TASK, CHANGE_TASK_AS_READ),
    delete=DELETE_TASK,
    place=PLACE_TASK,
    whole=Writes(CREATE_WHOLE_TASK, CREATE_WHOLE_TASK_AT, CHANGE_WHOLE_TASK, CHANGE_WHOLE_TASK_AS_READ),
)


async def list_tasks_page(
    rows: Rows, owner: Owner, asked: TaskFilter, *, limit: int, cursor: str | None, if_none_match: Revisions | None
) -> RenderedPage:
    statement = LIST_TASKS[asked.shape(is_resumed=cursor is not None)]
    sort, filtered = BY_CREATION[asked.order], asked.arguments
    return await list_page(
        statement, sort, rows, owner, asked, limit=limit, cursor=cursor, if_none_match=if_none_match, filtered=filtered
    )
