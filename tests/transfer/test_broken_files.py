"""Files that are broken, each in one way: every one gets an answer that says where, and no answer is a defect."""

import json
import time
from pathlib import Path

import pytest

from taskwell.transfer import json_document
from taskwell.transfer.formats import todoist
from tests.support.cast import Person
from tests.support.transfer import imports

FILES = Path(__file__).with_name("files")
FORMATS = {
    "todoist.csv": "todoist",
    "Tasks.json": "google-tasks",
    "microsoft.json": "microsoft-to-do",
    "data.json": "vikunja",
    "todos.ics": "icalendar",
}

DEEP = b"[" * 200_000
HUGE = b'{"kind":"task","title":' + b"9" * 5_000 + b"}"

BROKEN: dict[str, tuple[str, bytes]] = {
    "a number of thousands of digits": ("taskwell", HUGE),
    "a depth of 200,000": ("taskwell", b'{"kind":"task","title":' + DEEP),
    "NaN": ("taskwell", b'{"kind":"task","title":NaN}'),
    "a name twice": ("taskwell", b'{"kind":"task","title":"x","title":"y"}'),
    "a lone surrogate": ("taskwell", b'{"kind":"task","title":"\\ud800"}'),
    "bytes that are not UTF-8": ("taskwell", b'{"kind":"task","title":"\xff"}'),
    "U+0000": ("taskwell", b'{"kind":"task","title":"a\\u0000b"}'),
    "U+0000 as it is": ("taskwell", b'{"kind":"task","title":"a\x00b"}'),
    "a list of labels that is none": ("taskwell", b'{"kind":"task","title":"x","labels":[[1]]}'),
    "a title that is a number": ("taskwell", b'{"kind":"task","title":5}'),
    "a line that is too long": ("taskwell", b'{"kind":"task","title":"' + b"x" * 1_100_000 + b'"}'),
    "a CSV with U+0000": ("todoist", b"TYPE,CONTENT\ntask,a\x00b\n"),
    "a CSV that is not UTF-8": ("todoist", b"TYPE,CONTENT\ntask,\xe4\n"),
    "a CSV with a field that is too long": ("todoist", b"TYPE,CONTENT\ntask," + b"x" * 200_000 + b"\n"),
    "a CSV with an open quote": ("todoist", b'TYPE,CONTENT\ntask,"' + b"x\n" * 100_000),
    "a CSV of another shape": ("todoist", b"a,b\n1,2\n"),
    "a title of 300 characters": ("todoist", b"TYPE,CONTENT\ntask," + b"x" * 300 + b"\n"),
    "JSON that ends": ("google-tasks", b'{"items":[{"id":"1","title":"x","items":[{"id":"2","title":"y"},{"id"'),
    "JSON of another shape": ("google-tasks", b'{"items":[5,{"items":[5,{}]}]}'),
    "a document that is too deep": ("google-tasks", b'{"items":[{"items":[' + DEEP),
    "a document with a number that is too long": ("google-tasks", b'{"items":[{"id":' + b"9" * 5_000 + b"}]}"),
    "text behind the document": ("vikunja", b"[]]"),
    "a project that is none": ("vikunja", b'[1,{"tasks":[1,{"id":1.5}]}]'),
    "values of other types": (
        "vikunja",
        b'[{"id":1,"title":"x","tasks":[{"id":1,"title":"x","priority":"5","labels":5,"reminders":{},"related_tasks":[],"due_date":5}]}]',
    ),
    "values of other types, once more": (
        "vikunja",
        b'[{"id":1,"title":"x","tasks":[{"id":1,"title":"x","repeat_after":1e400,"description":[]}]}]',
    ),
    "values of other types of Microsoft's": (
        "microsoft-to-do",
        b'{"value":[{"displayName":"x","id":1,"tasks":[{"id":"1","title":"x","body":5,"recurrence":"x","checklistItems":{},"status":[]}]}]}',
    ),
    "values of other types of Microsoft's, and a time that is in no year of UTC": (
        "microsoft-to-do",
        b'{"value":[{"id":"1","title":"x","completedDateTime":{"dateTime":"9999-12-31T23:00:00","timeZone":"America/New_York"}}]}',
    ),
    "a row that ends before its type": ("todoist", b"CONTENT,TYPE\nx\nx,task\n"),
    "a character that is a number of thousands of digits": (
        "vikunja",
        b'[{"id":1,"title":"x","tasks":[{"id":1,"title":"x","description":"<p>&#' + b"9" * 5_000 + b';"}]}]',
    ),
    "a calendar that does not end": ("icalendar", b"BEGIN:VCALENDAR\r\nBEGIN:VTODO\r\nUID:1\r\n"),
    "a calendar that is too deep": ("icalendar", b"BEGIN:VCALENDAR\r\n" + b"BEGIN:X\r\n" * 100_000),
    "a line without a colon": ("icalendar", b"BEGIN:VCALENDAR\r\nBEGIN:VTODO\r\nnonsense\r\nEND:VTODO\r\nEND:VCALENDAR\r\n"),
    "a to-do without a UID": ("icalendar", b"BEGIN:VCALENDAR\r\nBEGIN:VTODO\r\nSUMMARY:x\r\nEND:VTODO\r\nEND:VCALENDAR\r\n"),
    "a to-do of many lines": (
        "icalendar",
        b"BEGIN:VCALENDAR\r\nBEGIN:VTODO\r\nUID:1\r\n" + b"X-A:b\r\n" * 5_000 + b"END:VTODO\r\nEND:VCALENDAR\r\n",
    ),
    "a to-do of many parts": (
        "icalendar",
        b"BEGIN:VCALENDAR\r\nBEGIN:VTODO\r\nUID:1\r\nSUMMARY:x\r\n"
        + b"BEGIN:X\r\nEND:X\r\n" * 5_000
        + b"END:VTODO\r\nEND:VCALENDAR\r\n",
    ),
    "a row of very many fields": ("todoist", b"TYPE,CONTENT\ntask,x" + b",x" * 1_100_000 + b"\n"),
    "a row of very many lines": ("todoist", b"TYPE,CONTENT\ntask" + b',"x\n"' * 500_000 + b"\n"),
    "a list of very many fields": (
        "vikunja",
        b'[{"id":1,"title":"x",' + b",".join(b'"%d":"%s"' % (number, b"x" * 1_000_000) for number in range(5)) + b"}]",
    ),
    "no calendar": ("icalendar", b"hello\r\n"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_broken_is_said_and_nothing_is_a_defect(alice: Person, name: str) -> None:
    named, content = BROKEN[name]
    report = imports(alice, content, format=named)
    assert report["refused"] >= 1 or name.startswith(("values of other", "text behind")), report
    for refusal in report["refusals"]:
        assert refusal["line"] >= 1
        assert refusal["message"]


@pytest.mark.parametrize("name", FORMATS)
def test_a_file_that_is_cut_anywhere_is_an_answer(alice: Person, name: str) -> None:
    whole = (FILES / name).read_bytes()
    for end in range(0, len(whole), len(whole) // 6):
        imports(alice, whole[:end], format=FORMATS[name])


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
@pytest.mark.parametrize("name", FORMATS)
def test_a_file_with_a_byte_order_mark_is_read_as_one_without(alice: Person, name: str, encoding: str) -> None:
    text = (FILES / name).read_text(encoding="utf-8")
    report = imports(alice, text.encode(encoding))
    assert report["created"]["tasks"] >= 2


@pytest.mark.parametrize("name", FORMATS)
def test_a_file_taken_for_another_is_an_answer(alice: Person, name: str) -> None:
    content = (FILES / name).read_bytes()
    for other in {*FORMATS.values(), "taskwell"} - {FORMATS[name]}:
        report = imports(alice, content, format=other)
        assert report["created"]["tasks"] == 0, other


def test_what_stands_before_a_fault_goes_in(alice: Person) -> None:
    tasks = ",".join(json.dumps({"id": str(number), "title": f"{number}"}) for number in range(1_000))
    report = imports(alice, '{"kind": "tasks#taskLists", "items": [{"id": "1", "title": "x", "items": [' + tasks)
    assert report["created"]["tasks"] + report["created"]["lists"] == 0
    report = imports(alice, '{"kind": "tasks#taskLists", "items": [{"id": "1", "title": "x", "items": [' + tasks + "]}], 5")
    assert report["created"]["tasks"] == 0


COSTLY = {
    "tags that do not end": "<a ",
    "comments that do not end": "<!--",
    "sections that do not end": "<![",
    "scripts that do not end": "<script>",
    "scripts whose ends do not end": "<script></script ",
    "quotes that do not end": """<a "'""",
    "quotes that end": '<a "" ',
    "a long name": "<" + "a" * 32_000,
    "blanks": "<p>x" + " " * 32_000,
}


@pytest.mark.parametrize("name", COSTLY)
def test_html_twice_as_long_takes_about_twice_as_long(alice: Person, name: str) -> None:
    def seconds(length: int) -> float:
        text = (COSTLY[name] * length)[:length]
        file = json.dumps([{"id": 1, "title": "x", "tasks": [{"id": 1, "title": "x", "description": text}]}])
        began = time.process_time()
        imports(alice, file, format="vikunja")
        return time.process_time() - began

    once, twice = (min(seconds(length) for _ in range(3)) for length in (16_000, 32_000))
    assert twice < 3 * once


def test_what_stands_beside_a_value_that_cannot_be_read_goes_in(alice: Person) -> None:
    bad = {"id": "1", "title": "bad", "body": {"contentType": "html", "content": f"<p>&#{'9' * 5_000};"}}
    good = {"id": "2", "title": "good", "checklistItems": [{"displayName": "step"}]}
    report = imports(alice, json.dumps([bad, good], indent=1), format="microsoft-to-do")
    assert [(one["line"], one["code"]) for one in report["refusals"]] == [(2, "unreadable")]
    assert {task["title"] for task in alice.sees()} == {"good", "step"}


@pytest.mark.parametrize(
    ("named", "one", "around"),
    [
        ("vikunja", '{"title":"x"}', "[%s]"),
        ("google-tasks", '{"title":"x"}', '{"items":[%s]}'),
        ("microsoft-to-do", '{"displayName":"x"}', '{"value":[%s]}'),
    ],
)
def test_lists_without_end_are_not_kept(
    alice: Person, monkeypatch: pytest.MonkeyPatch, named: str, one: str, around: str
) -> None:
    monkeypatch.setattr(json_document, "LISTS_PER_DOCUMENT", 3)
    report = imports(alice, around % ",".join([one] * 3), format=named)
    assert (report["created"]["lists"], report["refusals"]) == (3, [])
    report = imports(alice, around % ",\n".join([one] * 5), format=named)
    assert (report["there_already"]["lists"], [refusal["line"] for refusal in report["refusals"]]) == (3, [4])


def test_rows_without_end_are_not_kept(alice: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(todoist, "TASKS_PER_FILE", 3)
    report = imports(alice, "TYPE,CONTENT\n" + "".join(f"task,{number}\n" for number in range(5)), format="todoist")
    assert (report["created"]["tasks"], [refusal["line"] for refusal in report["refusals"]]) == (3, [5])
