"""The SQL of labels that concerns the tasks which carry them. What writes runs in units of work, since which tasks these are is
decided after the lock.

Deleted tasks follow too, so that one that comes back carries no name that means nothing any more. They keep their revision: of
them nobody sees a change.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import CTE, BigInteger, ColumnElement, FromClause, Text, any_, case, cast, func, literal, select, true, update
from sqlalchemy.sql.dml import Update

from taskwell.accounts.may_act import owner
from taskwell.database.shapes import Shapes
from taskwell.database.statement import Statement, argument
from taskwell.labels.statements import LABEL
from taskwell.labels.tables import labels
from taskwell.records import writing
from taskwell.records.asked import ONE
from taskwell.records.content import KEY
from taskwell.records.limited import CREATION_SHAPES, CreationShape
from taskwell.records.paging import BY_CREATION, page
from taskwell.records.trash import emptied
from taskwell.records.writing import Values
from taskwell.tasks.statements import HAS_OLD, TASK
from taskwell.tasks.tables import tasks


def _derived(_content: Values, _stamp: FromClause, _before: FromClause | None) -> Values:
    return {}


def _text(name: ColumnElement[Any]) -> ColumnElement[str]:
    return cast(name, Text())


def with_labels(label: FromClause, stamp: FromClause, names: ColumnElement[Any], folded: ColumnElement[Any]) -> Update:
    """Tasks of the label's owner get other names under the revision of the write: which ones, the caller adds."""
    is_live = tasks.c.deleted_at.is_(None)
    return (
        update(tasks)
        .values(
            labels=names,
            folded=folded,
            updated_at=case((is_live, stamp.c.at), else_=tasks.c.updated_at),
            revision=case((is_live, stamp.c.revision), else_=tasks.c.revision),
        )
        .where(tasks.c.user_id == owner, tasks.c.user_id == label.c.user_id)
    )


def _carries(name: ColumnElement[Any]) -> ColumnElement[bool]:
    return _text(name) == any_(tasks.c.labels)


def _carriers(label: CTE, stamp: FromClause, names: ColumnElement[Any], folded: ColumnElement[Any]) -> Update:
    """The tasks that carry the label, which is given by `name`."""
    return with_labels(label, stamp, names, folded).where(_carries(label.c.name))


def _renamed(current: CTE, decided: FromClause) -> Sequence[CTE]:
    names = func.array_replace(tasks.c.labels, _text(current.c.name), _text(decided.c.name))
    folded = func.replace(tasks.c.folded, current.c.folded, decided.c.folded)
    return [_carriers(current, decided, names, folded).where(current.c.name != decided.c.name).cte("renamed")]


def _taken_away(current: CTE, decided: FromClause) -> Sequence[CTE]:
    names = func.array_remove(tasks.c.labels, _text(current.c.name))
    folded = func.replace(tasks.c.folded, current.c.folded, literal(""))
    return [_carriers(current, decided, names, folded).where(decided.c.revision.is_not(None)).cte("taken_away")]


CHANGE_LABEL = Statement("change_label", lambda: writing.changed(LABEL, _derived, ONE, beside=_renamed))
"""PATCH and PUT of a label, under the revisions that the client accepts. The tasks that carry it carry its new name then."""

CHANGE_LABEL_AS_READ = Statement(
    "change_label_as_read", lambda: writing.changed(LABEL, _derived, ONE, is_sent_back=True, beside=_renamed)
)
"""Likewise, by who sends back what was read."""

_carried_by = select(func.array_agg(tasks.c.id)).where(tasks.c.user_id == owner, _carries(labels.c.name)).scalar_subquery()

DELETE_LABEL = Statement(
    "delete_label",
    lambda: writing.deleted(LABEL, ONE, beside=_taken_away, noted={"carriers": _carried_by}, more=[HAS_OLD]),
)
"""A label is deleted, and no task carries it any more. It knows which ones did, so that it can come back to them."""

# ---- merging -----------------------------------------------------------------------------------------------------------

_me = ONE.me()
_current = ONE.record(LABEL, _me)
_other = (
    select(labels.c.user_id, labels.c.id, labels.c.name, labels.c.folded)
    .select_from(_me.join(labels, labels.c.user_id == _me.c.id).join(_current, labels.c.id != _current.c.id))
    .where(LABEL.live, labels.c[KEY] == argument(KEY, Text()))
    .with_for_update(of=labels)
    .cte("other")
)
_stamped = (
    select(
        (_me.c.revision + 1).label("revision"),
        func.clock_timestamp().label("at"),
        _text(_current.c.name).label("name"),
        _current.c.folded,
    )
    .select_from(_me.join(_current, true()))
    .cte("stamped")
)
_place = func.array_position(tasks.c.labels, _stamped.c.name)
_place_of_other = func.array_position(tasks.c.labels, _text(_other.c.name))
_names = case(
    # A task that carries both carries the one that stays where the first of them stood.
    (_place < _place_of_other, func.array_remove(tasks.c.labels, _text(_other.c.name))),
    else_=func.array_replace(func.array_remove(tasks.c.labels, _stamped.c.name), _text(_other.c.name), _stamped.c.name),
)
_folded = func.replace(func.replace(tasks.c.folded, _stamped.c.folded, literal("")), _other.c.folded, _stamped.c.folded)
_moved = _carriers(_other, _stamped, _names, _folded).cte("moved")
_merged = (
    update(labels)
    .values(deleted_at=_stamped.c.at, updated_at=_stamped.c.at, revision=_stamped.c.revision, **emptied(LABEL, _stamped))
    .where(labels.c.user_id == owner, labels.c.user_id == _other.c.user_id, labels.c.id == _other.c.id)
    .cte("merged")
)

MERGE_LABEL = Statement("merge_label", lambda: select(_other.c.id).select_from(_other).add_cte(_moved, _merged))
"""Whatever other label has this key is deleted for good, since it goes on in this one, which the tasks carry that carried it.

In a unit of work, before the change that gives this one the other's name and counts the revision."""

# ---- pages -------------------------------------------------------------------------------------------------------------

_sets = (
    select(tasks.c.labels, tasks.c.is_completed, func.count().label("tasks"))
    # Most tasks carry nothing, and many the same: of each set of labels the names are taken apart once.
    .where(TASK.live, func.cardinality(tasks.c.labels) > 0)
    .group_by(tasks.c.labels, tasks.c.is_completed)
    .subquery("sets")
)
_carried = select(func.unnest(_sets.c.labels).label("name"), _sets.c.is_completed, _sets.c.tasks).subquery("carried")
_counted = (
    select(
        _carried.c.name,
        cast(func.sum(_carried.c.tasks), BigInteger).label("task_count"),
        cast(func.sum(case((_carried.c.is_completed, 0), else_=_carried.c.tasks)), BigInteger).label("open_count"),
    )
    .group_by(_carried.c.name)
    .cte("counted")
)


def _counts(item: FromClause) -> list[ColumnElement[Any]]:
    """All are counted in one walk over the tasks, and once: a walk for each label of a page would take too long."""
    return [
        func.coalesce(
            select(_counted.c[name]).where(_counted.c.name == _text(item.c.name)).correlate(item).scalar_subquery(), 0
        ).label(name)
        for name in ("task_count", "open_count")
    ]


def _list(shape: CreationShape) -> Statement:
    name = f"list_labels_{shape.order}{'_resumed' if shape.is_resumed else ''}"
    return Statement(name, page(LABEL, [], BY_CREATION[shape.order], is_resumed=shape.is_resumed, more=_counts))


LIST_LABELS = Shapes(CREATION_SHAPES, _list)
"""One page of a user's labels, each with its counts."""
