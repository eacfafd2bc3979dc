"""A page of a list: rows in an order, from a place on. The place is that of a row, not a count, so rows that come and go between
two pages are neither repeated nor skipped.
"""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final, Literal, NamedTuple
from uuid import UUID

import asyncpg
from sqlalchemy import (
    Boolean,
    ColumnElement,
    FromClause,
    Integer,
    Select,
    String,
    Subquery,
    Text,
    Uuid,
    and_,
    any_,
    case,
    cast,
    func,
    literal,
    not_,
    or_,
    select,
    true,
    tuple_,
    union_all,
)

from taskwell.accounts.may_act import owner_may_act, users
from taskwell.database.statement import argument
from taskwell.database.view import as_json
from taskwell.records.cursors import Place
from taskwell.records.kinds import Kind
from taskwell.records.references import unknown_in_a_filter
from taskwell.records.revisions import is_among, is_each

BETWEEN_ITEMS = ",\n"
"""A line end is never inside an item, where JSON writes it as `\\n`: so a page can be cut between two items."""

_if_none_match = argument("if_none_match", String())
_limit = argument("limit", Integer())
_fields = argument("fields", String())
_is_counted = argument("is_counted", Boolean())
_is_expanded = argument("is_expanded", Boolean())
_NONE: Final[Mapping[str, Any]] = MappingProxyType({})


class SortKey(NamedTuple):
    """What to sort by: the column of that name, or else `value`, which is computed from the row.

    NULLs come last in both directions. The last key of an order is the id, so that no two rows tie.
    """

    name: str
    is_descending: bool = False
    value: ColumnElement[Any] | None = None

    def of(self, rows: FromClause) -> ColumnElement[Any]:
        return rows.c[self.name] if self.value is None else self.value


Sort = tuple[SortKey, ...]
CreationOrder = Literal["newest", "oldest"]

BY_CREATION: Final[Mapping[CreationOrder, Sort]] = {
    "newest": (SortKey("created_at", is_descending=True), SortKey("id", is_descending=True)),
    "oldest": (SortKey("created_at"), SortKey("id")),
}
"""The orders that every noun has."""


class Tailored(NamedTuple):
    """What a request chooses of a page: which fields of each record are rendered (all where it names none), what more is shown of
    each, and the `total`.
    """

    fields: tuple[str, ...] = ()
    is_counted: bool = False
    is_expanded: bool = False

    @property
    def arguments(self) -> dict[str, Any]:
        return {"fields": ",".join(self.fields) or None, "is_counted": self.is_counted, "is_expanded": self.is_expanded}


AS_IT_IS: Final = Tailored()


More = Callable[[FromClause], Sequence[ColumnElement[Any]]]


def _nothing(_: FromClause) -> Sequence[ColumnElement[Any]]:
    return ()


def page(
    kind: Kind,
    conditions: Sequence[ColumnElement[bool]],
    sort: Sort,
    *,
    is_resumed: bool,
    named: Mapping[str, Kind] = _NONE,
    unknown: Mapping[str, ColumnElement[bool]] = _NONE,
    is_tailored: bool = False,
    more: More = _nothing,
) -> Select[Any]:
    """One page, rendered as the items of a JSON array with one row more: where the next page begins is what `next_...` say.

    Nothing is rendered, and `is_changed` is false, where the client has the user's revision already. No row: no such user.
    `named` are the arguments that name another record, which the column `unknown` lists if it is not there; `unknown` is for what
    is named otherwise. `is_tailored` is for a request that may choose the `fields` that are rendered, and ask for the `total` of
    all pages. `more` is what is shown of a record besides the view: where it is tailored, of a request that is expanded.
    """
    # Inside of the subquery it is tested before a record is looked at: a 304 costs a third of a list.
    is_changed = differs_from_what_is_known()
    hidden = [key for key in sort if key.name not in kind.view.model_fields]

    def rows(*begin: ColumnElement[bool]) -> Select[Any]:
        found = (
            select()
            .where(kind.live, *conditions, *begin, is_changed)
            .order_by(*(_sorted(key.of(kind.table), key) for key in sort))
            .limit(_limit + 1)
            .correlate(users)
        )
        if all(key.value is None for key in sort):
            return found.add_columns(*kind.stored, *(key.of(kind.table).label(key.name) for key in hidden))
        # No index has this order. PostgreSQL copies what it sorts: of 100,000 tasks the keys alone in half of the time.
        keys = found.add_columns(*(key.of(kind.table).label(key.name) for key in sort)).subquery("keys")
        return (
            select(*kind.stored, *(keys.c[key.name] for key in hidden))
            .select_from(keys.join(kind.table, kind.table.c.id == keys.c.id))
            .where(kind.live)
            .order_by(*(_sorted(keys.c[key.name], key) for key in sort))
        )

    item = _in_order([rows(begin) for begin in _beginnings(kind.table, sort)] if is_resumed else [rows()], sort)
    places = (func.array_agg(item.c[key.name])[_limit + 1].label(f"next_{key.name}") for key in sort)
    whole = select(*kind.shown(item), *more(item)).correlate(item).lateral(kind.name)
    if is_tailored:
        plain = select(*kind.shown(item)).correlate(item).lateral("plain")
        shown = item.join(plain, true()).join(whole, true())
        rendered = _chosen(case((_is_expanded, as_json(whole)), else_=as_json(plain)))
    else:
        shown, rendered = item.join(whole, true()), as_json(whole)
    cut = select(func.string_agg(cast(rendered, Text), BETWEEN_ITEMS).label("items"), *places).select_from(shown).lateral("page")
    total = [_total(kind, conditions, is_changed)] if is_tailored else []
    return (
        select(users.c.revision, is_changed.label("is_changed"), *unknown_in_a_filter(named, unknown), *total, *cut.c)
        .select_from(users.outerjoin(cut, true()))
        .where(owner_may_act())
    )


def differs_from_what_is_known() -> ColumnElement[bool]:
    """The client has not the user's revision already."""
    return or_(_if_none_match.is_(None), and_(not_(is_each(_if_none_match)), not_(is_among(users.c.revision, _if_none_match))))


def _chosen(record: ColumnElement[Any]) -> ColumnElement[Any]:
    """Of a record as JSON the fields that the request chose, or all of them."""
    each = func.json_each(record).table_valued("key", "value").render_derived(name="each")
    of_it = func.json_object_agg(each.c.key, each.c.value)
    chosen = select(of_it).where(each.c.key == any_(func.string_to_array(_fields, ","))).scalar_subquery()
    return case((_fields.is_(None), record), else_=chosen)


def _total(kind: Kind, conditions: Sequence[ColumnElement[bool]], is_changed: ColumnElement[bool]) -> ColumnElement[int]:
    every = select(func.count()).select_from(kind.table).where(kind.live, *conditions).correlate(users).scalar_subquery()
    return case((and_(_is_counted, is_changed), every)).label("total")


def _in_order(parts: Sequence[Select[Any]], sort: Sort) -> Subquery:
    if len(parts) == 1:
        return parts[0].subquery("item")
    both = union_all(*parts).subquery("both")
    # PostgreSQL takes the rows of each part as they are needed: the parts are in this order already.
    return select(*both.c).order_by(*(both.c[key.name] for key in sort)).limit(_limit + 1).subquery("item")


def _beginnings(rows: FromClause, sort: Sort) -> list[ColumnElement[bool]]:
    """`at_or_after`, in parts. An index cannot begin at a place where a NULL may be, but can behind it, and among the NULLs."""
    first, *others = sort
    column = first.of(rows)
    if not getattr(column, "nullable", False) or first.is_descending or [key.name for key in others] != ["id"]:
        return [at_or_after(rows, sort)]
    place, place_id = argument(f"first_{first.name}", column.type), argument("first_id", Uuid())
    first_id = case((place.is_(None), place_id), else_=cast(literal(str(UUID(int=0))), Uuid()))
    return [
        tuple_(column, rows.c.id) >= tuple_(place, place_id),
        and_(column.is_(None), rows.c.id >= first_id),
    ]


def at_or_after(rows: FromClause, sort: Sort) -> ColumnElement[bool]:
    """The row stands at the place that the `first_...` arguments name, or after it."""
    columns = [key.of(rows) for key in sort]
    nullable = [getattr(column, "nullable", False) for column in columns]
    places = [argument(f"first_{key.name}", column.type) for key, column in zip(sort, columns, strict=True)]
    if len({key.is_descending for key in sort}) == 1 and not any(nullable):
        row, place = tuple_(*columns), tuple_(*places)  # which an index can begin at
        return row <= place if sort[0].is_descending else row >= place
    reached = and_(*(column.is_not_distinct_from(place) for column, place in zip(columns, places, strict=True)))
    for key, column, place, may_be_null in reversed(list(zip(sort, columns, places, nullable, strict=True))):
        beyond = column < place if key.is_descending else column > place
        is_after = or_(beyond, and_(column.is_(None), place.is_not(None))) if may_be_null else beyond
        reached = or_(is_after, and_(column.is_not_distinct_from(place), reached))
    return reached


def _sorted(column: ColumnElement[Any], key: SortKey) -> ColumnElement[Any]:
    if not key.is_descending:
        return column.asc()  # PostgreSQL's own order has NULLs last
    return column.desc().nulls_last() if getattr(column, "nullable", False) else column.desc()


def cut(row: asyncpg.Record, sort: Sort) -> tuple[str, Place | None]:
    """The items of the page, and where the next one begins: at the row that was rendered beyond it."""
    items: str = row["items"] or ""
    if row["next_id"] is None:
        return items, None
    return items.rpartition(BETWEEN_ITEMS)[0], {key.name: row[f"next_{key.name}"] for key in sort}
