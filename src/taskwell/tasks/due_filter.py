"""Which tasks are due when: by days and times that the request names, or that follow from the present in the account's zone."""

from datetime import UTC, datetime, time
from typing import Any

from sqlalchemy import Boolean, ColumnElement, DateTime, Integer, false, func, or_

from taskwell.accounts.may_act import users
from taskwell.accounts.wall_time import wall_time
from taskwell.database.statement import argument
from taskwell.tasks.days import is_due_today, is_overdue, is_upcoming
from taskwell.tasks.tables import tasks
from taskwell.types import DayOrTime


def are_due() -> list[ColumnElement[bool]]:
    """The conditions of the arguments that `bounds` and `present` give. NULL: any task."""
    before, after = _bound("due_before"), _bound("due_after")
    days = argument("days", Integer())
    return [
        or_(before.is_(None), tasks.c.due_sort < before),
        or_(after.is_(None), tasks.c.due_sort > after),
        _is_as_asked("overdue", is_overdue()),
        _is_as_asked("today", is_due_today()),
        or_(days.is_(None), is_upcoming()),
    ]


def _bound(name: str) -> ColumnElement[datetime]:
    # An instant is what the clocks of the account show then.
    instant = wall_time(users.c.time_zone, argument(f"{name}_instant", DateTime(timezone=True)))
    return func.coalesce(argument(name, DateTime(timezone=False)), instant)


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
