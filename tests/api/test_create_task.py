"""POST /tasks."""

from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from tests.support.cast import Person
from tests.support.errors import assert_error, invalid_fields
from tests.support.mounts import MOUNTS, at_every_mount, at_named_mounts, tasks_of
from tests.support.stored import revision_of


def test_it_creates_a_task_and_says_where(alice: Person) -> None:
    answer = alice.post("/api/v1/tasks", json={"title": "buy milk", "description": "two litres"})
    task = answer.json()
    assert answer.status_code == 201
    assert task["title"] == "buy milk"
    assert task["description"] == "two litres"
    assert task["is_completed"] is False
    assert task["completed_at"] is None
    assert task["user_id"] == str(alice.id)
    assert UUID(task["id"]).version == 7
    assert answer.headers["location"] == f"/api/v1/tasks/{task['id']}"
    read = alice.get(answer.headers["location"])
    assert read.json() == task
    assert read.headers["etag"] == answer.headers["etag"]


@at_every_mount
def test_it_works_at_every_address_and_is_then_found_at_all_of_them(alice: Person, mount: str) -> None:
    tasks = tasks_of(mount, alice.id)
    answer = alice.post(tasks, json={"title": "buy milk"})
    assert answer.status_code == 201
    assert answer.headers["location"] == f"{tasks}/{answer.json()['id']}"
    for other in MOUNTS:
        read = alice.get(f"{tasks_of(other, alice.id)}/{answer.json()['id']}")
        assert (read.status_code, read.content) == (200, answer.content)


def test_what_is_created_through_tasks_is_read_through_the_own_user_id(alice: Person) -> None:
    task = alice.creates("x")
    assert alice.get(f"/api/v1/users/{alice.id}/tasks/{task['id']}").json() == task
    assert alice.get(f"/users/{alice.id}/tasks/{task['id']}").json() == task
    assert alice.get(f"/users/{alice.id}/tasks").json()["items"] == [task]


@at_every_mount
def test_nobody_creates_without_signing_in(anonymous: httpx.Client, alice: Person, mount: str) -> None:
    assert_error(anonymous.post(tasks_of(mount, alice.id), json={"title": "x"}), 401, "token_missing")
    garbage = {"Authorization": "Bearer garbage"}
    assert_error(anonymous.post(tasks_of(mount, alice.id), json={"title": "x"}, headers=garbage), 401, "token_invalid")
    assert alice.sees() == []


@at_named_mounts
def test_a_stranger_cannot_create_for_somebody_else(alice: Person, bob: Person, mount: str) -> None:
    assert_error(bob.post(tasks_of(mount, alice.id), json={"title": "x"}), 404, "user_not_found")
    assert alice.sees() == bob.sees() == []


@at_named_mounts
def test_an_administrator_creates_for_somebody_else(alice: Person, carol: Person, mount: str) -> None:
    answer = carol.post(tasks_of(mount, alice.id), json={"title": "from carol"})
    assert answer.status_code == 201
    assert answer.json()["user_id"] == str(alice.id)
    assert alice.sees() == [answer.json()]
    assert carol.sees() == []


@at_named_mounts
def test_an_administrator_cannot_create_for_nobody(carol: Person, mount: str) -> None:
    assert_error(carol.post(tasks_of(mount, uuid4()), json={"title": "x"}), 404, "user_not_found")


def test_a_task_can_be_created_completed(alice: Person) -> None:
    task = alice.creates(is_completed=True)
    assert task["is_completed"] is True
    assert task["completed_at"] == task["created_at"] == task["updated_at"]


def test_each_creation_takes_the_next_revision(alice: Person) -> None:
    assert [alice.creates()["revision"] for _ in range(3)] == [1, 2, 3]


@pytest.mark.parametrize(
    "title",
    [
        "x",
        "  padded  ",
        "x" * 255,
        "\U0001f9c0" * 255,
        "שלום",
        "e\u0301 is not \u00e9",
        'quote " \\ / \u2028',
        "two\nlines",
        "x\x7f\u0085",
    ],
)
def test_a_title_is_kept_to_the_letter(alice: Person, title: str) -> None:
    task = alice.creates(title, description=title)
    assert (task["title"], task["description"]) == (title, title)
    assert alice.sees() == [task]


@pytest.mark.parametrize("description", [None, "", " ", "\n", "x" * 16_384, "\U0001f9c0" * 16_384])
def test_a_description_is_kept_to_the_letter(alice: Person, description: str | None) -> None:
    assert alice.creates(description=description)["description"] == description


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "title"),
        ({"title": None}, "title"),
        ({"title": ""}, "title"),
        ({"title": " \t\n\u00a0\u3000"}, "title"),
        ({"title": "x" * 256}, "title"),
        ({"title": 1}, "title"),
        ({"title": ["x"]}, "title"),
        ({"title": "x", "description": "x" * 16_385}, "description"),
        ({"title": "x", "description": 1}, "description"),
        ({"title": "x", "is_completed": "yes"}, "is_completed"),
        ({"title": "x", "is_completed": 1}, "is_completed"),
        ({"title": "x", "is_completed": None}, "is_completed"),
        ({"title": "x", "id": "1"}, "id"),
        ({"title": "x", "id": 1}, "id"),
        ({"title": "x", "name": "y"}, "name"),
    ],
)
def test_an_invalid_task_is_refused_with_the_name_of_the_field(alice: Person, body: dict[str, Any], field: str) -> None:
    assert invalid_fields(alice.post("/api/v1/tasks", json=body)) == [field]
    assert alice.sees() == []


@pytest.mark.parametrize(
    "field", ["user_id", "owner", "revision", "created_at", "updated_at", "completed_at", "deleted_at", "is_admin"]
)
def test_what_the_server_decides_cannot_be_sent(alice: Person, bob: Person, field: str) -> None:
    values = {"user_id": str(bob.id), "owner": str(bob.id), "revision": 7, "is_admin": True}
    body = {"title": "x", field: values.get(field, "2020-01-01T00:00:00Z")}
    assert invalid_fields(alice.post("/api/v1/tasks", json=body)) == [field]
    assert alice.sees() == bob.sees() == []


def test_every_wrong_field_is_named_at_once(alice: Person) -> None:
    answer = alice.post("/api/v1/tasks", json={"title": "", "description": 1, "is_completed": "no", "more": 1})
    assert invalid_fields(answer) == ["title", "description", "is_completed", "more"]


def test_of_very_many_wrong_fields_only_the_first_are_named(alice: Person) -> None:
    answer = alice.post("/api/v1/tasks", json={"title": "x"} | {f"field{i}": i for i in range(90)})
    assert len(invalid_fields(answer)) == 20


def test_an_object_of_more_fields_than_anything_has_is_not_even_looked_at(alice: Person) -> None:
    assert invalid_fields(alice.post("/api/v1/tasks", json={f"field{i}": i for i in range(150)})) == [None]


def test_a_query_is_refused(alice: Person) -> None:
    assert invalid_fields(alice.post("/api/v1/tasks?dry_run=true", json={"title": "x"})) == ["dry_run"]
    assert alice.sees() == []


def test_a_task_can_have_an_id_of_the_clients_own(alice: Person) -> None:
    task_id = str(uuid4())
    answer = alice.post("/api/v1/tasks", json={"title": "x", "id": task_id})
    assert answer.status_code == 201
    assert answer.json()["id"] == task_id
    assert answer.headers["location"] == f"/api/v1/tasks/{task_id}"


def test_an_id_that_is_null_is_one_that_the_server_chooses(alice: Person) -> None:
    assert UUID(alice.creates(id=None)["id"]).version == 7


def test_repeating_a_creation_with_an_own_id_finds_the_first(alice: Person, shared_database: str) -> None:
    body = {"title": "x", "description": "y", "is_completed": True, "id": str(uuid4())}
    first = alice.post("/api/v1/tasks", json=body)
    second = alice.post("/api/v1/tasks", json=body)
    assert (first.status_code, second.status_code) == (201, 200)
    assert second.content == first.content
    assert second.headers["etag"] == first.headers["etag"]
    assert second.headers["location"] == first.headers["location"]
    assert revision_of(shared_database, alice.id) == 1
    assert alice.sees() == [first.json()]


@pytest.mark.parametrize("other", [{"title": "y"}, {"description": "y"}, {"description": None}, {"is_completed": True}])
def test_an_id_taken_by_another_content_is_a_conflict(alice: Person, other: dict[str, Any]) -> None:
    body = {"title": "x", "description": "", "id": str(uuid4())}
    task = alice.post("/api/v1/tasks", json=body).json()
    answer = alice.post("/api/v1/tasks", json=body | other)
    assert assert_error(answer, 409, "task_id_taken") == {}
    assert alice.sees() == [task]


def test_the_id_of_a_deleted_task_is_taken(alice: Person) -> None:
    body = {"title": "x", "id": str(uuid4())}
    alice.post("/api/v1/tasks", json=body)
    alice.delete(f"/api/v1/tasks/{body['id']}")
    assert_error(alice.post("/api/v1/tasks", json=body), 409, "task_id_taken")
    assert alice.sees() == []


def test_a_conflict_takes_no_revision(alice: Person, shared_database: str) -> None:
    task = alice.creates()
    alice.post("/api/v1/tasks", json={"title": "another", "id": task["id"]})
    assert revision_of(shared_database, alice.id) == 1


def test_another_user_may_use_the_same_id_and_learns_nothing(alice: Person, bob: Person) -> None:
    task_id = str(uuid4())
    of_alice = alice.creates("hers", id=task_id)
    of_bob = bob.creates("his", id=task_id)
    assert of_bob["revision"] == 1
    assert bob.get(f"/api/v1/tasks/{task_id}").json() == of_bob
    assert bob.delete(f"/api/v1/tasks/{task_id}").status_code == 204
    assert alice.get(f"/api/v1/tasks/{task_id}").json() == of_alice
    assert bob.post("/api/v1/tasks", json={"title": "hers", "id": task_id}).status_code == 409
