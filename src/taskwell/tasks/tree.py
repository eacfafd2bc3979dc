"""The SQL of subtasks: what a task is below, and what is below it.

All of it is for a unit of work, in which the owner is locked already: nobody else changes the tree that these look at. A tree is
walked level by level, a CTE each: it has few of them, and a recursive query could neither lock nor be proven to be bound to
its owner.
"""

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import (
    CTE,
    Alias,
    ColumnElement,
    FromClause,
    Integer,
    Text,
    Uuid,
    and_,
    case,
    false,
    func,
    literal,
    or_,
    select,
    true,
    union_all,
    update,
)

from taskwell.accounts.locking import stamped
from taskwell.accounts.may_act import owner, owner_may_act, users
from taskwell.database.shapes import Shapes
from taskwell.database.statement import Statement, argument
from taskwell.records.asked import ONE
from taskwell.records.many import is_one_of
from taskwell.records.ordering import neighbours, spread
from taskwell.tasks.statements import TASK, departed
from taskwell.tasks.tables import tasks

TASK_LEVELS = 8
"""A tree of tasks has this many levels at most. Its top is the first one."""

_parent_id = argument("parent_id", Uuid())


def _live(_: FromClause) -> ColumnElement[bool]:
    return TASK.live


def below(tops: FromClause, is_part: Callable[[FromClause], ColumnElement[bool]] = _live, carried: Sequence[str] = ()) -> CTE:
    """The tasks below those of `tops`, which have `user_id` and `id`: with `level`, and the id of which of them as `top`.

    They are the live ones, or those that are a part by what is above them, of which each level has the `carried` columns.
    """
    levels: list[CTE] = []
    above = tops
    for level in range(1, TASK_LEVELS):
        top = above.c.id if level == 1 else above.c.top
        above = (
            select(tasks.c.user_id, tasks.c.id, tasks.c.list_id, literal(level).label("level"), top.label("top"))
            .add_columns(*(above.c[name] for name in carried))
            .select_from(above.join(tasks, and_(tasks.c.user_id == above.c.user_id, tasks.c.parent_id == above.c.id)))
            .where(is_part(above))
            .cte(f"level_{level}")
        )
        levels.append(above)
    return union_all(*(select(*level.c) for level in levels)).cte("below")


def _top(me: CTE, *conditions: ColumnElement[bool]) -> CTE:
    return (
        select(*(tasks.c[name] for name in ("user_id", "id", "list_id", "revision", "updated_at", "deleted_at")))
        .select_from(me.join(tasks, tasks.c.user_id == me.c.id))
        .where(tasks.c.user_id == owner, tasks.c.id == TASK.id, *conditions)
        .cte("top")
    )


def _written(rows: FromClause, turn: FromClause, **values: Any) -> Any:
    """The tasks of `rows` are changed. `turn` has the owner as `user_id`, and waited for it."""
    return (
        update(tasks)
        .values(**values)
        .where(TASK.live, tasks.c.user_id == rows.c.user_id, tasks.c.id == rows.c.id, tasks.c.user_id == turn.c.user_id)
    )


def _find_place() -> Any:
    there = tasks.alias("there")
    is_there = and_(there.c.user_id == owner, there.c.id == TASK.id, there.c.deleted_at.is_(None))
    source = users.outerjoin(there, is_there)
    chain: list[Alias] = []
    for level in range(TASK_LEVELS):
        one = tasks.alias(f"ancestor_{level}")
        is_next = and_(one.c.id == _parent_id, one.c.deleted_at.is_(None)) if not chain else one.c.id == chain[-1].c.parent_id
        source = source.outerjoin(one, and_(one.c.user_id == owner, is_next))
        chain.append(one)
    parent = chain[0]
    top = select(tasks.c.user_id, tasks.c.id).where(TASK.live, tasks.c.id == TASK.id).cte("top")
    subtask = below(top)
    depth: ColumnElement[int] = literal(0)
    for one in chain:
        depth = depth + case((one.c.id.is_not(None), 1), else_=0)
    return (
        select(
            there.c.id.is_not(None).label("is_there"),
            there.c.list_id,
            there.c.parent_id,
            there.c.revision,
            parent.c.list_id.label("list_of_parent"),
            parent.c.id.is_not(None).label("has_parent"),
            parent.c.is_parent,
            func.coalesce(or_(*(one.c.id == TASK.id for one in chain)), false()).label("is_below_itself"),
            depth.label("depth"),
            select(func.coalesce(func.max(subtask.c.level), 0)).scalar_subquery().label("height"),
        )
        .select_from(source)
        .where(owner_may_act())
    )


FIND_PLACE = Statement("find_place", _find_place)
"""Where a task is, what is below it, and what it would come below as a subtask of `parent_id`."""


def _mark_parent() -> Any:
    me = ONE.me()
    marked = (
        update(tasks)
        .values(is_parent=true())
        .where(TASK.live, tasks.c.user_id == me.c.id, tasks.c.id == _parent_id, tasks.c.is_parent.is_(false()))
    )
    return select(me.c.id).add_cte(marked.cte("marked"))


MARK_PARENT = Statement("mark_parent", _mark_parent)
"""A task gets its first subtask. It says so itself, for a statement that has locked it and no unit of work."""


def _mark_parents() -> Any:
    me = ONE.me()
    is_named = is_one_of(tasks.c.id, func.string_to_array(argument("ids", Text()), ","))
    marked = (
        update(tasks)
        .values(is_parent=true())
        .where(TASK.live, tasks.c.user_id == me.c.id, is_named, tasks.c.is_parent.is_(false()))
    )
    return select(me.c.id).add_cte(marked.cte("marked"))


MARK_PARENTS = Statement("mark_parents", _mark_parents)
"""Likewise, of the tasks below which an import has made others. `ids` is one text, with commas between them."""


def _take_along() -> Any:
    me = ONE.me()
    top = _top(me, tasks.c.deleted_at.is_(None))
    taken = below(top)
    moved = _written(taken, top, list_id=top.c.list_id, updated_at=top.c.updated_at, revision=top.c.revision)
    return select(me.c.id).add_cte(moved.cte("moved"), *departed(taken, top))


TAKE_ALONG = Statement("take_along", _take_along)
"""What is below a task that has moved comes into its list, under its revision."""


def _delete_below() -> Any:
    me = ONE.me()
    top = _top(me)
    stamp = {name: top.c[name] for name in ("deleted_at", "updated_at", "revision")}
    deleted = _written(below(top), top, deleted_with=top.c.id, **stamp)
    return select(me.c.id).add_cte(deleted.cte("deleted_with_it"))


DELETE_BELOW = Statement("delete_below", _delete_below)
"""What is below a task that was deleted goes with it, under its revision, and says what it was deleted with."""


def _complete_below() -> Any:
    me = ONE.me()
    stamp = stamped(me)
    open_ = below(_top(me, tasks.c.deleted_at.is_(None)))
    revision = stamp.c.revision + argument("more", Integer())
    turn = select(stamp.c.id.label("user_id"), revision.label("revision"), stamp.c.at).cte("turn")
    completed = _written(open_, turn, is_completed=true(), completed_at=turn.c.at, updated_at=turn.c.at, revision=turn.c.revision)
    # What recurs is completed by itself: its series would end.
    is_open = and_(tasks.c.is_completed.is_(false()), tasks.c.recurrence.is_(None))
    written = completed.where(is_open).returning(tasks.c.user_id, tasks.c.revision).cte("completed")
    completed_any = select(written.c.revision).limit(1).scalar_subquery().is_not(None).label("completed_any")
    return select(me.c.id, completed_any).add_cte(ONE.counted(me, written))


COMPLETE_BELOW = Statement("complete_below", _complete_below)
"""What is open below a task is completed: under the revision that the task has just taken (`more` 0), or under one more."""

SIBLINGS: dict[str, list[ColumnElement[bool]]] = {
    "below_a_task": [tasks.c.parent_id == _parent_id],
    "in_a_list": [tasks.c.parent_id.is_(None), tasks.c.list_id == argument("list_id", Uuid())],
    "in_the_inbox": [tasks.c.parent_id.is_(None), tasks.c.list_id.is_(None)],
}

NEIGHBOURS = Shapes(SIBLINGS, lambda name: Statement(f"neighbours_{name}", neighbours(TASK, SIBLINGS[name])))
"""Between which positions a task that moves has to be."""

SPREAD = Shapes(SIBLINGS, lambda name: Statement(f"spread_{name}", spread(TASK, SIBLINGS[name])))
"""For a move of a task to where there is no room: its siblings get positions at equal distances."""
