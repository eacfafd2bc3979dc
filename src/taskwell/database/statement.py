"""A statement is built from the SQLModel tables with SQLAlchemy's expressions. It is compiled once, and it runs prepared.

SQLAlchemy does not run again for a request, so it cannot help there: it computes no default in Python, converts no value by its
type, and spreads no list into an `IN`. A statement that would need such help is refused when it is compiled, and tests/house
compiles every one. docs/decisions/0001-no-orm-session.md has the measurements.
"""

from collections.abc import Awaitable, Callable, Iterator
from typing import TYPE_CHECKING, Any, ClassVar

import asyncpg
from sqlalchemy import ARRAY, Boolean, Text
from sqlalchemy.dialects.postgresql.asyncpg import PGCompiler_asyncpg, PGDialect_asyncpg
from sqlalchemy.sql.dml import Insert, Update, UpdateBase
from sqlalchemy.sql.elements import BindParameter, ClauseElement
from sqlalchemy.sql.expression import ColumnElement, Executable
from sqlalchemy.sql.type_api import TypeEngine

if TYPE_CHECKING:  # generic in the stubs alone
    from taskwell.database.statement_of_set import StatementOfSet  # it is made of this module's

    Connection = asyncpg.Connection[asyncpg.Record]
else:
    Connection = asyncpg.Connection

REGISTRY: dict[str, "Statement"] = {}
"""It holds every statement of the program by its name. The isolation proofs in tests/house walk over it."""


class UnsafeStatement(Exception):
    """The statement cannot be run as it stands, or its arguments are not the ones that it takes."""


class Argument(BindParameter[Any]):
    """An argument is a value that each run gives. Every other bind is a constant, and becomes part of the statement's text."""

    inherit_cache = True


ASKED = "asked"
"""What the requests are called in a statement over a set of them."""

EACH = "each_"
"""An argument of such a statement that is sent begins with this. Every other one is a column of the requests."""


def argument(name: str, type_: TypeEngine[Any] | type[TypeEngine[Any]]) -> ColumnElement[Any]:
    return Argument(name, type_=type_, required=True)


class _Compiler(PGCompiler_asyncpg):
    def visit_bindparam(self, bindparam: BindParameter[Any], *args: Any, **options: Any) -> str:
        # A constant is written into the text. So the planner sees it, and no request has to send it.
        if not bindparam.required:
            options["literal_binds"] = True
        text: str = super().visit_bindparam(bindparam, *args, **options)  # type: ignore[no-untyped-call]
        return text


class _Dialect(PGDialect_asyncpg):
    statement_compiler = _Compiler


class _SetCompiler(_Compiler):
    def visit_bindparam(self, bindparam: BindParameter[Any], *args: Any, **options: Any) -> str:
        # In a statement over a set of requests, an argument is a column of the requests, unless it is one that is sent.
        if isinstance(bindparam, Argument) and not bindparam.key.startswith(EACH):
            return f"{ASKED}.{self.preparer.quote(bindparam.key)}"
        return super().visit_bindparam(bindparam, *args, **options)


class _SetDialect(PGDialect_asyncpg):
    statement_compiler = _SetCompiler


_DIALECT = _Dialect()  # type: ignore[no-untyped-call]
SET_DIALECT = _SetDialect()  # type: ignore[no-untyped-call]


class Statement:
    """One statement of the program.

    `unscoped` is the reason why the statement may touch rows of more than one owner. tests/house/unscoped_statements.txt
    lists the statements that give one. `repeatable` says that running the statement twice does no harm. That is true for a
    read, and for a write whose second run would fail on a key that the first one took. `queue` names the argument that says
    who asks: writes wait for each other by it. `of_set` is the same over a set of requests (database/statement_of_set.py).
    """

    __slots__ = (
        "_build",
        "_repeatable",
        "arguments",
        "expression",
        "name",
        "of_set",
        "order",
        "queue",
        "repeatable",
        "sql",
        "types",
        "unscoped",
        "writes",
    )

    dialect: ClassVar[PGDialect_asyncpg] = _DIALECT
    expression: Executable
    sql: str
    order: tuple[str, ...]
    arguments: frozenset[str]
    types: dict[str, TypeEngine[Any]]
    writes: bool
    repeatable: bool
    of_set: "StatementOfSet | None"

    def __init__(
        self,
        name: str,
        expression: Executable | Callable[[], Executable],
        *,
        repeatable: bool | None = None,
        unscoped: str | None = None,
        queue: str = "owner",
    ) -> None:
        self._register(name)
        if isinstance(expression, Executable):
            self.expression = expression
        else:
            self._build = expression
        self.unscoped = unscoped
        self.queue = queue
        self.of_set = None
        self._repeatable = repeatable

    def _register(self, name: str) -> None:
        if name in REGISTRY:
            raise UnsafeStatement(f"{name}: another statement has this name")
        self.name = name
        REGISTRY[name] = self

    def __getattr__(self, name: str) -> Any:
        """What building and compiling give, when first asked for: all statements would take a second of each start and command.

        A slot that has its value is never looked for here.
        """
        if name == "expression":
            self.expression = self._build()
            return self.expression
        if name not in _COMPILED:
            raise AttributeError(f"{self!r} has no {name}")
        self.compile()
        return getattr(self, name)

    def compile(self) -> None:
        """Raises UnsafeStatement for one that cannot be run as it stands."""
        expression = self.expression
        assert isinstance(expression, ClauseElement)
        elements = _elements_of(expression)
        for reason in _reasons_to_refuse(elements):
            raise UnsafeStatement(f"{self.name}: {reason}")
        compiled = expression.compile(dialect=self.dialect)
        assert isinstance(compiled, PGCompiler_asyncpg)
        for key, bind in compiled.binds.items():
            if bind.required and not isinstance(bind, Argument):
                raise UnsafeStatement(f"{self.name}: nobody declared the bind {key!r}")
        if compiled.insert_prefetch or compiled.update_prefetch:
            defaults = [*compiled.insert_prefetch, *compiled.update_prefetch]
            raise UnsafeStatement(f"{self.name}: Python-side default of {defaults}")
        self.sql = str(compiled)
        self.order = tuple(compiled.positiontup or ())
        self.arguments = frozenset(self.order)
        self.types = {key: bind.type for key, bind in compiled.binds.items() if bind.required}
        self.writes = any(isinstance(element, UpdateBase) or _locks(element) for element in elements)
        self.repeatable = not self.writes if self._repeatable is None else self._repeatable

    def __repr__(self) -> str:
        return f"<Statement {self.name}>"

    def values(self, arguments: dict[str, Any]) -> list[Any]:
        """Returns the arguments in the order of `$1, $2, ...`."""
        if arguments.keys() != self.arguments:
            difference = sorted(arguments.keys() ^ self.arguments)
            raise UnsafeStatement(f"{self.name}: missing or unknown arguments: {', '.join(difference)}")
        return [arguments[name] for name in self.order]

    def run(self, connection: Connection, values: list[Any]) -> Awaitable[asyncpg.Record | None]:
        return connection.fetchrow(self.sql, *values)

    def run_all(self, connection: Connection, values: list[Any]) -> Awaitable[list[asyncpg.Record]]:
        return connection.fetch(self.sql, *values)


_COMPILED = frozenset({"sql", "order", "arguments", "types", "writes", "repeatable"})


def _elements_of(expression: ClauseElement) -> list[Any]:
    """Each element once. SQLAlchemy's own `iterate` gives a CTE again wherever it is named, and all that is in it."""
    found: dict[int, Any] = {}
    stack: list[Any] = [expression]
    while stack:
        element = stack.pop()
        if id(element) not in found:
            found[id(element)] = element
            stack.extend(element.get_children())
    return list(found.values())


def _locks(element: object) -> bool:
    return getattr(element, "_for_update_arg", None) is not None


def _reasons_to_refuse(elements: list[Any]) -> Iterator[str]:
    types: dict[str, str] = {}
    for element in elements:
        if isinstance(element, BindParameter):
            if element.expanding:
                yield f"an expanding IN on {element.key!r}: compare with = ANY(string_to_array(...)) instead"
            elif not _sends_as_is(element.type):
                yield f"{element.key!r} has the type {element.type!r}, whose values cannot be sent as they are"
            elif isinstance(element, Argument) and types.setdefault(element.key, repr(element.type)) != repr(element.type):
                yield f"the argument {element.key!r} has two types"
        elif isinstance(element, Insert) and element._multi_values:  # noqa: SLF001
            yield "VALUES of several rows, into which nothing here can look: use INSERT ... SELECT"
        elif isinstance(element, Insert | Update):
            # `INSERT ... SELECT` silently writes NULL for these columns, and plain VALUES expects the caller to compute them.
            for column in element.table.columns:
                default = column.default if isinstance(element, Insert) else column.onupdate
                if default is not None:
                    yield f"{column} has a default that only Python would compute"


def _sends_as_is(type_: TypeEngine[Any]) -> bool:
    if isinstance(type_, ARRAY):
        # asyncpg asks the server about each array type that it meets, but for text[], and sets `jit` for the session meanwhile. A
        # transaction pooler may then hand that session to another client.
        return type(type_.item_type) is Text
    if isinstance(type_, Boolean):  # the processor of this type only checks the value, and asyncpg checks it too
        return True
    implementation = type_.dialect_impl(_DIALECT)
    return implementation.bind_processor(_DIALECT) is None and not implementation._has_bind_expression  # noqa: SLF001
