"""GET /tasks?fields= and ?count=: what is shown of a page."""

from typing import Any

import httpx
import pytest

from taskwell.tasks.tables import StoredTask
from tests.support.cast import Person
from tests.support.errors import assert_error, invalid_fields
from tests.support.mounts import at_every_mount, tasks_of

TASKS = "/api/v1/tasks"


def test_a_page_has_the_fields_that_were_named_and_no_other(alice: Person) -> None:
    task = alice.creates('\U0001f9c0 \\ "quoted",\n{x}', description="x" * 16_384)
    for names in (["title"], ["id", "title", "etag"], list(StoredTask.model_fields), ["title", "id"], ["id", "id"]):
        (item,) = alice.get(TASKS, params={"fields": ",".join(names)}).json()["items"]
        assert item == {name: task[name] for name in names}
        assert list(item) == [name for name in task if name in names]


def test_fields_and_pages_go_together(alice: Person) -> None:
    tasks = [alice.creates(str(number)) for number in range(5)]
    query: dict[str, Any] = {"fields": "id", "limit": 2, "order": "oldest"}
    first = alice.get(TASKS, params=query)
    assert "fields=id" in first.headers["link"]
    assert alice.sees(**query) == [{"id": task["id"]} for task in tasks]
    # A cursor is of the filter and the order: what is shown may change from page to page.
    cursor = first.json()["next_cursor"]
    rest = alice.get(TASKS, params={"order": "oldest", "cursor": cursor, "count": "true"}).json()
    assert (rest["items"], rest["total"]) == (tasks[2:], 5)


@pytest.mark.parametrize(
    "fields", ["", "x", "id,", ",id", "id,,title", "id title", "folded", "position_", "ID", "id;title", "*", "%00"]
)
def test_a_field_that_there_is_not_is_refused(alice: Person, fields: str) -> None:
    assert invalid_fields(alice.get(f"{TASKS}?fields={fields}")) == ["fields"]


@pytest.mark.parametrize("fields", ["progress", "id,progress"])
def test_progress_is_a_field_only_where_it_is_asked_for(alice: Person, fields: str) -> None:
    """Else the page would be one of tasks without a field: it showed none."""
    alice.creates()
    assert invalid_fields(alice.get(TASKS, params={"fields": fields})) == ["expand"]
    (item,) = alice.get(TASKS, params={"fields": fields, "expand": "progress"}).json()["items"]
    assert item["progress"] == {"done": 0, "all": 0}


@at_every_mount
def test_the_total_is_of_all_pages_and_of_the_filter(alice: Person, bob: Person, mount: str) -> None:
    bob.creates()
    for number in range(5):
        alice.creates(str(number), is_completed=number % 2 == 0)
    path = tasks_of(mount, alice.id)
    for query, total in ((dict[str, str](), 5), ({"completed": "true"}, 3), ({"q": "4"}, 1), ({"q": "no"}, 0)):
        page = alice.get(path, params=query | {"count": "true", "limit": "2"})
        assert page.json()["total"] == total
        if page.json()["next_cursor"] is not None:
            assert alice.get(page.links["next"]["url"]).json()["total"] == total
    assert "total" not in alice.get(f"{path}?count=false").json()
    assert "total" not in alice.get(path).json()
    alice.delete(f"{TASKS}/{alice.sees()[0]['id']}")
    assert alice.get(f"{path}?count=TRUE").json()["total"] == 4


def test_a_304_counts_nothing(alice: Person) -> None:
    alice.creates()
    tag = alice.get(TASKS).headers["etag"]
    answer = alice.get(f"{TASKS}?count=true&fields=id", headers={"If-None-Match": tag})
    assert (answer.status_code, answer.content) == (304, b"")


@pytest.mark.parametrize("count", ["", "1", "yes", "null", "true&count=true"])
def test_count_is_true_or_false(alice: Person, count: str) -> None:
    assert invalid_fields(alice.get(f"{TASKS}?count={count}")) == ["count"]


def test_nobody_counts_anybody_elses(alice: Person, bob: Person, anonymous: httpx.Client) -> None:
    alice.creates()
    assert bob.get(f"{TASKS}?count=true").json() == {"items": [], "next_cursor": None, "total": 0}
    assert_error(bob.get(f"/api/v1/users/{alice.id}/tasks?count=true"), 404, "user_not_found")
    assert_error(anonymous.get(f"{TASKS}?count=true"), 401, "token_missing")
