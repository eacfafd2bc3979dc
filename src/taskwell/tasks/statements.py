"""The SQL of tasks. Each statement does one request's whole work: may the account act, is the task there, is the condition met,
change it, count the revision, render the answer.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from sqlalchemy import (
    ARRAY,
    CTE,
    ColumnElement,
    DateTime,
    FromClause,
    Integer,
    Select,
    String,
    Text,
    Uuid,
    and_,
    case,
    cast,
    delete,
    func,
    not_,
    null,
    or_,
    select,
    true,
    update,
)
from sqlalchemy.dialects.postgresql import insert

from taskwell.accounts.locking import locked_owner
from taskwell.accounts.may_act import owner, users
from taskwell.accounts.wall_time import wall_time
from taskwell.database.shapes import Shapes
from taskwell.database.statement import Statement, argument
from taskwell.database.statement_of_set import in_sets
from taskwell.labels.statements import LABEL
from taskwell.lists.statements import LIST
from taskwell.records import many, reading, writing
from taskwell.records.asked import ONE, Asked, Each
from taskwell.records.folding import fold, fold_names
from taskwell.records.kinds import Kind
from taskwell.records.ordering import placed
from taskwell.records.paging import page
from taskwell.records.searched import Fold
from taskwell.records.trash import have_old
from taskwell.records.writing import Values
from taskwell.tasks.due import on_clocks_by
from taskwell.tasks.filter import FILTERED_SHAPES, SHAPES, UNKNOWN_LABEL, FilteredShape, TaskShape
from taskwell.tasks.orders import ORDERS
from taskwell.tasks.requests import NewTask, TaskChanges, WholeTask
from taskwell.tasks.tables import StoredTask, departures, occurrences, tasks

_REFERENCES: dict[str, Kind] = {"list_id": LIST}
_SEARCHED: dict[str, Fold] = {"title": fold, "description": fold, "labels": fold_names}
TASK = Kind(
    "task",
    tasks,
    StoredTask,
    NewTask,
    WholeTask,
    TaskChanges,
    references=_REFERENCES,
    by_name={"labels": LABEL},
    searched=_SEARCHED,
    decisive=("is_parent",),
    follows=on_clocks_by,
)
_REFERENCES["parent_id"] = TASK  # a kind that names itself

HAS_OLD = have_old([TASK, LIST, LABEL])
"""What a deletion says as well, so that it takes a few with it."""


def derived(content: Values, stamp: FromClause, before: FromClause | None) -> Values:
    # Changing the title of a completed task does not complete it again.
    completed_at = stamp.c.at if before is None else func.coalesce(before.c.completed_at, stamp.c.at)
    position = placed(content, stamp, before, among=["list_id", "parent_id"])
    sorts = {f"{name}_sort": _on_clocks(name, stamp, before) for name in ("due", "start") if name in content}
    return {"completed_at": case((content["is_completed"], completed_at), else_=null()), **position, **sorts}


def _on_clocks(name: str, stamp: FromClause, before: FromClause | None) -> ColumnElement[Any]:
    instant = argument(f"{name}_at", DateTime(timezone=True))
    given = func.coalesce(argument(f"{name}_wall", DateTime(timezone=False)), wall_time(stamp.c.time_zone, instant))
    return given if before is None else case((TASK.content.given[name], given), else_=before.c[f"{name}_sort"])


def _is_parent(current: CTE, _: Values) -> ColumnElement[bool]:
    return current.c.is_parent


def _is_of_a_tree(current: CTE, new: Values) -> ColumnElement[bool]:
    """The task changes its place, and has subtasks or is one, before or after."""
    moves = or_(*(new[name].is_distinct_from(current.c[name]) for name in ("list_id", "parent_id")))
    return and_(moves, or_(current.c.is_parent, current.c.parent_id.is_not(None), new["parent_id"].is_not(None)))


def _recurs(current: CTE, new: Values) -> ColumnElement[bool]:
    """The task would be completed, and recurs: only its present occurrence is (tasks/occurrences/store.py)."""
    recurrence = new.get("recurrence", current.c.recurrence)
    return and_(new["is_completed"], not_(current.c.is_completed), recurrence.is_not(None))


def _decides_elsewhere(current: CTE, new: Values) -> ColumnElement[bool]:
    return or_(_is_of_a_tree(current, new), _recurs(current, new))


def _occurrences_gone(before: CTE, placed: FromClause) -> Sequence[CTE]:
    """Of the task that was deleted nothing stays."""
    gone = delete(occurrences).where(
        occurrences.c.user_id == owner,
        occurrences.c.user_id == before.c.user_id,
        occurrences.c.task_id == before.c.id,
        placed.c.revision.is_not(None),
    )
    return [*departed(before, placed), gone.cte("occurrences_gone")]


def departed(current: CTE, moved: FromClause) -> Sequence[CTE]:
    """A task that moves leaves a note in the list that it left, and takes away the one where it comes back."""
    has_moved = current.c.list_id.is_distinct_from(moved.c.list_id)
    row = [owner, current.c.list_id, current.c.id, moved.c.revision]
    note = insert(departures).from_select(
        ["user_id", "list_id", "task_id", "revision"],
        select(*row).select_from(current.join(moved, true())).where(current.c.list_id.is_not(None), has_moved),
    )
    noted = note.on_conflict_do_update(
        index_elements=[departures.c.user_id, departures.c.list_id, departures.c.task_id],
        set_={"revision": note.excluded.revision},
        where=departures.c.user_id == owner,
    )
    came_back = delete(departures).where(
        departures.c.user_id == owner,
        departures.c.user_id == current.c.user_id,
        departures.c.task_id == current.c.id,
        departures.c.list_id == moved.c.list_id,
        has_moved,
    )
    return noted.cte("noted"), came_back.cte("came_back")


def _tasks_of_list(list_: CTE, doomed: FromClause) -> Sequence[CTE]:
    """They are deleted under the list's own revision, and say what they were deleted with, so that they can come back with it."""
    deleted = (
        update(tasks)
        .values(deleted_at=doomed.c.at, updated_at=doomed.c.at, revision=doomed.c.revision, deleted_with=list_.c.id)
        .where(TASK.live, tasks.c.user_id == list_.c.user_id, tasks.c.list_id == list_.c.id)
    )
    return [deleted.cte("deleted_with_it")]


READ_TASK = in_sets(Statement("read_task", lambda: reading.read(TASK)))
"""One task. No row: the account may not act. NULL: there is no such task."""

FIND_SAME_TASK = Statement("find_same_task", lambda: reading.read_same(TASK))
"""After a create met a taken id: is what stands there what was sent?"""


_PLACE = {"anywhere": "", "inbox": "_in_inbox", "list": "_in_list"}


def _progress(task: FromClause) -> Sequence[ColumnElement[Any]]:
    child = tasks.alias("child")
    is_below = and_(child.c.user_id == owner, child.c.parent_id == task.c.id, child.c.deleted_at.is_(None))
    counts = func.json_build_object("done", func.count().filter(child.c.is_completed), "all", func.count())
    return [select(counts).where(is_below).correlate(task).scalar_subquery().label("progress")]


def _list(shape: TaskShape) -> Statement:
    which = {None: "all", True: "completed", False: "open"}[shape.completed]
    name = f"list_tasks_{shape.order}_{which}{_PLACE[shape.where]}{'_resumed' if shape.is_resumed else ''}"
    sort = ORDERS[shape.order]
    return in_sets(Statement(name, page(TASK, shape.conditions, sort, is_resumed=shape.is_resumed, named=shape.named)))


def _filtered_list(shape: FilteredShape) -> Statement:
    name = f"filter_tasks_{shape.order}{_PLACE[shape.where]}{'_resumed' if shape.is_resumed else ''}"
    named = {**shape.named, "parent_id": TASK}
    how: dict[str, Any] = {"is_resumed": shape.is_resumed, "named": named, "unknown": UNKNOWN_LABEL, "is_tailored": True}
    return Statement(name, page(TASK, shape.conditions, ORDERS[shape.order], **how, more=_progress))


LIST_TASKS = Shapes(SHAPES, _list)
"""One page of a user's tasks. Each shape has a statement of its own, and so an index of its own."""

FILTER_TASKS = Shapes(FILTERED_SHAPES, _filtered_list)
"""The same with any filter, in any order, with chosen fields, and counted."""


def _write(name: str, build: Callable[[Asked], Select[Any]], *, repeatable: bool | None = None) -> Statement:
    return in_sets(Statement(name, partial(build, ONE), repeatable=repeatable), lambda _, types: build(Each(types)))


CREATE_TASK = _write("create_task", partial(writing.created, TASK, derived), repeatable=True)
"""At an id that we chose: when a repetition finds the id taken, the first try was committed."""

CREATE_TASK_AT = _write("create_task_at", partial(writing.created, TASK, derived))
"""At an id that the client chose."""

CHANGE_TASK = _write("change_task", partial(writing.changed, TASK, derived, held=_recurs))
"""PATCH and PUT of a task, under the revisions that the client accepts."""

CHANGE_TASK_AS_READ = _write("change_task_as_read", partial(writing.changed, TASK, derived, is_sent_back=True, held=_recurs))
"""PATCH and PUT of a task by who sends back what was read: its revision and what only Taskwell sets are compared."""

_created = partial(writing.created, TASK, derived, ONE, is_whole=True)
_changed = partial(writing.changed, TASK, derived, ONE, is_whole=True, beside=departed)
_changed_alone = partial(_changed, held=_decides_elsewhere)

CREATE_WHOLE_TASK = Statement("create_whole_task", _created, repeatable=True)
"""Of a request that says more than tasks began with, at an id that we chose. What it names is locked, or `unknown` says so."""

CREATE_WHOLE_TASK_AT = Statement("create_whole_task_at", _created)
"""Likewise, at an id that the client chose."""

CHANGE_WHOLE_TASK = Statement("change_whole_task", _changed_alone)
"""PATCH and PUT of a task that say more than tasks began with. A list that it leaves keeps a note. Nothing moves in a tree."""

CHANGE_WHOLE_TASK_AS_READ = Statement("change_whole_task_as_read", lambda: _changed_alone(is_sent_back=True))
"""Likewise, by who sends back what was read."""

CHANGE_TASK_IN_TREE = Statement("change_task_in_tree", _changed)
"""Likewise, also where the task moves in a tree: in a unit of work, which has looked at the tree (tasks/subtasks.py)."""

CHANGE_TASK_IN_TREE_AS_READ = Statement("change_task_in_tree_as_read", lambda: _changed(is_sent_back=True))
"""Likewise, by who sends back what was read."""

DELETE_TASK = _write("delete_task", partial(writing.deleted, TASK, held=_is_parent, more=[HAS_OLD]))
"""A deleted task keeps its row, so that what changed since can be told. One that has subtasks stays."""

DELETE_PARENT = Statement("delete_parent", lambda: writing.deleted(TASK, ONE, more=[HAS_OLD]))
"""A task that may have subtasks is deleted. In a unit of work, which deletes them as well."""

PLACE_TASK = Statement("place_task", lambda: writing.placed(TASK, derived, beside=_occurrences_gone))
"""PUT with `If-None-Match: *`: only where no live task stands; a deleted one's id may be used again."""

ZONED_TASKS = Statement(
    "zoned_tasks",
    lambda: (
        select(tasks.c.id, tasks.c.due, tasks.c.start)
        .select_from(tasks.join(users, users.c.id == tasks.c.user_id))
        .where(
            tasks.c.user_id == owner, tasks.c.id > argument("after", Uuid()), users.c.time_zone != argument("time_zone", String())
        )
        .where(or_(*(func.jsonb_extract_path_text(when, "time_zone").is_not(None) for when in (tasks.c.due, tasks.c.start))))
        .order_by(tasks.c.id)
        .limit(argument("limit", Integer()))
    ),
)
"""Those that are due at a moment, or begin at one, some at a time: in another zone clocks show another time at it."""


def _on_other_clocks() -> Select[Any]:
    me = locked_owner()
    columns = (argument(name, ARRAY(Text())) for name in ("ids", "due_ats", "start_ats"))
    given = func.unnest(*columns).table_valued("id", "due_at", "start_at").render_derived(name="given")
    zone = argument("time_zone", String())
    sorts = {f"{name}_sort": wall_time(zone, cast(given.c[f"{name}_at"], DateTime(timezone=True))) for name in ("due", "start")}
    moved = (
        update(tasks)
        .values({name: func.coalesce(sort, tasks.c[name]) for name, sort in sorts.items()})
        .where(tasks.c.user_id == owner, tasks.c.user_id == me.c.id, tasks.c.id == cast(given.c.id, Uuid()))
        .returning(tasks.c.id)
        .cte("moved")
    )
    return select(func.count()).select_from(moved)


SHOW_ON_OTHER_CLOCKS = Statement("show_on_other_clocks", _on_other_clocks)
"""The times by which tasks are sorted, in another zone. Nothing that is shown of a task changes, nor does its revision."""

DELETE_LIST = Statement("delete_list", lambda: writing.deleted(LIST, ONE, beside=_tasks_of_list, more=[HAS_OLD]))
"""A list with its tasks. In a unit of work, since which tasks they are is decided after the lock."""

EXPORT_TASKS = Statement(
    "export_tasks", lambda: many.exported(TASK, tasks.c.completed_occurrence.is_not(None).label("has_occurrences"))
)
"""One step of an export: tasks in the order of their creation."""

LOOK_UP_TASKS = Statement("look_up_tasks", lambda: many.found(TASK))
"""Before an import makes tasks: which of their ids are taken, and where are the tasks that they name?"""

IMPORT_TASKS = Statement("import_tasks", lambda: many.imported(TASK, derived))
"""Many new tasks under one revision. In a unit of work, since what they name is decided after the lock."""

CREATE_TASKS = Statement("create_tasks", lambda: many.imported(TASK, derived, is_shown=True))
"""Likewise, and each is shown."""
