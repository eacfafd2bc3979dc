"""How many open tasks there are in each place: what a sidebar shows beside the names. One statement counts them all."""

from datetime import UTC, datetime
from typing import Any, NamedTuple

from sqlalchemy import JSON, ColumnElement, Select, Subquery, Text, and_, case, cast, func, literal, select, true

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
from taskwell.tasks.days import is_due_today, is_overdue, is_upcoming
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
    numbers: dict[str, ColumnElement[bool]] = {"inbox": tasks.c.list_id.is_(None)}
    if with_dates:
        numbers |= dict(zip(_BY_DATES, (is_overdue(), is_due_today(), is_upcoming()), strict=True))
    counted = (func.count().filter(condition).label(name) for name, condition in numbers.items())
    counts = select(*counted).where(_is_open, is_changed).correlate(users).lateral("counts")
    parts: list[ColumnElement[Any]] = [part for column in counts.c for part in (literal(column.name), column)]
    parts += [literal("lists"), _of_lists(), literal("labels"), _of_labels()]
    whole = cast(func.json_build_object(*parts), Text)
    return (
        select(users.c.revision, case((is_changed, whole)).label("overview"))
        .select_from(users.outerjoin(counts, true()))
        .where(owner_may_act())
    )


def _of_lists() -> ColumnElement[Any]:
    found = select(tasks.c.list_id, _open).where(_is_open).group_by(tasks.c.list_id).subquery("by_list")
    number = func.coalesce(found.c.open, 0).label("open")
    each = select(lists.c.id, lists.c.name, number).select_from(lists.outerjoin(found, found.c.list_id == lists.c.id))
    return _array(each.where(LIST.live).order_by(lists.c.position, lists.c.id).subquery("each_list"))


def _of_labels() -> ColumnElement[Any]:
    each_of = func.unnest(tasks.c.labels).table_valued("name").render_derived(name="carried")
    carried = select(each_of.c.name, _open).select_from(tasks.join(each_of, true()))
    found = carried.where(_is_open).group_by(each_of.c.name).subquery("by_label")
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
