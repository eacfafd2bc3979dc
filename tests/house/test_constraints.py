"""Every constraint of the schema either means something to a client, or no client can make it fail."""

from collections.abc import Iterator

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, PrimaryKeyConstraint, Table, UniqueConstraint
from sqlmodel import SQLModel

import taskwell.app  # noqa: F401  # registers every table
from taskwell.database.constraints import MEANING, UNREACHABLE


def names_of(table: Table) -> Iterator[str]:
    """As PostgreSQL names the constraints that have no name of their own."""
    yield from (str(index.name) for index in table.indexes if index.unique)
    for constraint in table.constraints:
        if isinstance(constraint, PrimaryKeyConstraint):
            yield f"{table.name}_pkey"
        elif isinstance(constraint, ForeignKeyConstraint):
            yield f"{table.name}_{'_'.join(constraint.column_keys)}_fkey"
        else:
            assert isinstance(constraint, CheckConstraint | UniqueConstraint)
            assert constraint.name, f"{constraint} needs a name"
            yield str(constraint.name)


def test_every_constraint_has_a_meaning_or_a_reason_why_none_can_fail_it() -> None:
    there = {name for table in SQLModel.metadata.tables.values() for name in names_of(table)}
    assert there - MEANING.keys() - UNREACHABLE.keys() == set(), "say in database/constraints.py what it means"
    assert (MEANING.keys() | UNREACHABLE.keys()) - there == set(), "these are no more"
    assert not MEANING.keys() & UNREACHABLE.keys()
    assert all(UNREACHABLE.values())
