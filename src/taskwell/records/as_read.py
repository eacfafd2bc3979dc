"""A record that was read may come back whole: most front ends send `{...record, changed}`.

What only Taskwell sets is compared with what is stored and never written. Nobody can change it this way, and a client whose
copy is old hears of it.
"""

from typing import Annotated, Any

from pydantic import BaseModel, Field
from sqlalchemy import Boolean, Column, ColumnElement, DateTime, FromClause, Table, and_, case, func, literal

from taskwell.database.statement import argument
from taskwell.errors import InvalidInput
from taskwell.types import KEPT_BY_CLIENTS, Id, Time

NotLookedAt = Annotated[Any, Field(default=None, description="It may come back as it was read, and is not looked at")]


class AsRead(BaseModel):
    """The fields of every record that only Taskwell sets. A noun with more of them adds them in a model below this one."""

    id: Annotated[Id, Field(default=None)]
    user_id: Annotated[Id, Field(default=None)]
    created_at: Annotated[Time, Field(default=None)]
    updated_at: Annotated[Time, Field(default=None)]
    revision: Annotated[int, Field(default=None)]
    etag: Annotated[str, Field(default=None)]


def read_only(model: type[BaseModel]) -> frozenset[str]:
    """The fields that a request model has from AsRead and from what is below it."""
    return frozenset(name for base in model.__mro__[1:] if issubclass(base, AsRead) for name in base.model_fields)


def is_given(request: BaseModel) -> bool:
    return not read_only(type(request)).isdisjoint(request.model_fields_set)


def refuse_but_id(request: BaseModel, record_id: object) -> None:
    """For a request that creates: there is nothing yet that could have been read. Raises InvalidInput."""
    given = read_only(type(request)) & request.model_fields_set
    if getattr(request, "id", record_id) == record_id:
        given -= {"id"}
    if given:
        raise InvalidInput.not_stored(sorted(given))


class Compared:
    """The read-only fields that a statement compares: all but `revision` and `etag`, which are a condition, and what may be
    anything."""

    def __init__(self, table: Table, whole: type[BaseModel]) -> None:
        looked_at = {name for name in read_only(whole) if whole.model_fields[name].annotation is not Any}
        names = [name for name in table.c.keys() if name in looked_at - {"revision", "etag"}]  # noqa: SIM118  a collection
        self._columns: dict[str, Column[Any]] = {name: table.c[name] for name in names}
        self._given = {name: argument(f"read_{name}", column.type) for name, column in self._columns.items()}
        self._is_given = {name: argument(f"has_{name}", Boolean()) for name in names}

    def unlike(self, row: FromClause) -> ColumnElement[str]:
        """The names of those that are given and are not what the row holds, with commas between them."""
        named = (
            case((and_(self._is_given[name], _is_unlike(row.c[name], given)), literal(name)))
            for name, given in self._given.items()
        )
        return func.concat_ws(",", *named)

    def given_by(self, request: BaseModel) -> dict[str, Any]:
        values = {f"read_{name}": getattr(request, name) for name in self._columns}
        return values | {f"has_{name}": name in request.model_fields_set for name in self._columns}


def _is_unlike(stored: ColumnElement[Any], given: ColumnElement[Any]) -> ColumnElement[bool]:
    is_other = stored.is_distinct_from(given)
    if not isinstance(stored.type, DateTime):
        return is_other
    return func.coalesce(func.greatest(stored - given, given - stored) >= KEPT_BY_CLIENTS, is_other)
