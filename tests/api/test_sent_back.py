"""`{...task, "is_completed": true}`: a record that was read is sent back whole, in a PUT or a PATCH."""

from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import uuid4

import pytest

from tests.support import postgres
from tests.support.cast import Person
from tests.support.errors import assert_error, invalid_fields
from tests.support.mounts import at_every_mount, tasks_of
from tests.support.stored import revision_of
from tests.support.tags import decorated, of_another_epoch

TASKS = "/api/v1/tasks"
Task = dict[str, Any]
by_put_and_patch = pytest.mark.parametrize("method", ["PUT", "PATCH"])
LATER = "2026-11-26T09:30:00.000000+00:00"


def as_javascript_keeps_it(time: str) -> str:
    """`new Date(time).toJSON()`."""
    return f"{datetime.fromisoformat(time).isoformat(timespec='milliseconds').removesuffix('+00:00')}Z"


@by_put_and_patch
@at_every_mount
def test_a_task_as_it_was_read_is_taken_with_what_changes(alice: Person, method: str, mount: str) -> None:
    task = alice.creates(description="two litres")
    path = f"{tasks_of(mount, alice.id)}/{task['id']}"
    for change in ({"is_completed": True}, {"title": "buy oat milk"}, {"description": None}, {"is_completed": False}):
        answer = alice.request(method, path, json=task | change)
        assert answer.status_code == 200, answer.text
        changed = answer.json()
        assert {name: changed[name] for name in change} == change
        assert changed["revision"] == task["revision"] + 1
        assert (changed["id"], changed["created_at"]) == (task["id"], task["created_at"])
        task = changed


@by_put_and_patch
def test_what_javascript_makes_of_the_times_is_the_same_time(alice: Person, method: str) -> None:
    task = alice.creates(is_completed=True)
    times = ("created_at", "updated_at", "completed_at")
    kept = {name: as_javascript_keeps_it(task[name]) for name in times}
    answer = alice.request(method, f"{TASKS}/{task['id']}", json=task | kept | {"title": "changed"})
    assert (answer.status_code, answer.json()["created_at"]) == (200, task["created_at"])
    shifted = {"created_at": datetime.fromisoformat(task["created_at"]).isoformat().replace("+00:00", "Z")}
    assert alice.request(method, f"{TASKS}/{task['id']}", json={"title": "again"} | shifted).status_code == 200


@by_put_and_patch
def test_a_time_that_a_client_rounds_is_the_same_time_and_one_a_millisecond_off_is_not(
    alice: Person, shared_database: str, method: str
) -> None:
    task, me = alice.creates(), "/api/v1/auth/me"
    path = f"{TASKS}/{task['id']}"
    created = "2026-11-26T09:30:00.242600+00:00"
    for table in ("tasks", "users"):
        owner = {"tasks": "user_id", "users": "id"}[table]
        postgres.query(
            shared_database, f"UPDATE {table} SET created_at = $2 WHERE {owner} = $1", alice.id, datetime.fromisoformat(created)
        )
    for same in ("00.242Z", "00.243Z", "00.2426z", "00.243599Z", "00.241601Z"):
        sent = {"created_at": f"2026-11-26t09:30:{same}"}
        answer = alice.request(method, path, json={"title": same} | sent)
        assert (answer.status_code, answer.json()["created_at"]) == (200, created), answer.text
        assert alice.patch(me, json=sent).status_code == 200
    for other in ("00.2436Z", "00.2416Z", "01.2426Z"):
        sent = {"created_at": f"2026-11-26T09:30:{other}"}
        assert invalid_fields(alice.request(method, path, json={"title": other} | sent)) == ["created_at"]
        assert invalid_fields(alice.patch(me, json=sent)) == ["created_at"]


@by_put_and_patch
@pytest.mark.parametrize("computed", [None, {"done": -1, "all": "x"}, [], 7], ids=str)
def test_what_is_computed_may_come_back_as_anything(alice: Person, method: str, computed: object) -> None:
    task, label = alice.creates(), alice.post("/api/v1/labels", json={"name": "errand"}).json()
    sent = task | {"is_completed": True, "progress": computed, "completed_occurrence": computed}
    assert alice.request(method, f"{TASKS}/{task['id']}", json=sent).json()["is_completed"] is True
    sent = label | {"colour": "#000000", "task_count": computed, "open_count": computed}
    assert alice.request(method, f"/api/v1/labels/{label['id']}", json=sent).json()["colour"] == "#000000"


OLD: list[Callable[[Task], Task]] = [
    lambda task: {"revision": task["revision"] - 1},
    lambda task: {"revision": 0},
    lambda task: {"revision": -1},
    lambda task: {"revision": 2**70},
    lambda task: {"etag": '"x"'},
    lambda task: {"etag": ""},
    lambda task: {"etag": "*"},
    lambda task: {"etag": task["etag"][1:-1]},
    lambda task: {"etag": f"{task['etag']}, {task['etag']}"},
    lambda task: {"etag": of_another_epoch(task["etag"])},
    lambda task: {"etag": task["etag"], "revision": task["revision"] + 1},
    lambda task: {"etag": '"x"', "revision": task["revision"]},
    lambda task: {"revision": 0, "updated_at": LATER, "id": str(uuid4())},
]


@by_put_and_patch
@pytest.mark.parametrize("old", OLD)
def test_an_old_copy_changes_nothing(alice: Person, shared_database: str, method: str, old: Callable[[Task], Task]) -> None:
    alice.creates()
    task = alice.creates()
    path = f"{TASKS}/{task['id']}"
    answer = alice.request(method, path, json=task | {"title": "too late"} | old(task))
    assert assert_error(answer, 412, "task_changed") == {"current": task}
    assert answer.headers["etag"] == task["etag"]
    assert alice.get(path).json() == task
    same = alice.request(method, path, json=task | old(task))
    assert (same.status_code, same.json()) == (200, task)
    assert revision_of(shared_database, alice.id) == 2


@by_put_and_patch
def test_a_decorated_tag_in_the_body_is_ours(alice: Person, method: str) -> None:
    task = alice.creates()
    head, _, _ = task["etag"].rpartition(".")
    for number in range(4):
        sent = decorated(f'{head}.{task["revision"] + number}"')[number]
        assert alice.request(method, f"{TASKS}/{task['id']}", json={"title": f"{number}", "etag": sent}).status_code == 200


@by_put_and_patch
def test_what_only_taskwell_sets_cannot_be_set(alice: Person, bob: Person, shared_database: str, method: str) -> None:
    task = alice.creates(is_completed=True)
    path = f"{TASKS}/{task['id']}"
    wrong = {
        "id": str(uuid4()),
        "user_id": str(bob.id),
        "created_at": LATER,
        "updated_at": LATER.replace("2026", "9999"),
        "completed_at": None,
    }
    for name, value in wrong.items():
        assert invalid_fields(alice.request(method, path, json=task | {"title": "x", name: value})) == [name]
        assert invalid_fields(alice.request(method, path, json={"title": "x", name: value})) == [name]
        assert alice.request(method, path, json=task | {name: value}).json() == task
    everything = alice.request(method, path, json=task | {"title": "x"} | wrong)
    assert set(invalid_fields(everything)) == wrong.keys()
    assert {field["location"] for field in everything.json()["error"]["details"]["fields"]} == {"body"}
    condition = {"If-Match": task["etag"]}
    assert invalid_fields(alice.request(method, path, json={"title": "x", "created_at": LATER}, headers=condition)) == [
        "created_at"
    ]
    assert alice.get(path).json() == task
    assert revision_of(shared_database, alice.id) == 1


@by_put_and_patch
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("id", "x"),
        ("id", None),
        ("user_id", 1),
        ("revision", "1"),
        ("revision", 1.5),
        ("revision", None),
        ("etag", 1),
        ("etag", None),
        ("created_at", 1_700_000_000),
        ("created_at", "1700000000"),
        ("created_at", "yesterday"),
        ("created_at", "2026-11-26"),
        ("created_at", "2026-11-26T09:30:00"),
        ("created_at", None),
        ("updated_at", "0001-01-01T00:00:00+14:00"),
        ("updated_at", True),
        ("completed_at", ""),
    ],
)
def test_what_is_of_another_type_is_refused_even_where_nothing_would_change(
    alice: Person, method: str, name: str, value: object
) -> None:
    task = alice.creates()
    assert invalid_fields(alice.request(method, f"{TASKS}/{task['id']}", json=task | {name: value})) == [name]
    assert alice.sees() == [task]


@by_put_and_patch
@pytest.mark.parametrize("value", ["2026-01-01", "2026-01-01T00:00:00.000Z", None, 20454, {"year": 2026}])
def test_the_occurrence_that_was_finished_last_is_not_looked_at(alice: Person, method: str, value: object) -> None:
    task = alice.creates(due={"date": "2026-01-05"}, recurrence={"rule": "FREQ=DAILY"})
    path = f"{TASKS}/{task['id']}"
    task = alice.post(f"{path}/complete").json()
    sent = {"completed_occurrence": value}
    assert alice.request(method, path, json=task | sent).json() == task
    for body in (task | {"title": "x"}, {"title": "y"}):
        answer = alice.request(method, path, json=body | sent)
        assert (answer.status_code, answer.json()["completed_occurrence"]) == (200, "2026-01-05"), answer.text
        assert answer.json()["title"] == body["title"]
    assert invalid_fields(alice.post(TASKS, json={"title": "x"} | sent)) == ["completed_occurrence"]


@by_put_and_patch
def test_the_header_keeps_its_own_rule(alice: Person, method: str) -> None:
    task = alice.creates()
    path, old = f"{TASKS}/{task['id']}", {"If-Match": task["etag"]}
    now = alice.patch(path, json={"title": "changed"}).json()
    assert_error(alice.request(method, path, json=now, headers=old), 412, "task_changed")
    assert_error(alice.request(method, path, json=now | {"title": "x"}, headers=old), 412, "task_changed")
    assert alice.request(method, path, json=now, headers={"If-Match": now["etag"]}).json() == now
    assert_error(alice.request(method, path, json=task | {"title": "x"}, headers={"If-Match": now["etag"]}), 412, "task_changed")


def test_what_is_created_can_have_no_more_than_its_id(alice: Person) -> None:
    read = alice.creates()
    for name in ("user_id", "created_at", "updated_at", "completed_at", "revision", "etag"):
        body = {"title": "x", name: read[name]}
        assert invalid_fields(alice.post(TASKS, json=body)) == [name]
        assert invalid_fields(alice.put(f"{TASKS}/{uuid4()}", json=body, headers={"If-None-Match": "*"})) == [name]
    new = str(uuid4())
    elsewhere = alice.put(f"{TASKS}/{uuid4()}", json={"title": "x", "id": new}, headers={"If-None-Match": "*"})
    assert invalid_fields(elsewhere) == ["id"]
    assert alice.put(f"{TASKS}/{new}", json={"title": "x", "id": new}, headers={"If-None-Match": "*"}).status_code == 201


def test_anothers_copy_of_a_task_at_the_same_id_changes_nothing(alice: Person, bob: Person) -> None:
    hers = alice.creates("hers")
    his = bob.creates("his", id=hers["id"])
    assert his["revision"] == hers["revision"]
    path = f"{TASKS}/{hers['id']}"
    assert_error(bob.put(path, json=hers | {"title": "x"}), 412, "task_changed")
    assert invalid_fields(bob.put(path, json={"title": "x", "user_id": hers["user_id"]})) == ["user_id"]
    assert bob.get(path).json() == his
