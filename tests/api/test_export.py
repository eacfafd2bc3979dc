"""GET /export."""

import json
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest

from taskwell.records.kinds import KINDS
from taskwell.transfer import exporting
from tests.faults.locks import holding
from tests.support.cast import Person
from tests.support.errors import assert_error
from tests.support.transfer import alike, exported, imports, lines


def test_everything_of_a_users_is_in_it_and_nothing_of_anybody_elses(alice: Person, bob: Person) -> None:
    bob.creates("Bob's own")
    groceries = alice.creates_list("Groceries", colour="#2e7d32")
    task = alice.creates("Buy milk", list_id=groceries["id"], description="Two litres")
    done = alice.creates("Pay rent", is_completed=True)
    gone = alice.creates("Gone")
    alice.delete(f"/api/v1/tasks/{gone['id']}")
    records = exported(alice)
    assert [(one["kind"], one["id"]) for one in records] == [
        ("list", groceries["id"]),
        ("task", task["id"]),
        ("task", done["id"]),
    ]
    for record, shown in zip(records, (groceries, task, done), strict=True):
        without = {name: value for name, value in shown.items() if name not in ("user_id", "revision", "etag")}
        assert {name: value for name, value in record.items() if name != "kind"} == without


def test_every_kind_of_record_is_exported() -> None:
    """A noun that is added later is not forgotten."""
    assert {kind for kind, _ in exporting.EXPORTS} == set(KINDS.values())
    named_before: set[str] = set()
    for kind, _ in exporting.EXPORTS:
        assert {target.name for target in kind.references.values()} - {kind.name} <= named_before
        named_before.add(kind.name)


def test_the_account_comes_first_and_who_it_is_shows_only_who_may_know(alice: Person, carol: Person) -> None:
    line = json.loads(alice.get("/api/v1/export").text.splitlines()[0])
    assert list(line) == ["kind", "id", "email", "display_name", "time_zone", "created_at"]
    assert (line["id"], line["email"]) == (str(alice.id), alice.email)
    token = alice.post("/api/v1/auth/tokens", json={"name": "x", "scopes": ["tasks:read"], "expires_in_days": 1}).json()["token"]
    for answer in (
        alice.get("/api/v1/export", headers={"Authorization": f"Bearer {token}"}),
        carol.get(f"/api/v1/users/{alice.id}/export"),
    ):
        assert list(json.loads(answer.text.splitlines()[0])) == ["kind", "id", "time_zone", "created_at"]


def test_it_goes_in_steps_and_none_is_lost_or_repeated(alice: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exporting, "RECORDS_PER_STEP", 3)
    made = [alice.creates(f"task {number}")["id"] for number in range(10)]
    assert [one["id"] for one in exported(alice)] == made


def test_it_is_imported_into_another_account_and_exported_the_same(alice: Person, bob: Person) -> None:
    home = alice.creates_list("Home", icon="house", is_archived=True)
    parent = alice.creates("the whole", list_id=home["id"])
    for number in range(5):
        alice.creates(f'"{number}" \\ \u2028', list_id=home["id"], description="line\nline", is_completed=number % 2 == 0)
    alice.creates("in the inbox", priority="urgent", labels=["Home", 'a "b" \\ {c}'], position="5")
    late = alice.creates(
        "late", due={"date": "2026-12-24", "time": "18:00", "time_zone": "Europe/Berlin"}, parent_id=parent["id"]
    )
    alice.creates("later", due={"date": "2026-12-24"}, start={"date": "2026-12-20", "time": "08:00"}, parent_id=late["id"])
    alice.creates(
        "last", reminders=[{"minutes_before": 5}, {"at": "2026-12-24T08:00:00.000000+00:00"}], due={"date": "2026-12-24"}
    )
    file = alice.get("/api/v1/export").content
    report = imports(bob, file)
    assert report["format"] == "taskwell"
    assert report["created"] == {"lists": 1, "labels": 2, "tasks": 10, "occurrences": 0}
    assert (report["refused"], report["refusals"]) == (0, [])
    assert report["left_out"] == [{"what": "accounts", "records": 1, "line": 1}]
    assert alike(exported(bob)) == alike(exported(alice))
    revision = bob.get("/api/v1/tasks").headers["etag"]
    again = imports(bob, file)
    assert again["created"] == {"lists": 0, "labels": 0, "tasks": 0, "occurrences": 0}
    assert again["there_already"] == {"lists": 1, "labels": 2, "tasks": 10, "occurrences": 0}
    assert bob.get("/api/v1/tasks").headers["etag"] == revision
    own = imports(alice, file)
    assert own["there_already"] == again["there_already"]


def test_finished_occurrences_are_in_it_and_come_back(alice: Person, bob: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exporting, "RECORDS_PER_STEP", 2)
    daily = {"due": {"date": "2026-01-01"}, "recurrence": {"rule": "FREQ=DAILY;COUNT=5"}}
    tasks = [alice.creates(f"task {number}", **daily) for number in range(5)]
    # The first is below the last, which therefore comes before it, and all but the second have been finished some times.
    alice.patch(f"/api/v1/tasks/{tasks[0]['id']}", json={"parent_id": tasks[4]["id"]})
    for number, task in enumerate(tasks):
        for _ in range((3, 0, 1, 4, 2)[number]):
            assert alice.post(f"/api/v1/tasks/{task['id']}/complete").status_code == 200
    with_time = {"due": {"date": "2026-12-24", "time": "18:00", "time_zone": "Europe/Berlin"}, "start": {"date": "2026-12-20"}}
    last = alice.creates("last", **with_time, recurrence={"rule": "FREQ=WEEKLY", "from": "completion"})
    alice.post(f"/api/v1/tasks/{last['id']}/complete")
    seen: set[str] = set()
    for record in exported(alice):
        assert record["kind"] == "task" or record["task_id"] in seen
        seen.add(record.get("id", ""))
    file = alice.get("/api/v1/export").content
    report = imports(bob, file)
    assert report["created"] == {"lists": 0, "labels": 0, "tasks": 6, "occurrences": 11}
    assert report["left_out"] == [{"what": "accounts", "records": 1, "line": 1}]
    assert alike(exported(bob)) == alike(exported(alice))
    moved = {one["title"]: one for one in bob.sees()}
    assert [moved[f"task {n}"]["completed_occurrence"] for n in range(5)] == [
        *("2026-01-03", None, "2026-01-01", "2026-01-04", "2026-01-02")
    ]
    page = bob.get(f"/api/v1/tasks/{last['id']}/occurrences").json()
    assert page["items"] == alice.get(f"/api/v1/tasks/{last['id']}/occurrences").json()["items"]
    # What is finished counts towards the rule: of five, one is left.
    assert bob.post(f"/api/v1/tasks/{tasks[3]['id']}/complete").json()["is_completed"]
    before = bob.get("/api/v1/tasks").headers["etag"]
    again = imports(bob, file)
    assert again["created"] == {"lists": 0, "labels": 0, "tasks": 0, "occurrences": 0}
    assert again["there_already"] == report["created"]
    assert bob.get("/api/v1/tasks").headers["etag"] == before
    # What has been done since stays, and what was deleted does not come back.
    assert bob.delete(f"/api/v1/tasks/{last['id']}").status_code == 204
    assert imports(bob, file)["there_already"] == report["created"]


def test_a_head_says_the_type_alone(alice: Person) -> None:
    answer = alice.head("/api/v1/export")
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["cache-control"] == "private, no-cache"


def test_another_users_is_not_found(alice: Person, bob: Person) -> None:
    assert_error(bob.get(f"/api/v1/users/{alice.id}/export"), 404, "user_not_found")
    assert_error(bob.get(f"/api/v1/users/{uuid4()}/export"), 404, "user_not_found")


def test_a_record_comes_after_those_that_it_names(alice: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exporting, "RECORDS_PER_STEP", 2)
    ids = [alice.creates(f"task {number}")["id"] for number in range(9)]
    for child, parent in ((0, 4), (4, 8), (1, 8), (2, 3), (3, 0), (7, 6)):
        assert alice.patch(f"/api/v1/tasks/{ids[child]}", json={"parent_id": ids[parent]}).status_code == 200
    seen: set[str] = set()
    for record in exported(alice):
        assert record["parent_id"] is None or record["parent_id"] in seen
        seen.add(record["id"])
    assert seen == set(ids)
    assert len(exported(alice)) == 9


def test_a_list_that_is_made_meanwhile_comes_before_the_tasks_that_are_in_it_then(
    alice: Person, bob: Person, shared_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporting, "RECORDS_PER_STEP", 2)
    before = [alice.creates_list(f"list {number}")["id"] for number in range(3)]
    tasks = [alice.creates(f"task {number}", list_id=before[number % 2])["id"] for number in range(6)]
    alice.patch(f"/api/v1/tasks/{tasks[0]}", json={"parent_id": tasks[4]})
    with ThreadPoolExecutor(1) as pool, holding(shared_database, "LOCK TABLE tasks IN ACCESS EXCLUSIVE MODE") as held:
        export = pool.submit(alice.get, "/api/v1/export")
        held.wait_for_waiters(1)  # for the tasks: the lists are out
        made = [alice.creates_list(f"made {number}")["id"] for number in range(3)]
        for number, moved in enumerate(([tasks[0], tasks[4]], tasks[1:3])):
            held.execute("UPDATE tasks SET list_id = $1 WHERE id = ANY($2)", made[number], moved)
        held.execute("COMMIT")
        file = export.result(20).content
    records = [json.loads(line) for line in file.splitlines()[1:]]
    seen: set[str] = set()
    for record in records:
        assert {record.get("list_id"), record.get("parent_id")} - {None} <= seen
        seen.add(record["id"])
    assert len(records) == len(seen), "each once"
    assert {*before, *tasks} <= seen
    report = imports(bob, file)
    assert (report["created"]["tasks"], report["refused"]) == (6, 0)


def test_what_came_to_be_by_changes_of_one_field_survives_and_what_never_can_is_said(alice: Person, bob: Person) -> None:
    """A start after its due, and a rule that names no day, are what a PATCH of the due alone makes."""
    tuesdays = {"rule": "FREQ=DAILY;INTERVAL=7;BYDAY=TU", "from": "schedule"}
    late = alice.creates("late", due={"date": "2026-12-24"}, start={"date": "2026-12-20"})
    never = alice.creates("never", due={"date": "2026-01-06"}, recurrence=tuesdays)
    alice.patch(f"/api/v1/tasks/{late['id']}", json={"due": {"date": "2026-12-01"}})
    assert alice.patch(f"/api/v1/tasks/{never['id']}", json={"due": {"date": "2026-01-05"}}).json()["recurrence"] == tuesdays
    report = imports(bob, alice.get("/api/v1/export").content)
    assert (report["refused"], len(report["left_out"])) == (0, 1)
    assert alike(exported(bob)) == alike(exported(alice))
    at = {"at": "2026-12-24T08:00:00.000000+00:00"}
    file = lines(
        {"kind": "task", "title": "recurs", "recurrence": tuesdays},
        {"kind": "task", "title": "reminds", "reminders": [{"minutes_before": 5}, at, {"minutes_before": 10, "at": None}]},
    )
    report = imports(alice, file)
    assert report["refused"] == 0
    assert {one["what"]: one["line"] for one in report["left_out"]} == {
        "recurrence without a due date that goes with it": 1,
        "reminders without a due date that goes with it": 2,
    }
    tasks = {task["title"]: task for task in alice.sees()}
    assert (tasks["recurs"]["recurrence"], tasks["reminds"]["reminders"]) == (None, [at])
