"""The SQL of the feed: what of a user's was created, changed or deleted after a place, in the order (revision, kind, id)."""

from collections.abc import Callable, Sequence
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    ColumnElement,
    DateTime,
    FromClause,
    Integer,
    Select,
    Text,
    Uuid,
    and_,
    case,
    cast,
    func,
    literal,
    not_,
    or_,
    select,
    true,
    tuple_,
    union_all,
)
from sqlalchemy.sql.type_api import TypeEngine

from taskwell.accounts.may_act import owner, owner_may_act, users
from taskwell.accounts.statements import api_tokens, sessions
from taskwell.accounts.tables import UserView
from taskwell.database.statement import Statement, argument
from taskwell.database.statement_of_set import rows
from taskwell.database.view import as_json, shown_column, shown_of
from taskwell.labels.statements import LABEL
from taskwell.lists.statements import LIST
from taskwell.records.kinds import Kind
from taskwell.records.paging import BETWEEN_ITEMS
from taskwell.tasks.statements import TASK
from taskwell.tasks.tables import departures

ACCOUNT: Final = "account"
KINDS_OF_ITEMS: Final = (ACCOUNT, LABEL.name, LIST.name, TASK.name)
"""In the order in which they come within one revision."""

_OF_A_SIGN_IN: Final = ("email", "display_name", "is_admin")
"""What of the account only a token shows that may read the account."""

_begun = argument("begun", BigInteger())
_limit = argument("limit", Integer())
_list_id = argument("list_id", Uuid())

Conditions = Sequence[ColumnElement[bool]]


def _after(kind: str, revision: ColumnElement[int], record_id: ColumnElement[Any]) -> ColumnElement[bool]:
    place = tuple_(argument(f"after_{kind}_revision", BigInteger()), argument(f"after_{kind}_id", Uuid()))
    return tuple_(revision, record_id) > place


def _items(kind: str, item: FromClause, json: ColumnElement[Any]) -> Select[Any]:
    return select(item.c.revision, literal(kind, Text).label("kind"), item.c.id, cast(json, Text).label("json")).select_from(item)


def _object(kind: str, item: FromClause, **more: ColumnElement[Any]) -> ColumnElement[Any]:
    columns = [literal(kind, Text).label("kind"), item.c.id, item.c.revision]
    shown = select(*columns, *(value.label(name) for name, value in more.items())).correlate(item).subquery(f"{kind}_item")
    return select(as_json(shown)).scalar_subquery()


def _of_kind(kind: Kind, *conditions: ColumnElement[bool]) -> Select[Any]:
    """A snapshot knows nothing of what was deleted before it began, and so need not hear of it."""
    table = kind.table
    item = (
        select(*kind.stored, table.c.deleted_at)
        .where(table.c.user_id == owner, _after(kind.name, table.c.revision, table.c.id), *conditions)
        .where(or_(table.c.deleted_at.is_(None), table.c.revision > _begun))
        .order_by(table.c.revision, table.c.id)
        .limit(_limit + 1)
        .subquery(kind.name)
    )
    record = select(*kind.shown(item)).correlate(item).subquery("record")
    live = _object(kind.name, item, is_deleted=literal(False), record=select(as_json(record)).scalar_subquery())
    gone = _object(kind.name, item, is_deleted=literal(True), deleted_at=shown_column(item.c.deleted_at))
    return _items(kind.name, item, case((item.c.deleted_at.is_(None), live), else_=gone))


def _of_departures() -> Select[Any]:
    """Tasks that have left the list. In a snapshot only those can have been seen there that left after it began."""
    left = departures.c
    item = (
        select(left.revision, left.task_id.label("id"))
        .where(left.user_id == owner, left.list_id == _list_id, left.revision > _begun)
        .where(_after(TASK.name, left.revision, left.task_id))
        .order_by(left.revision, left.task_id)
        .limit(_limit + 1)
        .subquery("departed")
    )
    return _items(TASK.name, item, _object(TASK.name, item, has_left=literal(True)))


def _of_account() -> Select[Any]:
    account = users.alias(ACCOUNT)
    item = (
        select(account.c.account_revision.label("revision"), *(account.c[name] for name in UserView.model_fields))
        .where(account.c.id == owner, _after(ACCOUNT, account.c.account_revision, account.c.id))
        .subquery("of_account")
    )
    shown = shown_of(UserView, item)
    whole = select(*shown).correlate(item).subquery("whole")
    part = select(*(column for column in shown if column.name not in _OF_A_SIGN_IN)).correlate(item).subquery("part")
    record = case(
        (argument("is_account_shown", Boolean()), select(as_json(whole)).scalar_subquery()),
        else_=select(as_json(part)).scalar_subquery(),
    )
    return _items(ACCOUNT, item, _object(ACCOUNT, item, is_deleted=literal(False), record=record))


def _page(branches: Sequence[Select[Any]], more: Callable[[], Sequence[ColumnElement[Any]]] = tuple) -> Select[Any]:
    """One page, with one item more: that there is one says that the page is not the last. No row: no such user.

    The rows and the user's revision are of one moment, so after the last page all up to that revision was read.
    """
    every = union_all(*branches).subquery("every")
    order = (every.c.revision, every.c.kind.collate("C"), every.c.id)
    item = select(every).order_by(*order).limit(_limit + 1).subquery("item")
    last = {name: func.array_agg(item.c[name])[_limit].label(f"last_{name}") for name in ("revision", "kind", "id")}
    page = (
        select(func.string_agg(item.c.json, BETWEEN_ITEMS).label("items"), func.count().label("found"), *last.values())
        .select_from(item)
        .subquery("page")
    )
    return (
        select(users.c.revision, users.c.purged_revision, *more(), *page.c)
        .select_from(users.join(page, true()))
        .where(owner_may_act())
    )


def _list_is_known() -> Sequence[ColumnElement[bool]]:
    """Also by the trace that a deleted one leaves, of which whoever follows the list has to hear, and nobody who starts now."""
    is_told = or_(LIST.table.c.deleted_at.is_(None), _begun.is_not(None))
    is_it = (LIST.table.c.user_id == owner, LIST.table.c.id == _list_id, is_told)
    return [select(LIST.table.c.id).where(*is_it).scalar_subquery().is_not(None).label("is_known")]


READ_REVISION = Statement("read_revision", lambda: select(users.c.revision, users.c.purged_revision).where(owner_may_act()))
"""How far the feed goes, and from where on it can be told what is gone."""

WATCHED: Final[dict[str, TypeEngine[Any]]] = {
    "owner": Uuid(),
    "asker": Uuid(),
    "issued_at": DateTime(timezone=True),
    "token_id": Uuid(),
    "session_id": Uuid(),
    "needs_admin": Boolean(),
}
"""What one asks who waits: whose, by whose token of when, of which API token or session, and whether it is another's."""


def _probe() -> Select[Any]:
    asked = rows(WATCHED).subquery("asked")
    asker = (
        select(users.c.is_admin, users.c.signed_out_at)
        .where(users.c.id == asked.c.asker, users.c.deleted_at.is_(None), users.c.disabled_at.is_(None))
        .where(users.c.tokens_valid_after <= asked.c.issued_at)
        .limit(1)
        .lateral("standing")
    )
    columns = (users.c.revision, users.c.deleted_at, users.c.disabled_at, users.c.tokens_valid_after)
    there = select(*columns).where(users.c.id == asked.c.owner).limit(1).lateral("there")
    token, session = (
        select(table.c.id)
        .where(table.c.user_id == asked.c.asker, table.c.id == named)
        .where(table.c.expires_at > func.now(), table.c.created_at >= asker.c.signed_out_at)
        .limit(1)
        .lateral(table.name)
        for table, named in ((api_tokens, asked.c.token_id), (sessions, asked.c.session_id))
    )
    stands = and_(
        asker.c.is_admin.is_not(None),
        or_(not_(asked.c.needs_admin), and_(asker.c.is_admin, there.c.revision.is_not(None), there.c.deleted_at.is_(None))),
        or_(asked.c.token_id.is_(None), token.c.id.is_not(None)),
        or_(asked.c.session_id.is_(None), session.c.id.is_not(None)),
    )
    may_come_back = and_(
        there.c.deleted_at.is_not(None), there.c.disabled_at.is_(None), there.c.tokens_valid_after <= asked.c.issued_at
    )
    has_nothing = or_(there.c.revision.is_(None), may_come_back)
    source = asked.outerjoin(asker, true()).outerjoin(there, true()).outerjoin(token, true()).outerjoin(session, true())
    return select(asked.c.n, there.c.revision, stands.label("stands"), has_nothing.label("has_nothing")).select_from(source)


PROBE = Statement(
    "probe",
    _probe,
    unscoped="of all who wait for changes in one process: each one's number of the last write, and whether the sign-in stands",
)
"""Once a second while anybody waits. `has_nothing`: no account yet, which a user of another issuer need not have."""

READ_CHANGES = Statement("read_changes", lambda: _page([_of_account(), _of_kind(LABEL), _of_kind(LIST), _of_kind(TASK)]))
"""One page of the feed of all that a user has."""

_of_list = [
    _of_kind(LIST, LIST.table.c.id == _list_id),
    _of_kind(TASK, TASK.table.c.list_id == _list_id),
    _of_departures(),
]

READ_CHANGES_OF_LIST = Statement("read_changes_of_list", lambda: _page(_of_list, _list_is_known))
"""One page of the feed of one list: the list, its tasks, and which tasks have left it."""
