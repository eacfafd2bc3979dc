"""When a task is due, or begins: a date, a date and a time wherever its user is, or a date and a time of one zone."""

import re
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Any, Final, NamedTuple, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, WithJsonSchema, model_validator

from taskwell.errors import InvalidInput
from taskwell.types import Time, TimeZone

FIRST_YEAR, LAST_YEAR = 1900, 2999
"""No zone and no distance takes a date from within these years to where Python's or PostgreSQL's dates end."""

REMINDERS_PER_TASK = 10
REMINDER_MINUTES = 366 * 24 * 60

_STRICT = ConfigDict(extra="forbid", strict=True, frozen=True)
_DAY_END: Final = time.max


def _date(text: str) -> str:
    try:
        if not re.fullmatch("[0-9]{4}-[0-9]{2}-[0-9]{2}", text):  # Python also reads 20261224 and 2026-W52-4
            raise ValueError
        year = date.fromisoformat(text).year
    except ValueError:  # the error's own message quotes the value
        raise ValueError("must be a date, such as 2026-12-24") from None
    if not FIRST_YEAR <= year <= LAST_YEAR:
        raise ValueError(f"must be between the years {FIRST_YEAR} and {LAST_YEAR}")
    return text


def _time(text: str) -> str:
    if not re.fullmatch("([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9])?", text):
        raise ValueError("must be a time of day, such as 18:00 or 18:00:30")
    return text.removesuffix(":00") if len(text) > len("18:00") else text


def _instant(at: datetime) -> str:
    return at.isoformat(timespec="microseconds")


Date = Annotated[str, AfterValidator(_date), WithJsonSchema({"type": "string", "format": "date"})]
TimeOfDay = Annotated[
    str, AfterValidator(_time), WithJsonSchema({"type": "string", "pattern": "^([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9])?$"})
]
Instant = Annotated[Time, AfterValidator(_instant)]
"""A time as it is stored and shown: in UTC, with six digits of fraction."""


class OnClocks(NamedTuple):
    """What `due_sort` and `start_sort` are made of: one of the two, or neither."""

    wall: datetime | None = None
    """The same whichever zone the account is in. A date alone is at its day's end."""
    instant: datetime | None = None
    """What the clocks of the account show at that moment."""


class When(BaseModel):
    """A `date` alone is a day; with a `time` it is wherever you are, and with a `time_zone` as well it is one moment."""

    model_config = _STRICT

    date: Date
    time: TimeOfDay | None = None
    time_zone: TimeZone | None = None

    @model_validator(mode="after")
    def _zone_comes_with_time(self) -> Self:
        if self.time is None and self.time_zone is not None:
            raise ValueError("a time_zone needs a time")
        return self

    @property
    def wall(self) -> datetime:
        """What a clock shows there."""
        return datetime.combine(date.fromisoformat(self.date), _DAY_END if self.time is None else time.fromisoformat(self.time))

    @property
    def zone(self) -> ZoneInfo | None:
        try:
            return None if self.time_zone is None else ZoneInfo(self.time_zone)
        except ZoneInfoNotFoundError:  # of a stored one: another tzdata had it
            return None

    @property
    def on_clocks(self) -> OnClocks:
        zone = self.zone
        if zone is None:
            return OnClocks(wall=self.wall)
        # A time that does not exist is read by the offset before the gap, and of two the first is meant (RFC 5545, 3.3.5): so
        # does Python with its default, fold=0. PostgreSQL takes the second one.
        return OnClocks(instant=self.wall.replace(tzinfo=zone).astimezone(UTC))

    def moved(self, distance: timedelta) -> "When | None":
        """The same time of another day; None: it would be behind the years that there are here."""
        try:
            day = date.fromisoformat(self.date) + distance
        except OverflowError:
            return None
        return self.model_copy(update={"date": day.isoformat()}) if FIRST_YEAR <= day.year <= LAST_YEAR else None

    def is_after(self, other: "When") -> bool:
        """False as well where that depends on the zone of the account."""
        here, there = self.on_clocks, other.on_clocks
        if here.instant is not None and there.instant is not None:
            return here.instant > there.instant
        if here.wall is None or there.wall is None:
            return False
        begin = here.wall if self.time is not None else datetime.combine(here.wall, time.min)
        return begin > there.wall


class Reminder(BaseModel):
    """A moment (`at`), or `minutes_before` the task is due; of a day without a time, before it begins."""

    model_config = _STRICT

    at: Instant | None = None
    minutes_before: Annotated[int, Field(ge=0, le=REMINDER_MINUTES)] | None = None

    @model_validator(mode="after")
    def _is_one_of_them(self) -> Self:
        if (self.at is None) == (self.minutes_before is None):
            raise ValueError("must have either at or minutes_before")
        return self


def _or_no_reminders(reminders: list[Reminder] | None) -> list[Reminder]:
    return reminders or []


RemindersOrNull = Annotated[
    Annotated[list[Reminder], Field(max_length=REMINDERS_PER_TASK)] | None, AfterValidator(_or_no_reminders)
]
"""Of a request: null clears them."""


def on_clocks_by(request: BaseModel) -> dict[str, Any]:
    """The arguments from which a statement makes `due_sort` and `start_sort`."""
    found: dict[str, Any] = {}
    for name in ("due", "start"):
        when: When | None = getattr(request, name)
        wall, instant = OnClocks() if when is None else when.on_clocks
        found |= {f"{name}_wall": wall, f"{name}_at": instant}
    return found


def refuse_start_after_due(request: BaseModel) -> None:
    """For a request that says both. Who changes one need not know the other, and is not refused for it. Raises InvalidInput."""
    due: When | None = getattr(request, "due", None)
    start: When | None = getattr(request, "start", None)
    if due is not None and start is not None and start.is_after(due):
        raise InvalidInput.of("start", "after_due", "must not be after due")
