"""Todoist's CSV: one project, a row for each task, section or comment, in which INDENT makes subtasks.

A row has no id, so a task is known by its place: the titles above it, its own, and how many of that name came before it. In
PRIORITY 1 is the highest. DATE is what somebody typed: what is a date in English is taken, and everything else is said.
"""

import csv
import re
from collections import Counter
from collections.abc import Iterator
from typing import Final, NamedTuple

from taskwell.encoding import sha256_text
from taskwell.transfer.foreign import ForeignRecord, Item, LeftOut, Source, Unreadable, or_unreadable
from taskwell.transfer.formats.typed_date import typed_date
from taskwell.transfer.text import is_zone

ROW_LENGTH = 2 * 1024 * 1024
TASKS_PER_FILE = 100_000
"""What tells two of one name apart is kept until the end. Todoist has 300 in a project."""

_PRIORITIES: Final = {"1": "urgent", "2": "high", "3": "medium"}
_LABEL = re.compile(r"(?:^|(?<=\s))@([^\s@]+)")
_OTHERS: Final = {"section": "sections", "note": "comments", "meta": "views"}
_NO_PLACE: Final = {"RESPONSIBLE": "assignees", "DURATION": "durations", "DEADLINE": "deadlines", "ATTACHMENTS": "attachments"}


class _Above(NamedTuple):
    indent: int
    key: str


def read(source: Source) -> Iterator[Item]:
    rows = _rows(source)
    header: list[str] | None = None
    list_name = source.list_name
    above: list[_Above] = []
    twins: Counter[str] = Counter()
    if list_name is not None:
        yield ForeignRecord("list", 1, list_name, {"name": list_name})
    for line, row in rows:
        if row is None:
            yield Unreadable(line, "is no row of a CSV file")
        elif header is None:
            header = [name.strip().upper() for name in row]
            if not {"TYPE", "CONTENT"} <= set(header):
                yield Unreadable(line, "lacks TYPE and CONTENT, by which Todoist's files begin")
                return
        elif any(row):
            said = dict(zip(header, row, strict=False))
            kind = said.get("TYPE", "").strip().lower()
            if kind == "task" and len(twins) >= TASKS_PER_FILE:
                yield Unreadable(line, f"is behind {TASKS_PER_FILE} tasks")
                return
            if kind == "task":
                yield _task(line, said, list_name, above, twins)
            elif kind in _OTHERS:
                yield LeftOut(line, _OTHERS[kind])
            else:
                yield Unreadable(line, "is of no type that Todoist has")


def _rows(source: Source) -> Iterator[tuple[int, list[str] | None]]:
    """Each row with its line; None for what is none. One of very many fields ends the file, since it would be in memory whole."""
    text, length = source.text(), 0

    def lines() -> Iterator[str]:
        nonlocal length
        while raw := text.readline(ROW_LENGTH + 1):
            length += len(raw)
            if length > ROW_LENGTH:
                raise csv.Error
            yield raw

    reader = csv.reader(lines())
    while True:
        line, length = reader.line_num + 1, 0
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error:  # a field of more than 131,072 characters, or U+0000 in old Pythons
            yield line, None
        else:
            yield line, row


@or_unreadable
def _task(line: int, said: dict[str, str], list_name: str | None, above: list[_Above], twins: Counter[str]) -> Item:
    written = said["CONTENT"].strip() if "CONTENT" in said else ""
    labels = _LABEL.findall(written)
    title = " ".join(_LABEL.sub("", written).split(" ")).strip() if labels else written
    if not title:
        title, labels = written, []
    indent = int(said["INDENT"]) if re.fullmatch("[1-9]", said.get("INDENT", "").strip()) else 1
    while above and above[-1].indent >= indent:
        above.pop()
    path = f"{above[-1].key if above else list_name}\n{written}"
    twins[path] += 1
    key = sha256_text(f"{path}\n{twins[path]}".encode("utf-8", "backslashreplace"))
    parent = above[-1].key if above else None
    above.append(_Above(indent, key))
    zone = said.get("TIMEZONE", "").strip()
    due, recurrence = typed_date(said.get("DATE", ""), zone if is_zone(zone) else None)
    left_out = {what for name, what in _NO_PLACE.items() if said.get(name, "").strip() not in ("", "None")}
    if due is None and said.get("DATE", "").strip():
        left_out.add("dates that cannot be read")
    content = {
        "title": title,
        "description": said.get("DESCRIPTION") or None,
        "is_completed": False,
        "priority": _PRIORITIES.get(said.get("PRIORITY", "").strip(), "none"),
        "labels": labels,
        "due": due,
        "recurrence": recurrence,
    }
    refers = ({} if list_name is None else {"list_id": list_name}) | ({} if parent is None else {"parent_id": parent})
    return ForeignRecord("task", line, key, content, refers, left_out=tuple(sorted(left_out)))
