"""A view is a SQLModel class without a table. It describes a response once, and the SQL that renders it is made from it."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import CTE, ColumnElement, FromClause, Function, Subquery, func
from sqlmodel import SQLModel


def columns_of(view: type[SQLModel], source: FromClause) -> Sequence[ColumnElement[Any]]:
    """The columns of `source` that the view shows, in its order. Raises KeyError where a name has no column."""
    return [source.c[name] for name in view.model_fields]


def as_json(rows: CTE | Subquery) -> Function[Any]:
    """Each row as one JSON object whose keys are the column names, or NULL where an outer join found no row."""
    return func.row_to_json(rows.table_valued())
