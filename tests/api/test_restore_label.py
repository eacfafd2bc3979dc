"""POST /labels/{label_id}/restore: a deleted label comes back to the tasks that carried it."""

from typing import Any
from uuid import uuid4

import httpx
import pytest

from taskwell.labels.statements import LABELS_PER_USER
from tests.api.test_restore_task import TASKS, lasting
from tests.support.cast import Person
from tests.support.errors import assert_error
from tests.support.labels import LABELS, at_every_label_mount, fill_labels, label_of
from tests.support.mounts import tasks_of
from tests.support.stored import revision_of


def plain(label: dict[str, Any]) -> dict[str, Any]:
    """As a read of it alone shows what is the same after a restore."""
    return {name: value for name, value in lasting(label).items() if not name.endswith("_count")}


@at_every_label_mount
def test_it_comes_back_to_its_tasks(alice: Person, mount: str, shared_database: str) -> None:
    task = alice.creates(labels=["a", "b", "c"])
    gone, done = alice.creates("gone", labels=["b"]), alice.creates("done", labels=["b"], is_completed=True)
    full = alice.creates("full", labels=["b", *map(str, range(19))])
    label = label_of(alice, "b")
    alice.delete(f"{TASKS}/{gone['id']}")
    path = f"{tasks_of(mount, alice.id)}/{label['id']}"
    alice.delete(path)
    alice.patch(f"{TASKS}/{full['id']}", json={"labels": [*map(str, range(20))]})
    before = revision_of(shared_database, alice.id)
    answer = alice.post(f"{path}/restore")
    assert answer.status_code == 200, answer.text
    assert (plain(answer.json()), answer.headers["etag"]) == (plain(label), answer.json()["etag"])
    back = alice.get(f"{TASKS}/{task['id']}").json()
    assert lasting(back) == lasting(task) | {"labels": ["a", "c", "b"]}
    assert answer.json()["revision"] == back["revision"] == before + 1 == revision_of(shared_database, alice.id)
    assert {one["id"] for one in alice.sees(label="b")} == {one["id"] for one in alice.sees(q="b")} == {task["id"], done["id"]}
    assert alice.post(f"{TASKS}/{gone['id']}/restore").json()["labels"] == ["b"]
    assert_error(alice.post(f"{path}/restore"), 404, "label_not_found")


@pytest.mark.parametrize("has_heir", [False, True])
def test_a_task_that_was_made_since_at_the_id_of_one_that_carried_it_goes_without(alice: Person, has_heir: bool) -> None:
    old, kept = alice.creates("old", labels=["x"]), alice.creates("kept", labels=["x"])
    label = label_of(alice, "x")
    alice.delete(f"{LABELS}/{label['id']}")
    alice.delete(f"{TASKS}/{old['id']}")
    alice.put(f"{TASKS}/{old['id']}", json={"title": "new"}, headers={"If-None-Match": "*"})
    if has_heir:
        alice.creates("another", labels=["x"])
    assert alice.post(f"{LABELS}/{label['id']}/restore").status_code == 200
    labels = {task["title"]: task["labels"] for task in alice.sees()}
    assert (labels["new"], labels["kept"]) == ([], ["x"]), kept
    assert [task["title"] for task in alice.sees(q="x")].count("new") == 0


def test_where_another_has_its_name_the_tasks_carry_that_one(alice: Person) -> None:
    task, both = alice.creates(labels=["Shop"]), alice.creates("both", labels=["shop", "x"])
    old = label_of(alice, "Shop")
    alice.delete(f"{LABELS}/{old['id']}")
    alice.patch(f"{TASKS}/{both['id']}", json={"labels": ["SHOP", "x"]})
    new = label_of(alice, "SHOP")
    answer = alice.post(f"{LABELS}/{old['id']}/restore")
    assert answer.status_code == 200, answer.text
    assert plain(answer.json()) == plain(new)
    assert alice.get(f"{TASKS}/{task['id']}").json()["labels"] == ["SHOP"]
    assert alice.get(f"{TASKS}/{both['id']}").json()["labels"] == ["SHOP", "x"]
    assert {one["id"] for one in alice.sees(q="shop")} == {task["id"], both["id"]}
    assert_error(alice.post(f"{LABELS}/{old['id']}/restore"), 404, "label_not_found")
    assert label_of(alice, "SHOP")["task_count"] == 2


def test_one_that_was_merged_lives_on_in_the_other_and_cannot_come_back(alice: Person) -> None:
    alice.creates(labels=["a"])
    alice.creates(labels=["b"])
    merged = label_of(alice, "b")
    answer = alice.patch(f"{LABELS}/{label_of(alice, 'a')['id']}?merge=true", json={"name": "b"})
    assert answer.status_code == 200, answer.text
    assert_error(alice.post(f"{LABELS}/{merged['id']}/restore"), 404, "label_not_found")


def test_nobody_else_restores_it_and_nobody_against_the_condition(anonymous: httpx.Client, alice: Person, bob: Person) -> None:
    alice.creates(labels=["a"])
    label = label_of(alice, "a")
    path = f"{LABELS}/{label['id']}"
    alice.delete(path)
    assert_error(anonymous.post(f"{path}/restore"), 401, "token_missing")
    assert_error(bob.post(f"/api/v1/users/{alice.id}/labels/{label['id']}/restore"), 404, "user_not_found")
    same = {"X-Request-Id": "same"}
    theirs, nobodys = (bob.post(f"{LABELS}/{one}/restore", headers=same) for one in (label["id"], uuid4()))
    assert (theirs.content, theirs.status_code) == (nobodys.content, 404)
    current = assert_error(alice.post(f"{path}/restore", headers={"If-Match": label["etag"]}), 412, "label_changed")["current"]
    assert plain(current) == plain(label)
    assert alice.post(f"{path}/restore", headers={"If-Match": current["etag"]}).status_code == 200


def test_where_there_are_as_many_labels_as_there_can_be_it_stays_in_the_trash(alice: Person, shared_database: str) -> None:
    alice.creates(labels=["a"])
    label = label_of(alice, "a")
    alice.delete(f"{LABELS}/{label['id']}")
    fill_labels(shared_database, alice, LABELS_PER_USER)
    assert_error(alice.post(f"{LABELS}/{label['id']}/restore"), 409, "too_many_labels")
