"""The SQL of the answers that are kept for writes with an `Idempotency-Key`."""

from typing import Any

from sqlalchemy import ColumnElement, Integer, Select, SmallInteger, String, Text, and_, delete, func, select, true
from sqlalchemy.dialects.postgresql import insert as upsert

from taskwell.accounts.idempotency.tables import idempotency_keys as keys
from taskwell.accounts.locking import ago, ahead, locked_owner, stamped
from taskwell.accounts.may_act import owner, owner_may_act, users
from taskwell.database.statement import Statement, argument

KEPT_SECONDS = 24 * 3600

_FORGOTTEN_AT_ONCE = 10
"""A write with a key adds one row and takes at most so many old ones away."""

_key = argument("key", String())

_lock = select(users.c.id).where(owner_may_act()).with_for_update(key_share=True, skip_locked=True).cte("me")
_answer = (
    select(keys.c.fingerprint, keys.c.status, keys.c.headers, keys.c.body)
    .where(keys.c.user_id == owner, keys.c.key == _key, keys.c.created_at > ago(KEPT_SECONDS))
    .subquery("answer")
)

FIND_ANSWER = Statement(
    "find_answer",
    select(_lock.c.id.is_not(None).label("is_locked"), *_answer.c)
    .select_from(users.outerjoin(_lock, true()).outerjoin(_answer, true()))
    .where(owner_may_act()),
)
"""A write with a key begins with the lock on the row of the user, if it is free, and with the answer that is kept for the key.

An answer whose transaction committed while this statement ran may be missed here. Then KEEP_ANSWER keeps nothing.
"""

_me = stamped(locked_owner())
_row = {
    "user_id": owner,
    "key": _key,
    "fingerprint": argument("fingerprint", String()),
    "status": argument("status", SmallInteger()),
    "headers": argument("headers", Text()),
    "body": argument("body", Text()),
    "created_at": _me.c.at,
}
_old = (
    select(keys.c.key)
    .where(keys.c.user_id == owner, keys.c.created_at < _me.c.at - ahead(KEPT_SECONDS), keys.c.key != _key)
    .order_by(keys.c.created_at)
    .limit(_FORGOTTEN_AT_ONCE)
    .correlate(_me)
    .scalar_subquery()
)
_forgotten = delete(keys).where(keys.c.user_id == owner, keys.c.user_id == _me.c.id, keys.c.key.in_(_old)).cte("forgotten")
_new = upsert(keys).from_select([*_row], select(*_row.values()).select_from(_me))
_kept = (
    _new.on_conflict_do_update(
        index_elements=[keys.c.user_id, keys.c.key],
        set_={name: _new.excluded[name] for name in _row if name not in ("user_id", "key")},
        where=and_(keys.c.user_id == owner, keys.c.created_at <= _new.excluded.created_at - ahead(KEPT_SECONDS)),
    )
    .returning(keys.c.user_id)
    .cte("kept")
)

KEEP_ANSWER = Statement("keep_answer", select(_kept.c.user_id).add_cte(_forgotten))
"""A write with a key ends with its answer. No row comes back where one is kept already, which is no older than a day."""


def have_old_answers(whose: ColumnElement[Any]) -> ColumnElement[bool]:
    """An answer is kept that nobody may ask for any more. The oldest is looked at, which is the first of an index."""
    oldest = select(keys.c.created_at).where(keys.c.user_id == whose).order_by(keys.c.created_at).limit(1).scalar_subquery()
    return (oldest < ago(KEPT_SECONDS)).label("has_old_answers")


def _forget() -> Select[Any]:
    me = stamped(locked_owner())
    old = (
        select(keys.c.user_id, keys.c.key)
        .select_from(me.join(keys, keys.c.user_id == me.c.id))
        .where(keys.c.user_id == owner, keys.c.created_at < me.c.at - ahead(KEPT_SECONDS))
        .order_by(keys.c.created_at)
        .limit(argument("most", Integer()))
        .cte("old")
    )
    gone = delete(keys).where(keys.c.user_id == owner, keys.c.user_id == old.c.user_id, keys.c.key == old.c.key)
    forgotten = gone.returning(keys.c.user_id).cte("forgotten")
    return select(func.count(forgotten.c.user_id).label("gone")).select_from(me.outerjoin(forgotten, true()))


FORGET_ANSWERS = Statement("forget_answers", _forget)
"""The oldest of the answers that are older than a day, `most` of them: of whoever uses keys no more."""
