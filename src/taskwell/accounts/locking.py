"""The first two steps of whatever changes rows of a user's: the user's row is locked, then the time is taken.

All that changes or locks rows of one user takes its turn on that user's row, so that no two ever wait for each other in a circle.
What changes rows takes the time from a CTE of these: nothing volatile stands in an INSERT, an UPDATE or a DELETE itself. (Citus
refuses that, and PostgreSQL would compute it again for each row.)
"""

from typing import Any

from sqlalchemy import CTE, ColumnElement, func, select

from taskwell.accounts.may_act import owner_may_act, users


def locked_owner(*conditions: ColumnElement[bool]) -> CTE:
    """The user's row as it is now, if the account may act and the conditions hold."""
    columns = [users.c.id, users.c.revision, users.c.time_zone]
    return select(*columns).where(owner_may_act(), *conditions).with_for_update(key_share=True).cte("me")


def stamped(locked: CTE) -> CTE:
    """The rows with `at`, the time. In the statement that locks, it could be from before the wait."""
    return select(*locked.c, func.clock_timestamp().label("at")).select_from(locked).cte("stamped")


def turn(locked: CTE, more: ColumnElement[int] | int = 1, **columns: ColumnElement[Any]) -> CTE:
    """The owner as `user_id`, with the revision that a write takes, the time, and what else is said."""
    stamp = stamped(locked)
    named = [value.label(name) for name, value in columns.items()]
    return select(stamp.c.id.label("user_id"), (stamp.c.revision + more).label("revision"), stamp.c.at, *named).cte("turn")


def the_time() -> CTE:
    """One row with `at`, for what locks nobody's row."""
    return select(func.clock_timestamp().label("at")).cte("the_time")


def ago(seconds: float) -> ColumnElement[object]:
    """For what only reads."""
    return func.clock_timestamp() - ahead(seconds)


def ahead(seconds: ColumnElement[float] | float) -> ColumnElement[object]:
    return func.make_interval(0, 0, 0, 0, 0, 0, seconds)
