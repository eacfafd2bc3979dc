"""Whatever changes rows takes the time from a CTE, and whatever changes or locks a user's rows locks the user first.

Both proofs are shown statements that are wrong, each in one way, and must refuse them.
"""

from typing import Any

import pytest
from sqlalchemy import ColumnElement, delete, func, insert, select, true, update
from sqlalchemy.dialects.postgresql import insert as upsert

from taskwell.accounts.locking import locked_owner, stamped, the_time
from taskwell.accounts.may_act import owner, owner_may_act, users
from taskwell.database.shapes import every_statement
from taskwell.lists.tables import lists
from taskwell.tasks.tables import tasks
from tests.house.samples import INSERTED, Build, inner, me, mine, row, selected_row, task_id, title
from tests.house.turns import changes_out_of_turn, volatile_in_changes
from tests.support import postgres

LOCKS_NOBODY: dict[str, str] = {}
"""Statements that change or lock rows of a user's without that user's lock, and why. A change here is a decision."""

now = func.clock_timestamp()


@pytest.fixture(scope="module")
def volatile(shared_database: str) -> frozenset[str]:
    """PostgreSQL's own word for it. (`now()` is stable: it is the time at which the transaction began.)"""
    rows = postgres.query(shared_database, "SELECT DISTINCT proname FROM pg_proc WHERE provolatile = 'v'")
    return frozenset(row["proname"] for row in rows)


def test_nothing_volatile_stands_in_what_changes_rows(volatile: frozenset[str]) -> None:
    found = {one.name: volatile_in_changes(one.expression, volatile) for one in every_statement()}
    assert {name: findings for name, findings in found.items() if findings} == {}


def test_whatever_changes_a_users_rows_locks_the_user_first() -> None:
    found = {one.name: changes_out_of_turn(one.expression) for one in every_statement()}
    assert {name: findings for name, findings in found.items() if findings}.keys() == LOCKS_NOBODY.keys()


def _stamped_insert(at: ColumnElement[Any]) -> Any:
    return insert(tasks).from_select(INSERTED, select(*selected_row(owner, task_id, at=at)))


VOLATILE: dict[str, Build] = {
    "a SET": lambda: update(tasks).values(updated_at=now).where(mine),
    "a WHERE": lambda: delete(tasks).where(mine, tasks.c.deleted_at < now),
    "deep in a WHERE": lambda: delete(tasks).where(mine, tasks.c.deleted_at < now - func.make_interval(0, 0, 0, 1)),
    "a subquery of a WHERE": lambda: delete(tasks).where(
        mine, tasks.c.id.in_(select(inner.c.id).where(inner.c.deleted_at < now))
    ),
    "a subquery beside it": lambda: update(tasks).values(updated_at=select(now.label("at")).subquery().c.at).where(mine),
    "RETURNING": lambda: delete(tasks).where(mine).returning(now),
    "VALUES": lambda: insert(tasks).values(row(user_id=owner)),
    "the SELECT of an INSERT": lambda: _stamped_insert(now),
    "another function": lambda: update(tasks).values(id=func.gen_random_uuid()).where(mine),
    "an update on conflict": lambda: (
        upsert(users)
        .from_select(["id", "created_at", "updated_at"], select(owner, the_time().c.at, the_time().c.at))
        .on_conflict_do_update(index_elements=[users.c.id], set_={"updated_at": now}, where=me)
    ),
    "the condition of an update on conflict": lambda: (
        upsert(users)
        .from_select(["id", "created_at", "updated_at"], select(owner, the_time().c.at, the_time().c.at))
        .on_conflict_do_update(index_elements=[users.c.id], set_={"revision": 1}, where=users.c.updated_at < now)
    ),
    "the default of a column that is left out": lambda: insert(users).values(id=owner),
    "a change within a CTE": lambda: select(
        update(tasks).values(updated_at=now).where(mine).returning(tasks.c.id).cte("changed")
    ),
}


@pytest.mark.parametrize("build", VOLATILE.values(), ids=VOLATILE)
def test_a_volatile_function_in_a_change_is_refused(build: Build, volatile: frozenset[str]) -> None:
    assert volatile_in_changes(build(), volatile) != []


def test_a_time_from_a_cte_and_a_stable_one_are_not_refused(volatile: frozenset[str]) -> None:
    at = stamped(locked_owner())
    change = update(tasks).values(updated_at=at.c.at).where(mine, tasks.c.user_id == at.c.id, tasks.c.deleted_at < func.now())
    assert volatile_in_changes(change, volatile) == []
    assert volatile_in_changes(_stamped_insert(stamped(locked_owner()).c.at), volatile) == []


def _shared() -> Any:
    return select(users.c.id).where(owner_may_act()).with_for_update(read=True).cte("me")


def _not_locked() -> Any:
    return select(users.c.id).where(owner_may_act()).cte("me")


def _changed_for(found: Any) -> Any:
    return update(tasks).values(title=title).where(mine, tasks.c.user_id == found.c.id)


def _locked_tasks(source: Any, **lock: Any) -> Any:
    return select(tasks.c.id).select_from(source).where(mine).with_for_update(**lock)


def _locked_beside() -> Any:
    me = locked_owner()
    return select(me.c.id).add_cte(delete(tasks).where(mine).returning(tasks.c.id).cte("deleted"))


def _locked_and_then_left() -> Any:
    return _locked_tasks(tasks.outerjoin(locked_owner(), true()), of=tasks)


def _reference(*locked: Any) -> Any:
    source = locked[0].join(lists, lists.c.user_id == locked[0].c.id) if locked else lists
    there = select(lists.c.id).select_from(source).where(lists.c.user_id == owner)
    return select(there.with_for_update(of=lists, key_share=True).cte("named"))


OUT_OF_TURN: dict[str, Build] = {
    "an update": lambda: update(tasks).values(title=title).where(mine),
    "a delete": lambda: delete(tasks).where(mine, tasks.c.id == task_id),
    "an insert of values": lambda: insert(tasks).values(row(user_id=owner)),
    "an insert of what is only read": lambda: _stamped_insert(the_time().c.at),
    "a lock": lambda: _locked_tasks(tasks),
    "a lock of both at once": lambda: _locked_tasks(tasks.join(users, users.c.id == tasks.c.user_id)),
    "a lock beside the user's": _locked_beside,
    "a lock of what is referred to": _reference,
    "a user who need not be locked": _locked_and_then_left,
    "a user who is only read": lambda: _changed_for(_not_locked()),
    "a user whom others lock as well": lambda: _changed_for(_shared()),
    "a user who is looked at in a subquery": lambda: delete(tasks).where(mine, select(locked_owner().c.id).exists()),
    "a lock of the user after the task's": lambda: _changed_for(
        select(users.c.id).select_from(users.join(_locked_tasks(tasks).cte("current"), me)).with_for_update(of=users).cte("me")
    ),
}


@pytest.mark.parametrize("build", OUT_OF_TURN.values(), ids=OUT_OF_TURN)
def test_a_change_before_the_users_lock_is_refused(build: Build) -> None:
    assert changes_out_of_turn(build()) != []


def _through_a_lock_of_the_task() -> Any:
    me = stamped(locked_owner())
    current = _locked_tasks(me.join(tasks, tasks.c.user_id == me.c.id), of=tasks).cte("current")
    return update(tasks).values(title=title).where(mine, tasks.c.id == current.c.id)


IN_TURN: dict[str, Build] = {
    "after a lock": lambda: _changed_for(locked_owner()),
    "after a lock, a time and a lock of the task": _through_a_lock_of_the_task,
    "after a change of the user": lambda: _changed_for(
        update(users).values(revision=users.c.revision + 1).where(me).returning(users.c.id).cte("me")
    ),
    "a lock of what is referred to": lambda: _reference(locked_owner()),
    "an insert": lambda: _stamped_insert(stamped(locked_owner()).c.at),
    "the user's own row": lambda: update(users).values(revision=1).where(me),
    "only read": lambda: select(tasks.c.title).where(mine),
}


@pytest.mark.parametrize("build", IN_TURN.values(), ids=IN_TURN)
def test_a_change_after_the_users_lock_is_not_refused(build: Build) -> None:
    assert changes_out_of_turn(build()) == []
