"""`parent_id` of a task: where a subtask is, and what it is not; and `subtasks=true`."""

from typing import Any
from uuid import UUID, uuid4

import pytest

from taskwell.tasks.tree import TASK_LEVELS
from tests.api.test_task_in_a_list import departures
from tests.support import postgres
from tests.support.cast import Person
from tests.support.errors import assert_error, invalid_fields
from tests.support.lists import LISTS, unknown_references
from tests.support.stored import revision_of

TASKS = "/api/v1/tasks"
NOTHING_THERE = {"If-None-Match": "*"}
Task = dict[str, Any]
NOBODYS, LONG_AGO = str(UUID(int=1)), "2020-01-01T00:00:00Z"
by_put_and_patch = pytest.mark.parametrize("method", ["PUT", "PATCH"])


def chain(person: Person, length: int, **top: Any) -> list[Task]:
    """A task, its subtask, and so on."""
    made = [person.creates("1", **top)]
    for level in range(2, length + 1):
        made.append(person.creates(str(level), parent_id=made[-1]["id"]))
    return made


def change(person: Person, task: Task, method: str = "PATCH", **fields: Any) -> Task:
    body = {"title": task["title"]} | fields if method == "PUT" else fields
    answer = person.request(method, f"{TASKS}/{task['id']}", json=body)
    assert answer.status_code == 200, answer.text
    changed: Task = answer.json()
    return changed


def now(person: Person, *tasks: Task) -> list[Task]:
    return [person.get(f"{TASKS}/{task['id']}").json() for task in tasks]


# ---- where it is -------------------------------------------------------------------------------------------------------


def test_a_subtask_is_in_the_list_of_its_parent(alice: Person) -> None:
    made = alice.creates_list()
    for list_id in (None, made["id"]):
        parent = alice.creates(list_id=list_id)
        subtask = alice.creates(parent_id=parent["id"])
        assert (subtask["parent_id"], subtask["list_id"]) == (parent["id"], list_id)
        assert alice.creates(parent_id=parent["id"], list_id=list_id)["list_id"] == list_id
        body = {"title": "x", "parent_id": parent["id"]}
        placed = alice.put(f"{TASKS}/{uuid4()}", json=body, headers=NOTHING_THERE).json()
        assert (placed["parent_id"], placed["list_id"]) == (parent["id"], list_id)
        assert now(alice, parent, subtask) == [parent, subtask]
    assert alice.creates(parent_id=None)["parent_id"] is None


@pytest.mark.parametrize("is_own_id", [False, True])
def test_a_new_subtask_in_another_list_than_its_parent_is_refused(alice: Person, is_own_id: bool, shared_database: str) -> None:
    made = alice.creates_list()
    parent, other = alice.creates(list_id=made["id"]), alice.creates_list()["id"]
    before = revision_of(shared_database, alice.id)
    for list_id in (other, None):
        body = {"title": "x", "parent_id": parent["id"], "list_id": list_id}
        own = {"id": str(uuid4())} if is_own_id else {}
        assert invalid_fields(alice.post(TASKS, json=body | own)) == ["list_id"]
        assert invalid_fields(alice.put(f"{TASKS}/{uuid4()}", json=body, headers=NOTHING_THERE)) == ["list_id"]
    assert revision_of(shared_database, alice.id) == before


@by_put_and_patch
def test_a_task_that_gets_a_parent_comes_into_its_list_and_takes_its_subtasks_along(
    alice: Person, method: str, shared_database: str
) -> None:
    first, second = alice.creates_list()["id"], alice.creates_list()["id"]
    top, middle, bottom = chain(alice, 3, list_id=first)
    parent = alice.creates(list_id=second)
    moved = change(alice, top, method, parent_id=parent["id"])
    assert (moved["parent_id"], moved["list_id"]) == (parent["id"], second)
    assert moved["position"] > parent["position"]
    along = now(alice, middle, bottom)
    assert [(task["list_id"], task["revision"], task["parent_id"]) for task in along] == [
        (second, moved["revision"], top["id"]),
        (second, moved["revision"], middle["id"]),
    ]
    assert [task["updated_at"] for task in along] == [moved["updated_at"]] * 2
    assert revision_of(shared_database, alice.id) == moved["revision"]
    assert departures(shared_database, alice) == {(first, task["id"], moved["revision"]) for task in (top, middle, bottom)}
    assert now(alice, parent) == [parent]
    alone = change(alice, moved, method, parent_id=None)
    assert (alone["parent_id"], alone["list_id"]) == (None, second), "it stays in the list"


@by_put_and_patch
def test_moving_a_parent_takes_all_that_is_below_along_under_one_revision(
    alice: Person, method: str, shared_database: str
) -> None:
    made = alice.creates_list()["id"]
    tasks = chain(alice, TASK_LEVELS)
    sibling = alice.creates(parent_id=tasks[0]["id"])
    beside = alice.creates("not below")
    moved = change(alice, tasks[0], method, list_id=made)
    assert {(task["list_id"], task["revision"]) for task in now(alice, *tasks, sibling)} == {(made, moved["revision"])}
    assert revision_of(shared_database, alice.id) == moved["revision"]
    assert departures(shared_database, alice) == set(), "the inbox keeps no notes"
    back = change(alice, moved, method, list_id=None)
    assert {(task["list_id"], task["revision"]) for task in now(alice, *tasks, sibling)} == {(None, back["revision"])}
    assert departures(shared_database, alice) == {(made, task["id"], back["revision"]) for task in (*tasks, sibling)}
    assert now(alice, beside) == [beside]


@by_put_and_patch
def test_a_subtask_that_goes_into_another_list_is_a_subtask_no_longer(alice: Person, method: str) -> None:
    made = alice.creates_list()["id"]
    top, middle, bottom = chain(alice, 3)
    moved = change(alice, middle, method, list_id=made)
    assert (moved["list_id"], moved["parent_id"]) == (made, None)
    (along,) = now(alice, bottom)
    assert (along["list_id"], along["parent_id"], along["revision"]) == (made, middle["id"], moved["revision"])
    assert now(alice, top) == [top]
    assert change(alice, bottom, method, list_id=made) == along, "it is in that list"


@by_put_and_patch
def test_what_was_read_comes_back_and_what_differs_is_meant(alice: Person, method: str) -> None:
    made = alice.creates_list()["id"]
    parent = alice.creates(list_id=made)
    task = alice.creates()
    path = f"{TASKS}/{task['id']}"

    def sends(body: Task) -> Task:
        answer = alice.request(method, path, json=body)
        assert answer.status_code == 200, answer.text
        changed: Task = answer.json()
        return changed

    assert sends(task) == task
    below = sends(task | {"parent_id": parent["id"]})
    assert (below["parent_id"], below["list_id"]) == (parent["id"], made)
    assert sends(below) == below
    assert sends(below | {"title": "y"})["parent_id"] == parent["id"]
    below = now(alice, task)[0]
    in_inbox = sends(below | {"list_id": None})
    assert (in_inbox["parent_id"], in_inbox["list_id"]) == (None, None)
    old = alice.request(method, path, json=below | {"parent_id": parent["id"], "title": "z"})
    assert assert_error(old, 412, "task_changed") == {"current": in_inbox}
    both = {"title": "x", "parent_id": parent["id"], "list_id": alice.creates_list()["id"]}
    assert invalid_fields(alice.request(method, path, json=both)) == ["list_id"]
    assert now(alice, task) == [in_inbox]


def test_an_old_client_that_replaces_a_subtask_leaves_it_where_it_is(alice: Person) -> None:
    top, subtask = chain(alice, 2)
    assert change(alice, subtask, "PUT", title="y")["parent_id"] == top["id"]
    assert change(alice, top, "PUT", title="y")["parent_id"] is None


def test_a_repeated_creation_of_a_subtask_finds_it(alice: Person, shared_database: str) -> None:
    parent = alice.creates(list_id=alice.creates_list()["id"])
    body = {"title": "x", "id": str(uuid4()), "parent_id": parent["id"]}
    first, again = alice.post(TASKS, json=body), alice.post(TASKS, json=body)
    assert (first.status_code, again.status_code, again.json()) == (201, 200, first.json())
    assert_error(alice.post(TASKS, json={"title": "x", "id": body["id"]}), 409, "task_id_taken")
    assert revision_of(shared_database, alice.id) == first.json()["revision"]


@by_put_and_patch
def test_a_label_is_made_by_what_goes_below_another_task(alice: Person, method: str) -> None:
    parent = alice.creates()
    assert alice.creates(parent_id=parent["id"], labels=["new"])["labels"] == ["new"]
    body = {"title": "x", "parent_id": parent["id"], "labels": ["newer", "New"]}
    placed = alice.put(f"{TASKS}/{uuid4()}", json=body, headers=NOTHING_THERE).json()
    assert (placed["parent_id"], placed["labels"]) == (parent["id"], ["newer", "new"])
    changed = change(alice, alice.creates(), method, parent_id=parent["id"], labels=["newest"])
    assert (changed["parent_id"], changed["labels"]) == (parent["id"], ["newest"])


# ---- what is refused ---------------------------------------------------------------------------------------------------


def test_a_tree_has_so_many_levels_and_no_more(alice: Person, shared_database: str) -> None:
    tasks, other = chain(alice, TASK_LEVELS), chain(alice, 2)
    before = revision_of(shared_database, alice.id)
    bottom = tasks[-1]["id"]
    assert_error(alice.post(TASKS, json={"title": "x", "parent_id": bottom}), 409, "too_many_levels")
    new = {"title": "x", "parent_id": bottom}
    assert_error(alice.put(f"{TASKS}/{uuid4()}", json=new, headers=NOTHING_THERE), 409, "too_many_levels")
    for parent, task in ((tasks[-1], other[1]), (tasks[-2], other[0]), (other[0], tasks[0]), (other[1], tasks[1])):
        answer = alice.patch(f"{TASKS}/{task['id']}", json={"parent_id": parent["id"]})
        assert_error(answer, 409, "too_many_levels")
    assert revision_of(shared_database, alice.id) == before
    assert change(alice, other[1], parent_id=tasks[-2]["id"])["parent_id"] == tasks[-2]["id"]
    assert change(alice, tasks[1], parent_id=other[0]["id"])["parent_id"] == other[0]["id"]


@by_put_and_patch
def test_a_task_is_never_below_itself(alice: Person, method: str, shared_database: str) -> None:
    tasks = chain(alice, 4)
    before = revision_of(shared_database, alice.id)
    for parent in tasks:
        body = {"title": "x", "parent_id": parent["id"]}
        assert_error(alice.request(method, f"{TASKS}/{tasks[0]['id']}", json=body), 409, "below_itself")
    single = alice.creates()
    assert_error(alice.patch(f"{TASKS}/{single['id']}", json={"parent_id": single["id"]}), 409, "below_itself")
    stale = alice.patch(f"{TASKS}/{tasks[0]['id']}", json={"parent_id": tasks[1]["id"]}, headers={"If-Match": '"stale"'})
    assert assert_error(stale, 412, "task_changed") == {"current": tasks[0]}
    assert now(alice, *tasks) == tasks
    assert revision_of(shared_database, alice.id) == before + 1


def test_a_parent_that_is_not_there_is_unknown_wherever_it_is_named(alice: Person, bob: Person, shared_database: str) -> None:
    """Whether it never was, is deleted, is another's or is a list cannot be told, to the byte."""
    task, made = alice.creates(), alice.creates_list()["id"]
    deleted = alice.creates()["id"]
    alice.delete(f"{TASKS}/{deleted}")
    before = revision_of(shared_database, alice.id)
    path = f"{TASKS}/{task['id']}"
    requests: list[tuple[str, str, Task, dict[str, str]]] = [
        ("POST", TASKS, {"title": "x"}, {}),
        ("POST", TASKS, {"title": "x", "id": str(uuid4())}, {}),
        ("PUT", path, {"title": "x"}, {}),
        ("PUT", path, task, {}),
        ("PUT", f"{TASKS}/{uuid4()}", {"title": "x"}, NOTHING_THERE),
        ("PATCH", path, {}, {}),
        ("PATCH", path, {"title": "x"}, {"If-Match": task["etag"]}),
    ]
    for method, address, body, headers in requests:
        answers = [
            alice.request(method, address, json=body | {"parent_id": parent_id}, headers=headers | {"X-Request-Id": "x"})
            for parent_id in (str(uuid4()), deleted, bob.creates()["id"], made)
        ]
        for answer in answers:
            assert unknown_references(answer) == [("body", "parent_id")]
            assert answer.content == answers[0].content
    assert now(alice, task) == [task]
    assert revision_of(shared_database, alice.id) == before


@pytest.mark.parametrize("parent_id", ["none", "", "x", 1, True, [], {}])
def test_what_is_no_id_is_refused(alice: Person, parent_id: Any) -> None:
    task = alice.creates()
    assert invalid_fields(alice.post(TASKS, json={"title": "x", "parent_id": parent_id})) == ["parent_id"]
    assert invalid_fields(alice.patch(f"{TASKS}/{task['id']}", json={"parent_id": parent_id})) == ["parent_id"]


def test_what_is_refused_anyway_is_refused_first(alice: Person) -> None:
    parent = alice.creates()
    assert_error(alice.patch(f"{TASKS}/{uuid4()}", json={"parent_id": parent["id"]}), 404, "task_not_found")
    assert_error(alice.patch(f"{TASKS}/{uuid4()}?subtasks=true", json={"is_completed": True}), 404, "task_not_found")
    assert_error(alice.put(f"{TASKS}/{uuid4()}?subtasks=true", json={"title": "x"}), 404, "task_not_found")


# ---- deleted and completed ---------------------------------------------------------------------------------------------


def test_deleting_a_task_deletes_what_is_below_under_one_revision(alice: Person, shared_database: str) -> None:
    tasks = chain(alice, TASK_LEVELS)
    sibling, before = alice.creates(parent_id=tasks[1]["id"]), alice.creates(parent_id=tasks[1]["id"])
    alice.delete(f"{TASKS}/{before['id']}")
    revision = revision_of(shared_database, alice.id)
    stale = alice.delete(f"{TASKS}/{tasks[1]['id']}", headers={"If-Match": '"stale"'})
    assert assert_error(stale, 412, "task_changed") == {"current": tasks[1]}
    assert alice.delete(f"{TASKS}/{tasks[1]['id']}", headers={"If-Match": tasks[1]["etag"]}).status_code == 204
    assert alice.sees() == [tasks[0]]
    sql = "SELECT id, deleted_with, revision, deleted_at FROM tasks WHERE user_id = $1 AND deleted_at IS NOT NULL"
    rows = {str(row["id"]): row for row in postgres.query(shared_database, sql, alice.id)}
    assert rows.keys() == {task["id"] for task in (*tasks[1:], sibling, before)}
    assert rows[before["id"]]["deleted_with"] is None
    assert rows[tasks[1]["id"]]["deleted_with"] is None
    below = [rows[task["id"]] for task in (*tasks[2:], sibling)]
    assert {str(row["deleted_with"]) for row in below} == {tasks[1]["id"]}
    assert {row["revision"] for row in below} == {revision + 1} == {rows[tasks[1]["id"]]["revision"]}
    assert len({row["deleted_at"] for row in below} | {rows[tasks[1]["id"]]["deleted_at"]}) == 1
    assert revision_of(shared_database, alice.id) == revision + 1
    assert_error(alice.delete(f"{TASKS}/{tasks[2]['id']}"), 404, "task_not_found")
    assert alice.delete(f"{TASKS}/{tasks[0]['id']}").status_code == 204


def test_deleting_a_list_deletes_the_subtasks_in_it(alice: Person) -> None:
    made = alice.creates_list()["id"]
    chain(alice, 3, list_id=made)
    assert alice.delete(f"{LISTS}/{made}").status_code == 204
    assert alice.sees() == []


@by_put_and_patch
def test_completing_a_parent_leaves_its_subtasks_or_takes_them_with_it(alice: Person, method: str, shared_database: str) -> None:
    tasks = chain(alice, 3)
    done = change(alice, alice.creates(parent_id=tasks[0]["id"]), is_completed=True)
    completed = change(alice, tasks[0], method, is_completed=True)
    assert now(alice, *tasks[1:], done) == [*tasks[1:], done]
    path = f"{TASKS}/{tasks[0]['id']}"
    body = {"title": "1", "is_completed": True}
    answer = alice.request(method, f"{path}?subtasks=true", json=body)
    assert (answer.status_code, answer.json()) == (200, completed), "the parent itself was completed before"
    below = now(alice, *tasks[1:])
    assert all(task["is_completed"] and task["completed_at"] == task["updated_at"] for task in below)
    assert {task["revision"] for task in below} == {completed["revision"] + 1}
    assert revision_of(shared_database, alice.id) == completed["revision"] + 1
    assert now(alice, done) == [done]
    alice.request(method, f"{path}?subtasks=true", json=body)
    assert revision_of(shared_database, alice.id) == completed["revision"] + 1, "nothing was left to do"
    reopened = alice.request(method, f"{path}?subtasks=true", json=body | {"is_completed": False}).json()
    assert not reopened["is_completed"]
    assert now(alice, *tasks[1:]) == below
    change(alice, tasks[1], is_completed=False)
    again = alice.request(method, f"{path}?subtasks=True", json=body).json()
    assert [(task["is_completed"], task["revision"]) for task in now(alice, *tasks[:2])] == [(True, again["revision"])] * 2


@pytest.mark.parametrize("way", ["PATCH", "PATCH with subtasks", "batch"])
@pytest.mark.parametrize("known", ["etag", "revision"])
@pytest.mark.parametrize("body", [{"due": None}, {"title": "1"}])
def test_an_old_copy_that_changes_nothing_leaves_the_subtasks_alone(
    alice: Person, way: str, known: str, body: dict[str, Any], shared_database: str
) -> None:
    """A subtask that went back to an older revision would be in nobody's feed, and a tag of before would hold again."""
    parent, child = chain(alice, 2, list_id=alice.creates_list()["id"])
    old = {known: parent[known]}
    parent = change(alice, parent, description="a newer one")
    child = change(alice, child, title="edited")
    said = body | old
    path = f"{TASKS}/{parent['id']}"
    if way == "batch":
        operation = {"op": "change", "kind": "task", "id": parent["id"], "value": said, "subtasks": True}
        answer = alice.post("/api/v1/batch", json={"operations": [operation]})
        assert answer.json()["results"][0]["status"] == 200, answer.text
    else:
        answer = alice.patch(f"{path}?subtasks=true" if way.endswith("subtasks") else path, json=said)
        assert (answer.status_code, answer.json()) == (200, parent)
    assert now(alice, parent, child) == [parent, child]
    assert revision_of(shared_database, alice.id) == child["revision"]


WRONG = {"id": NOBODYS, "user_id": NOBODYS, "created_at": LONG_AGO, "updated_at": LONG_AGO, "completed_at": None}


@by_put_and_patch
@pytest.mark.parametrize("field", WRONG)
def test_what_was_read_is_looked_at_where_only_subtasks_would_change(
    alice: Person, method: str, field: str, shared_database: str
) -> None:
    parent, child = chain(alice, 2)
    parent = change(alice, parent, is_completed=True)
    body = parent | {field: WRONG[field]}
    assert invalid_fields(alice.request(method, f"{TASKS}/{parent['id']}?subtasks=true", json=body)) == [field]
    operation = {"op": "change", "kind": "task", "id": parent["id"], "value": body, "subtasks": True}
    (result,) = alice.post("/api/v1/batch", json={"operations": [operation]}).json()["results"]
    assert result["status"] == 400
    assert now(alice, parent, child) == [parent, child]
    assert revision_of(shared_database, alice.id) == parent["revision"]


@by_put_and_patch
def test_an_old_copy_completes_no_subtasks(alice: Person, method: str, shared_database: str) -> None:
    parent, child = chain(alice, 2)
    old = change(alice, parent, is_completed=True)
    parent = change(alice, old, description="a newer one")
    path, body = f"{TASKS}/{parent['id']}?subtasks=true", parent | {"revision": old["revision"], "etag": old["etag"]}
    assert assert_error(alice.request(method, path, json=body), 412, "task_changed") == {"current": parent}
    operation = {"op": "change", "kind": "task", "id": parent["id"], "value": body, "subtasks": True}
    others = {"op": "create", "kind": "task", "value": {"title": "beside it"}}
    results = alice.post("/api/v1/batch", json={"operations": [others, operation]}).json()["results"]
    assert [one["status"] for one in results] == [201, 412]
    assert now(alice, parent, child) == [parent, child]
    assert revision_of(shared_database, alice.id) == parent["revision"] + 1, "that of the task beside it"
    done = change(alice, child, is_completed=True)
    assert alice.request(method, path, json=body).json() == parent, "nothing below it is open, so nothing would change"
    assert now(alice, child) == [done]


def test_a_series_below_a_task_does_not_end_with_it(alice: Person) -> None:
    parent = alice.creates()
    daily = {"rule": "FREQ=DAILY", "from": "schedule"}
    series = alice.creates(parent_id=parent["id"], due={"date": "2027-01-01"}, recurrence=daily)
    single = alice.creates(parent_id=parent["id"])
    alice.patch(f"{TASKS}/{parent['id']}?subtasks=true", json={"is_completed": True})
    assert now(alice, series) == [series]
    assert now(alice, single)[0]["is_completed"]


@pytest.mark.parametrize("subtasks", ["", "yes", "1"])
def test_whether_subtasks_go_along_is_a_boolean(alice: Person, subtasks: str) -> None:
    path = f"{TASKS}/{alice.creates()['id']}?subtasks={subtasks}"
    assert invalid_fields(alice.patch(path, json={"is_completed": True})) == ["subtasks"]
    assert invalid_fields(alice.put(path, json={"title": "x"})) == ["subtasks"]


def test_an_administrator_names_the_owners_tasks(alice: Person, carol: Person) -> None:
    parent, own = alice.creates(), carol.creates()
    tasks = f"/api/v1/users/{alice.id}/tasks"
    assert carol.post(tasks, json={"title": "x", "parent_id": parent["id"]}).json()["parent_id"] == parent["id"]
    assert unknown_references(carol.post(tasks, json={"title": "x", "parent_id": own["id"]})) == [("body", "parent_id")]
    assert carol.delete(f"{tasks}/{parent['id']}").status_code == 204
    assert alice.sees() == []
