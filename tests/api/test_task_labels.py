"""`labels` of a task."""

from typing import Any
from uuid import uuid4

import pytest

from tests.support.cast import Person
from tests.support.errors import assert_error, invalid_fields
from tests.support.labels import fill_labels, labels_of
from tests.support.stored import revision_of

TASKS = "/api/v1/tasks"
NOTHING_THERE = {"If-None-Match": "*"}
MOST = 1_000


def test_a_task_has_none_until_somebody_says_so(alice: Person) -> None:
    assert alice.creates()["labels"] == []
    assert alice.creates(labels=[])["labels"] == []
    assert alice.creates(labels=None)["labels"] == []
    placed = alice.put(f"{TASKS}/{uuid4()}", json={"title": "x"}, headers=NOTHING_THERE)
    assert (placed.status_code, placed.json()["labels"]) == (201, [])


def test_every_write_can_set_them_in_any_order(alice: Person) -> None:
    task = alice.creates(labels=["home", "errand"])
    assert task["labels"] == ["home", "errand"]
    assert alice.sees() == [task]
    path = f"{TASKS}/{task['id']}"
    assert alice.patch(path, json={"labels": ["errand", "home"]}).json()["labels"] == ["errand", "home"]
    assert alice.patch(path, json={"labels": ["new"]}).json()["labels"] == ["new"]
    assert alice.put(path, json={"title": "x", "labels": ["home", "newer"]}).json()["labels"] == ["home", "newer"]
    placed = alice.put(f"{TASKS}/{uuid4()}", json={"title": "x", "labels": ["newest", "home"]}, headers=NOTHING_THERE)
    assert (placed.status_code, placed.json()["labels"]) == (201, ["newest", "home"])
    assert alice.creates(labels=["home", "at my own id"], id=str(uuid4()))["labels"] == ["home", "at my own id"]


def test_a_label_is_made_by_the_task_that_uses_it_first(alice: Person, bob: Person, shared_database: str) -> None:
    task = alice.creates(labels=["home", "errand"])
    assert task["revision"] == revision_of(shared_database, alice.id) == 1
    assert labels_of(shared_database, alice) == {"home": 1, "errand": 1}
    again = alice.patch(f"{TASKS}/{task['id']}", json={"labels": ["errand", "work"]}).json()
    assert labels_of(shared_database, alice) == {"home": 1, "errand": 1, "work": again["revision"]}
    assert labels_of(shared_database, bob) == {}
    assert bob.creates(labels=["HOME"])["labels"] == ["HOME"]


@pytest.mark.parametrize(
    ("first", "later"),
    [
        ("home", "Home"),
        ("STRASSE", "straße"),
        ("Ｈｏｍｅ", "home"),
        ("İ", "i̇"),
        ("caf\u00e9", "CAFE\u0301"),
        ("a\u200bb", "ab"),
        ("x", " x "),
    ],
)
def test_a_label_has_one_spelling(alice: Person, shared_database: str, first: str, later: str) -> None:
    """That of whoever used it first."""
    task = alice.creates(labels=[first])
    assert alice.creates(labels=[later])["labels"] == [first]
    changed = alice.patch(f"{TASKS}/{task['id']}", json={"labels": [later]})
    assert (changed.status_code, changed.json()) == (200, task)
    assert [*labels_of(shared_database, alice)] == [first]
    assert invalid_fields(alice.post(TASKS, json={"title": "x", "labels": [first, later]})) == ["labels"]


def test_an_old_client_that_replaces_a_task_leaves_them(alice: Person) -> None:
    path = f"{TASKS}/{alice.creates(labels=['home'])['id']}"
    assert alice.put(path, json={"title": "y"}).json()["labels"] == ["home"]
    assert alice.patch(path, json={"title": "z"}).json()["labels"] == ["home"]


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
@pytest.mark.parametrize("nothing", [None, []])
def test_null_and_an_empty_list_clear_them(alice: Person, method: str, nothing: Any) -> None:
    task = alice.creates("x", labels=["home"])
    cleared = alice.request(method, f"{TASKS}/{task['id']}", json={"title": "x", "labels": nothing}).json()
    assert (cleared["labels"], cleared["revision"]) == ([], task["revision"] + 1)
    again = alice.request(method, f"{TASKS}/{task['id']}", json={"title": "x", "labels": nothing})
    assert again.json() == cleared


def test_a_task_that_was_read_is_sent_back_with_them(alice: Person) -> None:
    task = alice.creates(labels=["home", "errand"])
    path = f"{TASKS}/{task['id']}"
    assert alice.put(path, json=task).json() == task
    changed = alice.patch(path, json=task | {"labels": ["errand", "new"]}).json()
    assert changed["labels"] == ["errand", "new"]
    stale = alice.patch(path, json=task | {"labels": ["newer"]})
    assert assert_error(stale, 412, "task_changed") == {"current": changed}


def test_a_repeated_creation_with_others_is_a_conflict(alice: Person) -> None:
    body: dict[str, Any] = {"title": "x", "id": str(uuid4()), "labels": ["home", "errand"]}
    assert [alice.post(TASKS, json=body).status_code for _ in range(2)] == [201, 200]
    assert alice.post(TASKS, json=body | {"labels": ["HOME", "Errand"]}).status_code == 200
    for other in (["errand", "home"], ["home"], [], None, ["home", "errand", "new"]):
        assert_error(alice.post(TASKS, json=body | {"labels": other}), 409, "task_id_taken")
    assert_error(alice.post(TASKS, json={"title": "x", "id": body["id"]}), 409, "task_id_taken")


@pytest.mark.parametrize(
    ("labels", "field"),
    [
        ("home", "labels"),
        (1, "labels"),
        ({"home": True}, "labels"),
        ([1], "labels.0"),
        ([None], "labels.0"),
        (["home", ["errand"]], "labels.1"),
        ([""], "labels.0"),
        ([" "], "labels.0"),
        (["\u200b"], "labels.0"),
        (["x\x00"], "labels.0"),
        (["x" * 101], "labels.0"),
        ([str(number) for number in range(21)], "labels"),
        (["home", "home"], "labels"),
        (["home", "errand", "HOME"], "labels"),
    ],
)
def test_what_is_no_set_of_names_is_refused(alice: Person, shared_database: str, labels: Any, field: str) -> None:
    task = alice.creates()
    assert invalid_fields(alice.post(TASKS, json={"title": "x", "labels": labels})) == [field]
    assert invalid_fields(alice.put(f"{TASKS}/{task['id']}", json={"title": "x", "labels": labels})) == [field]
    assert invalid_fields(alice.patch(f"{TASKS}/{task['id']}", json={"labels": labels})) == [field]
    assert alice.sees() == [task]
    assert labels_of(shared_database, alice) == {}


@pytest.mark.parametrize("character", ["x", "\U0001f9c0", "\ufdfa", "\u3316"])
def test_as_many_and_as_long_as_can_be(alice: Person, character: str) -> None:
    """Each in another case than the last time, and folded to as many as eighteen characters for one."""
    names = [(character * 97) + f"{number:03}" for number in range(20)]
    task = alice.creates(labels=names)
    assert task["labels"] == names
    assert alice.patch(f"{TASKS}/{task['id']}", json={"labels": [name.upper() for name in names]}).json() == task


def test_what_is_refused_makes_no_label(alice: Person, shared_database: str) -> None:
    task = alice.creates()
    path, unknown = f"{TASKS}/{task['id']}", str(uuid4())
    assert_error(alice.patch(f"{TASKS}/{uuid4()}", json={"labels": ["a"]}), 404, "task_not_found")
    assert_error(alice.put(f"{TASKS}/{uuid4()}", json={"title": "x", "labels": ["b"]}), 404, "task_not_found")
    assert_error(alice.patch(path, json={"labels": ["c"]}, headers={"If-Match": '"stale"'}), 412, "task_changed")
    assert_error(alice.put(path, json={"title": "x", "labels": ["d"]}, headers=NOTHING_THERE), 412, "task_exists")
    assert_error(alice.post(TASKS, json={"title": "x", "labels": ["e"], "list_id": unknown}), 400, "unknown_reference")
    assert_error(alice.patch(path, json={"labels": ["f"], "list_id": unknown}), 400, "unknown_reference")
    assert_error(alice.post(TASKS, json={"title": "x", "labels": ["g"], "id": task["id"]}), 409, "task_id_taken")
    assert invalid_fields(alice.patch(path, json=task | {"labels": ["h"], "created_at": "2020-01-01T00:00:00Z"})) == [
        "created_at"
    ]
    assert labels_of(shared_database, alice) == {}
    assert revision_of(shared_database, alice.id) == 1


def test_one_user_has_a_thousand(alice: Person, bob: Person, shared_database: str) -> None:
    fill_labels(shared_database, alice, MOST - 1)
    task = alice.creates(labels=["label 1", "the last one"])
    path = f"{TASKS}/{task['id']}"
    before = revision_of(shared_database, alice.id)
    for answer in (
        alice.post(TASKS, json={"title": "x", "labels": ["label 2", "one more"]}),
        alice.post(TASKS, json={"title": "x", "labels": ["one more"], "id": str(uuid4())}),
        alice.patch(path, json={"labels": ["one more"]}),
        alice.put(path, json={"title": "x", "labels": ["one more"]}),
        alice.put(f"{TASKS}/{uuid4()}", json={"title": "x", "labels": ["one more"]}, headers=NOTHING_THERE),
    ):
        assert_error(answer, 409, "too_many_labels")
        assert "1,000" in answer.json()["error"]["message"]
    assert alice.sees() == [task]
    assert revision_of(shared_database, alice.id) == before
    assert len(labels_of(shared_database, alice)) == MOST
    assert alice.patch(path, json={"labels": ["LABEL 3"]}).json()["labels"] == ["label 3"]
    assert bob.creates(labels=["one more"])["labels"] == ["one more"]


def test_a_task_that_comes_back_at_its_id_has_the_labels_that_are_sent(alice: Person) -> None:
    path = f"{TASKS}/{alice.creates(labels=['home'])['id']}"
    alice.delete(path)
    assert alice.put(path, json={"title": "x"}, headers=NOTHING_THERE).json()["labels"] == []
    alice.delete(path)
    assert alice.put(path, json={"title": "x", "labels": ["HOME"]}, headers=NOTHING_THERE).json()["labels"] == ["home"]


def test_an_administrator_uses_the_owners_labels(alice: Person, carol: Person, shared_database: str) -> None:
    alice.creates(labels=["home"])
    made = carol.post(f"/api/v1/users/{alice.id}/tasks", json={"title": "x", "labels": ["Home", "new"]}).json()
    assert made["labels"] == ["home", "new"]
    assert labels_of(shared_database, carol) == {}
    assert [*labels_of(shared_database, alice)] == ["home", "new"]
