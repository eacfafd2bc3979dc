"""Microsoft To Do, as Graph gives it: lists (`todoTaskList`) that each hold their tasks (`todoTask`), or one list's tasks.

The lists are an array, or Graph's own `{"value": [...]}`; the tasks of one are under `tasks`, again either way.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from taskwell.transfer.foreign import ForeignRecord, Item, Source, Unreadable, or_unreadable
from taskwell.transfer.json_document import BrokenDocument, JsonDocument, collections, list_key
from taskwell.transfer.text import day, day_and_time, is_zone, moment, object_of, objects_of, reminder_at, without_html

_VALUE = frozenset({"value"})
_TASKS = frozenset({"tasks", "Tasks"})
_PRIORITIES: Final = {"low": "low", "high": "high"}
_WEEKDAYS: Final = {
    name: name[:2].upper() for name in ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
}
_PLACES: Final = {"first": 1, "second": 2, "third": 3, "fourth": 4, "last": -1}
_NO_PLACE: Final = {"hasAttachments": "attachments", "attachments": "attachments", "linkedResources": "links"}


def read(source: Source) -> Iterator[Item]:
    keys: dict[int, str] = {}
    try:
        for place, line, value, is_outer in collections(JsonDocument(source.text()), _VALUE, _TASKS):
            if is_outer and isinstance(value, dict) and "displayName" in value and "title" not in value:
                if value.get("wellknownListName") == "defaultList":
                    continue  # it is what the inbox is here
                yield ForeignRecord("list", line, list_key(keys, place, line, value), {"name": value["displayName"]})
        of_no_list = source.list_name
        for place, line, value, is_outer in collections(JsonDocument(source.text()), _VALUE, _TASKS):
            if not is_outer or not isinstance(value, dict) or "title" in value:
                if place not in keys and of_no_list is not None:
                    yield ForeignRecord("list", line, f"name {of_no_list}", {"name": of_no_list})
                    of_no_list = None
                key = keys.get(place) or (None if source.list_name is None else f"name {source.list_name}")
                yield (task := _task(line, value, key))
                if isinstance(task, ForeignRecord):
                    for step_place, step in enumerate(objects_of(value.get("checklistItems"))):
                        yield _step(line, step_place, step, task)
    except BrokenDocument as broken:
        yield Unreadable(broken.line, broken.message)


@or_unreadable
def _task(line: int, value: Any, of_list: str | None) -> Item:
    if not isinstance(value, dict) or not isinstance(value.get("id"), str):
        return Unreadable(line, "is no task with an id")
    body = object_of(value.get("body"))
    text = body.get("content")
    left_out = {what for name, what in _NO_PLACE.items() if value.get(name)}
    if value.get("status") not in (None, "notStarted", "completed"):
        left_out.add("statuses")
    recurrence = _recurrence(value.get("recurrence"))
    if recurrence is None and value.get("recurrence"):
        left_out.add("recurrences")
    if not all(_is_known(value.get(name)) for name in ("dueDateTime", "startDateTime", "reminderDateTime")):
        left_out.add("time zones")
    reminder = _instant(value.get("reminderDateTime")) if value.get("isReminderOn") else None
    is_completed = value.get("status") == "completed"
    labels = value.get("categories")
    content = {
        "title": value.get("title"),
        "description": (without_html(text) if body.get("contentType") == "html" else text) or None,
        "is_completed": is_completed,
        "priority": _PRIORITIES.get(str(value.get("importance")), "none"),
        "labels": labels if isinstance(labels, list) else [],
        "due": _day(value.get("dueDateTime")),
        "start": _day(value.get("startDateTime")),
        "reminders": [] if reminder is None else [reminder_at(reminder)],
        "recurrence": recurrence,
    }
    refers = {} if of_list is None else {"list_id": of_list}
    completed = _instant(value.get("completedDateTime"))
    return ForeignRecord(
        "task", line, value["id"], content, refers, value.get("createdDateTime"), completed, tuple(sorted(left_out))
    )


@or_unreadable
def _step(line: int, place: int, step: dict[str, Any], task: ForeignRecord) -> Item:
    key = f"{task.key}/{step.get('id') or place}"
    content = {"title": step.get("displayName"), "is_completed": step.get("isChecked") is True}
    refers = {**task.refers, "parent_id": task.key}
    return ForeignRecord("task", line, key, content, refers, step.get("createdDateTime"), step.get("checkedDateTime"))


def _wall(value: Any) -> tuple[datetime | None, str | None]:
    """A `dateTimeTimeZone`: the wall time, and its zone, if that is one that is known. (Windows has names of its own.)"""
    said = object_of(value)
    return moment(said.get("dateTime")), said["timeZone"] if is_zone(said.get("timeZone")) else None


def _is_known(value: Any) -> bool:
    time, zone = _wall(value)
    return time is None or zone is not None or _is_midnight(time)


def _is_midnight(time: datetime) -> bool:
    return (time.hour, time.minute, time.second) == (0, 0, 0)


def _day(value: Any) -> dict[str, str] | None:
    """To Do knows days alone, and writes them as midnight in some zone."""
    time, zone = _wall(value)
    if time is None:
        return None
    return day(time) if _is_midnight(time) else day_and_time(time, zone)


def _instant(value: Any) -> datetime | None:
    time, zone = _wall(value)
    return None if time is None else moment(time.replace(tzinfo=ZoneInfo(zone or "UTC")).isoformat())


def _recurrence(value: Any) -> dict[str, str] | None:
    """A `patternedRecurrence` as a rule of RFC 5545."""
    pattern = object_of(object_of(value).get("pattern"))
    kind, interval = pattern.get("type"), pattern.get("interval") or 1
    days = pattern.get("daysOfWeek")
    weekdays = [_WEEKDAYS[name] for name in map(str, days if isinstance(days, list) else []) if name in _WEEKDAYS]
    month, monthday, place = pattern.get("month"), pattern.get("dayOfMonth"), _PLACES.get(str(pattern.get("index")))
    parts: dict[str, object] = {"INTERVAL": interval}
    if kind == "daily":
        parts = {"FREQ": "DAILY"} | parts
    elif kind == "weekly":
        parts = {"FREQ": "WEEKLY"} | parts | ({"BYDAY": ",".join(weekdays)} if weekdays else {})
        if interval != 1:  # Graph's weeks begin on Sunday, and those of a rule on Monday
            parts["WKST"] = _WEEKDAYS.get(str(pattern.get("firstDayOfWeek")), "SU")
    elif kind in ("absoluteMonthly", "absoluteYearly"):
        parts = {"FREQ": "MONTHLY" if kind == "absoluteMonthly" else "YEARLY"} | parts | {"BYMONTHDAY": monthday}
    elif kind in ("relativeMonthly", "relativeYearly") and place and weekdays:
        parts = {"FREQ": "MONTHLY" if kind == "relativeMonthly" else "YEARLY"} | parts
        parts |= {"BYDAY": ",".join(weekdays), "BYSETPOS": place}
    else:
        return None
    if "Yearly" in str(kind) and month:
        parts["BYMONTH"] = month
    return {"rule": ";".join(f"{name}={part}" for name, part in (parts | _end(value.get("range"))).items()), "from": "schedule"}


def _end(value: Any) -> dict[str, object]:
    if not isinstance(value, dict):
        return {}
    if value.get("type") == "endDate":
        return {"UNTIL": str(value.get("endDate")).replace("-", "")}
    return {"COUNT": value.get("numberOfOccurrences")} if value.get("type") == "numbered" else {}
