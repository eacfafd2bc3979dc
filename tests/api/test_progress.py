"""GET /tasks/{task_id}?expand=progress: how far the direct subtasks are, and a tag that changes with them."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

from tests.support.cast import Person
from tests.support.errors import assert_error, invalid_fields

TASKS = "/api/v1/tasks"


def test_it_counts_the_direct_subtasks_and_those_that_are_done(alice: Person) -> None:
    task = alice.creates()
    path = f"{TASKS}/{task['id']}?expand=progress"
    tags: list[str] = []

    def after(done: int, of_all: int, step: Callable[[], Any]) -> None:
        step()
        answer = alice.get(path)
        assert (answer.status_code, answer.json()) == (200, task | {"progress": {"done": done, "all": of_all}})
        assert answer.headers["etag"] not in tags, "it changes when a subtask does, although the task's own does not"
        tags.append(answer.headers["etag"])
        for known in (tags[-1], f'"x", W/{tags[-1]}', "*"):
            assert alice.get(path, headers={"If-None-Match": known}).status_code == 304
        for known in (task["etag"], *tags[:-1]):
            assert alice.get(path, headers={"If-None-Match": known}).status_code == 200

    after(0, 0, lambda: None)
    subtasks: list[str] = []
    for number in range(1, 4):
        after(0, number, lambda: subtasks.append(alice.creates(parent_id=task["id"])["id"]))
    first, second, third = (f"{TASKS}/{subtask}" for subtask in subtasks)
    after(1, 3, lambda: alice.patch(first, json={"is_completed": True}))
    after(1, 3, lambda: alice.patch(second, json={"title": "renamed"}))
    after(1, 2, lambda: alice.patch(third, json={"parent_id": None}))
    after(0, 1, lambda: alice.delete(first))
    after(0, 2, lambda: alice.patch(third, json={"parent_id": task["id"]}))
    alice.creates(parent_id=subtasks[1], is_completed=True)
    assert alice.get(path).json()["progress"] == {"done": 0, "all": 2}, "of the direct ones alone"
    assert alice.get(f"{TASKS}/{task['id']}").json() == task


def test_the_task_is_sent_back_as_it_was_read_and_under_that_tag(alice: Person) -> None:
    task = alice.creates()
    alice.creates(parent_id=task["id"])
    path = f"{TASKS}/{task['id']}"
    read = alice.get(f"{path}?expand=progress")
    answer = alice.put(path, json=read.json() | {"title": "y"}, headers={"If-Match": read.headers["etag"]})
    assert (answer.status_code, answer.json()["title"]) == (200, "y")
    assert_error(alice.patch(path, json={"title": "z"}, headers={"If-Match": read.headers["etag"]}), 412, "task_changed")


def test_what_is_not_there_has_no_progress(alice: Person, bob: Person) -> None:
    task = alice.creates()
    for who, task_id in ((alice, uuid4()), (bob, task["id"])):
        assert_error(who.get(f"{TASKS}/{task_id}?expand=progress"), 404, "task_not_found")
    assert invalid_fields(alice.get(f"{TASKS}/{task['id']}?expand=all")) == ["expand"]
    assert invalid_fields(alice.get(f"{TASKS}/{task['id']}?expand=progress", headers={"If-None-Match": "x"})) == ["if-none-match"]


def test_a_list_shows_it_of_each_on_request(alice: Person) -> None:
    parent = alice.creates("parent")
    child = alice.creates("child", parent_id=parent["id"], is_completed=True)
    alice.creates("deleted", parent_id=parent["id"])
    assert alice.delete(f"{TASKS}/{alice.get(TASKS).json()['items'][0]['id']}").status_code == 204
    plain = {task["id"]: task for task in alice.get(TASKS).json()["items"]}
    page = alice.get(TASKS, params={"expand": "progress", "limit": 1}).json()
    both = [
        *page["items"],
        *alice.get(TASKS, params={"expand": "progress", "limit": 1, "cursor": page["next_cursor"]}).json()["items"],
    ]
    counts = {child["id"]: {"done": 0, "all": 0}, parent["id"]: {"done": 1, "all": 1}}
    assert {task["id"]: task for task in both} == {one: plain[one] | {"progress": counts[one]} for one in counts}
    some = alice.get(TASKS, params={"expand": "progress", "fields": "title,progress", "parent_id": "none"}).json()["items"]
    assert some == [{"title": "parent", "progress": {"done": 1, "all": 1}}]
    assert "progress" not in alice.get(TASKS, params={"count": True}).json()["items"][0]
    assert invalid_fields(alice.get(TASKS, params={"expand": "all"})) == ["expand"]
