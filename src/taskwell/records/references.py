"""A field that names another record of the same user's: one that does not exist, is deleted, or is somebody else's is unknown.

A write decides that on the record itself, which it locks after the user's row: a deletion that was on its way has been committed
by then, and the lock finds the newest version, whatever the statement's snapshot has. A request that names none of these fields
runs a statement without them, alone or in a set.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from sqlalchemy import CTE, ColumnElement, FromClause, Uuid, and_, case, func, literal, not_, or_, select, true

from taskwell.database.statement import argument
from taskwell.records.kinds import Kind
from taskwell.records.names import are_missing, locked_names

_NOTHING: Final[Mapping[str, ColumnElement[bool]]] = MappingProxyType({})


class References:
    """The records that the content of a write names, each in a CTE of its own. `in_part`: a field may be left out.

    Without `is_whole` the write has none of these fields (`Kind.plain`).
    """

    def __init__(self, kind: Kind, me: CTE, *, is_whole: bool, in_part: bool = False) -> None:
        self._is_named: dict[str, ColumnElement[bool]] = {}
        self._found: dict[str, CTE] = {}
        for field, target in kind.references.items() if is_whole else ():
            name = kind.content.arguments[field]
            is_named = and_(kind.content.given[field], name.is_not(None)) if in_part else name.is_not(None)
            self._is_named[field] = is_named
            self._found[field] = _locked(field, target, name, is_named, me)
        by_name = kind.by_name if is_whole else {}
        self._names = {name: locked_names(name, target, kind.content.arguments[name], me) for name, target in by_name.items()}
        self._content = kind.content if is_whole else kind.plain
        self.meant: dict[str, ColumnElement[Any]] = {**self._content.arguments, **self._names}
        """What the arguments of the content mean: names as they are stored."""

    def of_new(self) -> dict[str, ColumnElement[Any]]:
        """The columns of a new record."""
        return self._content.of_new(self.meant)

    @property
    def found(self) -> tuple[CTE, ...]:
        return tuple(self._found.values())

    def beside(self, source: FromClause) -> FromClause:
        """The rows of `source`, with what is named beside them."""
        for found in self.found:
            source = source.outerjoin(found, true())
        return source

    @property
    def are_known(self) -> list[ColumnElement[bool]]:
        known = [or_(not_(self._is_named[field]), found.c.id.is_not(None)) for field, found in self._found.items()]
        return [*known, *(not_(are_missing(names)) for names in self._names.values())]

    @property
    def said(self) -> list[ColumnElement[Any]]:
        """`unknown`: the names of the fields whose record is not there, with commas between them.

        `has_new_names`: one that is named by its name is not there (yet: its noun can make it).
        """
        unknown = {field: and_(self._is_named[field], found.c.id.is_(None)) for field, found in self._found.items()}
        new = [are_missing(names) for names in self._names.values()]
        return [*([_names(unknown)] if unknown else []), *([or_(*new).label("has_new_names")] if new else [])]


def _locked(field: str, target: Kind, name: ColumnElement[Any], is_named: ColumnElement[bool], me: CTE) -> CTE:
    return (
        select(target.table.c.id)
        .select_from(me.join(target.table, target.table.c.user_id == me.c.id))
        .where(target.live, target.table.c.id == name, is_named)
        .with_for_update(of=target.table, key_share=True)
        .cte(f"named_{field}")
    )


def unknown_in_a_filter(
    named: Mapping[str, Kind], unknown: Mapping[str, ColumnElement[bool]] = _NOTHING
) -> list[ColumnElement[str]]:
    """`unknown` of a read, whose arguments `named` each name a record of that kind, or are NULL.

    The argument says of other filters by their names whether what they name is unknown.
    """
    of_ids = {}
    for field, kind in named.items():
        name = argument(field, Uuid())
        there = select(kind.table.c.id).where(kind.live, kind.table.c.id == name).scalar_subquery()
        of_ids[field] = and_(name.is_not(None), there.is_(None))
    return [_names({**of_ids, **unknown})] if of_ids or unknown else []


def _names(unknown: Mapping[str, ColumnElement[bool]]) -> ColumnElement[str]:
    return func.concat_ws(",", *(case((is_unknown, literal(field))) for field, is_unknown in unknown.items())).label("unknown")
