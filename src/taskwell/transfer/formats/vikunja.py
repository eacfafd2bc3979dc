"""Vikunja's `data.json`, out of the archive that it exports: an array of projects, each with its tasks.

A time of year 1 is none. `repeat_after` is in seconds; `repeat_mode` 1 is monthly, 2 counts from the completion.
"""

from collections.abc import Iterator
from typing import Any, Final

from taskwell.transfer.foreign import ForeignRecord, Item, Source, Unreadable, or_unreadable
from taskwell.transfer.json_document import BrokenDocument, JsonDocument, collections, list_key
from taskwell.transfer.text import instant, moment, object_of, objects_of, reminder_at, without_html

_PRIORITIES: Final = ("none", "low", "medium", "high", "urgent", "urgent")
_DAY: Final = 24 * 60 * 60
_NO_PLACE: Final = {
    "assignees": "assignees",
    "attachments": "attachments",
    "comments": "comments",
    "reactions": "reactions",
    "is_favorite": "favourites",
    "hex_color": "colours of tasks",
}
_NO_PLACE_OF_PROJECT: Final = {
    "description": "descriptions of lists",
    "background_information": "backgrounds",
    "background_file_id": "backgrounds",
    "is_favorite": "favourites",
    "parent_project_id": "lists within lists",
}
_OUTER: Final[frozenset[str]] = frozenset()
_TASKS: Final = frozenset({"tasks"})


def read(source: Source) -> Iterator[Item]:
    keys: dict[int, str] = {}
    try:
        for place, line, value, is_outer in collections(JsonDocument(source.text()), _OUTER, _TASKS):
            if is_outer and isinstance(value, dict):
                yield _project(line, value, list_key(keys, place, line, value))
            elif is_outer:
                yield Unreadable(line, "is no project")
        for place, line, value, is_outer in collections(JsonDocument(source.text()), _OUTER, _TASKS):
            if not is_outer:
                yield _task(line, value, keys[place])
    except BrokenDocument as broken:
        yield Unreadable(broken.line, broken.message)


@or_unreadable
def _project(line: int, value: dict[str, Any], key: str) -> Item:
    colour = value.get("hex_color")
    content = {
        "name": value.get("title"),
        "is_archived": value.get("is_archived") is True,
        "colour": f"#{colour.removeprefix('#')}" if isinstance(colour, str) and colour else None,
    }
    left_out = {what for name, what in _NO_PLACE_OF_PROJECT.items() if value.get(name)}
    return ForeignRecord("list", line, key, content, created_at=value.get("created"), left_out=tuple(sorted(left_out)))


@or_unreadable
def _task(line: int, value: Any, of_list: str) -> Item:
    if not isinstance(value, dict) or type(value.get("id")) is not int:
        return Unreadable(line, "is no task with an id")
    left_out = {what for name, what in _NO_PLACE.items() if value.get(name)}
    due, start, end = (moment(value.get(name)) for name in ("due_date", "start_date", "end_date"))
    if due is None and end is not None:
        due, end = end, None
    if end is not None:
        left_out.add("ends")
    if value.get("percent_done") not in (None, 0, 1) and value.get("done") is not True:
        left_out.add("progress in per cent")
    recurrence = _recurrence(value)
    if recurrence is None and (value.get("repeat_after") or value.get("repeat_mode") == 1):
        left_out.add("recurrences")
    related = object_of(value.get("related_tasks"))
    parents = _ids(related.get("parenttask"))
    if len(parents) > 1 or any(value for name, value in related.items() if name not in ("subtask", "parenttask")):
        left_out.add("relations")
    reminders = [moment(one.get("reminder")) for one in objects_of(value.get("reminders"))]
    priority = value.get("priority")
    content = {
        "title": value.get("title"),
        "description": without_html(value.get("description")) or None,
        "is_completed": value.get("done") is True,
        "priority": _PRIORITIES[priority] if type(priority) is int and 0 <= priority < len(_PRIORITIES) else "none",
        "labels": [one.get("title") for one in objects_of(value.get("labels"))],
        "due": None if due is None else instant(due),
        "start": None if start is None else instant(start),
        "reminders": [reminder_at(one) for one in reminders if one is not None],
        "recurrence": recurrence,
    }
    refers = {"list_id": of_list} | ({"parent_id": parents[0]} if parents else {})
    return ForeignRecord(
        "task", line, str(value["id"]), content, refers, value.get("created"), value.get("done_at"), tuple(sorted(left_out))
    )


def _recurrence(value: dict[str, Any]) -> dict[str, str] | None:
    seconds, mode = value.get("repeat_after"), value.get("repeat_mode")
    if mode == 1:
        return {"rule": "FREQ=MONTHLY", "from": "schedule"}
    if type(seconds) is not int or seconds <= 0 or seconds % _DAY:
        return None
    days = seconds // _DAY
    rule = f"FREQ=WEEKLY;INTERVAL={days // 7}" if days % 7 == 0 else f"FREQ=DAILY;INTERVAL={days}"
    return {"rule": rule, "from": "completion" if mode == 2 else "schedule"}


def _ids(value: Any) -> list[str]:
    return [str(one["id"]) for one in objects_of(value) if type(one.get("id")) is int]
