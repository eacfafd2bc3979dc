"""Reading one record: the account may act, and the record is there."""

from typing import Any

from sqlalchemy import ColumnElement, Select, select, true

from taskwell.accounts.may_act import owner_may_act, users
from taskwell.database.view import as_json
from taskwell.records.kinds import Kind
from taskwell.records.names import stored_names


def read(kind: Kind, *conditions: ColumnElement[bool]) -> Select[Any]:
    """The live record that the statement names, if the conditions hold. No row: no such user. NULL: no such record."""
    one = select(*kind.shown(kind.table)).where(kind.live, kind.table.c.id == kind.id, *conditions).subquery(kind.name)
    return select(as_json(one).label(kind.name), one.c.revision).select_from(users.outerjoin(one, true())).where(owner_may_act())


def read_same(kind: Kind) -> Select[Any]:
    """The record, if it holds what the arguments say."""
    content = kind.content.arguments
    names = {field: stored_names(target, content[field]) for field, target in kind.by_name.items()}
    return read(kind, kind.content.same(kind.table, {**content, **names}))
