"""Each format that can be imported, from a file of its documented shape: what becomes of it, and what has no place here."""

import json
from pathlib import Path
from typing import Any

import pytest

from taskwell.tasks.statements import TASK
from tests.support.cast import Person
from tests.support.transfer import exported, imports

FILES = Path(__file__).with_name("files")


def read(name: str) -> bytes:
    return (FILES / name).read_bytes()


def by_title(who: Person) -> dict[str, dict[str, Any]]:
    """The tasks, with the names of their list and of their parent in the place of ids."""
    records = exported(who)
    names = {one["id"]: one.get("title") or one.get("name") for one in records}
    tasks = [one for one in records if one["kind"] == "task"]
    return {
        one["title"]: one | {field: names.get(one.get(field)) for field in ("list_id", "parent_id") if field in one}
        for one in tasks
    }


def holds(task: dict[str, Any], **expected: Any) -> None:
    """The task has these values, of the fields that tasks have."""
    assert {name: task.get(name) for name in expected if name in TASK.content.names or name in task} == {
        name: value for name, value in expected.items() if name in TASK.content.names or name in task
    }


def todo(*lines: str) -> str:
    """A calendar of one to-do that has these lines, beside a UID and a title."""
    return "\r\n".join(["BEGIN:VCALENDAR", "BEGIN:VTODO", "UID:1", "SUMMARY:Task", *lines, "END:VTODO", "END:VCALENDAR", ""])


def what_is_left_out(report: dict[str, Any]) -> dict[str, int]:
    """But for the fields that tasks do not have."""
    return {one["what"]: one["records"] for one in report["left_out"]}


FORMATS = {
    "todoist.csv": "todoist",
    "Tasks.json": "google-tasks",
    "microsoft.json": "microsoft-to-do",
    "data.json": "vikunja",
    "todos.ics": "icalendar",
}


@pytest.mark.parametrize("name", FORMATS)
def test_its_format_is_seen_and_the_same_file_once_more_changes_nothing(alice: Person, name: str) -> None:
    first = imports(alice, read(name))
    assert first["format"] == FORMATS[name]
    before = alice.get("/api/v1/tasks").headers["etag"]
    again = imports(alice, read(name), format=FORMATS[name])
    assert again["created"] == {"lists": 0, "labels": 0, "tasks": 0, "occurrences": 0}
    assert again["there_already"] | {"labels": 0} == first["created"] | {"labels": 0}
    assert again["refusals"] == first["refusals"]
    assert alice.get("/api/v1/tasks").headers["etag"] == before


def test_todoist(alice: Person) -> None:
    report = imports(alice, read("todoist.csv"), list_name="Garden")
    assert report["created"] | {"labels": 0} == {"lists": 1, "labels": 0, "tasks": 5, "occurrences": 0}
    assert report["refused"] == 0
    tasks = by_title(alice)
    holds(
        tasks["Repot the basil"],
        description="Terracotta pot, from the shed",
        list_id="Garden",
        labels=["garden", "weekend"],
        priority="urgent",
        due={"date": "2026-10-05"},
        parent_id=None,
    )
    holds(tasks["Buy compost"], parent_id="Repot the basil", list_id="Garden", priority="none", labels=[])
    holds(tasks['Order seeds, "heirloom" kind'], priority="medium", due=None)
    assert {"comments": 1, "sections": 1, "views": 1, "assignees": 1, "durations": 1, "deadlines": 1}.items() <= what_is_left_out(
        report
    ).items()
    assert what_is_left_out(report)["dates that cannot be read"] == 1
    ferns = [one for one in exported(alice) if one.get("title") == "Water the ferns"]
    assert {one["priority"] for one in ferns} == {"high", "none"}


def test_google_tasks(alice: Person) -> None:
    report = imports(alice, read("Tasks.json"))
    assert report["created"] | {"labels": 0} == {"lists": 2, "labels": 0, "tasks": 3, "occurrences": 0}
    assert [(one["line"], one["field"]) for one in report["refusals"]] == [(40, "title")]
    tasks = by_title(alice)
    holds(tasks["Pack"], description="For three days", list_id="My Tasks", due={"date": "2026-12-24"}, parent_id=None)
    holds(tasks["Pack the charger"], parent_id="Pack", list_id="My Tasks", due=None)
    assert tasks["Book the train"]["completed_at"] == "2026-09-16T20:33:10.000000+00:00"
    assert tasks["Pack"]["created_at"] == "2026-09-14T08:00:00.000000+00:00"
    assert {"links": 1, "deleted tasks": 1}.items() <= what_is_left_out(report).items()


def test_microsoft_to_do(alice: Person) -> None:
    report = imports(alice, read("microsoft.json"))
    assert report["created"] | {"labels": 0} == {"lists": 1, "labels": 0, "tasks": 4, "occurrences": 0}
    assert report["refused"] == 0
    tasks = by_title(alice)
    holds(tasks["Renew the passport"], list_id=None, is_completed=True, completed_at="2026-08-20T00:00:00.000000+00:00")
    holds(
        tasks["Write the report"],
        list_id="Work",
        description="For the board\n\n- one",
        priority="high",
        labels=["Blue category", "Important"],
        due={"date": "2026-12-24"},
        recurrence={"rule": "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,TH;WKST=SU", "from": "schedule"},
        is_completed=False,
    )
    holds(tasks["Collect the figures"], parent_id="Write the report", is_completed=True, list_id="Work")
    holds(tasks["Draw the charts"], parent_id="Write the report", is_completed=False, list_id="Work")
    assert {"attachments": 1, "links": 1, "statuses": 1}.items() <= what_is_left_out(report).items()


def one_of_microsoft(**more: Any) -> str:
    return json.dumps(
        [{"id": "1", "title": "Task", "dueDateTime": {"dateTime": "2026-12-24T00:00:00", "timeZone": "UTC"}} | more]
    )


@pytest.mark.parametrize(
    ("kind", "text"), [("text", "a <b then c> & &amp; d"), ("html", "a  & & d"), (None, "a <b then c> & &amp; d")]
)
def test_of_microsofts_texts_html_alone_is_html(alice: Person, kind: str | None, text: str) -> None:
    imports(alice, one_of_microsoft(body={"content": "a <b then c> & &amp; d", "contentType": kind}), format="microsoft-to-do")
    assert by_title(alice)["Task"]["description"] == text


WORKDAYS = ["monday", "tuesday", "wednesday", "thursday", "friday"]


@pytest.mark.parametrize(
    ("pattern", "rule"),
    [
        (
            {"type": "relativeMonthly", "interval": 1, "daysOfWeek": WORKDAYS, "index": "last"},
            "FREQ=MONTHLY;INTERVAL=1;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1",
        ),
        (
            {"type": "relativeYearly", "interval": 1, "month": 3, "daysOfWeek": ["sunday"], "index": "second"},
            "FREQ=YEARLY;INTERVAL=1;BYDAY=SU;BYSETPOS=2;BYMONTH=3",
        ),
        (
            {"type": "weekly", "interval": 2, "daysOfWeek": ["sunday", "monday"], "firstDayOfWeek": "monday"},
            "FREQ=WEEKLY;INTERVAL=2;BYDAY=SU,MO;WKST=MO",
        ),
        ({"type": "weekly", "interval": 2, "daysOfWeek": ["sunday", "monday"]}, "FREQ=WEEKLY;INTERVAL=2;BYDAY=SU,MO;WKST=SU"),
        (
            {"type": "weekly", "interval": 1, "daysOfWeek": ["sunday"], "firstDayOfWeek": "sunday"},
            "FREQ=WEEKLY;INTERVAL=1;BYDAY=SU",
        ),
    ],
)
def test_a_recurrence_of_microsofts_names_the_same_days(alice: Person, pattern: dict[str, Any], rule: str) -> None:
    report = imports(
        alice, one_of_microsoft(recurrence={"pattern": pattern, "range": {"type": "noEnd"}}), format="microsoft-to-do"
    )
    assert report["left_out"] == []
    assert by_title(alice)["Task"]["recurrence"] == {"rule": rule, "from": "schedule"}


def test_a_time_keeps_its_seconds(alice: Person) -> None:
    due = {"dateTime": "2026-12-24T00:00:30.0000000", "timeZone": "Europe/Berlin"}
    imports(alice, one_of_microsoft(dueDateTime=due), format="microsoft-to-do")
    assert by_title(alice)["Task"]["due"] == {"date": "2026-12-24", "time": "00:00:30", "time_zone": "Europe/Berlin"}


def test_one_list_of_microsoft_to_do(alice: Person) -> None:
    file = '{"@odata.context": "x", "value": [{"id": "1", "title": "Alone", "importance": "low", "status": "notStarted"}]}'
    report = imports(alice, file, list_name="Errands")
    assert report["created"] | {"labels": 0} == {"lists": 1, "labels": 0, "tasks": 1, "occurrences": 0}
    holds(by_title(alice)["Alone"], priority="low", list_id="Errands")


def test_vikunja(alice: Person) -> None:
    report = imports(alice, read("data.json"))
    assert report["created"] | {"labels": 0} == {"lists": 2, "labels": 0, "tasks": 2, "occurrences": 0}
    assert report["refused"] == 0
    tasks = by_title(alice)
    holds(
        tasks["Paint the fence"],
        description="Two coats\n\nNot in the rain",
        list_id="Inbox",
        priority="urgent",
        labels=["outdoors"],
        due={"date": "2026-12-24", "time": "17:00", "time_zone": "UTC"},
        start={"date": "2026-12-20", "time": "08:00", "time_zone": "UTC"},
        recurrence={"rule": "FREQ=WEEKLY;INTERVAL=1", "from": "completion"},
    )
    holds(tasks["Buy paint"], parent_id="Paint the fence", is_completed=True)
    lists = {one["name"]: one for one in alice.lists()}
    assert (lists["Old"]["is_archived"], lists["Old"]["colour"]) == (True, "#1973ff")
    said = {"assignees": 1, "attachments": 1, "comments": 1, "progress in per cent": 1, "lists within lists": 1}
    assert (said | {"descriptions of lists": 1}).items() <= what_is_left_out(report).items()


def test_what_a_request_is_refused_for_is_left_out_of_a_task_and_said(alice: Person) -> None:
    day = "2026-12-24T00:00:00Z"
    tasks = [
        {"id": 1, "title": "recurs without a due", "repeat_after": 86_400},
        {"id": 2, "title": "starts after its due", "due_date": day, "start_date": "2026-12-25T00:00:00Z"},
        {"id": 3, "title": "fits", "due_date": day, "start_date": day, "repeat_after": 86_400},
    ]
    report = imports(alice, json.dumps([{"id": 1, "title": "List", "tasks": tasks}]))
    assert (report["refused"], report["created"]["tasks"]) == (0, 3)
    assert {one["what"]: one["line"] for one in report["left_out"]} == {
        "recurrence without a due date that goes with it": 1,
        "start without a due date that goes with it": 1,
    }
    found = by_title(alice)
    assert (found["recurs without a due"]["recurrence"], found["starts after its due"]["start"]) == (None, None)
    assert found["starts after its due"]["due"]["date"] == found["fits"]["start"]["date"] == "2026-12-24"
    assert found["fits"]["recurrence"]["rule"] == "FREQ=DAILY;INTERVAL=1"
    for task in alice.sees():
        assert alice.put(f"/api/v1/tasks/{task['id']}", json=task).status_code == 200, task


def test_a_rule_that_names_no_day_is_left_out_and_said(alice: Person) -> None:
    report = imports(alice, todo("DUE;VALUE=DATE:20260105", "RRULE:FREQ=DAILY;INTERVAL=7;BYDAY=TU"))
    assert what_is_left_out(report) == {"recurrence without a due date that goes with it": 1}
    assert by_title(alice)["Task"]["recurrence"] is None


def test_a_to_do_that_recurs_and_has_no_due_is_due_when_it_starts(alice: Person) -> None:
    report = imports(alice, todo("DTSTART;TZID=Europe/Berlin:20261224T180000", "RRULE:FREQ=DAILY"))
    assert report["left_out"] == []
    task = by_title(alice)["Task"]
    when = {"date": "2026-12-24", "time": "18:00", "time_zone": "Europe/Berlin"}
    holds(task, due=when, start=when, recurrence={"rule": "FREQ=DAILY", "from": "schedule"})
    done = alice.post(f"/api/v1/tasks/{task['id']}/complete").json()
    assert done["is_completed"] is False


BERLIN = {"date": "2026-12-24", "time": "18:00", "time_zone": "Europe/Berlin"}
NO_REMINDER = {"reminders that are not before the due date": 1}


@pytest.mark.parametrize(
    ("begins", "trigger", "minutes"),
    [
        ("DTSTART;TZID=Europe/Berlin:20261224T160000", "TRIGGER:-PT15M", 135),
        ("DTSTART;TZID=Europe/Berlin:20261224T160000", "TRIGGER;RELATED=START:PT15M", 105),
        ("DTSTART;TZID=Asia/Tokyo:20261225T000000", "TRIGGER:PT0S", 120),
        ("DTSTART;TZID=Europe/Berlin:20261224T160000", "TRIGGER;RELATED=END:-PT15M", 15),
        ("DTSTART;TZID=Europe/Berlin:20261224T160000", "TRIGGER:PT3H", None),
        ("DTSTART:20261224T160000", "TRIGGER:-PT15M", None),  # floating, so that nobody knows how long before
        ("X-A:no start", "TRIGGER:-PT15M", 15),
    ],
)
def test_an_alarm_is_as_long_before_the_start_or_the_due_date_as_it_says(
    alice: Person, begins: str, trigger: str, minutes: int | None
) -> None:
    alarm = ["BEGIN:VALARM", "ACTION:DISPLAY", trigger, "END:VALARM"]
    report = imports(alice, todo("DUE;TZID=Europe/Berlin:20261224T180000", begins, *alarm))
    assert what_is_left_out(report) == ({} if minutes is not None else NO_REMINDER)
    expected = [] if minutes is None else [{"minutes_before": minutes}]
    holds(by_title(alice)["Task"], due=BERLIN, reminders=expected)


def test_an_alarm_before_the_day_on_which_a_task_starts(alice: Person) -> None:
    days = ["DTSTART;VALUE=DATE:20261222", "DUE;VALUE=DATE:20261224"]
    imports(alice, todo(*days, "BEGIN:VALARM", "TRIGGER:-PT15M", "END:VALARM"))
    assert by_title(alice)["Task"]["reminders"] == [{"minutes_before": 2 * 24 * 60 + 15}]


@pytest.mark.parametrize(
    ("due", "is_said"),
    [
        ("DUE;TZID=W. Europe Standard Time:20261224T180030", True),
        ("DUE:20261224T180030", False),
        ("DUE;VALUE=DATE;TZID=Nowhere:20261224", False),
    ],
)
def test_a_zone_that_is_not_known_is_said(alice: Person, due: str, is_said: bool) -> None:
    report = imports(alice, todo(due))
    assert what_is_left_out(report) == ({"time zones": 1} if is_said else {})
    day = {"date": "2026-12-24"}
    assert by_title(alice)["Task"]["due"] == (day if "VALUE=DATE" in due else day | {"time": "18:00:30"})


@pytest.mark.parametrize(
    ("typed", "due"),
    [
        ("every week starting 2026-12-28 18:00", None),
        ("every day starting oct 5", None),
        ("Oct 5 2026 from 9am", None),
        ("every day at 18:00:30 starting oct 5 2026", {"date": "2026-10-05", "time": "18:00:30"}),
        ("2026-10-05 6:00:30 pm", {"date": "2026-10-05", "time": "18:00:30"}),
    ],
)
def test_a_typed_date_is_read_whole_or_said(alice: Person, typed: str, due: dict[str, str] | None) -> None:
    report = imports(alice, f"TYPE,CONTENT,DATE\ntask,Task,{typed}\n")
    assert what_is_left_out(report) == ({"dates that cannot be read": 1} if due is None else {})
    assert by_title(alice)["Task"]["due"] == due


HTML = {
    "lists": ("<ul><li>one</li><li><p>two</p></li></ul>", "- one\n\n-\ntwo"),
    "breaks": ("a<br>b<br/>c<BR />d", "a\nb\nc\nd"),
    "a link": ('see <a href="https://example.com/?a=1&amp;b" title="a > b">this</a>!', "see this!"),
    "entities": ("<p>a &lt;b&gt; &amp;amp; &nbsp;c</p>", "a <b> &amp; \xa0c"),
    "signs that are no tags": ("<p>1 < 2 and <3 > 2</p>", "1 < 2 and <3 > 2"),
    "a stray quote": ("<p>it's <b title=it's>bold</b> isn't it</p>", "it's bold isn't it"),
    "what is not seen": ("<!-- a > b --><head><title>t</title><style>p > a</style></head><script>if (a < b) c</script><p>x", "x"),
    "other declarations": ("<!DOCTYPE html><?xml version='1.0'?><p>x</p>", "x"),
    "a section that does not end": ("a <![ b", "a <![ b"),
    "a tag that does not end": ("<p>a</p> <b", "a\n<b"),
    "lines": ("<div>a </div>\n\n\n<div>\tb</div>", "a\n\nb"),
}


@pytest.mark.parametrize("name", HTML)
def test_of_html_the_text_is_taken(alice: Person, name: str) -> None:
    written, text = HTML[name]
    task = {"id": 1, "title": "Task", "description": written}
    assert imports(alice, json.dumps([{"id": 1, "title": "List", "tasks": [task]}]))["refused"] == 0
    assert by_title(alice)["Task"]["description"] == text


def test_icalendar(alice: Person) -> None:
    report = imports(alice, read("todos.ics"))
    assert report["created"] | {"labels": 0} == {"lists": 1, "labels": 0, "tasks": 3, "occurrences": 0}
    assert report["refused"] == 0
    tasks = by_title(alice)
    title = "Decorate the tree, with everybody and the neighbours"
    holds(
        tasks[title],
        description="First line\nsecond line",
        list_id="Household",
        priority="urgent",
        labels=["home", "family, all"],
        due={"date": "2026-12-24", "time": "18:00", "time_zone": "Europe/Berlin"},
        recurrence={"rule": "FREQ=YEARLY", "from": "schedule"},
    )
    holds(tasks["Buy candles"], parent_id=title, is_completed=True, completed_at="2026-11-02T12:00:00.000000+00:00")
    holds(tasks["Take the tree down"], due={"date": "2027-01-06"}, priority="low")
    assert {"attachments": 1, "places": 1, "events": 1}.items() <= what_is_left_out(report).items()
