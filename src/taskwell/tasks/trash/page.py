"""The SQL of a page of the trash: tasks, lists and labels together, what was deleted last first.

What went with another record is not shown: it comes back with that one.
"""

from typing import Any

from sqlalchemy import ColumnElement, DateTime, Integer, Select, Text, Uuid, cast, func, literal, select, true, tuple_, union_all

from taskwell.accounts.may_act import owner_may_act, users
from taskwell.database.statement import Statement, argument
from taskwell.database.view import as_json, shown_column
from taskwell.labels.statements import LABEL
from taskwell.lists.statements import LIST
from taskwell.records.kinds import Kind
from taskwell.records.paging import BETWEEN_ITEMS, Sort, SortKey
from taskwell.records.trash import in_trash
from taskwell.tasks.statements import TASK
from taskwell.tasks.tables import tasks

BY_DELETION: Sort = tuple(SortKey(name, is_descending=True) for name in ("deleted_at", "id", "kind"))

_limit = argument("limit", Integer())
_first_deleted_at = argument("first_deleted_at", DateTime(timezone=True))
_place = tuple_(_first_deleted_at, argument("first_id", Uuid()), argument("first_kind", Text()))


def _of_kind(kind: Kind, *by_itself: ColumnElement[bool], is_resumed: bool) -> Select[Any]:
    record, name = kind.table.c, literal(kind.name, Text)
    begin = (record.deleted_at <= _first_deleted_at, tuple_(record.deleted_at, record.id, name) <= _place) if is_resumed else ()
    item = (
        select(*kind.stored, record.deleted_at)
        .where(in_trash(kind), *by_itself, *begin)
        .order_by(record.deleted_at.desc(), record.id.desc())
        .limit(_limit + 1)
        .subquery(kind.name)
    )
    columns = [name.label("kind"), *kind.shown(item), shown_column(item.c.deleted_at).label("deleted_at")]
    shown = select(*columns).correlate(item).subquery("shown")
    json = cast(select(as_json(shown)).scalar_subquery(), Text)
    return select(item.c.deleted_at, item.c.id, name.label("kind"), json.label("json")).select_from(item)


def _listed(*, is_resumed: bool) -> Select[Any]:
    branches = [_of_kind(kind, is_resumed=is_resumed) for kind in (LIST, LABEL)]
    every = union_all(_of_kind(TASK, tasks.c.deleted_with.is_(None), is_resumed=is_resumed), *branches).subquery("every")
    order = (every.c[key.name].desc() for key in BY_DELETION)
    item = select(every).order_by(*order).limit(_limit + 1).subquery("item")
    places = (func.array_agg(item.c[key.name])[_limit + 1].label(f"next_{key.name}") for key in BY_DELETION)
    page = select(func.string_agg(item.c.json, BETWEEN_ITEMS).label("items"), *places).select_from(item).subquery("page")
    return select(users.c.revision, *page.c).select_from(users.join(page, true())).where(owner_may_act())


LIST_TRASH = Statement("list_trash", lambda: _listed(is_resumed=False))
"""The first page of the trash."""

LIST_TRASH_RESUMED = Statement("list_trash_resumed", lambda: _listed(is_resumed=True))
"""The trash from a place on."""
