"""Statements over a set of requests that are wrong, each in one way, and the proofs that see it; and some that are right."""

from typing import Any
from uuid import UUID

from sqlalchemy import DateTime, Integer, Select, Subquery, Uuid, and_, cast, lateral, literal, select, true, update

from taskwell.accounts.may_act import owner, users
from taskwell.database.statement import ASKED, Statement, argument
from taskwell.database.statement_of_set import ASKED_BY, COUNT, StatementOfSet, Types, requests
from taskwell.tasks.tables import tasks
from tests.house.samples import PLAN, TREE, me, mine, right_set, task_id, wrong_set

TYPES: Types = {"owner": Uuid(), "task_id": Uuid(), "issued_at": DateTime(timezone=True)}


def _asked(name: str = ASKED) -> Subquery:
    return requests(TYPES).subquery(name)


def _answer(asked: Any, found: Any) -> Select[Any]:
    return select(asked.c.n, asked.c.owner.label(ASKED_BY), *found.c).select_from(asked.outerjoin(found, true()))


def _flattened(asked: Subquery) -> Select[Any]:
    return _answer(asked, lateral(select(tasks.c.title).where(mine, tasks.c.id == task_id), "found"))


def _one(read: Select[Any]) -> Any:
    return read.add_columns(true().label("is_there")).limit(1).lateral("found")


@wrong_set(TREE, PLAN)
def _bound_on_one_of_two_joined_tables() -> Any:
    joined = tasks.join(users, users.c.revision == tasks.c.revision)
    return _answer(_asked(), _one(select(tasks.c.title, users.c.email).select_from(joined).where(mine)))


@wrong_set(TREE, PLAN)
def _not_bound_at_all() -> Any:
    return _answer(_asked(), _one(select(tasks.c.title).where(tasks.c.id == task_id)))


@wrong_set(TREE)
def _rows_that_lack_the_owner() -> Any:
    asked, found = _asked(), _one(select(tasks.c.title).where(mine))
    return select(asked.c.n, *found.c).select_from(asked.outerjoin(found, true()))


@wrong_set(TREE)
def _rows_that_have_something_else_for_the_owner() -> Any:
    asked, found = _asked(), _one(select(tasks.c.title, tasks.c.user_id).where(mine))
    return select(asked.c.n, found.c.user_id.label(ASKED_BY), *found.c).select_from(asked.outerjoin(found, true()))


@wrong_set(TREE)
def _rows_that_lack_their_number() -> Any:
    asked, found = _asked(), _one(select(tasks.c.title).where(mine))
    return select(literal(1).label("n"), asked.c.owner.label(ASKED_BY), *found.c).select_from(asked.outerjoin(found, true()))


@wrong_set(TREE)
def _a_join_between_two_requests() -> Any:
    asked, others = _asked(), _asked("others")
    found = _one(select(tasks.c.title).where(mine))
    joined = asked.join(others, true()).outerjoin(found, true())
    return select(others.c.n, asked.c.owner.label(ASKED_BY), *found.c).select_from(joined)


@wrong_set(TREE)
def _what_was_found_for_all_joined_with_each() -> Any:
    asked = requests(TYPES).cte(ASKED)
    one = _one(select(tasks.c.title).where(mine))
    found = select(owner.label("owner"), one.c.title).select_from(asked.join(one, true())).cte("found")
    return select(asked.c.n, asked.c.owner.label(ASKED_BY), found.c.title).select_from(asked.outerjoin(found, true()))


@wrong_set(TREE)
def _what_was_found_for_all_inside_of_a_lateral() -> Any:
    asked = requests(TYPES).cte(ASKED)
    one = _one(select(tasks.c.title).where(mine))
    every = select(owner.label("owner"), one.c.title).select_from(asked.join(one, true())).cte("every")
    return _answer(asked, _one(select(every.c.title)))


@wrong_set(TREE, PLAN)
def _something_else_called_as_the_requests_are() -> Any:
    elsewhere = select(cast(literal(str(UUID(int=0))), Uuid()).label("owner")).cte("elsewhere").alias(ASKED)
    return _answer(_asked(), _one(select(tasks.c.title).select_from(tasks.join(elsewhere, true())).where(mine)))


@wrong_set(TREE, PLAN)
def _a_table_outside_of_a_lateral() -> Any:
    asked = _asked()
    return select(asked.c.n, asked.c.owner.label(ASKED_BY), tasks.c.title).select_from(
        asked.outerjoin(tasks, and_(mine, tasks.c.id == task_id))
    )


@wrong_set(TREE, PLAN)
def _a_lateral_that_can_be_flattened() -> Any:
    return _flattened(_asked())


@wrong_set(TREE, PLAN)
def _an_update_of_a_join() -> Any:
    asked = requests(TYPES).cte(ASKED)
    changed = update(users).values(revision=1).where(users.c.id == asked.c.owner).returning(users.c.id).cte("changed")
    joined = asked.outerjoin(changed, changed.c.id == asked.c.owner)
    return select(asked.c.n, asked.c.owner.label(ASKED_BY), changed.c.id).select_from(joined)


def of_set_that_can_be_flattened() -> tuple[Statement, StatementOfSet]:
    one = Statement("one", select(tasks.c.title).where(mine, tasks.c.id == task_id))
    count = select(argument(COUNT, Integer())).scalar_subquery()

    def over(_: Statement, types: Types) -> Select[Any]:
        asked = requests(types).limit(None).subquery(ASKED)  # with the LIMIT a plan for one request is made
        return _flattened(asked).where(count > 0)

    return one, StatementOfSet(one, over)


@right_set
def _one_row_for_each() -> Any:
    return _answer(_asked(), _one(select(tasks.c.title).where(mine, tasks.c.id == task_id)))


@right_set
def _two_tables_both_bound() -> Any:
    return _answer(_asked(), _one(select(tasks.c.title, users.c.email).select_from(users.outerjoin(tasks, mine)).where(me)))


@right_set
def _what_was_found_for_all_tied_by_the_owner() -> Any:
    asked = requests(TYPES).cte(ASKED)
    one = _one(select(tasks.c.title).where(mine))
    found = select(owner.label("owner"), one.c.title).select_from(asked.join(one, true())).cte("found")
    joined = asked.outerjoin(found, found.c.owner == asked.c.owner)
    return select(asked.c.n, asked.c.owner.label(ASKED_BY), found.c.title).select_from(joined)
