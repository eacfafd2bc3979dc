"""No file is a defect: whatever the fields of its records hold, the answer is a report."""

import csv
import io
import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.cast import Person
from tests.support.transfer import imports

TIMES = st.sampled_from(
    ["9999-12-31T23:59:59", "0001-01-02T00:00:00+14:00", "0002-01-01", "2026-10-05T15:30:30Z", "99991231T235959Z"]
)
ZONES = st.sampled_from(["America/New_York", "Asia/Tokyo", "W. Europe Standard Time", "UTC", "localtime", "../UTC"])
WHENS = st.fixed_dictionaries(
    {
        "dateTime": st.sampled_from(["9999-12-31T23:59:59", "0001-01-02T00:00:00"]),
        "timeZone": st.sampled_from(["America/New_York", "Asia/Tokyo"]),
    }
)
SAID = st.sampled_from(
    [
        *("every monday", "every 0 days", "every other day starting oct 5", "every 999 weeks at 25:00", "Feb 30 2026", "99:99pm"),
        *("-PT15M", "P99999DT999999H", "-P9999W", "FREQ=WEEKLY;INTERVAL=400", "FREQ=MONTHLY;BYDAY=5MO;COUNT=9999", "FREQ=YEARLY"),
        *("weekly", "daily", "relativeMonthly", "absoluteYearly", "last", "monday", "endDate", "numbered", "completed", "html"),
        *("<p>&#" + "9" * 5_000 + ";", "a <![ b", "task", "1", "0", "-1", "\ud800", "\x00", "x" * 20_000),
    ]
)
TEXTS = st.text(max_size=5) | TIMES | ZONES | SAID
NAMES: dict[str, list[str]] = {
    "google-tasks": ["id", "title", "notes", "status", "due", "parent", "created", "completed", "deleted", "links"],
    "microsoft-to-do": [
        *("id", "title", "displayName", "status", "importance", "categories", "body", "content", "contentType", "isReminderOn"),
        *("dueDateTime", "startDateTime", "reminderDateTime", "completedDateTime", "createdDateTime", "dateTime", "timeZone"),
        *("recurrence", "pattern", "range", "type", "interval", "daysOfWeek", "dayOfMonth", "month", "index", "firstDayOfWeek"),
        *("endDate", "numberOfOccurrences", "checklistItems", "isChecked", "checkedDateTime", "linkedResources"),
    ],
    "vikunja": [
        *("id", "title", "description", "done", "priority", "labels", "due_date", "start_date", "end_date", "percent_done"),
        *("repeat_after", "repeat_mode", "related_tasks", "parenttask", "subtask", "reminders", "reminder", "created", "done_at"),
    ],
    "taskwell": [
        *("kind", "id", "title", "description", "is_completed", "priority", "labels", "due", "start", "date", "time"),
        *("time_zone", "reminders", "at", "minutes_before", "recurrence", "rule", "from", "parent_id", "list_id", "created_at"),
    ],
    "todoist": ["TYPE", "CONTENT", "DESCRIPTION", "PRIORITY", "INDENT", "DATE", "TIMEZONE", "RESPONSIBLE", "DEADLINE"],
    "icalendar": [
        *("UID", "SUMMARY", "DESCRIPTION", "STATUS", "PERCENT-COMPLETE", "PRIORITY", "DTSTART", "DTSTART;TZID=Asia/Tokyo", "DUE"),
        *("DUE;TZID=W. Europe Standard Time", "DUE;VALUE=DATE", "RRULE", "CATEGORIES", "RELATED-TO", "COMPLETED", "CREATED"),
        *("TRIGGER", "TRIGGER;RELATED=END", "TRIGGER;VALUE=DATE-TIME", "BEGIN:VALARM\r\nTRIGGER", "END", "BEGIN", "X-A"),
    ],
}
LEAVES = TEXTS | st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)


def _tasks(named: str) -> st.SearchStrategy[list[dict[str, Any]]]:
    """Records that have an id and a title, most of the time, and of all other fields any, with anything in them."""
    names = st.sampled_from(NAMES[named])
    value = st.recursive(
        LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=4), max_leaves=6
    )
    known = {"title": "Title", "kind": "task", "id": 1 if named == "vikunja" else "1"}
    most = {name: said for name, said in known.items() if name in NAMES[named]}
    return st.lists(st.dictionaries(names, WHENS | value, max_size=12).map(lambda task: most | task), min_size=1, max_size=4)


def _rows(names: list[str]) -> st.SearchStrategy[list[tuple[str, str]]]:
    return st.lists(st.tuples(st.sampled_from(names), TEXTS), max_size=12)


def _csv(header: list[str], rows: list[list[str]]) -> str:
    file = io.StringIO()
    csv.writer(file).writerows([header, *rows])
    return file.getvalue()


def _calendar(lines: list[tuple[str, str]]) -> str:
    said = "".join(f"{name}:{text}\r\n" for name, text in lines)
    return f"BEGIN:VCALENDAR\r\nBEGIN:VTODO\r\nUID:1\r\nSUMMARY:x\r\n{said}END:VTODO\r\nEND:VCALENDAR\r\n"


FILES: dict[str, st.SearchStrategy[str]] = {
    "google-tasks": _tasks("google-tasks").map(lambda tasks: json.dumps({"items": [*tasks, {"id": "1", "items": tasks}]})),
    "microsoft-to-do": _tasks("microsoft-to-do").map(lambda tasks: json.dumps([*tasks, {"displayName": "x", "tasks": tasks}])),
    "vikunja": _tasks("vikunja").map(lambda tasks: json.dumps([*tasks, {"title": "x", "tasks": tasks}])),
    "taskwell": _tasks("taskwell").map(lambda tasks: "\n".join(map(json.dumps, tasks))),
    "todoist": st.builds(
        _csv,
        st.permutations(NAMES["todoist"]),
        st.lists(st.lists(TEXTS | st.just("task"), max_size=len(NAMES["todoist"])), max_size=4),
    ),
    "icalendar": _rows(NAMES["icalendar"]).map(_calendar),
}


@pytest.mark.parametrize("named", FILES)
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_whatever_stands_in_its_fields_a_file_is_read_to_its_end(alice: Person, named: str, data: st.DataObject) -> None:
    imports(alice, data.draw(FILES[named]).encode("utf-8", "replace"), format=named)


@pytest.mark.parametrize("named", FILES)
@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(max_size=200))
def test_any_bytes_are_an_answer(alice: Person, named: str, content: bytes) -> None:
    imports(alice, content, format=named)
