"""What the search reads of a record: one column that no view shows, with a part for each field that is searched.

Python folds a field (records/folding.py), and sends what comes of it beside the field itself. A write that names one of the
fields puts its part in the place of the old one, in SQL, so no write has to read the record first.
"""

from collections.abc import Callable, Collection, Mapping
from typing import Any, Final

from pydantic import BaseModel
from sqlalchemy import Column, ColumnElement, FromClause, Text, case, func, literal, or_

from taskwell.database.statement import argument

COLUMN: Final = "folded"
PART_END: Final = "\x01"
"""What stands between two parts. Folding leaves no control character in a text."""

Fold = Callable[[Any], str]


class Searched:
    """`folds` are the searched fields of a noun, in the order of their parts. A write leaves those alone that `names` has not."""

    def __init__(self, folds: Mapping[str, Fold], names: Collection[str]) -> None:
        self._folds = folds
        self._arguments = {name: argument(f"{COLUMN}_{name}", Text()) for name in folds if name in names}

    def __bool__(self) -> bool:
        return bool(self._arguments)

    def of_new(self) -> ColumnElement[str]:
        """The column of a new record. A field that the write does not know has an empty part."""
        return _joined([self._arguments.get(name, literal("")) for name in self._folds])

    def merged(self, row: FromClause, given: Mapping[str, ColumnElement[bool]]) -> ColumnElement[str]:
        """The column of a changed record, from the row as it was. A row that was never folded (NULL) stays as it is."""
        parts = [
            case((given[name], self._arguments[name]), else_=part_of(row.c[COLUMN], number))
            if name in self._arguments
            else part_of(row.c[COLUMN], number)
            for number, name in enumerate(self._folds)
        ]
        # Where nothing of it is named the column itself is written again, which costs nothing when it lies beside the row.
        is_named = or_(*(given[name] for name in self._arguments))
        return case((is_named, _joined(parts)), else_=row.c[COLUMN])

    def given_by(self, request: BaseModel) -> dict[str, Any]:
        """The arguments of a request: each searched field that it has, folded."""
        values = {name: getattr(request, name) for name in self._arguments}
        return {f"{COLUMN}_{name}": "" if value is None else self._folds[name](value) for name, value in values.items()}


def part_of(column: ColumnElement[str] | Column[Any], number: int) -> ColumnElement[str]:
    """The part of a field, by its place among those that are searched."""
    return func.split_part(column, PART_END, number + 1)


def _joined(parts: list[ColumnElement[str]]) -> ColumnElement[str]:
    whole = parts[0]
    for part in parts[1:]:
        whole = whole + literal(PART_END) + part
    return whole
