"""How far the subtasks of a task are: a read that asks for it (`expand=progress`) shows how many are done, and of how many."""

from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import and_, func, select, true

from taskwell.accounts.may_act import owner, owner_may_act, users
from taskwell.accounts.owner import Owner, row_for
from taskwell.database.rows import Rows
from taskwell.database.statement import Statement
from taskwell.database.view import as_json
from taskwell.errors import TaskNotFound
from taskwell.records.store import Rendered
from taskwell.records.tags import tag_head
from taskwell.tasks.statements import TASK
from taskwell.tasks.tables import StoredTask, tasks


class Progress(BaseModel):
    """How many of the direct subtasks of a task are done, and how many there are."""

    model_config = ConfigDict(extra="forbid")

    done: Annotated[int, Field(ge=0)]
    all: Annotated[int, Field(ge=0)]


class TaskView(StoredTask):
    """A task, as the API shows it. Times are RFC 3339 in UTC, with six digits of fraction."""

    progress: Annotated[Progress, Field(default=None, description="Of its direct subtasks; with `expand=progress`")]


def _read() -> Any:
    child = tasks.alias("child")
    is_live = child.c.deleted_at.is_(None)
    children = (
        select(
            func.count().filter(and_(is_live, child.c.is_completed)).label("done"),
            func.count().filter(is_live).label("all"),
            # Of the deleted ones too, so that no two states of them have the same tag.
            func.coalesce(func.max(child.c.revision), 0).label("revision"),
        )
        .where(child.c.user_id == owner, child.c.parent_id == TASK.id)
        .cte("children")
    )
    progress = func.json_build_object("done", children.c.done, "all", children.c.all).label("progress")
    one = select(*TASK.shown(tasks), progress).select_from(tasks.join(children, true())).where(TASK.live, tasks.c.id == TASK.id)
    task = one.subquery("task")
    below = func.concat_ws(".", children.c.revision, children.c.done, children.c.all).label("below")
    return (
        select(as_json(task).label("task"), task.c.revision, below)
        .select_from(users.join(children, true()).outerjoin(task, true()))
        .where(owner_may_act())
    )


READ_TASK_WITH_PROGRESS = Statement("read_task_with_progress", _read)
"""One task as `read_task` shows it, and the progress of its subtasks. `below` differs whenever that can differ."""


async def read_with_progress(rows: Rows, whose: Owner, task_id: UUID) -> Rendered:
    """The tag is of the task and of its subtasks. Where a write is made under it, it stands for the task alone."""
    head = tag_head(rows, whose.id)
    row = await row_for(rows, READ_TASK_WITH_PROGRESS, whose, task_id=task_id, tag_head=head)
    if row is None or row["revision"] is None:
        raise TaskNotFound
    return Rendered(task_id, row["task"], row["revision"], f'{head}{row["revision"]}+{row["below"]}p"')
