"""Many records of one kind in one statement: read step by step, found by their ids, made together under one revision.

Rows come in and go out of a statement as arrays of texts (database/statement_of_set.py says why).
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import (
    ARRAY,
    CTE,
    ColumnElement,
    DateTime,
    FromClause,
    Integer,
    Select,
    Text,
    Uuid,
    any_,
    case,
    cast,
    func,
    null,
    select,
    true,
    tuple_,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.sql.type_api import TypeEngine
from sqlalchemy.sql.visitors import iterate, replacement_traverse

from taskwell.accounts.locking import locked_owner
from taskwell.accounts.may_act import owner, owner_may_act, users
from taskwell.database.statement import Argument, Statement, argument
from taskwell.database.statement_of_set import as_arrays, rows
from taskwell.database.view import as_json, shown_column
from taskwell.records.asked import ONE
from taskwell.records.kinds import Kind
from taskwell.records.ordering import at_the_end
from taskwell.records.writing import Derived, new_row, rendered

_OF_THIS_ACCOUNT = frozenset({"user_id", "revision"})
"""What a record says of where it is stored, and would mean nothing anywhere else."""


def exported(kind: Kind, *more: ColumnElement[bool]) -> Select[Any]:
    """The next `limit` records after the place (`after_created_at`, `after_id`), in the order of their creation, each with its
    place. No row: no such user. One row of NULLs: there are no more.

    `above_id` is the record of the same kind that it names, if it names one, and `above_created_at` is the rest of its place.
    What it names of other kinds, and `more`, is said of the record beside it.
    """
    record = kind.table
    above = record.alias("above")
    names_itself = [field for field, target in kind.references.items() if target is kind and field in kind.view.model_fields]
    after = (argument("after_created_at", DateTime(timezone=True)), argument("after_id", Uuid()))
    step = (
        select(*kind.stored, *more)
        .where(kind.live, tuple_(record.c.created_at, record.c.id) > tuple_(*after))
        .order_by(record.c.created_at, record.c.id)
        .limit(argument("limit", Integer()))
        .correlate(users)
        .lateral("step")
    )
    found: FromClause = users.outerjoin(step, true())
    above_columns: list[ColumnElement[Any]] = [null().label("above_id"), null().label("above_created_at")]
    if names_itself:
        named = step.c[names_itself[0]]
        one = (
            select(above.c.id, above.c.created_at).where(above.c.user_id == owner, above.c.id == named).limit(1).lateral("named")
        )
        found = found.outerjoin(one, true())
        above_columns = [one.c.id.label("above_id"), one.c.created_at.label("above_created_at")]
    names_others = [field for field, target in kind.references.items() if target is not kind]
    marks = [step.c[name] for name in (*names_others, *(one.key for one in more)) if name is not None]
    return (
        select(_as_exported(kind, step).label("record"), step.c.id, step.c.created_at, *above_columns, *marks)
        .select_from(found)
        .where(owner_may_act())
        .order_by(step.c.created_at, step.c.id)
    )


def exported_fields(kind: Kind) -> list[str]:
    """The fields of an export: all that is shown of a record, but for what means nothing elsewhere."""
    return [column.name for column in kind.stored if column.name not in _OF_THIS_ACCOUNT]


def _as_exported(kind: Kind, step: FromClause) -> ColumnElement[Any]:
    shown = [shown_column(step.c[name]).label(name) for name in exported_fields(kind)]
    one = select(*shown).where(step.c.id.is_not(None)).correlate(step).subquery("shown")
    return select(as_json(one)).scalar_subquery()


def is_one_of(id_: ColumnElement[Any], ids: ColumnElement[Any]) -> ColumnElement[bool]:
    """`ids` is an array of texts. The subquery makes ids of them once, and not for each row that is compared with them."""
    made = select(cast(ids, ARRAY(Uuid()))).scalar_subquery()
    return id_ == any_(cast(made, ARRAY(Uuid())))


def found(kind: Kind) -> Select[Any]:
    """Those of the records with these `ids` that there are, or once were: `is_live`, and what they refer to.

    The ids are one condition. Where the table has no statistics yet, PostgreSQL may take another index of the user's than that of
    the id: so it reads all of the user's records once, and not once for each id.
    """
    columns = kind.table.c
    is_named = is_one_of(columns.id, argument("ids", ARRAY(Text())))
    refers = [columns[field] for field in kind.references]
    return select(columns.id, columns.deleted_at.is_(None).label("is_live"), *refers).where(columns.user_id == owner, is_named)


def shown(kind: Kind) -> Select[Any]:
    """Those live records with these `ids`, as a single request shows them."""
    is_named = is_one_of(kind.table.c.id, argument("ids", ARRAY(Text())))
    one = select(*kind.shown(kind.table)).where(kind.live, is_named).subquery(kind.name)
    return select(as_json(one).label(kind.name), one.c.id, one.c.revision).select_from(one)


def found_by_key(kind: Kind) -> Select[Any]:
    """Those live records that have names (records/names.py), by the `keys` of these."""
    columns = kind.table.c
    return select(columns.key, columns.name).where(kind.live, columns.key == any_(argument("keys", ARRAY(Text()))))


def counted(kind: Kind) -> Select[Any]:
    """How many live records there are."""
    return select(func.count().label("records")).select_from(kind.table).where(kind.live)


_TYPES_OF_ROWS = "types_of_rows"


def imported(kind: Kind, derived: Derived, *, is_shown: bool = False) -> Select[Any]:
    """New records at ids of the caller's, all under one revision. It gives the ids of those that it made; or, where it
    `is_shown`, these records.

    Each is what one request would make (`new_row`), whose arguments are columns of the rows here; but whoever calls it has found
    what is named by a name. An id that is taken, also by a
    deleted record, is left alone. A time that is given stays, if it is not in the future.
    """
    me = locked_owner()
    time = func.clock_timestamp().label("at")
    stamped = select((me.c.revision + 1).label("revision"), me.c.time_zone, time).select_from(me).cte("stamped")
    new, carrier = new_row(kind, kind.content.of_new(kind.content.arguments), derived, ONE, stamped)
    times = {name: DateTime(timezone=True) for name in ("created_at", "completed_at") if name in kind.table.c}
    types = {one.key: one.type for value in new.values() for one in iterate(value) if isinstance(one, Argument)} | times
    of_the_request = {one.key for one in iterate(me.element) if isinstance(one, Argument)}
    types_of_rows: dict[str, TypeEngine[Any]] = {name: type_ for name, type_ in types.items() if name not in of_the_request}
    given = rows(types_of_rows).cte("given_rows")
    row = {name: _from_rows(value, given) for name, value in new.items()}
    at = stamped.c.at
    row["created_at"] = _past(given.c.created_at, at)
    if "completed_at" in row:
        row["completed_at"] = case((row["completed_at"].is_not(None), _past(given.c.completed_at, at)), else_=null())
    if "position" in row:  # all of them are at the end, and one after the other
        row["position"] = case((given.c.position.is_(None), row["position"] + at_the_end(given.c.n)), else_=row["position"])
    made = (
        insert(kind.table)
        .from_select(list(row), select(*row.values()).select_from(given.join(carrier, true())))
        .on_conflict_do_nothing(index_elements=[kind.table.c.user_id, kind.table.c.id])
        .returning(*(kind.stored if is_shown else (kind.table.c[name] for name in ("user_id", "id", "revision"))))
        .cte("made")
    )
    shown = [rendered(kind, made).label(kind.name), made.c.revision] if is_shown else []
    return select(made.c.id, *shown).add_cte(ONE.counted(me, made)).execution_options(**{_TYPES_OF_ROWS: types_of_rows})


def as_imported(statement: Statement, records: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The arguments of a statement that is made by `imported`: of each record the arguments of a create, and its times."""
    return as_arrays(statement.expression.get_execution_options()[_TYPES_OF_ROWS], records)


def _from_rows(value: ColumnElement[Any], given: CTE) -> ColumnElement[Any]:
    """The expression, with columns of the rows in the place of the arguments of a request."""

    def replaced(element: Any, **_: Any) -> Any:
        if isinstance(element, Argument):
            return given.c.get(element.key, element)
        return element if isinstance(element, CTE) else None

    whole: ColumnElement[Any] = replacement_traverse(value, {}, replaced)
    return whole


def _past(given: ColumnElement[Any], at: ColumnElement[Any]) -> ColumnElement[Any]:
    return func.least(func.coalesce(given, at), at)
