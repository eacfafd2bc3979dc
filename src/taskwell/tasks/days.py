"""What today, overdue and upcoming mean: conditions on `due_sort`, which is a wall time in the account's zone.

They read the zone in the user's row, so `users` is one of the tables of the statement. The moment is an argument, `now`: a
statement that took the time itself could not be asked about another day. What looks at very many tasks computes it once, and
gives it.
"""

from datetime import datetime
from typing import Final

from sqlalchemy import ColumnElement, DateTime, Integer, and_, func

from taskwell.accounts.may_act import users
from taskwell.accounts.wall_time import wall_time
from taskwell.database.statement import argument
from taskwell.tasks.tables import tasks

WALL_NOW: Final = wall_time(users.c.time_zone, argument("now", DateTime(timezone=True)))
TODAY: Final[ColumnElement[datetime]] = func.date_trunc("day", WALL_NOW)


def is_overdue(now: ColumnElement[datetime] = WALL_NOW) -> ColumnElement[bool]:
    """It was due, and is open. A date alone is over when its day is."""
    return and_(tasks.c.is_completed.is_(False), tasks.c.due_sort < now)


def is_due_today(today: ColumnElement[datetime] = TODAY) -> ColumnElement[bool]:
    """Its day is today, whether its time has passed or not."""
    return and_(tasks.c.due_sort >= today, tasks.c.due_sort < today + func.make_interval(0, 0, 0, 1))


def is_upcoming(today: ColumnElement[datetime] = TODAY) -> ColumnElement[bool]:
    """Its day is one of the next `days` (an argument), of which today is the first."""
    days = func.make_interval(0, 0, 0, argument("days", Integer()))
    return and_(tasks.c.due_sort >= today, tasks.c.due_sort < today + days)
