"""How many open tasks there are in each place: what a sidebar shows beside the names. One statement counts them all."""

from datetime import UTC, datetime
from typing import Any, NamedTuple

from sqlalchemy import CTE, JSON, BigInteger, ColumnElement, Select, Subquery, Text, and_, case, cast, func, literal, select

from taskwell.accounts.may_act import owner_may_act, users
from taskwell.accounts.owner import Owner, row_for
from taskwell.database.rows import Rows
from taskwell.database.statement import Statement
from taskwell.database.view import as_json
from taskwell.labels.statements import LABEL
from taskwell.labels.tables import labels
from taskwell.lists.statements import LIST
from taskwell.lists.tables import lists
from taskwell.records.paging import differs_from_what_is_known
from taskwell.records.revisions import as_text
from taskwell.records.tags import tag_head, tag_of
from taskwell.tasks.days import TODAY, WALL_NOW, is_due_today, is_overdue, is_upcoming
from taskwell.tasks.statements import TASK
from taskwell.tasks.tables import tasks
from taskwell.types import Revisions

_is_open = and_(TASK.live, tasks.c.is_completed.is_(False))
_open = func.count().label("open")
_BY_DATES = ("overdue", "today", "upcoming")


class RenderedOverview(NamedTuple):
    """`json` is None where the client's copy of that revision still holds, and `etag` where dates are counted: time goes by
    without a write."""

    json: str | None
    etag: str | None


def _overview(*, with_dates: bool) -> Select[Any]:
    """`overview` is NULL where the client has the user's revision already. No row: no such user."""
    is_changed = differs_from_what_is_known()
    found = _open_tasks(is_changed, with_dates=with_dates)
    counts = {"inbox": _sum(found.c.open, found.c.list_id.is_(None))}
    if with_dates:
        counts |= {name: _sum(found.c[name]) for name in _BY_DATES}
    parts: list[ColumnElement[Any]] = [
        part for name, number in counts.items() for part in (literal(name), select(number).scalar_subquery())
    ]
    parts += [literal("lists"), _of_lists(found), literal("labels"), _of_labels(found)]
    whole = cast(func.json_build_object(*parts), Text)
    return select(users.c.revision, case((is_changed, whole)).label("overview")).where(owner_may_act())


def _open_tasks(is_changed: ColumnElement[bool], *, with_dates: bool) -> CTE:
    """How many open tasks there are of each list and each set of labels. All else is counted from these, which are far fewer."""
    times = [WALL_NOW.label("now"), TODAY.label("today")] if with_dates else []
    # With a LIMIT the times are computed once: PostgreSQL would put them into the conditions on each task.
    clock = select(users.c.id, *times).where(owner_may_act(), is_changed).limit(1).subquery("clock")
    conditions = (is_overdue(clock.c.now), is_due_today(clock.c.today), is_upcoming(clock.c.today)) if with_dates else ()
    counted = [func.count().filter(condition).label(name) for name, condition in zip(_BY_DATES, conditions, strict=False)]
    return (
        select(tasks.c.list_id, tasks.c.labels, _open, *counted)
        .select_from(clock.join(tasks, tasks.c.user_id == clock.c.id))
        .where(_is_open)
        .group_by(tasks.c.list_id, tasks.c.labels)
        .cte("open_tasks")
    )


def _sum(numbers: ColumnElement[Any], *which: ColumnElement[bool]) -> ColumnElement[int]:
    total = func.sum(numbers)
    return cast(func.coalesce(total.filter(*which) if which else total, 0), BigInteger)


def _of_lists(open_tasks: CTE) -> ColumnElement[Any]:
    number = _sum(open_tasks.c.open).label("open")
    found = select(open_tasks.c.list_id, number).group_by(open_tasks.c.list_id).subquery("by_list")
    number = func.coalesce(found.c.open, 0).label("open")
    each = select(lists.c.id, lists.c.name, number).select_from(lists.outerjoin(found, found.c.list_id == lists.c.id))
    return _array(each.where(LIST.live).order_by(lists.c.position, lists.c.id).subquery("each_list"))


def _of_labels(open_tasks: CTE) -> ColumnElement[Any]:
    carried = select(func.unnest(open_tasks.c.labels).label("name"), open_tasks.c.open).subquery("carried")
    found = select(carried.c.name, _sum(carried.c.open).label("open")).group_by(carried.c.name).subquery("by_label")
    number = func.coalesce(found.c.open, 0).label("open")
    each = select(labels.c.id, labels.c.name, number).select_from(labels.outerjoin(found, found.c.name == labels.c.name))
    return _array(each.where(LABEL.live).order_by(labels.c.key, labels.c.id).subquery("each_label"))


def _array(rows: Subquery) -> ColumnElement[Any]:
    return select(func.coalesce(func.json_agg(as_json(rows)), cast(literal("[]"), JSON))).scalar_subquery()


READ_OVERVIEW = Statement("read_overview", lambda: _overview(with_dates=True))
"""The open tasks by place and by date."""

READ_OVERVIEW_OF_PLACES = Statement("read_overview_of_places", lambda: _overview(with_dates=False))
"""The open tasks by place: what changes by a write alone."""


async def read_overview(
    rows: Rows, owner: Owner, *, upcoming_days: int, with_dates: bool, if_none_match: Revisions | None
) -> RenderedOverview:
    """The counts as they are at this moment."""
    if with_dates:
        now = datetime.now(UTC)
        row = await row_for(rows, READ_OVERVIEW, owner, now=now, days=upcoming_days, if_none_match=None)
        return RenderedOverview(_nothing(*_BY_DATES) if row is None else row["overview"], None)
    row = await row_for(rows, READ_OVERVIEW_OF_PLACES, owner, if_none_match=as_text(if_none_match))
    head = tag_head(rows, owner.id)
    return (
        RenderedOverview(_nothing(), tag_of(head, 0))
        if row is None
        else RenderedOverview(row["overview"], tag_of(head, row["revision"]))
    )


def _nothing(*dates: str) -> str:
    numbers = "".join(f'"{name}":0,' for name in ("inbox", *dates))
    return f'{{{numbers}"lists":[],"labels":[]}}'
