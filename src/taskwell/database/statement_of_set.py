"""The second form of a statement: over a set of requests, in one round trip, with one row for each of them.

The requests are a relation, `asked`: a row for each, with the values of its arguments. So where the form of one request has an
argument, this one has a column of `asked`. Both are made of the same expressions, and a field or a filter is added once.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ARRAY, Integer, Select, Text, cast, func, select, true
from sqlalchemy.sql.type_api import TypeEngine

from taskwell.database.statement import ASKED, EACH, SET_DIALECT, Statement, argument

COUNT: Final = f"{EACH}request"
"""The argument that says how many requests there are. The others are arrays: `each_owner`, `each_task_id`..."""

ASKED_BY: Final = "asked_by"
"""The column of the answers that says whose request this was."""

IS_SKIPPED: Final = "is_skipped"
"""The column of a write's answers that says that nothing was done, since somebody else has locked the owner or the record."""

Types = Mapping[str, TypeEngine[Any]]
Over = Callable[[Statement, Types], Select[Any]]
"""Makes the form over a set, from the form of one request and its arguments."""


class StatementOfSet(Statement):
    """It gives for each request, in any order, `n` (from 1 on), `asked_by`, `is_there`, and what the form of one gives."""

    __slots__ = ("_texts",)

    def __init__(self, one: Statement, over: Over) -> None:
        super().__init__(
            f"{one.name}_set",
            over(one, one.types),
            repeatable=one.repeatable,
            unscoped=one.unscoped,
            queue=one.queue,
            dialect=SET_DIALECT,
        )
        names = [name.removeprefix(EACH) for name in self.order if name != COUNT]
        self._texts = [(name, _text_of(one.types[name])) for name in names]
        assert self.order == (*map(EACH.__add__, names), COUNT)

    def values_of(self, requests: Sequence[Mapping[str, Any]]) -> list[Any]:
        """Returns what is sent for requests that have the arguments of the form of one."""
        arrays: list[Any] = [
            [None if (value := one[name]) is None else text(value) for one in requests] for name, text in self._texts
        ]
        return [*arrays, len(requests)]


def in_sets(one: Statement, over: Over | None = None) -> Statement:
    """The statement, which can now be run over a set as well. `over` is for what writes."""
    one.of_set = StatementOfSet(one, over or _each)
    return one


def requests(types: Types) -> Select[Any]:
    """The relation of the requests: `n`, from 1 on, and the arguments of each.

    PostgreSQL would plan `unnest($1)` anew at each run, because it sees how long the array is; a subquery hides that. It takes a
    LIMIT that it cannot see for a tenth of the ten rows that it expects of `unnest`. So it plans for one request, as it does for
    the other form.
    """
    names = sorted(types)
    # Texts, and cast inside: asyncpg would ask the server for any other type of array, and sets `jit` for the session meanwhile,
    # which a pooler hands to somebody else.
    arrays = (select(argument(EACH + name, ARRAY(Text()))).scalar_subquery() for name in names)
    given = func.unnest(*arrays).table_valued(*names, with_ordinality="n").render_derived(name="given")
    count = select(argument(COUNT, Integer())).scalar_subquery()
    return select(given.c.n, *(cast(given.c[name], types[name]).label(name) for name in names)).limit(count)


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


def _text_of(type_: TypeEngine[Any]) -> Callable[[Any], str]:
    """How a value that is not None is written, for PostgreSQL to read."""
    return _WRITTEN[type_.python_type]


def _itself(value: str) -> str:
    return value


def _truth(value: bool) -> str:
    return "true" if value else "false"


def array_text(values: Sequence[str]) -> str:
    """An array of texts, as PostgreSQL reads it."""
    escaped = (value.replace("\\", "\\\\").replace('"', '\\"') for value in values)
    return "{" + ",".join(f'"{value}"' for value in escaped) + "}"


_WRITTEN: Final[dict[type, Callable[[Any], str]]] = {
    str: _itself,
    bool: _truth,
    datetime: datetime.isoformat,
    int: str,
    list: array_text,
    UUID: str,
}
