"""Statements that are right, each in a way that a proof could trip over."""

from typing import Any

from sqlalchemy import (
    ARRAY,
    Text,
    and_,
    delete,
    exists,
    func,
    insert,
    lateral,
    select,
    true,
    union_all,
    update,
)
from sqlalchemy.dialects.postgresql import insert as upsert

from taskwell.accounts.locking import locked_owner
from taskwell.accounts.may_act import owner, users
from taskwell.database.statement import argument
from taskwell.lists.tables import lists
from taskwell.tasks.labels.filter import carries_each, is_unknown
from taskwell.tasks.tables import tasks
from tests.house.samples import INSERTED, inner, me, mine, other, right, row, selected_row


@right
def _both_tables_bound() -> Any:
    return select(tasks.c.title, users.c.email).where(mine, me)


@right
def _bound_through_another_table() -> Any:
    return select(tasks.c.title, users.c.email).where(users.c.id == tasks.c.user_id, owner == tasks.c.user_id)


@right
def _bound_through_a_join() -> Any:
    return select(tasks.c.title).select_from(users.join(tasks, tasks.c.user_id == users.c.id)).where(me)


@right
def _bound_through_a_left_join() -> Any:
    return select(tasks.c.title).select_from(users.outerjoin(tasks, tasks.c.user_id == users.c.id)).where(me)


@right
def _bound_in_the_join_itself() -> Any:
    return select(tasks.c.title).select_from(users.outerjoin(tasks, and_(mine, tasks.c.revision > 1))).where(me)


@right
def _a_reference_to_a_list_of_ones_own() -> Any:
    locked = locked_owner()
    there = and_(lists.c.user_id == owner, lists.c.user_id == locked.c.id, lists.c.id == other)
    named = select(lists.c.id).select_from(locked.join(lists, there)).with_for_update(of=lists, key_share=True).cte("named")
    beside = select(locked.c.id, named.c.id.label("list_id")).select_from(locked.outerjoin(named, true())).cte("beside")
    return update(tasks).values(list_id=beside.c.list_id).where(mine, tasks.c.user_id == beside.c.id)


@right
def _an_alias() -> Any:
    return select(inner.c.title).where(inner.c.user_id == owner)


@right
def _a_correlated_subquery() -> Any:
    latest = select(func.max(tasks.c.title)).where(tasks.c.user_id == users.c.id).scalar_subquery()
    return select(users.c.email, latest).where(me)


@right
def _a_correlated_exists() -> Any:
    return select(users.c.email).where(me, exists().where(mine, tasks.c.title == users.c.email))


@right
def _a_correlated_lateral() -> Any:
    beside = lateral(select(tasks.c.title).where(tasks.c.user_id == users.c.id, tasks.c.title == users.c.email), "beside")
    return select(users.c.email, beside.c.title).select_from(users.join(beside, true())).where(me)


@right
def _a_union() -> Any:
    return union_all(select(tasks.c.title).where(mine), select(users.c.email).where(me))


@right
def _a_delete_using_both_bound() -> Any:
    return delete(tasks).where(mine, tasks.c.user_id == users.c.id, users.c.revision > 1)


@right
def _an_update_from_a_subquery() -> Any:
    first = select(users.c.id, users.c.email).where(me).limit(1).subquery("first")
    return update(tasks).values(title=first.c.email).where(mine, tasks.c.user_id == first.c.id)


@right
def _a_filter_by_the_owners_labels() -> Any:
    keys = argument("keys", ARRAY(Text()))
    return select(tasks.c.title, is_unknown(keys)).where(mine, carries_each(keys))


@right
def _an_insert_of_what_the_owner_has() -> Any:
    return insert(tasks).from_select(
        INSERTED, select(*selected_row(inner.c.user_id, inner.c.id, at=func.now())).where(inner.c.user_id == owner)
    )


@right
def _an_update_on_conflict() -> Any:
    new = upsert(tasks).values(row(user_id=owner))
    return new.on_conflict_do_update(index_elements=["user_id", "id"], set_={"title": new.excluded.title}, where=mine)
