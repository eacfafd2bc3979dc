"""What today, overdue and upcoming mean: conditions on `due_sort`, which is a wall time in the account's zone.

They read the zone in the user's row, so `users` is one of the tables of the statement. The moment is an argument, `now`: a
statement that took the time itself could not be asked about another day.
"""

from sqlalchemy import ColumnElement, DateTime, Integer, and_, func

from taskwell.accounts.may_act import users
from taskwell.accounts.wall_time import wall_time
from taskwell.database.statement import argument
from taskwell.tasks.tables import tasks

_now = wall_time(users.c.time_zone, argument("now", DateTime(timezone=True)))
_today = func.date_trunc("day", _now)


def is_overdue() -> ColumnElement[bool]:
    """It was due, and is open. A date alone is over when its day is."""
    return and_(tasks.c.is_completed.is_(False), tasks.c.due_sort < _now)


def is_due_today() -> ColumnElement[bool]:
    """Its day is today, whether its time has passed or not."""
    return and_(tasks.c.due_sort >= _today, tasks.c.due_sort < _today + func.make_interval(0, 0, 0, 1))


def is_upcoming() -> ColumnElement[bool]:
    """Its day is one of the next `days` (an argument), of which today is the first."""
    days = func.make_interval(0, 0, 0, argument("days", Integer()))
    return and_(tasks.c.due_sort >= _today, tasks.c.due_sort < _today + days)
