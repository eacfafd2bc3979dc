"""The trash: a deleted record keeps its row and its content, until it is emptied, or old, and comes back as it was."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import (
    CTE,
    Boolean,
    Column,
    ColumnElement,
    DateTime,
    FromClause,
    Select,
    Text,
    and_,
    cast,
    false,
    func,
    literal,
    null,
    or_,
    select,
    true,
    update,
)
from sqlalchemy.sql.dml import Update

from taskwell.accounts.may_act import owner, owner_may_act, users
from taskwell.database.statement import argument
from taskwell.records.kinds import Kind
from taskwell.records.writing import rendered

_KEPT: Final = frozenset(
    {"user_id", "id", "created_at", "updated_at", "deleted_at", "deleted_with", "emptied_at", "revision", "position", "is_parent"}
)
"""What an emptied record keeps beside the ids that it names: where it was, and when, of which nobody learns what it was."""

_ANY_TEXT: Final = "-"
"""In the place of a text that cannot be missing: a version that knows nothing of the trash must find the row as it expects it."""


def in_trash(kind: Kind, rows: FromClause | None = None) -> ColumnElement[bool]:
    """It is the owner's, and deleted, and can come back."""
    columns = (kind.table if rows is None else rows).c
    return and_(columns.user_id == owner, columns.deleted_at.is_not(None), columns.emptied_at.is_(None))


def trashed(kind: Kind, me: FromClause | None = None) -> CTE:
    """The record that the statement names, if it is in the trash. `me` is the owner's row, for what writes."""
    source = kind.table if me is None else me.join(kind.table, kind.table.c.user_id == me.c.id)
    return select(*kind.table.c).select_from(source).where(in_trash(kind), kind.table.c.id == kind.id).cte("trashed")


def found_in_trash(kind: Kind, record: CTE, *more: ColumnElement[Any]) -> Select[Any]:
    """No row: no such user. `revision` NULL: nothing of this id is in the trash."""
    return (
        select(rendered(kind, record).label(kind.name), record.c.revision, *more)
        .select_from(users.outerjoin(record, true()))
        .where(owner_may_act())
    )


def back(kind: Kind, stamp: CTE, **values: ColumnElement[Any]) -> Update:
    """The record that the statement names comes back under the revision of the write (`turn` in accounts/locking.py)."""
    table = kind.table
    return (
        update(table)
        .values(deleted_at=null(), updated_at=stamp.c.at, revision=stamp.c.revision, **values)
        .where(in_trash(kind), table.c.user_id == stamp.c.user_id, table.c.id == kind.id)
        .returning(*kind.stored)
    )


def is_old(deleted_at: ColumnElement[Any]) -> ColumnElement[bool]:
    return deleted_at < argument("old_before", DateTime(timezone=True))


def have_old(kinds: Sequence[Kind], whose: ColumnElement[Any] = owner) -> ColumnElement[bool]:
    """Something is too old for the trash; NULL where there is nothing in it.

    The oldest of each kind is looked at, which is the first of an index. Of "is there one before that time?" PostgreSQL believes
    that any third row is, and reads all rows that there are: 20 ms where 50,000 are in the trash.
    """
    oldest = (
        select(kind.table.c.deleted_at)
        .where(kind.table.c.user_id == whose, kind.table.c.deleted_at.is_not(None))
        .order_by(kind.table.c.deleted_at)
        .limit(1)
        .scalar_subquery()
        for kind in kinds
    )
    return or_(*map(is_old, oldest)).label("has_old")


def has_room(kind: Kind, most: int) -> ColumnElement[bool]:
    return select(func.count()).select_from(kind.table).where(kind.live).scalar_subquery() < most


def emptied(kind: Kind, stamp: FromClause) -> Mapping[str, ColumnElement[Any]]:
    """The values of a record whose content is deleted for good. Its revision stays: it is no news that a deleted record is gone,
    and the horizon (`users.purged_revision`) would jump to now when the row is removed."""
    kept = _KEPT | kind.references.keys()
    values = {column.name: _nothing(column) for column in kind.table.c if column.name not in kept}
    return values | {"emptied_at": stamp.c.at}


def _nothing(column: Column[Any]) -> ColumnElement[Any]:
    if column.nullable:
        return null()
    if column.server_default is not None:
        return cast(literal(str(column.server_default.arg).strip("'"), Text()), column.type)  # type: ignore[attr-defined]
    return false() if isinstance(column.type, Boolean) else literal(_ANY_TEXT, Text())
