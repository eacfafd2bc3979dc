"""Google Tasks, as Takeout writes it: `Tasks.json`, one object of lists, each with its tasks.

A due date is a day, whatever time stands behind it (developers.google.com/tasks/reference/rest/v1/tasks).
"""

from collections.abc import Iterator
from typing import Any

from taskwell.transfer.foreign import ForeignRecord, Item, LeftOut, Source, Unreadable, or_unreadable
from taskwell.transfer.json_document import BrokenDocument, JsonDocument, collections, list_key
from taskwell.transfer.text import day, moment

_ARRAYS = frozenset({"items"})
_NO_PLACE = {
    "links": "links",
    "assignmentInfo": "assignments",
    "task_recurrence_id": "recurrences",
    "recurrence": "recurrences",
    "attachments": "attachments",
}


def read(source: Source) -> Iterator[Item]:
    keys: dict[int, str] = {}
    try:
        for place, line, value, is_outer in collections(JsonDocument(source.text()), _ARRAYS, _ARRAYS):
            if is_outer and isinstance(value, dict):
                yield ForeignRecord("list", line, list_key(keys, place, line, value), {"name": value.get("title")})
            elif is_outer:
                yield Unreadable(line, "is no list of tasks")
        for place, line, value, is_outer in collections(JsonDocument(source.text()), _ARRAYS, _ARRAYS):
            if not is_outer:
                yield _task(line, value, keys[place])
    except BrokenDocument as broken:
        yield Unreadable(broken.line, broken.message)


@or_unreadable
def _task(line: int, value: Any, of_list: str) -> Item:
    if not isinstance(value, dict) or not isinstance(value.get("id"), str):
        return Unreadable(line, "is no task with an id")
    if value.get("deleted") is True:
        return LeftOut(line, "deleted tasks")
    due = moment(value.get("due"))
    content = {
        "title": value.get("title"),
        "description": value.get("notes") or None,
        "is_completed": value.get("status") == "completed",
        "due": None if due is None else day(due),
    }
    parent = value.get("parent")
    return ForeignRecord(
        "task",
        line,
        value["id"],
        content,
        {"list_id": of_list} | ({"parent_id": parent} if isinstance(parent, str) and parent else {}),
        value.get("created"),
        value.get("completed"),
        tuple(sorted({what for name, what in _NO_PLACE.items() if value.get(name)})),
    )
