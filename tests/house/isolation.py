"""The first proof that a statement touches one owner's rows alone: on its expression tree. (The second: plans.py.)

A column is *bound* when it cannot differ from the argument `:owner`: an AND-ed equality says so, to `:owner` or to another
bound column. Every user-owned table at every level must have its owner column bound, and every row that is written must
carry `:owner` there. What is read by which SELECT is SQLAlchemy's to decide (it adds FROMs and correlates them), so its own
compiler takes notes here; a level that the compiler renders and the proof does not reach is refused, and so is any construct
that nobody has looked at yet.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from sqlalchemy import Alias, CompoundSelect, Delete, Insert, Lateral, Select, TableSample, Update
from sqlalchemy.dialects.postgresql.dml import OnConflictDoUpdate
from sqlalchemy.sql import operators
from sqlalchemy.sql.elements import BinaryExpression, BooleanClauseList, ColumnClause, Grouping, Label
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.sql.selectable import (
    CTE,
    AliasedReturnsRows,
    FromClause,
    FromGrouping,
    Join,
    SelectStatementGrouping,
    Subquery,
    TableClause,
)
from sqlalchemy.sql.visitors import iterate
from sqlmodel import SQLModel

import taskwell.app  # noqa: F401  # registers every table and every statement
from taskwell.database.statement import Argument, _Compiler, _Dialect

OWNED = {"users": "id"} | {table.name: "user_id" for table in SQLModel.metadata.tables.values() if "user_id" in table.c}
"""The column that says whose a row is, by table."""

FUNCTIONS = frozenset(
    """
    array_agg array_append array_position array_remove array_replace cardinality chr clock_timestamp coalesce concat_ws
    count date_trunc greatest json_agg json_build_object json_each json_object_agg jsonb_agg jsonb_extract_path_text least
    left length lower lpad make_interval max min now replace row_number row_to_json split_part string_agg string_to_array
    strpos sum timezone to_char to_hex to_json to_jsonb unnest upper
    """.split()  # noqa: SIM905  a list of words
)
"""They read their arguments and nothing else. (`query_to_xml` and its like run SQL that neither proof would see.)"""

OPERATORS = frozenset({"@>", "&&"})
"""PostgreSQL's own, of which SQLAlchemy knows no more than the text."""

CONSTRUCTS = frozenset(
    """
    alias array binary bindparam case cast clauselist collation column compound_select cte delete expression_clauselist
    false funcfilter function grouping insert join label lateral null on_conflict_do_nothing on_conflict_do_update over
    select select_statement_grouping subquery table table_valued_alias table_valued_column true tuple type_clause typeclause
    unary update values
    """.split()  # noqa: SIM905
)
"""SQLAlchemy's names of the constructs that write no SQL text of somebody's own, and that the proof follows."""

_LEVELS: Any = Select | CompoundSelect | Insert | Update | Delete
_Bound = frozenset[int]  # columns, by identity: a SQLAlchemy column has no `==` to look it up by

_Equality = tuple[Any, Any, _Bound | None]  # its sides, and which columns it can hold to anything (None: all)


class _Notes(_Compiler):
    """The compiler of all our statements, writing down what it renders, and which FROMs each level really has."""

    def __init__(self, *args: Any, **options: Any) -> None:
        self.rendered: dict[int, Any] = {}
        self.froms: dict[int, list[FromClause]] = {}
        super().__init__(*args, **options)

    def _compose_select_body(self, text: Any, select: Any, *rest: Any) -> Any:
        self.froms.setdefault(id(select), []).extend(rest[2])
        return super()._compose_select_body(text, select, *rest)  # type: ignore[no-untyped-call]

    def update_from_clause(self, *args: Any, **options: Any) -> Any:
        self.froms.setdefault(id(args[0]), []).extend(args[2])
        return super().update_from_clause(*args, **options)  # type: ignore[no-untyped-call]

    def delete_extra_from_clause(self, *args: Any, **options: Any) -> Any:
        self.froms.setdefault(id(args[0]), []).extend(args[2])
        return super().delete_extra_from_clause(*args, **options)  # type: ignore[no-untyped-call]


def _noting(visit: Any) -> Any:
    def noted(self: _Notes, element: Any, *args: Any, **options: Any) -> Any:
        self.rendered[id(element)] = element
        return visit(self, element, *args, **options)

    return noted


for _name in dir(_Compiler):
    if _name.startswith("visit_"):
        setattr(_Notes, _name, _noting(getattr(_Compiler, _name)))


class _NotesDialect(_Dialect):
    statement_compiler = _Notes


_DIALECT = _NotesDialect()  # type: ignore[no-untyped-call]


def findings_in_tree(expression: Any) -> list[str]:
    """What keeps the statement from being bound to its owner; nothing, if it is."""
    notes = expression.compile(dialect=_DIALECT)
    assert isinstance(notes, _Notes)
    proof = _Proof(notes)
    proof.outputs(expression, frozenset())
    unseen = [element for key, element in notes.rendered.items() if isinstance(element, _LEVELS) and key not in proof.reached]
    proof.findings.extend(f"the proof did not get to this {element.__visit_name__}" for element in unseen)
    proof.findings.extend(_fragments(notes.rendered.values()))
    return list(dict.fromkeys(proof.findings))


class _Proof:
    def __init__(self, notes: _Notes) -> None:
        self.notes = notes
        self.findings: list[str] = []
        self.reached: set[int] = set()
        self._outputs: dict[int, tuple[bool, ...]] = {}

    def outputs(self, level: Any, outer: _Bound) -> tuple[bool, ...]:
        """Examine a level and all below it. For each column that it gives: is it bound?"""
        while isinstance(level, Grouping | SelectStatementGrouping | Subquery):
            level = level.element
        self.reached.add(id(level))
        if isinstance(level, CompoundSelect):
            self._below(level, outer)
            return tuple(all(branches) for branches in zip(*(self.outputs(one, outer) for one in level.selects), strict=True))
        if isinstance(level, Insert):
            bound = self._insert(level)
        elif isinstance(level, Select):
            if id(level) not in self.notes.froms:
                self._find("a select that is rendered as another one (of ORM classes?): use the tables and their columns")
                return ()
            bound = self._bind(self.notes.froms[id(level)], level._where_criteria, outer)
        elif isinstance(level, Update | Delete):
            bound = self._bind([level.table, *self.notes.froms.get(id(level), [])], level._where_criteria, outer)
            self._check_set("an update", level.table, getattr(level, "_values", None))
        else:
            self._find(f"a level of an unknown kind: {type(level).__name__}")
            return ()
        self._below(level, bound)
        return tuple(_is_owner(column, bound) for column in level._all_selected_columns)

    def _insert(self, insert: Insert) -> _Bound:
        owner_column = OWNED.get(insert.table.name)
        if owner_column is None:
            return frozenset()
        if insert.select is not None:
            outputs = dict(zip(insert._select_names or (), self.outputs(insert.select, frozenset()), strict=True))
            carried = outputs.get(owner_column, False)
        else:
            rows: list[Any] = [row for batch in insert._multi_values for row in batch] or [insert._values or {}]
            carried = all(_is_owner(_named(row).get(owner_column), frozenset()) for row in rows)
            for row in rows:
                for value in _named(row).values():
                    self._walk(value, frozenset())
        if not carried:
            self._find(f"an insert into {insert.table.name} whose {owner_column} is not :owner")
        own = frozenset({id(insert.table.c[owner_column])}) if carried else frozenset()
        conflict = insert._post_values_clause
        for clause in [] if conflict is None else iterate(conflict):
            if isinstance(clause, OnConflictDoUpdate):
                # Which row is met depends on the index that is named: an e-mail address meets somebody else's.
                excluded = getattr(insert, "excluded")  # noqa: B009  PostgreSQL's INSERT alone has it
                where = [] if clause.update_whereclause is None else [clause.update_whereclause]
                proposed = frozenset({id(excluded[owner_column])}) if carried else frozenset()
                self._bind([insert.table], where, proposed, " updated on conflict")
                self._check_set("an update on conflict", insert.table, clause.update_values_to_set)
        return own

    def _bind(self, froms: Iterable[Any], criteria: Iterable[Any], outer: _Bound, what: str = "") -> _Bound:
        """All columns that are bound within one level; a finding for each user-owned table that is not."""
        leaves: list[Any] = []
        equalities: list[_Equality] = [(*pair, None) for pair in _equalities(criteria)]

        def flatten(source: Any) -> frozenset[int]:
            if isinstance(source, FromGrouping):
                return flatten(source.element)
            if not isinstance(source, Join):
                leaves.append(source)
                return frozenset(id(column) for column in source.c)
            left, right = flatten(source.left), flatten(source.right)
            # An outer join keeps the rows of its outer side whatever its ON says.
            held: frozenset[int] = frozenset() if source.full else right if source.isouter else left | right
            equalities.extend((*pair, held) for pair in _equalities([source.onclause]))
            return left | right

        here = frozenset[int]().union(*[flatten(source) for source in froms])
        bound = outer - here  # the same table once more is other rows
        for is_lateral in (False, True):
            for leaf in leaves:
                if isinstance(leaf, Lateral) is is_lateral:
                    bound |= self._bound_columns(leaf, bound if is_lateral else frozenset())
            bound = _closed(bound, equalities, here)
        for leaf in leaves:
            table = _table_of(leaf)
            owner_column = OWNED.get(table.name) if isinstance(table, TableClause) else None
            if owner_column is not None and (owner_column not in leaf.c or id(leaf.c[owner_column]) not in bound):
                self._find(f"{table.name}{what} is not bound to :owner")
        return bound

    def _bound_columns(self, leaf: Any, siblings: _Bound) -> frozenset[int]:
        if not isinstance(leaf, AliasedReturnsRows) or isinstance(leaf.element, TableClause | FunctionElement):
            return frozenset()
        if isinstance(leaf, CTE) and leaf.recursive:
            self._find(f"{leaf.name} is recursive: the proof knows no induction")
            return frozenset()
        if id(leaf.element) not in self._outputs or isinstance(leaf, Lateral):
            self._outputs[id(leaf.element)] = ()  # for a CTE that refers to itself
            self._outputs[id(leaf.element)] = self.outputs(leaf.element, siblings)
        outputs, columns = self._outputs[id(leaf.element)], list(leaf.c)
        if len(outputs) != len(columns):
            return frozenset()
        return frozenset(id(column) for column, is_bound in zip(columns, outputs, strict=True) if is_bound)

    def _below(self, level: Any, bound: _Bound) -> None:
        for child in level.get_children():
            self._walk(child, bound)

    def _walk(self, element: Any, bound: _Bound) -> None:
        if isinstance(element, _LEVELS):
            self.outputs(element, bound)
        elif isinstance(element, Lateral):
            pass  # examined beside its siblings, whose columns it sees
        elif isinstance(element, AliasedReturnsRows) and not isinstance(element.element, FunctionElement):
            self._bound_columns(element, frozenset())
        elif hasattr(element, "get_children"):
            self._below(element, bound)

    def _check_set(self, what: str, table: Any, values: Any) -> None:
        new_owner = _named(values or {}).get(OWNED.get(_table_of(table).name))
        if new_owner is not None and not _is_owner(new_owner, frozenset()):
            self._find(f"{what} gives a row of {table.name} to somebody else")

    def _find(self, finding: str) -> None:
        self.findings.append(finding)


def _table_of(source: Any) -> Any:
    return source.element if isinstance(source, Alias | TableSample) else source


def _named(values: Any) -> dict[Any, Any]:
    return {getattr(key, "key", key): value for key, value in dict(values).items()}


def _plain(expression: Any) -> Any:
    while isinstance(expression, Grouping | Label):
        expression = expression.element
    return expression


def _is_owner(expression: Any, bound: _Bound) -> bool:
    expression = _plain(expression)
    if isinstance(expression, Argument):
        return expression.key == "owner"
    return id(expression) in bound


def _equalities(criteria: Iterable[Any]) -> Iterator[tuple[Any, Any]]:
    """Both sides of each equality that must hold: not those under OR, NOT or CASE."""
    for criterion in map(_plain, criteria):
        if isinstance(criterion, BooleanClauseList) and criterion.operator is operators.and_:
            yield from _equalities(criterion.clauses)
        elif isinstance(criterion, BinaryExpression) and criterion.operator is operators.eq:
            yield _plain(criterion.left), _plain(criterion.right)


def _closed(bound: _Bound, equalities: Iterable[_Equality], here: frozenset[int]) -> _Bound:
    """`bound` and whatever equals it; `held` are the columns that an ON clause can hold to anything."""
    while True:
        more = {
            id(column)
            for left, right, held in equalities
            for column, other in ((left, right), (right, left))
            if id(column) in (here if held is None else held) and _is_owner(other, bound)
        }
        if more <= bound:
            return bound
        bound |= more


def _fragments(rendered: Iterable[Any]) -> Iterator[str]:
    """SQL that somebody wrote by hand, and what else cannot be seen through."""
    for element in rendered:
        kind = element.__visit_name__
        if isinstance(element, FunctionElement):
            if element.name not in FUNCTIONS or getattr(element, "packagenames", None):
                yield f"the function {element.name} is not in FUNCTIONS: does it read anything but its arguments?"
        elif kind not in CONSTRUCTS:
            yield f"a {kind} is not in CONSTRUCTS: does it carry SQL text?"
        elif isinstance(element, TableClause) and SQLModel.metadata.tables.get(element.name) is not element:
            yield f"{element.name} is no table of ours"
        if isinstance(element, ColumnClause) and element.is_literal and element.name != "*":  # count(*)
            yield "a literal column"
        for operator in (getattr(element, "operator", None), getattr(element, "modifier", None)):
            if isinstance(operator, operators.custom_op) and operator.opstring not in OPERATORS:
                yield f"the operator {operator.opstring!r} is SQL text"
        for attribute in ("_prefixes", "_suffixes", "_hints", "_statement_hints"):
            if getattr(element, attribute, None):
                yield f"a {kind} with {attribute[1:]}"
