"""POST /import: what becomes of each line, whatever the format."""

import json
from typing import Any
from uuid import UUID, uuid4

import pytest

from taskwell.api import transfer
from taskwell.transfer import importing
from tests.support import postgres
from tests.support.cast import Person
from tests.support.errors import assert_error
from tests.support.transfer import exported, imports, lines

LINES = {"Content-Type": "application/x-ndjson"}


def test_a_bad_line_is_named_and_the_rest_goes_in(alice: Person) -> None:
    file = (
        lines({"kind": "task", "title": "first"})
        + "nonsense\n\n"
        + lines(
            {"kind": "task", "title": ""},
            {"kind": "task", "title": "x", "list_id": str(uuid4())},
            {"kind": "list"},
            {"kind": "tasks", "title": "x"},
            {"kind": "task", "title": "x", "colour": "red"},
            {"kind": "task", "title": "last"},
        )
    )
    report = imports(alice, file)
    assert report["created"] == {"lists": 0, "labels": 0, "tasks": 2, "occurrences": 0}
    assert report["refused"] == 6
    said = sorted((one["line"], one["field"], one["code"]) for one in report["refusals"])
    assert said == [
        (2, None, "unreadable"),
        (4, "title", "value_error"),
        (5, "list_id", "unknown_reference"),
        (6, "name", "missing"),
        (7, None, "unreadable"),
        (8, None, "extra_forbidden"),
    ]
    assert [task["title"] for task in alice.sees(order="position")] == ["first", "last"]


def test_an_id_that_is_none_names_no_record_of_another_id(alice: Person) -> None:
    written = str(uuid4())[:-2] + "_e"
    report = imports(
        alice,
        lines({"kind": "list", "id": str(UUID(written)), "name": "x"}, {"kind": "task", "title": "x", "list_id": written}),
    )
    assert [(one["line"], one["field"], one["code"]) for one in report["refusals"]] == [(2, "list_id", "unknown_reference")]


@pytest.mark.parametrize(
    "bad",
    [
        b'{"kind":"task","title":""}\n',
        b"nonsense\n",
        b'{"kind":"task","title":"x","list_id":"01a1fc20-00f8-77eb-8eb1-f9aa678a4b7a"}\n',
    ],
)
def test_strict_imports_nothing_where_a_line_is_bad(alice: Person, bad: bytes) -> None:
    file = lines({"kind": "task", "title": "good"}).encode() * 3 + bad
    before = alice.get("/api/v1/tasks").headers["etag"]
    answer = alice.post("/api/v1/import?strict=true", content=file, headers=LINES)
    details = assert_error(answer, 400, "import_refused")
    assert (details["refused"], details["refusals"][0]["line"]) == (1, 4)
    assert alice.get("/api/v1/tasks").headers["etag"] == before
    assert imports(alice, lines({"kind": "task", "title": "good"}), strict="true")["created"]["tasks"] == 1


def test_another_persons_list_is_one_that_does_not_exist(alice: Person, bob: Person) -> None:
    theirs, unknown = bob.creates_list()["id"], str(uuid4())
    reports = [imports(alice, lines({"kind": "task", "title": "x", "list_id": one})) for one in (theirs, unknown)]
    assert reports[0] == reports[1]
    assert reports[0]["refusals"][0]["code"] == "unknown_reference"


def test_times_stay_but_none_is_in_the_future(alice: Person) -> None:
    old, ahead = "2020-01-02T03:04:05.000006+00:00", "2999-01-01T00:00:00Z"
    imports(
        alice,
        lines(
            {"kind": "task", "title": "old", "is_completed": True, "created_at": old, "completed_at": old},
            {"kind": "task", "title": "ahead", "created_at": ahead, "completed_at": ahead},
            {"kind": "task", "title": "none", "created_at": 5, "is_completed": True},
            {"kind": "task", "title": "small", "created_at": old.replace("T", "t").replace("+00:00", "z")},
        ),
    )
    tasks = {task["title"]: task for task in alice.sees()}
    assert (tasks["old"]["created_at"], tasks["old"]["completed_at"], tasks["small"]["created_at"]) == (old, old, old)
    assert tasks["ahead"]["created_at"] == tasks["ahead"]["updated_at"] == tasks["none"]["created_at"]
    assert tasks["ahead"]["completed_at"] is None
    assert tasks["none"]["completed_at"] == tasks["none"]["updated_at"]


def test_a_deleted_record_does_not_come_back_and_its_list_is_unknown(alice: Person) -> None:
    ids = {"list": str(uuid4()), "task": str(uuid4())}
    file = lines(
        {"kind": "list", "id": ids["list"], "name": "x"},
        {"kind": "task", "id": ids["task"], "title": "x", "list_id": ids["list"]},
    )
    imports(alice, file)
    alice.delete(f"/api/v1/lists/{ids['list']}")
    assert imports(alice, file)["there_already"] == {"lists": 1, "labels": 0, "tasks": 1, "occurrences": 0}
    assert exported(alice) == []
    more = imports(alice, file + lines({"kind": "task", "title": "new", "list_id": ids["list"]}))
    assert [(one["line"], one["code"]) for one in more["refusals"]] == [(3, "unknown_reference")]


def test_lists_beyond_the_limit_are_refused_by_line(alice: Person) -> None:
    file = lines(*({"kind": "list", "name": f"list {number}"} for number in range(505)))
    report = imports(alice, file)
    assert report["created"]["lists"] == 500
    assert [(one["line"], one["code"]) for one in report["refusals"]] == [(line, "too_many_lists") for line in range(501, 506)]
    assert imports(alice, file)["there_already"]["lists"] == 500


def test_a_chunk_has_one_revision(alice: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importing, "RECORDS_PER_CHUNK", 4)
    imports(alice, lines(*({"kind": "task", "title": f"{number}"} for number in range(10))))
    tasks = sorted(alice.sees(), key=lambda task: int(task["title"]))
    assert [task["revision"] for task in tasks] == [1] * 4 + [2] * 4 + [3] * 2


def test_a_hundred_refusals_are_named_and_all_are_counted(alice: Person) -> None:
    report = imports(alice, "nonsense\n" * 150, format="taskwell")
    assert (report["refused"], len(report["refusals"])) == (150, 100)


@pytest.mark.parametrize("content", [b"", b"\x00", b"hello", b"\xff\xfe", b"PK\x03\x04", b"[" * 100_000, b"null"])
def test_a_file_of_no_format_is_refused(alice: Person, content: bytes) -> None:
    answer = alice.post("/api/v1/import", content=content, headers=LINES)
    if content.startswith(b"["):  # as Vikunja's begins
        assert answer.json()["refusals"] == [{"line": 1, "field": None, "code": "unreadable", "message": "is nested too deeply"}]
    else:
        fields = assert_error(answer, 400, "invalid_input")["fields"]
        assert [(field["location"], field["field"], field["code"]) for field in fields] == [("query", "format", "format_unknown")]


def test_a_body_that_is_not_a_file_is_refused(alice: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    assert_error(alice.post("/api/v1/import", content=b"x"), 415, "unsupported_media_type")
    assert_error(alice.post("/api/v1/import", data={"a": "b"}), 415, "unsupported_media_type")
    assert_error(
        alice.post("/api/v1/import", content=b"x", headers=LINES | {"Content-Encoding": "gzip"}), 415, "unsupported_media_type"
    )
    monkeypatch.setattr(transfer, "FILE_BYTES", 10)
    assert_error(alice.post("/api/v1/import", content=b"x" * 11, headers=LINES), 413, "body_too_large")
    assert_error(alice.post("/api/v1/import", content=iter([b"x" * 6] * 2), headers=LINES), 413, "body_too_large")


def test_more_imports_at_once_than_the_server_takes_are_asked_to_wait(alice: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transfer, "IMPORTS_AT_ONCE", 0)
    answer = alice.post("/api/v1/import", content=b"x", headers=LINES)
    assert_error(answer, 503, "import_busy")
    assert answer.headers["retry-after"] == "5"


def test_what_a_file_says_is_in_no_refusal(alice: Person) -> None:
    secret = "5ecret"
    file = lines(
        {"kind": "task", "title": "x", secret: 1},
        {"kind": secret, "title": "x"},
        {"kind": "task", "title": "x", "list_id": secret},
        {"kind": "task", "title": "x", "id": "x", "priority": secret},
    )
    report = imports(alice, file + f"{secret}\n")
    assert report["refused"] == 5
    assert secret not in json.dumps(report)


def test_labels_are_made_once_and_spelled_as_they_are(alice: Person) -> None:
    alice.creates("first", labels=["Home"])
    report = imports(
        alice,
        lines(
            {"kind": "label", "name": "HOME", "colour": "#ff0000"},
            {"kind": "label", "name": "garden", "colour": "#00ff00"},
            {"kind": "label", "name": "Garden"},
            {"kind": "task", "title": "second", "labels": ["home", "GARDEN", "new one"]},
            {"kind": "task", "title": "third", "labels": ["New One"]},
        ),
    )
    assert report["created"] == {"lists": 0, "labels": 2, "tasks": 2, "occurrences": 0}
    assert report["there_already"] == {"lists": 0, "labels": 2, "tasks": 0, "occurrences": 0}
    tasks = {task["title"]: task["labels"] for task in alice.sees()}
    assert tasks == {"first": ["Home"], "second": ["Home", "garden", "new one"], "third": ["new one"]}
    labels = {one["name"]: one["colour"] for one in exported(alice) if one["kind"] == "label"}
    assert labels == {"Home": None, "garden": "#00ff00", "new one": None}


def test_labels_beyond_the_limit_are_refused_by_line(alice: Person) -> None:
    names = [f"label {number}" for number in range(1_001)]
    tasks = [{"kind": "task", "title": "x", "id": str(uuid4()), "labels": names[n : n + 20]} for n in range(0, 1_001, 20)]
    report = imports(alice, lines(*tasks, {"kind": "task", "title": "without"}))
    assert report["created"] == {"lists": 0, "labels": 1_000, "tasks": 51, "occurrences": 0}
    assert [(one["line"], one["field"], one["code"]) for one in report["refusals"]] == [(51, "labels", "too_many_labels")]


def test_tasks_of_a_file_stand_in_its_order_behind_those_that_were_there(alice: Person) -> None:
    alice.creates("before")
    imports(alice, lines(*({"kind": "task", "title": f"task {number:03}"} for number in range(20))))
    alice.creates("after")
    titles = [task["title"] for task in sorted(alice.sees(), key=lambda task: (task["position"], task["id"]))]
    assert titles == ["before", *(f"task {number:03}" for number in range(20)), "after"]


def _tree(*parents: int | None) -> list[dict[str, object]]:
    """Tasks 0, 1, 2..., each below the one of that number."""
    ids = [str(uuid4()) for _ in parents]
    return [
        {"kind": "task", "id": ids[number], "title": f"task {number}", "parent_id": None if parent is None else ids[parent]}
        for number, parent in enumerate(parents)
    ]


def test_a_subtask_may_come_before_its_parent_and_is_in_its_list(alice: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importing, "RECORDS_PER_CHUNK", 3)
    home = alice.creates_list()["id"]
    tree = _tree(5, 0, 7, 1, 2, None, 4, 5)
    tree[5]["list_id"] = home
    report = imports(alice, lines(*tree))
    assert report["created"]["tasks"] == 8
    tasks = {task["title"]: task for task in alice.sees()}
    for record in tree:
        task = tasks[str(record["title"])]
        assert (task["parent_id"], task["list_id"]) == (record["parent_id"], home)
    assert imports(alice, lines(*tree))["there_already"]["tasks"] == 8
    top = tasks["task 5"]["id"]
    assert alice.delete(f"/api/v1/tasks/{top}").status_code == 204
    assert alice.sees() == []


def test_a_parent_that_is_not_there_a_circle_and_a_tree_that_is_too_deep_are_refused(alice: Person, bob: Person) -> None:
    theirs = bob.creates()["id"]
    deep = _tree(None, *range(8))
    circle = _tree(1, 0)
    file = lines(*deep, *circle, {"kind": "task", "title": "x", "parent_id": theirs}, {"kind": "task", "title": "good"})
    report = imports(alice, file)
    assert report["created"]["tasks"] == 9
    said = sorted((one["line"], one["field"], one["code"]) for one in report["refusals"])
    assert said == [(9, "parent_id", "too_many_levels"), *((line, "parent_id", "unknown_reference") for line in (10, 11, 12))]
    before = alice.get("/api/v1/tasks").headers["etag"]
    assert_error(alice.post("/api/v1/import?strict=true", content=file, headers=LINES), 400, "import_refused")
    assert alice.get("/api/v1/tasks").headers["etag"] == before


def test_due_dates_sort_as_those_of_a_request(alice: Person, shared_database: str) -> None:
    alice.patch("/api/v1/auth/me", json={"time_zone": "America/New_York"})
    day = {"date": "2026-12-24"}
    whens = [day, day | {"time": "01:00", "time_zone": "Asia/Tokyo"}, day | {"time": "01:00"}]
    imports(alice, lines(*({"kind": "task", "title": f"imported {n}", "due": when} for n, when in enumerate(whens))))
    for n, when in enumerate(whens):
        alice.creates(f"created {n}", due=when)
    rows = postgres.query(shared_database, "SELECT title, due_sort FROM tasks WHERE user_id = $1", alice.id)
    sorts = {row["title"]: row["due_sort"] for row in rows}
    assert [sorts[f"imported {n}"] for n in range(3)] == [sorts[f"created {n}"] for n in range(3)]
    assert sorts["imported 1"] < sorts["imported 2"] < sorts["imported 0"]


def test_what_is_imported_is_found(alice: Person) -> None:
    imports(alice, lines({"kind": "task", "title": "Café au lait", "labels": ["Frühstück"]}, {"kind": "task", "title": "tea"}))
    for q in ("cafe", "fruhst"):
        assert [task["title"] for task in alice.sees(q=q)] == ["Café au lait"]


def test_an_occurrence_may_come_before_its_task_and_a_bad_one_is_named(
    alice: Person, bob: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "RECORDS_PER_CHUNK", 3)
    parent, child = str(uuid4()), str(uuid4())
    rule = {"rule": "FREQ=DAILY"}

    def occurrence(day: str, **more: Any) -> dict[str, Any]:
        return {
            "kind": "occurrence",
            "task_id": child,
            "due": {"date": day},
            "recurrence": rule,
            "completed_at": f"{day}T08:00:00Z",
        } | more

    theirs = bob.creates()["id"]
    days = ["2026-01-03", "2026-01-02", "2026-01-02", "2026-01-01"]
    good = [*map(occurrence, days)]
    bad: list[dict[str, Any]] = [
        occurrence("2026-01-09", task_id=theirs),
        occurrence("2026-01-09", task_id=str(uuid4())),
        occurrence("2026-01-09", occurrence="2026-01-08"),
        occurrence("2026-02-30"),
        {name: said for name, said in occurrence("2026-01-09").items() if name != "recurrence"},
        {name: said for name, said in occurrence("2026-01-09").items() if name != "task_id"},
        occurrence("2026-01-09", recurrence={"rule": "FREQ=HOURLY"}),
        occurrence("2026-01-09", title="x"),
    ]
    tasks: list[dict[str, Any]] = [
        {"kind": "task", "title": "child", "id": child, "parent_id": parent, "due": {"date": "2026-01-04"}, "recurrence": rule},
        {"kind": "task", "title": "parent", "id": parent},
    ]
    report = imports(alice, lines(*good, *bad, *tasks))
    assert report["created"] == {"lists": 0, "labels": 0, "tasks": 2, "occurrences": 3}
    assert report["there_already"]["occurrences"] == 1
    assert sorted((one["line"], one["field"], one["code"]) for one in report["refusals"]) == [
        (5, "task_id", "unknown_reference"),
        (6, "task_id", "unknown_reference"),
        (7, "occurrence", "value_error"),
        (8, "due", "value_error"),
        (9, "recurrence", "missing"),
        (10, "task_id", "missing"),
        (11, "recurrence", "value_error"),
        (12, None, "extra_forbidden"),
    ]
    task = alice.get(f"/api/v1/tasks/{child}").json()
    assert (task["completed_occurrence"], task["parent_id"], task["recurrence"]["rule"]) == ("2026-01-03", parent, "FREQ=DAILY")
    # One that was finished earlier, and comes in later, is not the last one; a task that changes by it says so.
    earlier = imports(alice, lines(occurrence("2025-12-31")))
    assert earlier["created"]["occurrences"] == 1
    now = alice.get(f"/api/v1/tasks/{child}").json()
    assert (now["completed_occurrence"], now["revision"]) == ("2026-01-03", task["revision"] + 1)
    assert bob.get(f"/api/v1/tasks/{theirs}/occurrences").json()["items"] == []
    assert_error(
        alice.post("/api/v1/import?strict=true", content=lines(occurrence("2026-01-05"), bad[1]), headers=LINES),
        400,
        "import_refused",
    )
    assert len(alice.get(f"/api/v1/tasks/{child}/occurrences").json()["items"]) == 4
