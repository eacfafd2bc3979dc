"""A view is a SQLModel class without a table. It describes a response once, and the SQL that renders it is made from it."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from sqlalchemy import CTE, ColumnElement, DateTime, FromClause, Function, Subquery, case, cast, func
from sqlalchemy.dialects.postgresql import TIMESTAMP
from sqlalchemy.sql.selectable import LateralFromClause
from sqlmodel import SQLModel

_NONE: Final[Mapping[str, ColumnElement[Any]]] = MappingProxyType({})


def shown_of(
    view: type[SQLModel], source: FromClause, computed: Mapping[str, ColumnElement[Any]] = _NONE
) -> list[ColumnElement[Any]]:
    """The columns of the view in its order, as `as_json` shows them: from `computed`, or else from `source`.

    Raises KeyError for a name that neither has.
    """
    return [(computed[name] if name in computed else shown_column(source.c[name])).label(name) for name in view.model_fields]


def shown_column(column: ColumnElement[Any]) -> ColumnElement[Any]:
    """The column as `as_json` shows it. A time has six digits of fraction.

    PostgreSQL leaves out the zeros at the end of a fraction, and parsers of a fixed format fail then. `to_char` of each time made
    a list of 20 slower by a fifth, so only a time that ends in a zero, which is one in ten, goes through it.
    """
    if not isinstance(column.type, DateTime):
        return column
    ends_in_zero = column == cast(column, TIMESTAMP(timezone=True, precision=5))
    padded = func.to_char(column, 'YYYY-MM-DD"T"HH24:MI:SS.USTZH:TZM')
    return case((ends_in_zero, func.to_json(padded)), else_=func.to_json(column))


def as_json(rows: CTE | Subquery | LateralFromClause) -> Function[Any]:
    """Each row as one JSON object whose keys are the column names, or NULL where an outer join found no row."""
    return func.row_to_json(rows.table_valued())
