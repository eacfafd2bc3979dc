"""The SQL of what is too old for the trash, and is removed for good.

A client that last asked before the horizon, which moves with it, has to read everything anew.
"""

from typing import Any

from sqlalchemy import Integer, Select, Uuid, delete, func, select, true, union_all, update

from taskwell.accounts.idempotency.statements import have_old_answers
from taskwell.accounts.may_act import owner, users
from taskwell.database.statement import Statement, argument
from taskwell.labels.statements import LABEL
from taskwell.lists.statements import LIST
from taskwell.records.asked import ONE
from taskwell.records.trash import have_old, is_old
from taskwell.tasks.statements import TASK

_KINDS = (TASK, LIST, LABEL)
_most = argument("most", Integer())


def _purge() -> Select[Any]:
    me = ONE.me()
    removed = []
    for kind in _KINDS:
        table = kind.table
        old = (
            select(table.c.user_id, table.c.id)
            .select_from(me.join(table, table.c.user_id == me.c.id))
            .where(table.c.user_id == owner, is_old(table.c.deleted_at))
            .order_by(table.c.deleted_at, table.c.id)
            .limit(_most)
            .cte(f"old_{table.name}")
        )
        gone = delete(table).where(table.c.user_id == owner, table.c.user_id == old.c.user_id, table.c.id == old.c.id)
        removed.append(gone.returning(table.c.user_id, table.c.revision).cte(f"purged_{table.name}"))
    every = union_all(*(select(one.c.user_id, one.c.revision) for one in removed)).cte("purged")
    last = func.max(every.c.revision).label("revision")
    horizon = select(every.c.user_id, last).group_by(every.c.user_id).cte("horizon")
    moved = (
        update(users)
        .values(purged_revision=func.greatest(users.c.purged_revision, horizon.c.revision))
        .where(users.c.id == owner, users.c.id == horizon.c.user_id)
    )
    answer = select(func.count(every.c.user_id).label("gone")).select_from(me.outerjoin(every, true()))
    return answer.add_cte(moved.cte("moved"))


PURGE = Statement("purge", _purge)
"""The oldest of what is too old, `most` of each kind. The horizon moves to the last revision that is gone."""


def _find() -> Select[Any]:
    step = (
        select(users.c.id)
        .where(users.c.id > argument("after", Uuid()), users.c.deleted_at.is_(None))
        .order_by(users.c.id)
        .limit(_most)
        .subquery("step")
    )
    return select(step.c.id, have_old(_KINDS, step.c.id), have_old_answers(step.c.id)).order_by(step.c.id)


FIND_OLD = Statement(
    "find_old", _find, unscoped="an operator at the machine's own shell purges the trash of all users, one after the other"
)
"""The next users, and whether anything in the trash of each is too old, or any answer that is kept for a key."""
