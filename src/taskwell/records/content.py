"""A noun's writable fields, said once: by the model of a request that gives them all, and which of them it began with.

The arguments of a statement, the columns of an insert, and what "the same", "differs" and "changed in part" mean all follow from
it. A field that is added to the model is stored, compared and changed everywhere, or nowhere.
"""

from collections.abc import Callable, Collection, Mapping
from types import MappingProxyType
from typing import Any, Final

from pydantic import BaseModel
from pydantic_core import to_json
from sqlalchemy import Boolean, Column, ColumnElement, FromClause, String, Table, Text, and_, case, cast, func, or_
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.sql.type_api import TypeEngine
from sqlmodel import AutoString

from taskwell.database.statement import argument
from taskwell.records.as_read import read_only
from taskwell.records.searched import COLUMN, Fold, Searched
from taskwell.types import name_key

FIRST_VERSION: Final[Mapping[str, frozenset[str]]] = {
    "tasks": frozenset({"title", "description", "is_completed"}),
    "lists": frozenset({"name", "colour", "icon", "is_archived"}),
    "labels": frozenset({"name", "colour"}),
}
"""The fields with which each noun began, by its table. A PUT clears those that it leaves out.

What came later a PUT leaves alone, unless it names it: an old client does not know that field, and must not lose what others
have set there.
"""


Follows = Callable[[BaseModel], Mapping[str, Any]]
"""The arguments that Python makes of a request's content, beside the content itself."""
KEY: Final = "key"
"""The column by which others name a record: it follows from `name` (types.name_key), and no two live records have the same."""

_NONE: Final[Mapping[str, Fold]] = MappingProxyType({})


def nothing(_: BaseModel) -> Mapping[str, Any]:
    return {}


class Content:
    """`whole` is the model of a PUT; each of its fields that a client may set, but for `without`, is a column of `table`.

    Those of `searched` are also folded into one that follows from them (records/searched.py). Of those of `by_name`, the keys of
    the names are sent (records/names.py). What writes the content takes what else `follows` from it.
    """

    def __init__(
        self,
        table: Table,
        whole: type[BaseModel],
        without: Collection[str] = (),
        searched: Mapping[str, Fold] = _NONE,
        by_name: Collection[str] = (),
        follows: Follows = nothing,
    ) -> None:
        self._follows = follows
        self.names = tuple(name for name in whole.model_fields if name not in read_only(whole) and name not in without)
        self._first_version = FIRST_VERSION.get(table.name, frozenset(self.names))
        self._columns: dict[str, Column[Any]] = {name: table.c[name] for name in self.names}
        self._json = frozenset(name for name, column in self._columns.items() if isinstance(column.type, JSONB))
        self.arguments = {name: _argument(name, column) for name, column in self._columns.items()}
        self.given = {name: argument(f"has_{name}", Boolean()) for name in self.names}
        self._searched = Searched(searched, self.names)
        self._by_name = frozenset(by_name)
        self._key = argument(KEY, Text()) if KEY in table.c else None
        following = {COLUMN: bool(self._searched), KEY: self._key is not None}
        self.columns = (*self.names, *(name for name, is_there in following.items() if is_there))
        """The columns that a write of this content sets."""

    def same(self, row: FromClause, sent: Mapping[str, ColumnElement[Any]]) -> ColumnElement[bool]:
        """The row holds what is `sent`: the arguments, or what they mean."""
        return and_(*(self._equals(name, sent[name], row.c[name]) for name in self.names))

    def of_new(self, sent: Mapping[str, ColumnElement[Any]]) -> dict[str, ColumnElement[Any]]:
        """The columns of a new record, from what is sent."""
        new = {**sent} | ({COLUMN: self._searched.of_new()} if self._searched else {})
        return new if self._key is None else new | {KEY: self._key}

    def merged(self, row: FromClause, sent: Mapping[str, ColumnElement[Any]]) -> dict[str, ColumnElement[Any]]:
        """For each column what is sent, if it is given, or else what the row holds."""
        merged: dict[str, ColumnElement[Any]] = {
            name: case((self.given[name], sent[name]), else_=row.c[name]) for name in self.names
        }
        merged |= {COLUMN: self._searched.merged(row, self.given)} if self._searched else {}
        return merged if self._key is None else merged | {KEY: case((self.given["name"], self._key), else_=row.c[KEY])}

    def differs(self, new: Mapping[str, ColumnElement[Any]], row: FromClause) -> ColumnElement[bool]:
        """One of the new values is not what the row holds."""
        return or_(*(new[name].is_distinct_from(row.c[name]) for name in self.names))

    def is_given(self) -> ColumnElement[bool]:
        """The request says something of the content."""
        return or_(*self.given.values())

    def _equals(self, name: str, sent: ColumnElement[Any], column: ColumnElement[Any]) -> ColumnElement[bool]:
        if self._columns[name].nullable:
            return column.is_not_distinct_from(sent)
        return column == func.coalesce(sent, column)  # what was left out follows from the write, and says nothing

    def said_by(self, request: BaseModel) -> dict[str, Any]:
        """The arguments of `same`: what the request says of each field."""
        values = {name: self._sent(name, getattr(request, name)) for name in self.names}
        return values | {name: [name_key(one) for one in values[name] or ()] for name in self._by_name}

    def _sent(self, name: str, value: Any) -> Any:
        return value if value is None or name not in self._json else to_json(value, exclude_none=True, by_alias=True).decode()

    def given_by(self, request: BaseModel) -> dict[str, Any]:
        """The arguments of a request that gives every field: a POST, or a PUT that creates."""
        given = {**self.said_by(request), **self._searched.given_by(request), **self._follows(request)}
        return given if self._key is None else given | {KEY: given["name"] and name_key(given["name"])}

    def replaced_by(self, request: BaseModel) -> dict[str, Any]:
        """The arguments of a PUT: every field of the first version is given, and of the later ones those that it names."""
        given = self._first_version | request.model_fields_set
        return self.given_by(request) | {f"has_{name}": name in given for name in self.names}

    def changed_by(self, request: BaseModel) -> dict[str, Any]:
        """The arguments of a PATCH: the fields that it names are given."""
        return self.given_by(request) | {f"has_{name}": name in request.model_fields_set for name in self.names}


def _argument(name: str, column: Column[Any]) -> ColumnElement[Any]:
    # asyncpg takes JSON as text.
    return cast(argument(name, String()), JSONB) if isinstance(column.type, JSONB) else argument(name, _sent(column))


def _sent(column: Column[Any]) -> TypeEngine[Any]:
    # With the column's own length the cast in the statement's text would cut a longer value off, instead of having it refused.
    return String() if isinstance(column.type, String | AutoString) else column.type
