"""What a statement over a set of requests needs beside the proof of isolation.py, on the same expression tree.

In such a statement `:owner` is a column of `asked`, the requests, so it differs from row to row. What is bound to *an* owner can
still meet the row of another request. So each row that a level makes must be of one request; a user-owned table is read in a
LATERAL that cannot be flattened, or met by the key of an INSERT; and each row of the answer says whose it is.
"""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Delete, Lateral, Select, Update
from sqlalchemy.sql.selectable import CTE, AliasedReturnsRows, FromGrouping, Join, Subquery, TableClause
from sqlalchemy.sql.visitors import iterate

from taskwell.database.statement import ASKED, EACH, Argument
from taskwell.database.statement_of_set import ASKED_BY
from tests.house.isolation import _DIALECT, OWNED, _equalities, _is_owner, _Notes, _plain, _Proof, _table_of


def is_of_set(expression: Any) -> bool:
    return any(isinstance(element, Argument) and element.key.startswith(EACH) for element in iterate(expression))


def findings_in_set(expression: Any, key: str = "owner") -> Iterator[str]:
    """What keeps each row of the answer from being of one request; nothing, if it is."""
    notes = expression.compile(dialect=_DIALECT)
    assert isinstance(notes, _Notes)
    proof = _Proof(notes)
    proof.outputs(expression, frozenset())
    yield from _answer(expression, notes, key)
    solid = _solid(notes.rendered.values())
    for level in notes.rendered.values():
        if isinstance(level, Update | Delete):
            yield f"{level.__visit_name__} of {_table_of(level.table).name}: only an INSERT meets a row by its key"
        elif isinstance(level, Select):
            leaves = list(_leaves(notes.froms.get(id(level), [])))
            if id(level) not in solid:
                yield from (f"{one.name} is read outside of a LATERAL with a LIMIT or a lock" for one in leaves if _is_owned(one))
            yield from _requests_met(level, leaves, proof, is_inner=id(level) in solid)


def _answer(expression: Any, notes: _Notes, key: str) -> Iterator[str]:
    """The answer's `n` and `asked_by` are those of the requests themselves."""
    outputs = {getattr(column, "name", None): _plain(column) for column in expression._all_selected_columns}
    asked = [one for one in _leaves(notes.froms.get(id(expression), [])) if is_requests(one)]
    if len(asked) != 1:
        yield f"the answer is made of {len(asked)} relations of requests"
    elif outputs.get("n") is not asked[0].c.n or outputs.get(ASKED_BY) is not asked[0].c.get(key):
        yield f"a row of the answer lacks the number and the {key} of its request"


def is_requests(leaf: Any) -> bool:
    element = getattr(leaf, "element", None)
    while isinstance(element, AliasedReturnsRows):
        element = element.element
    return leaf.name == ASKED and isinstance(element, Select) and is_of_set(element) and not _levels_below(element)


def _levels_below(select: Select[Any]) -> bool:
    return any(isinstance(one, TableClause) and one.name in OWNED for one in iterate(select))


def _solid(rendered: Any) -> set[int]:
    """The levels at and below a LATERAL that PostgreSQL cannot flatten into a join."""
    found: set[int] = set()
    for one in rendered:
        if isinstance(one, Lateral):
            level: Any = one.element
            while isinstance(level, Subquery):
                level = level.element
            if level._limit_clause is not None or level._for_update_arg is not None:
                found |= {id(each) for each in iterate(level) if isinstance(each, Select)}
        elif isinstance(one, Select):  # a scalar subquery of a column cannot be flattened either
            found |= {
                id(each)
                for column in one._raw_columns
                for each in iterate(column)
                if isinstance(each, Select) and each._limit_clause is not None
            }
    return found


def _is_owned(leaf: Any) -> bool:
    table = _table_of(leaf)
    return isinstance(table, TableClause) and table.name in OWNED


def _leaves(sources: Any) -> Iterator[Any]:
    for source in sources:
        if isinstance(source, FromGrouping):
            yield from _leaves([source.element])
        elif isinstance(source, Join):
            yield from _leaves([source.left, source.right])
        else:
            yield source


def _requests_met(level: Any, leaves: list[Any], proof: _Proof, *, is_inner: bool) -> Iterator[str]:
    """All that carries requests is tied together, by the owner or the number, so that a row is of one of them."""
    carriers: dict[Any, set[int]] = {}
    for leaf in leaves:
        if is_requests(leaf):
            carriers[leaf] = {id(column) for column in leaf.c if column.name in ("owner", "n")}
        elif isinstance(leaf, CTE) or not (is_inner or isinstance(leaf, Lateral) or _is_owned(leaf)):
            carried = proof._bound_columns(leaf, frozenset())
            if carried:
                carriers[leaf] = set(carried) | {id(column) for column in leaf.c if column.name == "n"}
            elif leaf.name == ASKED:
                yield "something else is called as the requests are"
    if is_inner:
        carriers["the request outside"] = set()
    asked = next((leaf for leaf in carriers if getattr(leaf, "name", leaf) in (ASKED, "the request outside")), None)
    groups = {leaf: number for number, leaf in enumerate(carriers)}

    def of(side: Any) -> Any:
        if _is_owner(side, frozenset()):
            return asked
        return next((leaf for leaf, columns in carriers.items() if id(side) in columns), None)

    for left, right in _equalities(_conditions(level, proof.notes)):
        one, other = of(left), of(right)
        if one is not None and other is not None:
            gone, kept = groups[one], groups[other]
            groups = {leaf: kept if number == gone else number for leaf, number in groups.items()}
    if len(set(groups.values())) > 1:
        yield f"rows of several requests meet: {', '.join(sorted(str(getattr(leaf, 'name', leaf)) for leaf in groups))}"


def _conditions(level: Any, notes: _Notes) -> Iterator[Any]:
    yield from level._where_criteria
    sources = list(notes.froms.get(id(level), []))
    while sources:
        source = sources.pop()
        if isinstance(source, FromGrouping):
            sources.append(source.element)
        elif isinstance(source, Join) and not source.full:
            yield source.onclause
            sources += [source.left, source.right]
