"""GET and HEAD /tasks/{task_id}."""

import re
from uuid import uuid4

import httpx
import pytest

from taskwell.tasks.tables import StoredTask
from tests.support.cast import Person
from tests.support.errors import assert_error, invalid_fields
from tests.support.mounts import at_every_mount, at_named_mounts, tasks_of
from tests.support.tags import of_another_epoch, weak

RFC_3339_UTC = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|\+00:00)")


@at_every_mount
def test_it_reads_a_task(alice: Person, mount: str) -> None:
    task = alice.creates(description="two litres")
    answer = alice.get(f"{tasks_of(mount, alice.id)}/{task['id']}")
    assert answer.status_code == 200
    assert answer.json() == task
    assert list(task) == list(StoredTask.model_fields)
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "private, no-cache"


def test_times_are_rfc_3339_in_utc(alice: Person) -> None:
    task = alice.creates(is_completed=True)
    for name in ("created_at", "updated_at", "completed_at"):
        assert RFC_3339_UTC.fullmatch(task[name]), task[name]


@at_every_mount
def test_head_gives_the_headers_of_get_and_no_body(alice: Person, mount: str) -> None:
    path = f"{tasks_of(mount, alice.id)}/{alice.creates()['id']}"
    same = {"X-Request-Id": "same"}
    head, get = alice.head(path, headers=same), alice.get(path, headers=same)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers.items() - {("date", head.headers["date"])} == get.headers.items() - {("date", get.headers["date"])}
    assert head.headers["content-length"] == str(len(get.content))


def test_head_of_nothing_is_404_without_a_body(alice: Person) -> None:
    answer = alice.head(f"/api/v1/tasks/{uuid4()}")
    assert (answer.status_code, answer.content) == (404, b"")


@at_every_mount
def test_nobody_reads_without_signing_in(anonymous: httpx.Client, alice: Person, mount: str) -> None:
    assert_error(anonymous.get(f"{tasks_of(mount, alice.id)}/{alice.creates()['id']}"), 401, "token_missing")


@at_every_mount
def test_what_is_not_there_is_404(alice: Person, mount: str) -> None:
    assert_error(alice.get(f"{tasks_of(mount, alice.id)}/{uuid4()}"), 404, "task_not_found")


def test_a_deleted_task_is_not_there(alice: Person) -> None:
    path = f"/api/v1/tasks/{alice.creates()['id']}"
    alice.delete(path)
    assert_error(alice.get(path), 404, "task_not_found")


@pytest.mark.parametrize("mount", ["/api/v1/tasks", "/api/tasks", "/api/v1/users/{user}/tasks", "/users/{user}/tasks"])
def test_a_strangers_task_and_no_task_are_the_same_answer(alice: Person, bob: Person, mount: str) -> None:
    same = {"X-Request-Id": "same"}
    own = tasks_of(mount, bob.id)
    strange = bob.get(f"{own}/{alice.creates()['id']}", headers=same)
    unknown = bob.get(f"{own}/{uuid4()}", headers=same)
    assert_error(strange, 404, "task_not_found")
    assert strange.content == unknown.content


@at_named_mounts
def test_a_stranger_finds_no_such_user(alice: Person, bob: Person, mount: str) -> None:
    task = alice.creates()
    assert_error(bob.get(f"{tasks_of(mount, alice.id)}/{task['id']}"), 404, "user_not_found")
    assert_error(bob.get(f"{tasks_of(mount, uuid4())}/{task['id']}"), 404, "user_not_found")


@at_named_mounts
def test_an_administrator_reads_by_the_owners_name_alone(alice: Person, carol: Person, mount: str) -> None:
    task = alice.creates()
    assert carol.get(f"{tasks_of(mount, alice.id)}/{task['id']}").json() == task
    assert_error(carol.get(f"/api/v1/tasks/{task['id']}"), 404, "task_not_found")
    assert_error(carol.get(f"{tasks_of(mount, alice.id)}/{uuid4()}"), 404, "task_not_found")
    assert_error(carol.get(f"{tasks_of(mount, uuid4())}/{task['id']}"), 404, "user_not_found")


@pytest.mark.parametrize("task_id", ["1", "0", "-1", "abc", "null", "%20", "0" * 31, "9" * 400, "g" * 32])
def test_an_id_that_is_none_is_refused(alice: Person, task_id: str) -> None:
    assert invalid_fields(alice.get(f"/api/v1/tasks/{task_id}")) == ["task_id"]


def test_an_id_in_capitals_is_the_same_id(alice: Person) -> None:
    task = alice.creates()
    assert alice.get(f"/api/v1/tasks/{task['id'].upper()}").json() == task


def test_a_query_is_refused(alice: Person) -> None:
    assert invalid_fields(alice.get(f"/api/v1/tasks/{alice.creates()['id']}?fields=title")) == ["fields"]


@at_every_mount
def test_a_client_that_has_it_already_is_told_so(alice: Person, mount: str) -> None:
    path = f"{tasks_of(mount, alice.id)}/{alice.creates()['id']}"
    tag = alice.get(path).headers["etag"]
    for condition in (tag, weak(tag), f'"other", {tag}', f"{weak(tag)},\t{tag}", "*"):
        answer = alice.get(path, headers={"If-None-Match": condition})
        assert (answer.status_code, answer.content) == (304, b""), condition
        assert answer.headers["etag"] == tag
    assert alice.head(path, headers={"If-None-Match": tag}).status_code == 304


def test_a_client_that_has_something_else_gets_the_task(alice: Person) -> None:
    path = f"/api/v1/tasks/{alice.creates()['id']}"
    tag = alice.get(path).headers["etag"]
    for condition in ('"other"', '""', of_another_epoch(tag), tag[:-1] + '0"', 'W/"x", "y"'):
        answer = alice.get(path, headers={"If-None-Match": condition})
        assert answer.status_code == 200, condition


def test_the_tag_changes_with_the_task(alice: Person) -> None:
    path = f"/api/v1/tasks/{alice.creates()['id']}"
    before = alice.get(path).headers["etag"]
    alice.patch(path, json={"title": "another"})
    answer = alice.get(path, headers={"If-None-Match": before})
    assert answer.status_code == 200
    assert answer.headers["etag"] != before


def test_the_tag_of_a_task_says_nothing_of_other_tasks(alice: Person) -> None:
    path = f"/api/v1/tasks/{alice.creates()['id']}"
    before = alice.get(path).headers["etag"]
    alice.creates()
    assert alice.get(path).headers["etag"] == before


@pytest.mark.parametrize("condition", ["", "abc", '"abc', 'abc"', 'w/"abc"', '"a" "b"', '"a"; "b"', "W/abc", "**", '*, "a"'])
def test_a_malformed_condition_is_refused(alice: Person, condition: str) -> None:
    path = f"/api/v1/tasks/{alice.creates()['id']}"
    assert invalid_fields(alice.get(path, headers={"If-None-Match": condition})) == ["if-none-match"]
