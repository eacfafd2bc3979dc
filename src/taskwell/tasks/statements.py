"""The SQL of tasks. Each statement does one request's whole work: may the account act, is the task there, is the condition met,
change it, count the revision, render the answer.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

from sqlalchemy import ColumnElement, FromClause, Select, case, func, null

from taskwell.database.shapes import Shapes
from taskwell.database.statement import Statement
from taskwell.database.statement_of_set import in_sets
from taskwell.records import reading, writing
from taskwell.records.asked import ONE, Asked, Each
from taskwell.records.kinds import Kind
from taskwell.records.paging import page
from taskwell.records.writing import Values
from taskwell.tasks.filter import SHAPES, SORTS, TaskShape
from taskwell.tasks.requests import NewTask, TaskChanges, WholeTask
from taskwell.tasks.tables import TaskView, tasks

TASK = Kind("task", tasks, TaskView, NewTask, WholeTask, TaskChanges)


def _derived(content: Values, at: ColumnElement[object], before: FromClause | None) -> Values:
    # Changing the title of a completed task does not complete it again.
    completed_at = at if before is None else func.coalesce(before.c.completed_at, at)
    return {"completed_at": case((content["is_completed"], completed_at), else_=null())}


READ_TASK = in_sets(Statement("read_task", reading.read(TASK)))
"""One task. No row: the account may not act. NULL: there is no such task."""

FIND_SAME_TASK = Statement("find_same_task", reading.read_same(TASK))
"""After a create met a taken id: is what stands there what was sent?"""


def _list(shape: TaskShape) -> Statement:
    which = {None: "all", True: "completed", False: "open"}[shape.completed]
    name = f"list_tasks_{shape.order}_{which}{'_resumed' if shape.is_resumed else ''}"
    return in_sets(Statement(name, page(TASK, shape.conditions, SORTS[shape.order], is_resumed=shape.is_resumed)))


LIST_TASKS = Shapes(SHAPES, _list)
"""One page of a user's tasks. Each shape has a statement of its own, and so an index of its own."""


def _write(name: str, build: Callable[[Asked], Select[Any]], *, repeatable: bool | None = None) -> Statement:
    return in_sets(Statement(name, build(ONE), repeatable=repeatable), lambda _, types: build(Each(types)))


CREATE_TASK = _write("create_task", partial(writing.created, TASK, _derived), repeatable=True)
"""At an id that we chose: when a repetition finds the id taken, the first try was committed."""

CREATE_TASK_AT = _write("create_task_at", partial(writing.created, TASK, _derived))
"""At an id that the client chose."""

CHANGE_TASK = _write("change_task", partial(writing.changed, TASK, _derived))
"""PATCH and PUT of a task, under the revisions that the client accepts."""

CHANGE_TASK_AS_READ = _write("change_task_as_read", partial(writing.changed, TASK, _derived, is_sent_back=True))
"""PATCH and PUT of a task by who sends back what was read: its revision and what only Taskwell sets are compared."""

DELETE_TASK = _write("delete_task", partial(writing.deleted, TASK))
"""A deleted task keeps its row, so that what changed since can be told."""

PLACE_TASK = Statement("place_task", writing.placed(TASK, _derived))
"""PUT with `If-None-Match: *`: only where no live task stands; a deleted one's id may be used again."""
