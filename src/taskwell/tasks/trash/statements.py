"""The SQL of tasks and lists in the trash, which come back together. All of it is for a unit of work: the owner is locked.

What went with a record says so (`deleted_with`), and was deleted at the same moment. So what was deleted before it stays in the
trash, and so does what is left of a record at whose id another one was made since.
"""

from typing import Any

from sqlalchemy import (
    CTE,
    ColumnElement,
    FromClause,
    Select,
    Uuid,
    and_,
    case,
    func,
    null,
    select,
    true,
    union_all,
    update,
)
from sqlalchemy.sql.dml import Update

from taskwell.accounts.locking import turn
from taskwell.accounts.may_act import owner
from taskwell.database.statement import Statement, argument
from taskwell.lists.statements import LIST, LISTS_PER_USER
from taskwell.lists.tables import lists
from taskwell.records.asked import ONE
from taskwell.records.trash import back, found_in_trash, has_room, in_trash, trashed
from taskwell.records.writing import rendered
from taskwell.tasks.statements import TASK, departed
from taskwell.tasks.tables import tasks
from taskwell.tasks.tree import below

# ---- a task, with what is below it -------------------------------------------------------------------------------------


def _went_with(record: CTE) -> CTE:
    """What was deleted with the task: `level` is how far below it."""
    with_which = func.coalesce(record.c.deleted_with, record.c.id).label("with_which")
    top = select(record.c.user_id, record.c.id, record.c.deleted_at, with_which).select_from(record).cte("top")

    def is_part(above: FromClause) -> ColumnElement[bool]:
        return and_(in_trash(TASK), tasks.c.deleted_with == above.c.with_which, tasks.c.deleted_at == above.c.deleted_at)

    return below(top, is_part, ["deleted_at", "with_which"])


def with_it(record: CTE) -> CTE:
    """The task and what was deleted with it: also what hung on a task at whose id there is another one by now."""
    went = _went_with(record)
    named = select(went.c.id).union(select(tasks.c.id).select_from(_all_with(record)).where(in_trash(TASK))).cte("named")
    rows = union_all(_columns(record), _columns(tasks).select_from(_among(named, record)).where(in_trash(TASK)))
    return rows.cte("with_it")


def _columns(rows: FromClause) -> Select[Any]:
    return select(*(rows.c[name] for name in ("user_id", "id", "list_id")))


def _among(named: CTE, record: CTE) -> FromClause:
    return record.join(named, true()).join(tasks, and_(tasks.c.user_id == record.c.user_id, tasks.c.id == named.c.id))


def _all_with(record: CTE) -> FromClause:
    is_with = and_(
        tasks.c.user_id == record.c.user_id, tasks.c.deleted_with == record.c.id, tasks.c.deleted_at == record.c.deleted_at
    )
    return record.join(tasks, is_with)


def _find_task() -> Select[Any]:
    record = trashed(TASK)
    went = _went_with(record)
    is_list_there = select(lists.c.id).where(LIST.live, lists.c.id == record.c.list_id).correlate(record).scalar_subquery()
    height = select(func.coalesce(func.max(went.c.level), 0)).scalar_subquery().label("height")
    return found_in_trash(TASK, record, is_list_there.label("list_id"), record.c.parent_id, height)


FIND_TRASHED_TASK = Statement("find_trashed_task", _find_task)
"""A task in the trash: what is below it, and its list and its parent. `list_id` is null where its list is not there any more."""


def _back(rows: CTE, stamp: CTE, **values: Any) -> Update:
    return (
        update(tasks)
        .values(deleted_at=null(), deleted_with=null(), updated_at=stamp.c.at, revision=stamp.c.revision, **values)
        .where(in_trash(TASK), tasks.c.user_id == rows.c.user_id, tasks.c.id == rows.c.id, tasks.c.user_id == stamp.c.user_id)
    )


def _parent_with_it() -> ColumnElement[Any]:
    """A task stays below the one that was deleted in the same moment, and so comes back with it, and below no other."""
    parent = tasks.alias("parent")
    is_it = (parent.c.user_id == owner, parent.c.id == tasks.c.parent_id, parent.c.deleted_at == tasks.c.deleted_at)
    return select(parent.c.id).where(*is_it, parent.c.emptied_at.is_(None)).correlate(tasks).scalar_subquery()


def _restore_task() -> Select[Any]:
    me = ONE.me()
    stamp = turn(me, list_id=argument("list_id", Uuid()), parent_id=argument("parent_id", Uuid()))
    rows = with_it(trashed(TASK, me))
    parent_id = case((tasks.c.id == TASK.id, stamp.c.parent_id), else_=_parent_with_it())
    restored = _back(rows, stamp, list_id=stamp.c.list_id, parent_id=parent_id).returning(*TASK.stored).cte("restored")
    one = select(*restored.c).where(restored.c.id == TASK.id).cte("one")
    answer = select(rendered(TASK, one).label("task"), one.c.revision).select_from(me.outerjoin(one, true()))
    return answer.add_cte(ONE.counted(me, one), *departed(rows, stamp))


RESTORE_TASK = Statement("restore_task", _restore_task)
"""A task comes back with what was deleted with it, into this list and below this parent."""

# ---- a list, with its tasks ----------------------------------------------------------------------------------------------


def tasks_with(list_: CTE) -> CTE:
    return _columns(tasks).select_from(_all_with(list_)).where(in_trash(TASK)).cte("with_it")


FIND_TRASHED_LIST = Statement(
    "find_trashed_list", lambda: found_in_trash(LIST, trashed(LIST), has_room(LIST, LISTS_PER_USER).label("has_room"))
)
"""A list in the trash, and whether there is room for it."""


def _restore_list() -> Select[Any]:
    me = ONE.me()
    stamp = turn(me)
    restored = back(LIST, stamp).cte("restored")
    with_it = _back(tasks_with(trashed(LIST, me)), stamp, parent_id=_parent_with_it()).cte("restored_with_it")
    answer = select(rendered(LIST, restored).label("list"), restored.c.revision).select_from(me.outerjoin(restored, true()))
    return answer.add_cte(ONE.counted(me, restored), with_it)


RESTORE_LIST = Statement("restore_list", _restore_list)
"""A list comes back with the tasks that were deleted with it."""
