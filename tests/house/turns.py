"""Two proofs on the expression tree of what changes rows: nothing volatile stands in it, and the user is locked first.

A statement that changes or locks rows of a user's does so only for what it joins with the user's row, which it has locked: by a
SELECT ... FOR NO KEY UPDATE (or FOR UPDATE) of `users`, or by changing that row. So all writes of one user take turns, and no two
of them ever wait for each other in a circle.
"""

import re
from collections.abc import Iterator
from typing import Any

from sqlalchemy import Delete, Insert, Lateral, Select, TextClause, Update
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.sql.selectable import CTE, AliasedReturnsRows, FromGrouping, Join
from sqlalchemy.sql.visitors import iterate

from tests.house.isolation import _DIALECT, OWNED, _Notes, _table_of

_Change = Insert | Update | Delete


def volatile_in_changes(expression: Any, volatile: frozenset[str]) -> list[str]:
    """The functions of `volatile` that stand in an INSERT, UPDATE or DELETE itself; what a CTE of it computes does not."""
    changes = [element for element in iterate(expression) if isinstance(element, _Change)]
    found = [
        f"{name}() in {change.__visit_name__} of {_table_of(change.table).name}"
        for change in changes
        for name in [*_functions(change), *_defaults(change)]
        if name in volatile
    ]
    return list(dict.fromkeys(found))


def _functions(element: Any) -> Iterator[str]:
    for child in element.get_children():
        if isinstance(child, CTE):
            continue
        if isinstance(child, FunctionElement):
            yield child.name
        beside = getattr(child, "table", None)  # a subquery, of which nothing but a column is named
        if isinstance(beside, AliasedReturnsRows) and not isinstance(beside, CTE):
            yield from _functions(beside)
        yield from _functions(child)


def _defaults(change: Any) -> Iterator[str]:
    """PostgreSQL's own defaults of the columns that an INSERT leaves out are part of it."""
    if not isinstance(change, Insert):
        return
    given = {getattr(name, "key", name) for name in change._values or change._select_names or ()}
    for column in change.table.columns:
        default = getattr(column.server_default, "arg", None)
        if default is None or column.key in given:
            continue
        if isinstance(default, TextClause | str):
            yield from re.findall(r"(\w+)\s*\(", str(default))
        else:
            yield from (part.name for part in iterate(default) if isinstance(part, FunctionElement))


def changes_out_of_turn(expression: Any) -> list[str]:
    """What changes or locks rows of a user's before the user's own row is locked; nothing, if all is in turn."""
    notes = expression.compile(dialect=_DIALECT)
    assert isinstance(notes, _Notes)
    found = []
    for level in notes.rendered.values():
        if isinstance(level, _Change) and _is_a_users(level.table) and not _waits(level, notes):
            found.append(f"{level.__visit_name__} of {_table_of(level.table).name}")
        elif isinstance(level, Select) and not _waits(level, notes):
            found.extend(f"a lock of {name}" for name in _locks(level, notes) if name != "users" and name in OWNED)
    return list(dict.fromkeys(found))


def _is_a_users(table: Any) -> bool:
    name = _table_of(table).name
    return name in OWNED and name != "users"


def _waits(level: Any, notes: _Notes) -> bool:
    """Each row that it finds is joined with a row of `users` that was locked before."""
    if isinstance(level, Insert):
        return level.select is not None and _waits(level.select, notes)
    beside = _beside(level, notes)
    return any(_has_turn(source, notes) for source in [*_inner(notes.froms.get(id(level), [])), *beside])


def _beside(level: Any, notes: _Notes) -> Iterator[Any]:
    """What stands before a LATERAL, whose rows it is computed for."""
    for sources in notes.froms.values():
        inner = list(_inner(sources))
        if any(isinstance(source, Lateral) and getattr(source.element, "element", source.element) is level for source in inner):
            yield from (source for source in inner if not isinstance(source, Lateral))


def _has_turn(source: Any, notes: _Notes) -> bool:
    if not isinstance(source, AliasedReturnsRows):
        return False
    level = source.element
    while isinstance(level, AliasedReturnsRows):
        level = level.element
    if isinstance(level, _Change) and _table_of(level.table).name == "users":
        return True
    if isinstance(level, Select) and "users" in _locks(level, notes):
        return True
    return isinstance(level, _Change | Select) and _waits(level, notes)


def _locks(level: Any, notes: _Notes) -> set[str]:
    """The tables of which it locks rows, so that no other can lock them: several may hold a row FOR SHARE."""
    lock = level._for_update_arg
    if lock is None or lock.read:
        return set()
    sources = [_table_of(source) for source in lock.of or _inner(notes.froms.get(id(level), []))]
    return {source.name for source in sources if hasattr(source, "name")}


def _inner(sources: Any) -> Iterator[Any]:
    """What a level reads, but the side of an outer join that may be empty."""
    for source in sources:
        if isinstance(source, FromGrouping):
            yield from _inner([source.element])
        elif isinstance(source, Join):
            yield from _inner([] if source.full else [source.left] if source.isouter else [source.left, source.right])
        else:
            yield source
