"""Statements that read what is not the owner's, each in one way, and the proofs that see it.

Some name `:owner` where it does nothing, so that the plan's proof cannot refuse them for lacking the argument.
"""

from typing import Any
from uuid import UUID

from sqlalchemy import (
    Boolean,
    Uuid,
    and_,
    case,
    column,
    delete,
    exists,
    func,
    lateral,
    literal,
    literal_column,
    not_,
    or_,
    select,
    table,
    text,
    true,
    union_all,
    update,
)

from taskwell.accounts.may_act import owner, users
from taskwell.tasks.tables import tasks
from tests.house.samples import PLAN, TREE, inner, me, mine, other, task_id, title, wrong


@wrong(TREE, PLAN)
def _missing_owner() -> Any:
    return select(tasks.c.title).where(tasks.c.id == task_id)


@wrong(TREE, PLAN)
def _owner_only_shown() -> Any:
    return select(tasks.c.title, owner.label("owner")).where(tasks.c.id == task_id)


@wrong(TREE, PLAN)
def _owner_or_anything() -> Any:
    return select(tasks.c.title).where(or_(mine, tasks.c.id == task_id))


@wrong(TREE, PLAN)
def _owner_or_anything_deep_inside() -> Any:
    return select(tasks.c.title).where(and_(tasks.c.id == task_id, or_(and_(mine, tasks.c.revision > 1), tasks.c.revision > 9)))


@wrong(TREE, PLAN)
def _owner_under_not() -> Any:
    return select(tasks.c.title).where(not_(mine))


@wrong(TREE, PLAN)
def _owner_under_not_of_two() -> Any:
    return select(tasks.c.title).where(not_(and_(mine, tasks.c.id == task_id)))


@wrong(TREE, PLAN)
def _owner_in_a_case() -> Any:
    return select(tasks.c.title).where(case((tasks.c.revision > 1, mine), else_=true()))


@wrong(TREE, PLAN)
def _owner_in_a_case_both_ways() -> Any:
    return select(tasks.c.title).where(case((tasks.c.revision > 1, mine), else_=mine))  # right, and not provable


@wrong(TREE, PLAN)
def _owner_not_equal() -> Any:
    return select(tasks.c.title).where(tasks.c.user_id != owner)


@wrong(TREE, PLAN)
def _owner_at_least() -> Any:
    return select(tasks.c.title).where(tasks.c.user_id >= owner)


@wrong(TREE, PLAN)
def _owner_compared_with_the_tasks_id() -> Any:
    return select(tasks.c.title).where(tasks.c.id == owner)


@wrong(TREE, PLAN)
def _owner_coalesced_away() -> Any:
    return select(tasks.c.title).where(tasks.c.user_id == func.coalesce(owner, tasks.c.user_id))


@wrong(TREE, PLAN)
def _another_argument_for_the_owner() -> Any:
    return select(tasks.c.title, owner.label("owner")).where(tasks.c.user_id == other)


@wrong(TREE, PLAN)
def _a_constant_for_the_owner() -> Any:
    return select(tasks.c.title, owner.label("owner")).where(tasks.c.user_id == literal(UUID(int=0), Uuid()))


@wrong(TREE, PLAN)
def _one_of_two_joined_tables() -> Any:
    return select(tasks.c.title, users.c.email).select_from(tasks.join(users, true())).where(mine)


@wrong(TREE, PLAN)
def _two_joined_tables_tied_to_each_other_alone() -> Any:
    return select(tasks.c.title, owner.label("owner")).select_from(tasks.join(users, tasks.c.user_id == users.c.id))


@wrong(TREE, PLAN)
def _the_same_table_twice_bound_once() -> Any:
    return select(inner.c.title).select_from(tasks.join(inner, inner.c.id == tasks.c.id)).where(mine)


@wrong(TREE, PLAN)
def _a_table_that_slipped_in() -> Any:
    return select(tasks.c.title).where(mine, users.c.revision > 1)  # SQLAlchemy adds `users` to FROM by itself


@wrong(TREE, PLAN)
def _a_left_join_that_binds_its_outer_side() -> Any:
    return select(tasks.c.title).select_from(tasks.outerjoin(users, and_(mine, me)))


@wrong(TREE, PLAN)
def _a_left_join_that_binds_the_outer_side_through_the_inner() -> Any:
    return select(tasks.c.title).select_from(tasks.outerjoin(users, and_(users.c.id == tasks.c.user_id, me)))


@wrong(TREE, PLAN)
def _a_full_join() -> Any:
    return select(tasks.c.title).select_from(tasks.join(users, and_(tasks.c.user_id == users.c.id, me), full=True))


@wrong(TREE, PLAN)
def _a_subquery() -> Any:
    every = select(tasks.c.user_id, tasks.c.title).order_by(tasks.c.created_at).limit(5).subquery("every")
    return select(every.c.title).where(every.c.user_id == owner)


@wrong(TREE)
def _a_subquery_that_postgresql_would_repair() -> Any:
    every = select(tasks.c.user_id, tasks.c.title).subquery("every")  # nothing in it keeps the condition out
    return select(every.c.title).where(every.c.user_id == owner)


@wrong(TREE, PLAN)
def _a_cte() -> Any:
    every = select(tasks.c.user_id, tasks.c.title).cte("every")
    again = every.alias("again")
    return select(every.c.title).where(every.c.user_id == owner, again.c.user_id == owner)


@wrong(TREE, PLAN)
def _a_cte_that_nothing_reads() -> Any:
    gone = delete(tasks).where(tasks.c.id == task_id).returning(tasks.c.id).cte("gone")
    return select(users.c.email).where(me).add_cte(gone)


@wrong(TREE, PLAN)
def _a_cte_that_changes_all_rows() -> Any:
    changed = update(tasks).values(title=title).returning(tasks.c.user_id).cte("changed")
    return select(func.count()).select_from(changed).where(changed.c.user_id == owner)


@wrong(TREE, PLAN)
def _an_exists() -> Any:
    return select(users.c.email).where(me, exists().where(tasks.c.id == task_id))


@wrong(TREE, PLAN)
def _a_scalar_subquery_among_the_columns() -> Any:
    return select(users.c.email, select(func.count()).select_from(tasks).scalar_subquery()).where(me)


@wrong(TREE, PLAN)
def _a_subquery_in_the_limit() -> Any:
    return select(users.c.email).where(me).limit(select(func.count()).select_from(tasks).scalar_subquery())


@wrong(TREE, PLAN)
def _a_subquery_in_the_order() -> Any:
    latest = select(func.max(inner.c.created_at)).where(inner.c.id == tasks.c.id).scalar_subquery()
    return select(tasks.c.title).where(mine).order_by(latest)


@wrong(TREE, PLAN)
def _the_same_table_uncorrelated_below() -> Any:
    below = select(tasks.c.id).where(tasks.c.revision > 1).correlate(None)
    return select(tasks.c.title).where(mine, tasks.c.id.in_(below))


@wrong(TREE, PLAN)
def _a_branch_of_a_union() -> Any:
    return union_all(select(tasks.c.title).where(mine), select(tasks.c.title).where(tasks.c.id == task_id))


@wrong(TREE, PLAN)
def _a_union_in_a_subquery() -> Any:
    both = union_all(select(tasks.c.title).where(mine), select(users.c.email)).subquery("both")
    return select(both.c.title)


@wrong(TREE, PLAN)
def _a_lateral() -> Any:
    beside = lateral(select(tasks.c.title).where(tasks.c.revision == users.c.revision).limit(1), "beside")
    return select(users.c.email, beside.c.title).select_from(users.join(beside, true())).where(me)


@wrong(TREE)
def _a_literal_column() -> Any:
    return select(literal_column("'x'")).select_from(tasks).where(mine)


@wrong(TREE, PLAN)
def _a_literal_column_that_reads() -> Any:
    return select(literal_column("(SELECT max(title) FROM tasks)").label("stolen"), tasks.c.title).where(mine)


@wrong(TREE, PLAN)
def _a_literal_column_that_undoes_the_condition() -> Any:
    return select(tasks.c.title).where(mine, literal_column("true OR true", Boolean()))


@wrong(TREE, PLAN)
def _a_text() -> Any:
    return select(tasks.c.title).where(mine, text("true OR true"))


@wrong(TREE, PLAN)
def _nothing_but_text() -> Any:
    return text("SELECT title FROM tasks")


@wrong(TREE, PLAN)
def _a_prefix() -> Any:
    return select(tasks.c.title).prefix_with("(SELECT max(t.title) FROM tasks t),").where(mine)


@wrong(TREE, PLAN)
def _a_suffix() -> Any:
    return select(tasks.c.title).where(mine).suffix_with("UNION ALL SELECT title FROM tasks")


@wrong(TREE, PLAN)
def _a_suffix_of_a_cte() -> Any:
    few = select(tasks.c.title).where(mine).cte("few").suffix_with(", more AS MATERIALIZED (SELECT * FROM tasks)")
    return select(few.c.title).where(exists(select(table("more", column("id")).c.id)))


@wrong(TREE, PLAN)
def _a_hint() -> Any:
    return select(tasks.c.title).where(mine).with_statement_hint("UNION ALL SELECT title FROM tasks")


@wrong(TREE, PLAN)
def _an_operator_of_its_own() -> Any:
    return select(tasks.c.title).where(tasks.c.user_id.op("IS NOT NULL OR user_id =")(owner))


@wrong(TREE)
def _a_function_that_runs_sql() -> Any:
    return select(func.query_to_xml("SELECT * FROM tasks", True, True, ""), users.c.email).where(me)


@wrong(TREE, PLAN)
def _a_table_of_the_same_name() -> Any:
    return select(table("tasks", column("title")).c.title, owner.label("owner"))
