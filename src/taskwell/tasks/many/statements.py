"""The SQL of many tasks at once. All of it is for a unit of work: the tasks are found by one statement, once the owner is locked,
and the next ones take their ids, as one text with commas between them.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import (
    CTE,
    Boolean,
    ColumnElement,
    FromClause,
    Integer,
    Label,
    Select,
    String,
    Text,
    Uuid,
    and_,
    case,
    cast,
    func,
    literal,
    not_,
    null,
    or_,
    select,
    true,
    union_all,
    update,
)

from taskwell.accounts.locking import turn
from taskwell.accounts.may_act import owner_may_act, users
from taskwell.database.statement import Statement, argument
from taskwell.lists.statements import LIST
from taskwell.records.asked import ONE, One
from taskwell.records.kinds import Kind
from taskwell.records.many import is_one_of
from taskwell.records.ordering import at_the_end
from taskwell.records.writing import changed
from taskwell.tasks.statements import HAS_OLD, TASK, departed, derived
from taskwell.tasks.tables import tasks
from taskwell.tasks.tree import below

_ids = argument("ids", Text())
_list_id = argument("list_id", Uuid())


_tasks = select(tasks.c.id, tasks.c.recurrence).where(TASK.live)


def _is_named(id_: ColumnElement[Any]) -> ColumnElement[bool]:
    return is_one_of(id_, func.string_to_array(_ids, ","))


def _in_one_text(ids: FromClause) -> ColumnElement[str]:
    return select(func.string_agg(cast(ids.c.id, Text), ",")).scalar_subquery()


def _found(which: Select[Any]) -> Select[Any]:
    found = which.cte("found")
    recurring = select(found.c.id).where(found.c.recurrence.is_not(None)).cte("recurring")
    columns: list[ColumnElement[Any]] = [_in_one_text(found).label("ids"), _in_one_text(recurring).label("recurring")]
    return select(*columns).select_from(users).where(owner_may_act())


def _by_filter() -> Select[Any]:
    parent_id, completed = argument("parent_id", Uuid()), argument("completed", Boolean())
    priority, is_inbox = argument("priority", String()), argument("is_inbox", Boolean())
    unknown = (
        case((and_(name.is_not(None), _there(kind, name).is_(None)), literal(f"filter.{field}")))
        for field, kind, name in (("list_id", LIST, _list_id), ("parent_id", TASK, parent_id))
    )
    after = argument("after", Uuid())
    which = _tasks.where(
        or_(_list_id.is_(None), tasks.c.list_id == _list_id),
        or_(not_(is_inbox), tasks.c.list_id.is_(None)),
        or_(parent_id.is_(None), tasks.c.parent_id == parent_id),
        or_(completed.is_(None), tasks.c.is_completed == completed),
        or_(priority.is_(None), tasks.c.priority == priority),
        or_(after.is_(None), tasks.c.id > after),
    )
    some = which.order_by(tasks.c.id).limit(argument("most", Integer()))
    return _found(some).add_columns(func.concat_ws(",", *unknown).label("unknown"))


def _there(kind: Kind, id_: ColumnElement[Any]) -> ColumnElement[Any]:
    return select(kind.table.c.id).where(kind.live, kind.table.c.id == id_).scalar_subquery()


FIND_TASKS = Statement("find_tasks", lambda: _found(_tasks.where(_is_named(tasks.c.id))))
"""Those of the ids that are tasks of the owner's, and those of them that recur."""

FIND_TASKS_BY_FILTER = Statement("find_tasks_by_filter", _by_filter)
"""Likewise, by a filter, the first `most` of them behind a task. `unknown` lists what it names and is not there."""


def _find_below() -> Select[Any]:
    tops = select(tasks.c.user_id, tasks.c.id).where(TASK.live, _is_named(tasks.c.id)).cte("tops")
    return select(_in_one_text(below(tops)).label("ids")).select_from(users).where(owner_may_act())


FIND_BELOW = Statement("find_below", _find_below)
"""The ids of what is below these tasks."""


class Many(One):
    """Who asks for a change of many records: `current`, what is decided and `changed` have a row for each of them."""

    def record(self, kind: Kind, me: CTE) -> CTE:
        self._current = (
            select(*kind.written)
            .select_from(me.join(kind.table, kind.table.c.user_id == me.c.id))
            .where(kind.live, _is_named(kind.table.c.id))
            .with_for_update(of=kind.table)
            .cte("current")
        )
        return self._current

    def carried(self, *_: str) -> list[Label[Any]]:
        return [self._current.c.id.label("id")]

    def changed(self, kind: Kind, _: CTE, decision: FromClause, values: Any) -> CTE:
        return (
            update(kind.table)
            .values(**values(kind.table), updated_at=decision.c.at, revision=decision.c.revision)
            .where(kind.live, kind.table.c.id == decision.c.id)
            .returning(*kind.stored)
            .cte("changed")
        )

    def answer(self, _: Kind, columns: Sequence[ColumnElement[Any]], me: CTE, *found: CTE) -> Select[Any]:
        """The ids of what was changed, and what else is said of the request as a whole: the first three are of one record."""
        _current, changed_, *named = found
        joined: FromClause = me
        for one in named:
            joined = joined.outerjoin(one, true())
        return select(_in_one_text(changed_).label("ids"), *columns[3:]).select_from(joined)


CHANGE_TASKS = Statement("change_tasks", lambda: changed(TASK, derived, Many(), is_whole=True))
"""The content of many tasks: what differs is changed. None of them goes anywhere."""


def _tops(me: CTE, *conditions: ColumnElement[bool]) -> CTE:
    order = func.row_number().over(order_by=(tasks.c.position, tasks.c.id))
    return (
        select(tasks.c.user_id, tasks.c.id, tasks.c.list_id, order.label("place"))
        .select_from(me.join(tasks, tasks.c.user_id == me.c.id))
        .where(TASK.live, _is_named(tasks.c.id), *conditions)
        .cte("tops")
    )


def _written(rows: FromClause, turn: CTE, values: Mapping[str, Any], name: str) -> CTE:
    return (
        update(tasks)
        .values(**values, updated_at=turn.c.at, revision=turn.c.revision)
        .where(TASK.live, tasks.c.user_id == rows.c.user_id, tasks.c.id == rows.c.id, tasks.c.user_id == turn.c.user_id)
        .returning(tasks.c.user_id, tasks.c.id, tasks.c.revision)
        .cte(name)
    )


def _both(first: CTE, second: CTE) -> FromClause:
    return union_all(select(first.c.id), select(second.c.id)).subquery("both")


def _move() -> Select[Any]:
    me = ONE.me()
    stamp = turn(me, argument("more", Integer()), list_id=_list_id)
    tops = _tops(me, tasks.c.list_id.is_distinct_from(_list_id))
    along = below(tops)
    place = func.lpad(func.to_hex(tops.c.place, type_=Text), 8, "0", type_=Text) + literal("h")
    last = {"list_id": stamp.c.list_id, "parent_id": null(), "position": at_the_end(stamp.c.revision) + place}
    moved = _written(tops, stamp, last, "moved")
    taken = _written(along, stamp, {"list_id": stamp.c.list_id}, "taken")
    left = union_all(*(select(one.c.user_id, one.c.id, one.c.list_id) for one in (tops, along))).cte("left_behind")
    answer = select(_in_one_text(_both(moved, taken)).label("ids")).select_from(me)
    return answer.add_cte(ONE.counted(me, moved), *departed(left, stamp))


MOVE_TASKS = Statement("move_tasks", _move)
"""Tasks of which none is below another go into a list, behind all others and in their order, with what is below them. It is
under the revision that a change has just taken (`more` 0), or under one more."""


def _delete() -> Select[Any]:
    me = ONE.me()
    stamp = turn(me)
    tops = _tops(me)
    beneath = below(tops)
    # One that is named and is below another one goes with that one, as if nobody had named it.
    highest = select(tops.c.user_id, tops.c.id).where(tops.c.id.not_in(select(beneath.c.id))).cte("highest")
    deleted = _written(highest, stamp, {"deleted_at": stamp.c.at}, "deleted")
    others = select(beneath.c.user_id, beneath.c.id, beneath.c.top).where(beneath.c.top.in_(select(highest.c.id))).cte("others")
    with_them = _written(others, stamp, {"deleted_at": stamp.c.at, "deleted_with": others.c.top}, "deleted_with_them")
    columns: list[ColumnElement[Any]] = [_in_one_text(_both(deleted, with_them)).label("ids"), HAS_OLD]
    answer = select(*columns).select_from(me)
    return answer.add_cte(ONE.counted(me, deleted))


DELETE_TASKS = Statement("delete_tasks", _delete)
"""Tasks, and what is below them, which says with which of them it was deleted."""
