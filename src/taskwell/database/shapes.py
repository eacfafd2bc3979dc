"""A family of statements: one question, whose SQL differs by what chooses an index.

PostgreSQL plans a prepared statement once for all its arguments, so an order or a filter that needs an index of its own needs a
statement of its own. Every other filter is one condition more, `:x IS NULL OR ...`, in each of them.
"""

from collections.abc import Callable, Iterable, Iterator
from threading import Lock
from typing import Generic, TypeVar

from taskwell.database.statement import REGISTRY, Statement

S = TypeVar("S")

SHAPES_PER_FAMILY = 64
"""A connection keeps 256 prepared statements, and a client that tries every filter must not push out everybody else's."""

FAMILIES: list["Shapes[object]"] = []
"""Every family of the program. The isolation proofs walk over all shapes of each one."""


class Shapes(Generic[S]):
    """Each shape's statement is compiled when it is first asked for: compiling all of them would lengthen every start."""

    def __init__(self, shapes: Iterable[S], build: Callable[[S], Statement]) -> None:
        self._shapes = tuple(shapes)
        self._build = build
        self._built: dict[S, Statement] = {}
        self._building = Lock()
        assert len(self._shapes) <= SHAPES_PER_FAMILY, f"{len(self._shapes)} shapes of one family"
        FAMILIES.append(self)  # type: ignore[arg-type]

    def __getitem__(self, shape: S) -> Statement:
        """Raises KeyError for a shape that is not of the family."""
        statement = self._built.get(shape)
        return self._built_once(shape) if statement is None else statement

    def _built_once(self, shape: S) -> Statement:
        # Servers in threads of one process share the family, and a name is registered once.
        with self._building:
            if shape not in self._shapes:
                raise KeyError(shape)
            if shape not in self._built:
                self._built[shape] = self._build(shape)
            return self._built[shape]

    def __iter__(self) -> Iterator[Statement]:
        """All statements of the family."""
        return (self[shape] for shape in self._shapes)


def every_statement() -> list[Statement]:
    """Each statement that the program could run, families included: for the isolation proofs and docs/sql.md."""
    for family in FAMILIES:
        list(family)
    return list(REGISTRY.values())
