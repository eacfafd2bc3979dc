"""Dates as people type them in English, in the forms that Todoist exports: `2026-10-05`, `Oct 5 2026 18:00`, `every monday`."""

import re
from datetime import UTC, date, datetime, timedelta
from typing import Final

_MONTHS: Final = {
    name: number
    for number, name in enumerate(("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"), start=1)
}
_WEEKDAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_UNITS: Final = {"day": "DAILY", "week": "WEEKLY", "month": "MONTHLY", "year": "YEARLY"}
_TIME = re.compile(r"(?:^|[ t]|\bat )(\d{1,2})(?::(\d{2})(?::(\d{2}))?)? ?(am|pm)?$")
_ISO = re.compile(r"(\d{4})-(\d{2})-(\d{2})")
_WORDED = re.compile(r"(?:(\d{1,2})(?:st|nd|rd|th)? ([a-z]{3})[a-z]*|([a-z]{3})[a-z]* (\d{1,2})(?:st|nd|rd|th)?),? (\d{4})")
_EVERY = re.compile(r"every(!)? ?(?:(\d{1,3}|other) )?([a-z, ]+?)s?")
_STARTING = re.compile(r" (?:starting|from) (?:on )?(.+)$")

Due = dict[str, str]


def typed_date(text: str, zone: str | None) -> tuple[Due | None, dict[str, str] | None]:
    """The due date and the recurrence that the text says. Two None: it says neither, or nothing that is understood."""
    words = " ".join(text.lower().split())
    begins, first = _STARTING.search(words), None
    if begins is not None:
        first = _date(begins[1])
        if first is None or not words.startswith("every"):
            return None, None
        words = words[: begins.start()]
    words, time = _without_time(words)
    if words.startswith("every"):
        rule = _rule(words)
        if rule is None:
            return None, None
        recurrence, weekdays = rule
        return _due(first or _next(weekdays), time, zone), recurrence
    found = _date(words)
    return (None if found is None else _due(found, time, zone)), None


def _without_time(words: str) -> tuple[str, str | None]:
    """What the words say without the time of day at their end, and that time."""
    found = _TIME.search(words.removesuffix("z"))
    if found is None or not (found[2] or found[4]):
        return words, None
    hour, minute, second = (int(part or 0) for part in found.groups()[:3])
    if found[4] is not None:
        hour = hour % 12 + (12 if found[4] == "pm" else 0)
    if hour > 23 or minute > 59 or second > 59:
        return words, None
    return words[: found.start()].removesuffix(" at").strip(), f"{hour:02}:{minute:02}:{second:02}"


def _date(words: str) -> date | None:
    iso, worded = _ISO.fullmatch(words), _WORDED.fullmatch(words)
    try:
        if iso is not None:
            return date(int(iso[1]), int(iso[2]), int(iso[3]))
        if worded is not None:
            return date(int(worded[5]), _MONTHS[worded[2] or worded[3]], int(worded[1] or worded[4]))
    except (KeyError, ValueError):
        pass
    return None


def _rule(words: str) -> tuple[dict[str, str], list[int]] | None:
    """The recurrence, and the weekdays that it is about."""
    found = _EVERY.fullmatch(words)
    if found is None:
        return None
    interval = {"other": 2, None: 1}.get(found[2]) or int(found[2])
    unit, weekdays = found[3].strip(), list[int]()
    if unit in _UNITS:
        rule = f"FREQ={_UNITS[unit]}"
    else:
        weekdays = (
            [0, 1, 2, 3, 4] if unit in ("weekday", "workday") else [_weekday(name) for name in re.split(r", ?| and ", unit)]
        )
        if -1 in weekdays:
            return None
        rule = f"FREQ=WEEKLY;BYDAY={','.join(_WEEKDAYS[number][:2].upper() for number in weekdays)}"
    if interval != 1:
        rule += f";INTERVAL={interval}"
    return {"rule": rule, "from": "completion" if found[1] else "schedule"}, weekdays


def _weekday(name: str) -> int:
    full = [number for number, weekday in enumerate(_WEEKDAYS) if len(name) > 2 and weekday.startswith(name.removesuffix("s"))]
    return full[0] if full else -1


def _next(weekdays: list[int]) -> date:
    today = datetime.now(UTC).date()
    return today + timedelta(days=min(((number - today.weekday()) % 7 for number in weekdays), default=0))


def _due(on: date, time: str | None, zone: str | None) -> Due:
    due = {"date": on.isoformat()}
    if time is not None:
        due["time"] = time
        if zone is not None:
            due["time_zone"] = zone
    return due
