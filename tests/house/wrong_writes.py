"""Statements that change what is not the owner's, each in one way, and the proofs that see it."""

from typing import Any

from sqlalchemy import (
    Text,
    cast,
    delete,
    exists,
    func,
    insert,
    null,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import insert as upsert

from taskwell.accounts.locking import locked_owner
from taskwell.accounts.may_act import owner, users
from taskwell.lists.tables import lists
from taskwell.tasks.tables import departures, tasks
from tests.house.samples import BUILD, INSERTED, PLAN, TREE, inner, me, mine, other, row, selected_row, task_id, title, wrong


@wrong(TREE, PLAN)
def _a_reference_to_anybodys_list() -> Any:
    locked = locked_owner()
    named = select(lists.c.id).select_from(locked.join(lists, lists.c.id == other)).with_for_update(of=lists).cte("named")
    return update(tasks).values(list_id=named.c.id).where(mine, tasks.c.user_id == locked.c.id, tasks.c.id == task_id)


@wrong(TREE, PLAN)
def _a_departure_of_anybodys_task() -> Any:
    return delete(departures).where(departures.c.task_id == task_id)


@wrong(TREE, PLAN)
def _the_tasks_of_anybodys_list() -> Any:
    gone = select(lists.c.id).where(lists.c.user_id == owner, lists.c.id == other).with_for_update().cte("current")
    return update(tasks).values(deleted_with=gone.c.id).where(tasks.c.list_id == gone.c.id)


@wrong(TREE, PLAN)
def _an_update() -> Any:
    return update(tasks).values(title=title).where(tasks.c.id == task_id)


@wrong(TREE, PLAN)
def _an_update_with_the_owner_as_a_value() -> Any:
    return update(tasks).values(user_id=owner).where(tasks.c.id == task_id)


@wrong(TREE)
def _an_update_that_gives_a_row_away() -> Any:
    return update(tasks).values(user_id=other).where(mine, tasks.c.id == task_id)


@wrong(TREE, PLAN)
def _an_update_from() -> Any:
    return update(tasks).values(title=users.c.email).where(mine, tasks.c.revision == users.c.revision)


@wrong(TREE, PLAN)
def _an_update_from_whose_target_is_free() -> Any:
    return update(tasks).values(title=users.c.email).where(me, tasks.c.id == task_id)


@wrong(TREE, PLAN)
def _an_update_of_everybody_by_a_subquery() -> Any:
    return update(tasks).values(title=select(users.c.email).limit(1).scalar_subquery()).where(mine)


@wrong(TREE, PLAN)
def _a_delete() -> Any:
    return delete(tasks).where(tasks.c.id == task_id)


@wrong(TREE, PLAN)
def _a_delete_using() -> Any:
    return delete(tasks).where(tasks.c.revision == users.c.revision, me)


@wrong(TREE, PLAN)
def _a_delete_using_everybody() -> Any:
    return delete(tasks).where(mine, tasks.c.revision == users.c.revision)


@wrong(TREE, PLAN)
def _an_insert_for_somebody_else() -> Any:
    return insert(tasks).values(row(user_id=other, description=func.lower(cast(owner, Text))))


@wrong(TREE, PLAN)
def _an_insert_for_nobody() -> Any:
    return insert(tasks).values(row(user_id=null(), description=func.lower(cast(owner, Text))))


@wrong(TREE, PLAN)
def _an_insert_from_everybody() -> Any:
    return insert(tasks).from_select(INSERTED, select(*selected_row(users.c.id, owner, at=users.c.created_at)))


@wrong(TREE, PLAN)
def _an_insert_for_the_owner_of_what_everybody_has() -> Any:
    return insert(tasks).from_select(
        INSERTED, select(*selected_row(owner, inner.c.id, at=func.now())).where(inner.c.revision > 1)
    )


@wrong(PLAN)
def _an_insert_from_a_select_that_is_volatile() -> Any:
    mine_again = select(*selected_row(owner, task_id, at=func.clock_timestamp()))  # right, and not provable
    return insert(tasks).from_select(INSERTED, mine_again.where(exists().where(me)))


@wrong(TREE, BUILD)
def _an_insert_of_two_rows_one_of_them_for_somebody_else() -> Any:
    return insert(tasks).values([row(user_id=owner), row(user_id=other)])


@wrong(TREE, BUILD)
def _an_insert_of_two_rows_one_of_them_read_from_everybody() -> Any:
    stolen = select(func.max(inner.c.title)).scalar_subquery()
    return insert(tasks).values([row(user_id=owner), row(user_id=owner, title=stolen)])


@wrong(BUILD)
def _an_insert_of_two_rows_both_the_owners() -> Any:
    return insert(tasks).values([row(user_id=owner), row(user_id=owner, id=other)])  # right, and not provable


@wrong(TREE, PLAN)
def _an_update_on_conflict_without_the_owner() -> Any:
    new = upsert(tasks).values(row(user_id=owner))
    return new.on_conflict_do_update(index_elements=["user_id", "id"], set_={"title": title})


@wrong(TREE, PLAN)
def _an_update_on_conflict_of_whoever_has_the_address() -> Any:
    new = upsert(users).values(id=owner, email_key=title, password_hash=title)
    return new.on_conflict_do_update(index_elements=[users.c.email_key], set_={"password_hash": title})


@wrong(TREE)
def _an_update_on_conflict_that_gives_the_row_away() -> Any:
    new = upsert(tasks).values(row(user_id=owner))
    return new.on_conflict_do_update(index_elements=["user_id", "id"], set_={"user_id": other}, where=mine)


@wrong(TREE, PLAN)
def _an_update_on_conflict_by_a_subquery() -> Any:
    new = upsert(tasks).values(row(user_id=owner))
    stolen = select(func.max(inner.c.title)).scalar_subquery()
    return new.on_conflict_do_update(index_elements=["user_id", "id"], set_={"title": stolen}, where=mine)
