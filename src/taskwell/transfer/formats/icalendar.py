"""iCalendar (RFC 5545): the VTODOs of an .ics file, as Apple's Reminders, Nextcloud, Thunderbird and Tasks.org write them."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Final, NamedTuple, TextIO
from zoneinfo import ZoneInfo

from taskwell.transfer.foreign import ForeignRecord, Item, LeftOut, Source, Unreadable, or_unreadable
from taskwell.transfer.text import day, day_and_time, instant, is_zone, reminder_at, reminder_before

LINES_PER_COMPONENT = 2_000
LINE_LENGTH = 256 * 1024
DEPTH = 8

_CONTENT_LINE = re.compile(r'([A-Za-z0-9-]+)((?:;[A-Za-z0-9-]+=(?:"[^"]*"|[^";:,]*)(?:,(?:"[^"]*"|[^";:,]*))*)*):(.*)', re.DOTALL)
_PARAMETER = re.compile(r';([A-Za-z0-9-]+)=("[^"]*"|[^;]*)')
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_DURATION = re.compile(r"([+-])?P(?:(\d{1,4})W|(?:(\d{1,5})D)?(?:T(?:(\d{1,6})H)?(?:(\d{1,7})M)?(?:(\d{1,8})S)?)?)")
_NO_PLACE: Final = {
    "ATTACH": "attachments",
    "ATTENDEE": "attendees",
    "COMMENT": "comments",
    "CONTACT": "contacts",
    "EXDATE": "exceptions of recurrences",
    "RDATE": "exceptions of recurrences",
    "DURATION": "durations",
    "GEO": "places",
    "LOCATION": "places",
    "ORGANIZER": "organizers",
    "RESOURCES": "resources",
    "URL": "links",
}
_OTHERS: Final = {"VEVENT": "events", "VJOURNAL": "journal entries", "VFREEBUSY": "free and busy times"}


class _Line(NamedTuple):
    number: int
    name: str
    parameters: dict[str, str]
    value: str


class _Component:
    """What stands between a BEGIN and its END."""

    def __init__(self, line: int, kind: str) -> None:
        self.line = line
        self.kind = kind
        self.size = 0
        self.lines: dict[str, list[_Line]] = {}
        self.below: list[_Component] = []
        self.fault: Unreadable | None = None

    def add(self, part: "_Line | _Component") -> None:
        self.size += 1
        if self.size > LINES_PER_COMPONENT:
            self.fault = Unreadable(self.line, "has too many lines")
        elif isinstance(part, _Component):
            self.below.append(part)
        else:
            self.lines.setdefault(part.name, []).append(part)

    def first(self, name: str) -> _Line | None:
        lines = self.lines.get(name)
        return lines[0] if lines else None

    def said(self, name: str) -> str | None:
        line = self.first(name)
        return None if line is None else _text(line.value)


def read(source: Source) -> Iterator[Item]:
    lists: set[str] = set()
    for found, calendar in _components(source.text()):
        if isinstance(found, Unreadable) or found.fault is not None:
            yield found if isinstance(found, Unreadable) else found.fault or Unreadable(found.line, "cannot be read")
        elif found.kind in _OTHERS:
            yield LeftOut(found.line, _OTHERS[found.kind])
        elif found.kind == "VTODO":
            name = source.list_name or calendar.said("X-WR-CALNAME") or calendar.said("NAME")
            if name and name not in lists:
                lists.add(name)
                yield ForeignRecord("list", calendar.line, name, {"name": name})
            yield _task(found.line, found, name)


def _components(text: TextIO) -> Iterator[tuple[_Component | Unreadable, _Component]]:
    """What stands in a calendar, each with the calendar as it was read so far."""
    open_: list[_Component] = []
    nothing = _Component(1, "")
    for line in _lines(text):
        if isinstance(line, Unreadable):
            if len(open_) > 1:
                open_[1].fault = line
            else:
                yield line, nothing
        elif line.name == "BEGIN" and len(open_) < DEPTH:
            open_.append(_Component(line.number, line.value.strip().upper()))
        elif line.name == "BEGIN" or not open_ or open_[0].kind != "VCALENDAR":
            yield Unreadable(line.number, "is outside of a calendar, or nested too deeply"), nothing
            return
        elif line.name != "END":
            open_[-1].add(line)
        else:
            done = open_.pop()
            if len(open_) == 1:
                yield done, open_[0]
            elif len(open_) == 2:
                open_[1].add(done)
    if open_:
        yield Unreadable(open_[-1].line, "does not end"), nothing


def _lines(text: TextIO) -> Iterator[_Line | Unreadable]:
    """The content lines, unfolded (3.1)."""
    begin, parts, length = 0, list[str](), 0
    for number in count(1):
        raw = text.readline(LINE_LENGTH)
        if raw[:1] in (" ", "\t") and parts:
            length += len(raw)
            if length <= LINE_LENGTH:
                parts.append(raw[1:].rstrip("\r\n"))
            continue
        if parts:
            yield _parsed(begin, "".join(parts))
        if not raw:
            return
        begin, length = number, len(raw)
        parts = [raw.rstrip("\r\n")] if raw.strip() else []


def _parsed(number: int, text: str) -> _Line | Unreadable:
    found = _CONTENT_LINE.fullmatch(text)
    if found is None:
        return Unreadable(number, "is no line of a calendar")
    parameters = {name.upper(): value.strip('"') for name, value in _PARAMETER.findall(found[2])}
    return _Line(number, found[1].upper(), parameters, found[3])


def _text(value: str) -> str:
    return _ESCAPE.sub(lambda found: "\n" if found[1] in "nN" else found[1], value)


@or_unreadable
def _task(line: int, found: _Component, list_name: str | None) -> Item:
    uid = found.said("UID")
    if not uid:
        return Unreadable(line, "is a to-do without a UID")
    if "RECURRENCE-ID" in found.lines:
        return LeftOut(line, "exceptions of recurrences")
    left_out = {what for name, what in _NO_PLACE.items() if name in found.lines}
    status = (found.said("STATUS") or "").upper()
    if status in ("CANCELLED", "IN-PROCESS"):
        left_out.add("statuses")
    dates = [found.first("DTSTART"), found.first("DUE")]
    begins, ends = map(_when, dates)
    if any(map(_has_unknown_zone, dates)):
        left_out.add("time zones")
    if (begins is None and "DTSTART" in found.lines) or (ends is None and "DUE" in found.lines):
        left_out.add("dates that cannot be read")
    rule = found.said("RRULE")
    if rule and "DUE" not in found.lines:
        ends = begins  # from which it recurs (RFC 5545, 3.8.5.3)
    relations = found.lines.get("RELATED-TO", [])
    parents = [_text(one.value) for one in relations if one.parameters.get("RELTYPE", "PARENT").upper() == "PARENT"]
    if len(relations) > 1 or len(parents) < len(relations):
        left_out.add("relations")
    triggers = [one.first("TRIGGER") for one in found.below if one.kind == "VALARM"]
    reminders = [_reminder(trigger, begins if "DTSTART" in found.lines else ends, ends) for trigger in triggers]
    if None in reminders:
        left_out.add("reminders that are not before the due date")
    labels = (_text(label).strip() for said in found.lines.get("CATEGORIES", []) for label in re.split(r"(?<!\\),", said.value))
    completed, created = found.first("COMPLETED"), found.first("CREATED")
    content = {
        "title": found.said("SUMMARY"),
        "description": found.said("DESCRIPTION") or None,
        "is_completed": completed is not None or status == "COMPLETED" or found.said("PERCENT-COMPLETE") == "100",
        "priority": _priority(found.said("PRIORITY")),
        "labels": [label for label in labels if label],
        "due": ends,
        "start": begins,
        "reminders": [one for one in reminders if one is not None],
        "recurrence": {"rule": rule.upper(), "from": "schedule"} if rule else None,
    }
    refers = ({"list_id": list_name} if list_name else {}) | ({"parent_id": parents[0]} if parents else {})
    return ForeignRecord("task", line, uid, content, refers, _utc(created), _utc(completed), tuple(sorted(left_out)))


def _priority(text: str | None) -> str:
    """1 is the highest and 9 the lowest; 0 is none (3.8.1.9). Apple and Nextcloud write 1, 5 and 9 for high, medium and low."""
    if text is None or not re.fullmatch("[1-9]", text.strip()):
        return "none"
    number = int(text)
    return "urgent" if number == 1 else "high" if number < 5 else "medium" if number == 5 else "low"


def _utc(line: _Line | None) -> str | None:
    if line is None:
        return None
    try:
        return datetime.strptime(line.value.strip(), "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).isoformat()
    except ValueError:
        return None


def _when(line: _Line | None) -> dict[str, str] | None:
    """A day, a wall time with or without a zone, or an instant (3.3.4, 3.3.5)."""
    if line is None:
        return None
    text, zone = line.value.strip(), line.parameters.get("TZID", "").removeprefix("/")
    try:
        if len(text) == 8:
            return day(datetime.strptime(text, "%Y%m%d"))  # noqa: DTZ007  a day has no zone
        time = datetime.strptime(text.removesuffix("Z"), "%Y%m%dT%H%M%S")  # noqa: DTZ007  its zone stands beside it
    except ValueError:
        return None
    if text.endswith("Z"):
        return instant(time.replace(tzinfo=UTC))
    return day_and_time(time, zone if is_zone(zone) else None)


def _has_unknown_zone(line: _Line | None) -> bool:
    when = _when(line)
    return line is not None and "TZID" in line.parameters and when is not None and "time" in when and "time_zone" not in when


def _reminder(trigger: _Line | None, start: dict[str, str] | None, due: dict[str, str] | None) -> dict[str, object] | None:
    """Minutes before the task is due, or an instant; None for what is neither. Unless it says END it is as long before the start
    (3.8.6.3)."""
    if trigger is None:
        return None
    if trigger.parameters.get("VALUE", "").upper() == "DATE-TIME":
        at = _utc(trigger)
        return None if at is None else reminder_at(datetime.fromisoformat(at))
    found = _DURATION.fullmatch(trigger.value.strip())
    lead = _between(due if trigger.parameters.get("RELATED", "").upper() == "END" else start, due)
    if found is None or lead is None:
        return None
    weeks, days, hours, minutes, seconds = (int(part or 0) for part in found.groups()[1:])
    distance = timedelta(weeks=weeks, days=days, hours=hours, minutes=minutes, seconds=seconds)
    before = lead + distance if found[1] == "-" else lead - distance
    return None if before < timedelta() else reminder_before(int(before.total_seconds()) // 60)


def _between(start: dict[str, str] | None, due: dict[str, str] | None) -> timedelta | None:
    """None: there is no such time, or it depends on where its user is."""
    if start is None or due is None or ("time_zone" in start) != ("time_zone" in due):
        return None
    return _on_clock(due) - _on_clock(start)


def _on_clock(when: dict[str, str]) -> datetime:
    wall = datetime.fromisoformat(f"{when['date']}T{when.get('time', '00:00')}")
    return wall.replace(tzinfo=ZoneInfo(when["time_zone"])).astimezone(UTC) if "time_zone" in when else wall
