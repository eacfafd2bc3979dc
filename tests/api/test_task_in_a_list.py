"""`list_id` of a task: the inbox, a list, and what is none of the user's."""

from typing import Any
from uuid import UUID, uuid4

import pytest

from tests.support import postgres
from tests.support.cast import Person
from tests.support.errors import assert_error, invalid_fields
from tests.support.lists import LISTS, unknown_references
from tests.support.stored import revision_of

TASKS = "/api/v1/tasks"
NOTHING_THERE = {"If-None-Match": "*"}


def departures(database_url: str, user: Person) -> set[tuple[str, str, int]]:
    rows = postgres.query(database_url, "SELECT list_id, task_id, revision FROM departures WHERE user_id = $1", user.id)
    return {(str(row["list_id"]), str(row["task_id"]), row["revision"]) for row in rows}


def test_a_task_starts_in_the_inbox_or_in_the_list_that_is_named(alice: Person) -> None:
    made = alice.creates_list()
    assert alice.creates()["list_id"] is None
    assert alice.creates(list_id=None)["list_id"] is None
    task = alice.creates(list_id=made["id"])
    assert task["list_id"] == made["id"]
    assert alice.get(f"{TASKS}/{task['id']}").json() == task
    placed = alice.put(f"{TASKS}/{uuid4()}", json={"title": "x", "list_id": made["id"]}, headers=NOTHING_THERE)
    assert (placed.status_code, placed.json()["list_id"]) == (201, made["id"])


def test_an_old_client_that_replaces_a_task_leaves_it_in_its_list(alice: Person) -> None:
    made = alice.creates_list()
    task = alice.creates(description="x", list_id=made["id"], is_completed=True)
    path = f"{TASKS}/{task['id']}"
    replaced = alice.put(path, json={"title": "y"}).json()
    assert (replaced["list_id"], replaced["description"], replaced["is_completed"]) == (made["id"], None, False)
    assert alice.put(path, json={"title": "y", "list_id": None}).json()["list_id"] is None
    assert alice.put(path, json={"title": "y", "list_id": made["id"]}).json()["list_id"] == made["id"]
    assert alice.patch(path, json={"title": "z"}).json()["list_id"] == made["id"]
    assert alice.patch(path, json={"list_id": None}).json()["list_id"] is None


def test_a_task_that_was_read_is_sent_back_with_its_list(alice: Person) -> None:
    made = alice.creates_list()
    task = alice.creates(list_id=made["id"])
    path = f"{TASKS}/{task['id']}"
    assert alice.put(path, json=task).json() == task
    moved = alice.put(path, json=task | {"list_id": None})
    assert (moved.status_code, moved.json()["list_id"]) == (200, None)
    assert unknown_references(alice.put(path, json=moved.json() | {"list_id": str(uuid4())})) == [("body", "list_id")]


def test_a_repeated_creation_in_another_list_is_a_conflict(alice: Person) -> None:
    made = alice.creates_list()
    body: dict[str, Any] = {"title": "x", "id": str(uuid4()), "list_id": made["id"]}
    assert [alice.post(TASKS, json=body).status_code for _ in range(2)] == [201, 200]
    for other in (body | {"list_id": None}, body | {"list_id": alice.creates_list()["id"]}, {"title": "x", "id": body["id"]}):
        assert_error(alice.post(TASKS, json=other), 409, "task_id_taken")


@pytest.mark.parametrize("list_id", ["inbox", "", "x", 1, True, [], {}])
def test_what_is_no_id_is_refused(alice: Person, list_id: Any) -> None:
    task = alice.creates()
    assert invalid_fields(alice.post(TASKS, json={"title": "x", "list_id": list_id})) == ["list_id"]
    assert invalid_fields(alice.put(f"{TASKS}/{task['id']}", json={"title": "x", "list_id": list_id})) == ["list_id"]
    assert invalid_fields(alice.patch(f"{TASKS}/{task['id']}", json={"list_id": list_id})) == ["list_id"]
    assert alice.sees() == [task]


def test_a_list_that_is_not_there_is_unknown_wherever_it_is_named(alice: Person, bob: Person, shared_database: str) -> None:
    """Whether it never was, is deleted, is another's or is a task cannot be told, to the byte."""
    task = alice.creates()
    deleted = alice.creates_list()["id"]
    alice.delete(f"{LISTS}/{deleted}")
    before = revision_of(shared_database, alice.id)
    path = f"{TASKS}/{task['id']}"
    requests: list[tuple[str, str, dict[str, Any], dict[str, str]]] = [
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
            alice.request(method, address, json=body | {"list_id": list_id}, headers=headers | {"X-Request-Id": "x"})
            for list_id in (str(uuid4()), deleted, bob.creates_list()["id"], task["id"])
        ]
        for answer in answers:
            assert unknown_references(answer) == [("body", "list_id")]
            assert answer.content == answers[0].content
    assert alice.sees() == [task]
    assert revision_of(shared_database, alice.id) == before


def test_what_is_refused_anyway_is_refused_first(alice: Person) -> None:
    task = alice.creates()
    unknown = {"title": "x", "list_id": str(uuid4())}
    assert_error(alice.put(f"{TASKS}/{uuid4()}", json=unknown), 404, "task_not_found")
    assert_error(alice.patch(f"{TASKS}/{uuid4()}", json=unknown), 404, "task_not_found")
    stale = alice.patch(f"{TASKS}/{task['id']}", json=unknown, headers={"If-Match": '"stale"'})
    assert assert_error(stale, 412, "task_changed") == {"current": task}


def test_a_task_of_an_archived_list_is_a_task_as_any_other(alice: Person) -> None:
    made = alice.creates_list(is_archived=True)
    task = alice.creates(list_id=made["id"])
    assert alice.sees(list_id=made["id"]) == alice.sees() == [task]


def test_an_administrator_names_the_owners_lists(alice: Person, carol: Person) -> None:
    made, own = alice.creates_list(), carol.creates_list()
    tasks = f"/api/v1/users/{alice.id}/tasks"
    assert carol.post(tasks, json={"title": "x", "list_id": made["id"]}).json()["list_id"] == made["id"]
    assert unknown_references(carol.post(tasks, json={"title": "x", "list_id": own["id"]})) == [("body", "list_id")]
    assert unknown_references(carol.post(TASKS, json={"title": "x", "list_id": made["id"]})) == [("body", "list_id")]


# ---- the notes that a task leaves --------------------------------------------------------------------------------------


def test_a_task_that_moves_leaves_a_note_in_the_list_that_it_left(alice: Person, bob: Person, shared_database: str) -> None:
    first, second = alice.creates_list(), alice.creates_list()
    task = alice.creates(list_id=first["id"])
    path = f"{TASKS}/{task['id']}"

    def notes() -> set[tuple[str, int]]:
        found = departures(shared_database, alice)
        assert {task_id for _, task_id, _ in found} <= {task["id"]}
        return {(list_id, revision) for list_id, _, revision in found}

    alice.patch(path, json={"title": "y"})
    alice.put(path, json={"title": "z"})
    assert notes() == set()
    moved = alice.patch(path, json={"list_id": second["id"]}).json()
    assert notes() == {(first["id"], moved["revision"])}
    in_inbox = alice.put(path, json=moved | {"list_id": None}).json()
    assert notes() == {(first["id"], moved["revision"]), (second["id"], in_inbox["revision"])}
    alice.patch(path, json={"list_id": first["id"]})
    assert notes() == {(second["id"], in_inbox["revision"])}
    again = alice.patch(path, json={"list_id": second["id"]}).json()
    assert notes() == {(first["id"], again["revision"])}
    assert departures(shared_database, bob) == set()


def test_what_does_not_happen_leaves_no_note(alice: Person, shared_database: str) -> None:
    made = alice.creates_list()
    task = alice.creates(list_id=made["id"])
    path = f"{TASKS}/{task['id']}"
    alice.patch(path, json={"list_id": made["id"]})
    alice.patch(path, json={"list_id": None}, headers={"If-Match": '"stale"'})
    alice.patch(path, json={"list_id": str(uuid4())})
    alice.patch(path, json=task | {"list_id": None, "revision": 1})
    alice.patch(path, json=task | {"list_id": None, "created_at": "2020-01-01T00:00:00Z"})
    assert departures(shared_database, alice) == set()
    assert alice.sees() == [task]


def test_a_task_that_comes_back_elsewhere_leaves_a_note_where_it_was_deleted(alice: Person, shared_database: str) -> None:
    made = alice.creates_list()
    task = alice.creates(list_id=made["id"])
    path = f"{TASKS}/{task['id']}"
    alice.delete(path)
    placed = alice.put(path, json={"title": "x"}, headers=NOTHING_THERE).json()
    assert placed["list_id"] is None
    assert departures(shared_database, alice) == {(made["id"], task["id"], placed["revision"])}
    alice.delete(path)
    assert alice.put(path, json={"title": "x", "list_id": made["id"]}, headers=NOTHING_THERE).status_code == 201
    assert departures(shared_database, alice) == set()


def test_a_task_that_went_with_its_list_comes_back_as_any_other(alice: Person, shared_database: str) -> None:
    made = alice.creates_list()
    path = f"{TASKS}/{alice.creates(list_id=made['id'])['id']}"
    alice.delete(f"{LISTS}/{made['id']}")
    assert alice.put(path, json={"title": "x"}, headers=NOTHING_THERE).status_code == 201
    (row,) = postgres.query(shared_database, "SELECT deleted_at, deleted_with FROM tasks WHERE user_id = $1", alice.id)
    assert (row["deleted_at"], row["deleted_with"]) == (None, None)


# ---- one list's tasks --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("order", ["newest", "oldest"])
@pytest.mark.parametrize("completed", [None, "true", "false"])
def test_one_lists_tasks_and_the_inboxs_page_by_page(alice: Person, order: str, completed: str | None) -> None:
    lists = [None, alice.creates_list()["id"], alice.creates_list()["id"]]
    tasks = [alice.creates(str(number), list_id=lists[number % 3], is_completed=number % 2 == 0) for number in range(18)]
    more = {"limit": 2, "order": order} | ({} if completed is None else {"completed": completed})
    for list_id in lists:
        expected = [task for task in tasks if task["list_id"] == list_id]
        expected = [task for task in expected if completed is None or task["is_completed"] == (completed == "true")]
        seen = alice.sees(list_id=list_id or "inbox", **more)
        assert seen == (expected if order == "oldest" else expected[::-1])


def test_the_link_to_the_next_page_keeps_the_list(alice: Person) -> None:
    made = alice.creates_list()
    tasks = [alice.creates(list_id=made["id"]) for _ in range(3)]
    alice.creates("elsewhere")
    for where in (made["id"], "inbox"):
        first = alice.get(TASKS, params={"list_id": where, "limit": 1})
        if where == "inbox":
            assert "next" not in first.links
        else:
            assert alice.get(first.links["next"]["url"]).json()["items"] == [tasks[1]]
            other = {"cursor": first.json()["next_cursor"], "list_id": "inbox"}
            assert invalid_fields(alice.get(TASKS, params=other)) == ["cursor"]


def test_the_tasks_of_a_list_that_is_not_there_cannot_be_asked_for(alice: Person, bob: Person) -> None:
    deleted = alice.creates_list()["id"]
    alice.delete(f"{LISTS}/{deleted}")
    tag = alice.get(TASKS).headers["etag"]
    answers = [
        alice.get(TASKS, params={"list_id": list_id}, headers={"X-Request-Id": "x"} | headers)
        for list_id in (str(uuid4()), deleted, bob.creates_list()["id"], alice.creates()["id"])
        for headers in ({}, {"If-None-Match": tag}, {"If-None-Match": "*"})
    ]
    for answer in answers:
        assert unknown_references(answer) == [("query", "list_id")]
        assert answer.content == answers[0].content


@pytest.mark.parametrize(
    "list_id", ["", "x", "null", "Inbox", "%00", "{" + str(UUID(int=1)) + "}", str(UUID(int=1)) + "&list_id=inbox"]
)
def test_a_filter_that_is_no_id_and_not_the_inbox_is_refused(alice: Person, list_id: str) -> None:
    assert invalid_fields(alice.get(f"{TASKS}?list_id={list_id}")) == ["list_id"]


def test_a_poll_of_one_list_is_a_304_until_something_is_written(alice: Person) -> None:
    made = alice.creates_list()
    for where in (made["id"], "inbox"):
        tag = alice.get(TASKS, params={"list_id": where}).headers["etag"]
        assert alice.get(TASKS, params={"list_id": where}, headers={"If-None-Match": tag}).status_code == 304
        alice.creates(list_id=made["id"])
        assert alice.get(TASKS, params={"list_id": where}, headers={"If-None-Match": tag}).status_code == 200
