"""A rule of recurrence (RFC 5545, 3.3.10): which days it names, by dateutil, in a number of steps that is bounded.

It works on days: what time of the day it is, and in which zone, a task's `due` says.
"""

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta
from typing import Any, Final, NamedTuple

from dateutil import rrule

RULE_LENGTH = 255
MOST_INTERVAL = 400
MOST_COUNT = 9999

_STEPS: Final = {rrule.YEARLY: 40, rrule.MONTHLY: 200, rrule.WEEKLY: 200, rrule.DAILY: 500}
"""So many years, months, weeks or days that the rule comes by are looked at for its next day, which takes up to some 10 ms.

dateutil would look until the year 9999, for seconds, where a rule names no day at all, and nothing could interrupt it.
"""

_FREQUENCIES: Final = {"YEARLY": rrule.YEARLY, "MONTHLY": rrule.MONTHLY, "WEEKLY": rrule.WEEKLY, "DAILY": rrule.DAILY}
_WEEKDAYS: Final = {day: number for number, day in enumerate(("MO", "TU", "WE", "TH", "FR", "SA", "SU"))}
_MONTH_DAYS: Final = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


class Rule(NamedTuple):
    frequency: Any  # one of dateutil's numbers
    interval: int
    week_start: int
    by: Mapping[str, Any]
    """What else dateutil takes, by its own names."""
    times: int | None
    until: str | None


class _TooFar(Exception):
    """No day of the rule was found within its steps."""


class _CountedInterval(int):
    """The steps that dateutil takes: with each one it adds the interval to what it is at."""

    left: int

    def __radd__(self, other: int) -> int:
        self._count()
        return int(self) + other

    def __mul__(self, other: int) -> int:
        self._count()
        return int(self) * other

    def _count(self) -> None:
        self.left -= 1
        if self.left < 0:
            raise _TooFar


def parsed(text: str) -> Rule:
    """Raises ValueError, whose message is for the client and has nothing of the text."""
    parts: dict[str, str] = {}
    for part in text.split(";"):
        name, _, value = part.partition("=")
        if name not in _PARTS:
            raise ValueError("must be FREQ, which is DAILY or slower, and other parts of an RRULE on days (RFC 5545, 3.3.10)")
        if name in parts:
            raise ValueError("has a part twice")
        parts[name] = value
    read = {name: _read(name, value) for name, value in parts.items()}
    if "FREQ" not in read:
        raise ValueError("must have FREQ")
    _refuse_combinations(parts, read)
    by = {_CALLED[name]: value for name, value in read.items() if name in _CALLED}
    interval, week_start = read.get("INTERVAL", 1), read.get("WKST", 0)
    return Rule(read["FREQ"], interval, week_start, by, read.get("COUNT"), read.get("UNTIL"))


def next_day(rule: Rule, day: date, after: date) -> date | None:
    """The first day of the rule behind `after`, counted from `day`; None: there is none, or none near enough.

    COUNT and UNTIL are for whoever knows how many there were, and when each of them is.
    """
    by = {**_from_the_day(rule, day), **rule.by}
    # From the beginning of the period, so that BYSETPOS counts within all of it.
    start = datetime.combine(_begin(rule, day, after), time.min)
    interval = _CountedInterval(rule.interval)
    interval.left = _STEPS[rule.frequency]
    try:
        found = rrule.rrule(rule.frequency, dtstart=start, interval=interval, wkst=rule.week_start, **by)
        return next((at.date() for at in found if at.date() > after), None)
    except (_TooFar, OverflowError):
        return None


def is_over(
    rule: Rule, finished: int, wall: datetime, instant: datetime | None, on_clocks: Callable[[datetime], datetime]
) -> bool:
    """`finished` are done, and the next one would be at `wall`, a day alone at its end. `on_clocks` shows an instant."""
    if rule.times is not None and finished >= rule.times:
        return True
    if rule.until is None:
        return False
    if not rule.until.endswith("Z"):
        end = datetime.fromisoformat(rule.until)
        return wall.date() > end.date() if len(rule.until) == len("20261224") else _begins(wall) > end
    end = datetime.fromisoformat(rule.until)
    # A year away from where dates end, which some zones would take it beyond. What is due is in years far from both.
    end = end.replace(year=min(max(end.year, 2), 9998))
    return instant > end if instant is not None else _begins(wall) > on_clocks(end)


def _begins(wall: datetime) -> datetime:
    return datetime.combine(wall, time.min) if wall.time() == time.max else wall


def _from_the_day(rule: Rule, day: date) -> dict[str, Any]:
    """What a rule leaves out, and dateutil takes from the day on which it starts."""
    if {"byweekday", "bymonthday", "byyearday", "byweekno"} & rule.by.keys():
        return {}
    if rule.frequency == rrule.YEARLY:
        return {"bymonth": day.month, "bymonthday": day.day}
    return {rrule.MONTHLY: {"bymonthday": day.day}, rrule.WEEKLY: {"byweekday": day.weekday()}}.get(rule.frequency, {})


def _begin(rule: Rule, day: date, after: date) -> date:
    """Where the last period of the rule begins that is not behind `after`: what lies between is not walked through."""
    every = rule.interval
    if rule.frequency == rrule.YEARLY:
        return date(day.year + (after.year - day.year) // every * every, 1, 1)
    if rule.frequency == rrule.MONTHLY:
        first, last = (one.year * 12 + one.month - 1 for one in (day, after))
        month = first + (last - first) // every * every
        return date(month // 12, month % 12 + 1, 1)
    if rule.frequency == rrule.WEEKLY:
        first_day = day - timedelta(days=(day.weekday() - rule.week_start) % 7)
        return first_day + timedelta(weeks=(after - first_day).days // 7 // every * every)
    return day + timedelta(days=(after - day).days // every * every)


# ---- what a rule may say -------------------------------------------------------------------------------------------------


def _choice(choices: Mapping[str, int]) -> Callable[[str], int]:
    def read(value: str) -> int:
        return choices[value]

    return read


def _number(most: int) -> Callable[[str], int]:
    def read(value: str) -> int:
        if not re.fullmatch("[0-9]{1,4}", value) or not 1 <= int(value) <= most:
            raise ValueError
        return int(value)

    return read


def _numbers(most: int, *, is_signed: bool = True) -> Callable[[str], list[int]]:
    def read(value: str) -> list[int]:
        pattern = "[+-]?[0-9]{1,3}" if is_signed else "[0-9]{1,2}"
        return [_within(number, most) for number in value.split(",") if re.fullmatch(pattern, number) or _refuse()]

    return read


def _within(number: str, most: int) -> int:
    return int(number) if 1 <= abs(int(number)) <= most else _refuse()


def _refuse() -> int:
    raise ValueError


def _days(value: str) -> list[Any]:
    found = []
    for one in value.split(","):
        match = re.fullmatch("([+-]?[0-9]{1,2})?(MO|TU|WE|TH|FR|SA|SU)", one)
        if match is None:
            raise ValueError
        number = None if match[1] is None else _within(match[1], 53)
        found.append(rrule.weekday(_WEEKDAYS[match[2]], number))
    return found


def _until(value: str) -> str:
    if not re.fullmatch("[0-9]{8}(T[0-9]{6}Z?)?", value):
        raise ValueError
    datetime.fromisoformat(value)
    return value


_PARTS: Final[Mapping[str, Callable[[str], Any]]] = {
    "FREQ": _choice(_FREQUENCIES),
    "INTERVAL": _number(MOST_INTERVAL),
    "COUNT": _number(MOST_COUNT),
    "UNTIL": _until,
    "WKST": _choice(_WEEKDAYS),
    "BYMONTH": _numbers(12, is_signed=False),
    "BYWEEKNO": _numbers(53),
    "BYYEARDAY": _numbers(366),
    "BYMONTHDAY": _numbers(31),
    "BYDAY": _days,
    "BYSETPOS": _numbers(366),
}
_CALLED: Final = {
    "BYMONTH": "bymonth",
    "BYWEEKNO": "byweekno",
    "BYYEARDAY": "byyearday",
    "BYMONTHDAY": "bymonthday",
    "BYDAY": "byweekday",
    "BYSETPOS": "bysetpos",
}


def _read(name: str, value: str) -> Any:
    try:
        return _PARTS[name](value)
    except (ValueError, KeyError):
        raise ValueError(f"has no such {name}") from None


def _refuse_combinations(parts: Mapping[str, str], read: Mapping[str, Any]) -> None:
    """What RFC 5545 has no meaning for, and days that there are in no year."""
    slow, frequency = read["FREQ"] == rrule.YEARLY, parts["FREQ"]
    if "COUNT" in parts and "UNTIL" in parts:
        raise ValueError("must not have both COUNT and UNTIL")
    if ("BYWEEKNO" in parts or "BYYEARDAY" in parts) and not slow:
        raise ValueError("must not have BYWEEKNO or BYYEARDAY but with FREQ=YEARLY")
    if "BYMONTHDAY" in parts and frequency == "WEEKLY":
        raise ValueError("must not have BYMONTHDAY with FREQ=WEEKLY")
    has_numbers = any(day.n is not None for day in read.get("BYDAY", ()))
    if has_numbers and (frequency not in ("YEARLY", "MONTHLY") or "BYWEEKNO" in parts):
        raise ValueError("must not have numbers in BYDAY but with FREQ=MONTHLY, or FREQ=YEARLY without BYWEEKNO")
    if "BYSETPOS" in parts and not parts.keys() & {"BYMONTH", "BYWEEKNO", "BYYEARDAY", "BYMONTHDAY", "BYDAY"}:
        raise ValueError("must not have BYSETPOS alone")
    days, months = read.get("BYMONTHDAY"), read.get("BYMONTH", range(1, 13))
    if days and all(abs(day) > _MONTH_DAYS[month - 1] for day in days for month in months):
        raise ValueError("names days that there are in no year")
