"""Which tasks are due when: by days and times that the request names, or that follow from the present in the account's zone."""

import operator
from collections.abc import Callable
from datetime import UTC, datetime, time
from typing import Any

from sqlalchemy import Boolean, ColumnElement, DateTime, Integer, and_, false, func, or_

from taskwell.accounts.may_act import users
from taskwell.accounts.wall_time import wall_time
from taskwell.database.statement import argument
from taskwell.tasks.days import is_due_today, is_overdue, is_upcoming
from taskwell.tasks.tables import tasks
from taskwell.types import DayOrTime


def are_due() -> list[ColumnElement[bool]]:
    """The conditions of the arguments that `bounds` and `present` give. NULL: any task."""
    days = argument("days", Integer())
    return [
        _is_beyond(operator.lt, "due_before"),
        _is_beyond(operator.gt, "due_after"),
        _is_as_asked("overdue", is_overdue()),
        _is_as_asked("today", is_due_today()),
        or_(days.is_(None), is_upcoming()),
    ]


def _is_beyond(comparison: Callable[[Any, Any], ColumnElement[bool]], name: str) -> ColumnElement[bool]:
    wall = argument(name, DateTime(timezone=False))
    instant = argument(f"{name}_instant", DateTime(timezone=True))
    # An instant is what the clocks of the account show then.
    bound = func.coalesce(wall, wall_time(users.c.time_zone, instant))
    # Both arguments, and not what comes of them: the zone would be looked at for each task, a third of the time of a search.
    return or_(and_(wall.is_(None), instant.is_(None)), comparison(tasks.c.due_sort, bound))


def _is_as_asked(name: str, condition: ColumnElement[bool]) -> ColumnElement[bool]:
    asked = argument(name, Boolean())
    # A task that is not due at all is neither overdue nor due today.
    return or_(asked.is_(None), func.coalesce(condition, false()) == asked)


def bounds(before: DayOrTime | None, after: DayOrTime | None) -> dict[str, Any]:
    """The arguments for what is due before and after: a day ends the first when it begins, and begins the second when it ends."""
    return _sent("due_before", before, time.min) | _sent("due_after", after, time.max)


def _sent(name: str, bound: DayOrTime | None, time_of_day: time) -> dict[str, Any]:
    if bound is not None and not isinstance(bound, datetime):
        bound = datetime.combine(bound, time_of_day)
    is_instant = bound is not None and bound.tzinfo is not None
    return {name: None if is_instant else bound, f"{name}_instant": bound if is_instant else None}


def present(*, is_overdue: bool | None, is_due_today: bool | None, days: int | None) -> dict[str, Any]:
    """The arguments for what the present decides."""
    return {"overdue": is_overdue, "today": is_due_today, "days": days, "now": datetime.now(UTC)}
