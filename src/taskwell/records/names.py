"""A field that names other records of the same user's by their names, as `labels` of a task does (`Kind.by_name`).

A client writes a name in any case. The statement gets the keys of the names (types.name_key) and finds the names as they are
stored, and that is what the field holds. So the records that are named have the columns `name` and `key`.
"""

from typing import Any

from sqlalchemy import ARRAY, CTE, ColumnElement, FromClause, TableValuedAlias, Text, and_, cast, func, literal, null, select

from taskwell.records.content import KEY
from taskwell.records.kinds import Kind

Names = ColumnElement[list[str]]
"""As they are stored, in the order of the keys, with NULL in the place of each one that is not there."""


def given_texts(**arrays: ColumnElement[Any]) -> TableValuedAlias:
    """The arrays, side by side as the columns of a relation, with `place` from 1 on."""
    # PostgreSQL would plan `unnest($1)` anew at each run, because it sees how long the array is; a subquery hides that.
    hidden = (select(array).scalar_subquery() for array in arrays.values())
    return func.unnest(*hidden).table_valued(*arrays, with_ordinality="place").render_derived(name="given")


def stored_names(target: Kind, keys: ColumnElement[Any]) -> Names:
    """For what only reads."""
    given = given_texts(key=keys)
    table = target.table
    return _in_order(given, given.outerjoin(table, and_(target.live, table.c[KEY] == given.c.key)), table.c.name)


def locked_names(field: str, target: Kind, keys: ColumnElement[Any], me: CTE) -> Names:
    """For a write, after the owner's row: a record that was about to be renamed or deleted is locked as it is by then."""
    given, table = given_texts(key=keys), target.table
    found = (
        select(table.c[KEY], table.c.name)
        .select_from(me.join(table, table.c.user_id == me.c.id).join(given, table.c[KEY] == given.c.key))
        .where(target.live)
        .with_for_update(of=table, key_share=True)
        .cte(f"found_{field}")
    )
    once_more = given_texts(key=keys)  # what is locked cannot be on the side of an outer join that may be empty
    names = _in_order(once_more, once_more.outerjoin(found, found.c[KEY] == once_more.c.key), found.c.name)
    said = select(names.label("names")).cte(f"named_{field}")
    return select(said.c.names).scalar_subquery()


def are_missing(names: Names) -> ColumnElement[bool]:
    return func.array_position(names, cast(null(), Text())).is_not(None)


def _in_order(given: TableValuedAlias, found: FromClause, name: ColumnElement[str]) -> Names:
    each = select(cast(name, Text()).label("name")).select_from(found).order_by(given.c.place).subquery("each")
    nothing = cast(literal("{}"), ARRAY(Text()))
    return select(func.coalesce(func.array_agg(each.c.name), nothing)).scalar_subquery()
