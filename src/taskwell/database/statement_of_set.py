"""The second form of a statement: over a set of requests, in one round trip, with one row for each of them.

The requests are a relation, `asked`: a row for each, with the values of its arguments. So where the form of one request has an
argument, this one has a column of `asked`. Both are made of the same expressions, and a field or a filter is added once.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ARRAY, ColumnElement, Integer, Select, Text, cast, func, select, true
from sqlalchemy.sql.type_api import TypeEngine

from taskwell.database.statement import ASKED, EACH, SET_DIALECT, Statement, argument

COUNT: Final = f"{EACH}request"
"""The argument that says how many requests there are. The others have the values of all: `each_owner`, `each_task_id`..."""

_ROW: Final = "row_"
_ROWS: Final = "rows"

ASKED_BY: Final = "asked_by"
"""The column of the answers that says whose request this was."""

IS_SKIPPED: Final = "is_skipped"
"""The column of a write's answers that says that nothing was done, since somebody else has locked the owner or the record."""

Types = Mapping[str, TypeEngine[Any]]
Over = Callable[[Statement, Types], Select[Any]]
"""Makes the form over a set, from the form of one request and its arguments."""


class StatementOfSet(Statement):
    """It gives for each request, in any order, `n` (from 1 on), `asked_by`, `is_there`, and what the form of one gives."""

    __slots__ = ("_one", "_written")

    dialect = SET_DIALECT

    def __init__(self, one: Statement, over: Over) -> None:
        self._register(f"{one.name}_set")
        self.unscoped = one.unscoped
        self.queue = one.queue
        self.of_set = None
        self._one = one
        self._build = lambda: over(one, one.types)

    def __getattr__(self, name: str) -> Any:
        if name == "_written":
            self.compile()
            return self._written
        return super().__getattr__(name)

    def compile(self) -> None:
        one = self._one
        self._repeatable = one.repeatable
        super().compile()
        names = [name.removeprefix(EACH) for name in self.order if name != COUNT]
        assert self.order == (*map(EACH.__add__, names), COUNT)
        self._written = [(one.order.index(name), _WRITTEN[one.types[name].python_type]) for name in names]

    def values_of(self, requests: Sequence[Sequence[Any]]) -> list[Any]:
        """Returns what is sent for requests, each with the values of the form of one."""
        columns = list(zip(*requests, strict=True))
        return [*(written(columns[place]) for place, written in self._written), len(requests)]


def in_sets(one: Statement, over: Over | None = None) -> Statement:
    """The statement, which can now be run over a set as well. `over` is for what writes."""
    one.of_set = StatementOfSet(one, over or _each)
    return one


def requests(types: Types) -> Select[Any]:
    """The relation of the requests: `n`, from 1 on, and the arguments of each."""
    return _relation(types, EACH, COUNT)


def rows(types: Types) -> Select[Any]:
    """The relation of rows that one request brings, likewise. `as_arrays` makes its arguments."""
    return _relation(types, _ROW, _ROWS)


def as_arrays(types: Types, given: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The arguments of `rows`."""
    values = {name: [one[name] for one in given] for name in types}
    return {_ROW + name: _WRITTEN[types[name].python_type](values[name]) for name in types} | {_ROWS: len(given)}


def _relation(types: Types, each: str, count: str) -> Select[Any]:
    """The arrays, as a relation.

    PostgreSQL would plan `unnest($1)` anew at each run, because it sees how long the array is; a subquery hides that. It takes a
    LIMIT that it cannot see for a tenth of the ten rows that it expects of `unnest`. So it plans for one request, as it does for
    the other form.
    """
    names = sorted(types)
    arrays = (select(_array(each + name, types[name])).scalar_subquery() for name in names)
    given = func.unnest(*arrays).table_valued(*names, with_ordinality="n").render_derived(name="given")
    most = select(argument(count, Integer())).scalar_subquery()
    return select(given.c.n, *(cast(given.c[name], types[name]).label(name) for name in names)).limit(most)


def _each(one: Statement, types: Types) -> Select[Any]:
    """What a statement that only reads gives for each of the requests.

    A LATERAL with a LIMIT cannot be flattened into a join. On empty tables PostgreSQL would plan such a join by hash, and would
    go on to read everybody's rows with that plan.
    """
    asked = requests(types).subquery(ASKED)
    read = one.expression
    assert isinstance(read, Select)
    found = read.add_columns(true().label("is_there")).limit(1).lateral("found")
    return select(asked.c.n, asked.c[one.queue].label(ASKED_BY), *found.c).select_from(asked.outerjoin(found, true()))


def _array(name: str, type_: TypeEngine[Any]) -> ColumnElement[Any]:
    # Texts, and cast inside: asyncpg would ask the server for any other type of array, and sets `jit` for the session meanwhile,
    # which a pooler hands to somebody else. And one text where no value has a comma: asyncpg asks of each element of an array
    # several times what it is.
    if type_.python_type in _WITH_COMMAS:
        return argument(name, ARRAY(Text()))
    return func.string_to_array(argument(name, Text()), ",", "")


_Values = Sequence[Any]


def array_text(values: Sequence[str]) -> str:
    """An array of texts, as PostgreSQL reads it."""
    escaped = (value.replace("\\", "\\\\").replace('"', '\\"') for value in values)
    return "{" + ",".join(f'"{value}"' for value in escaped) + "}"


def _hexadecimal(value: UUID) -> str:
    return f"{value.int:032x}"  # with hyphens it takes three times as long


def _arrays(values: _Values) -> list[str | None]:
    return [None if value is None else array_text(value) for value in values]


def _joined(text: Callable[[Any], str]) -> Callable[[_Values], str]:
    return lambda values: ",".join(["" if value is None else text(value) for value in values])


_WITH_COMMAS: Final[Mapping[type, Callable[[_Values], Any]]] = {str: list, list: _arrays}
_WITHOUT: Final[Mapping[type, Callable[[_Values], Any]]] = {
    bool: _joined(str),
    date: _joined(date.isoformat),
    datetime: _joined(datetime.isoformat),
    int: _joined(str),
    UUID: _joined(_hexadecimal),
}
_WRITTEN: Final = {**_WITH_COMMAS, **_WITHOUT}
"""How the values of all requests are sent, for PostgreSQL to read. In a text with commas, nothing between two of them is NULL."""
