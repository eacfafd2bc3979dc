"""Where a record stands among its siblings, in the SQL of its noun: `position`, a key of a fractional index (positions.py)."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    FromClause,
    Select,
    Text,
    Uuid,
    and_,
    case,
    cast,
    func,
    literal,
    or_,
    select,
    true,
    tuple_,
    update,
)

from taskwell.accounts.locking import locked_owner, stamped
from taskwell.accounts.may_act import owner_may_act, users
from taskwell.database.statement import argument
from taskwell.records.kinds import Kind
from taskwell.records.writing import Values

Conditions = Sequence[ColumnElement[bool]]

_neighbour = argument("neighbour", Uuid())


def at_the_end(revision: ColumnElement[int]) -> ColumnElement[str]:
    """The position of what a write puts behind all others, from the revision that it takes: no sibling is read for it.

    It is the revision in digits, behind a letter that says how many they are, so that a longer number sorts behind a shorter
    one. All are behind `h`, where the rows are that were there before the first position.
    """
    digits = func.to_hex(revision, type_=Text)
    return func.chr(ord("h") + func.length(digits), type_=Text) + digits + literal("h")


def placed(content: Values, stamp: FromClause, before: FromClause | None, among: Sequence[str] = ()) -> Values:
    """The position, as it is derived (records/writing.py): a new record is the last, and so is what comes among others.

    `among` are the fields that say whose sibling it is. A position that is given holds in any case.
    """
    last = at_the_end(stamp.c.revision)
    given = content.get("position")
    if given is None:
        return {"position": last} if before is None else {}
    position: ColumnElement[str] = func.coalesce(given, last)
    if before is not None and among:
        comes = or_(*(content[name].is_distinct_from(before.c[name]) for name in among))
        position = case((and_(comes, given == before.c.position), last), else_=position)
    return {"position": position}


# ---- a move, in a unit of work: the owner is locked already, and nobody else moves what these look at ----------------------


def neighbours(kind: Kind, siblings: Conditions) -> Select[Any]:
    """The keys beside `neighbour` and at the end, among the siblings of a record, but for the record itself.

    `near` is NULL where the neighbour is none of them.
    """
    table = kind.table
    among = [kind.live, *siblings, table.c.id != kind.id]
    near = select(table.c.id, table.c.position).where(*among, table.c.id == _neighbour).subquery("near")
    this, that = tuple_(table.c.position, table.c.id), tuple_(near.c.position, near.c.id)
    keys = {
        "preceding": select(table.c.position).where(*among, this < that).order_by(table.c.position.desc(), table.c.id.desc()),
        "following": select(table.c.position).where(*among, this > that).order_by(table.c.position, table.c.id),
        "last": select(table.c.position).where(*among).order_by(table.c.position.desc()),
    }
    return (
        select(
            near.c.position.label("near"),
            *(key.limit(1).scalar_subquery().label(name) for name, key in keys.items()),
            at_the_end(users.c.revision + 1).label("at_the_end"),
        )
        .select_from(users.outerjoin(near, true()))
        .where(owner_may_act())
    )


def spread(kind: Kind, siblings: Conditions) -> Select[Any]:
    """The siblings of a record, but for the record itself, in their order at equal distances, under the revision that the move is
    about to take. Hexadecimal digits are digits of a key, and all these keys are before what is put at the end."""
    table = kind.table
    me = locked_owner()
    stamp = stamped(me)
    place = func.row_number().over(order_by=(table.c.position, table.c.id))
    key = func.to_hex(cast(place * 2**32 / (func.count().over() + 1), BigInteger), type_=Text)
    ranked = (
        select(table.c.user_id, table.c.id, (func.lpad(key, 8, "0", type_=Text) + literal("h")).label("position"))
        .select_from(stamp.join(table, table.c.user_id == stamp.c.id))
        .where(kind.live, *siblings, table.c.id != kind.id)
        .cte("ranked")
    )
    moved = (
        update(table)
        .values(position=ranked.c.position, updated_at=stamp.c.at, revision=stamp.c.revision + 1)
        .where(kind.live, table.c.user_id == ranked.c.user_id, table.c.id == ranked.c.id, table.c.user_id == stamp.c.id)
        .where(table.c.position != ranked.c.position)
    )
    return select(me.c.id).add_cte(moved.cte("spread"))
