"""From a view, a SQLModel class without a table, to the SQL that renders it: the response is described once."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import CTE, ColumnElement, FromClause, Function, Subquery, func
from sqlmodel import SQLModel


def columns_of(view: type[SQLModel], source: FromClause) -> Sequence[ColumnElement[Any]]:
    """The columns of `source` that the view shows, in its order. Raises KeyError where a name has no column."""
    return [source.c[name] for name in view.model_fields]


def as_json(rows: CTE | Subquery) -> Function[Any]:
    """Each row as one JSON object, its keys the column names; NULL where an outer join found no row."""
    return func.row_to_json(rows.table_valued())
