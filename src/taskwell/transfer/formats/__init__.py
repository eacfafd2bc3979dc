"""The formats that can be imported, and how one is told from its file's beginning."""

import re
from typing import Final, Literal

from taskwell.transfer.foreign import Reader, Source
from taskwell.transfer.formats import google_tasks, icalendar, microsoft_to_do, taskwell_lines, todoist, vikunja

FormatName = Literal["taskwell", "todoist", "google-tasks", "microsoft-to-do", "vikunja", "icalendar"]

READERS: Final[dict[FormatName, Reader]] = {
    "taskwell": taskwell_lines.read,
    "todoist": todoist.read,
    "google-tasks": google_tasks.read,
    "microsoft-to-do": microsoft_to_do.read,
    "vikunja": vikunja.read,
    "icalendar": icalendar.read,
}

_HEAD: Final = 16 * 1024


_JSON: Final[tuple[tuple[FormatName, re.Pattern[str]], ...]] = (
    ("taskwell", re.compile(r'\{[^\n]*"kind"\s*:\s*"(account|list|label|task|occurrence)"')),
    ("google-tasks", re.compile(r'[\s\S]*"tasks#task')),
    ("microsoft-to-do", re.compile(r'[\s\S]*"(@odata\.[a-z]+|displayName|importance)"\s*:')),
    ("vikunja", re.compile(r"\[")),
)
"""What the beginning of each looks like, the surest first."""


def format_of(source: Source) -> FormatName | None:
    """None: the file begins like none of them."""
    head = source.head(_HEAD).lstrip()
    first = head.partition("\n")[0].strip()
    if first.upper() == "BEGIN:VCALENDAR":
        return "icalendar"
    if {"TYPE", "CONTENT"} <= {column.strip('" ').upper() for column in first.split(",")}:
        return "todoist"
    return next((name for name, begins in _JSON if begins.match(head)), None)
