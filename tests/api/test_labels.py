"""/labels: what each label is, which tasks carry it, and what happens to them when it is renamed, merged and deleted."""

from typing import Any
from uuid import uuid4

import pytest

from tests.database.test_folded import folded, right
from tests.support import postgres
from tests.support.cast import Person
from tests.support.errors import assert_error, invalid_fields
from tests.support.labels import LABELS, at_every_label_mount, fill_labels, label_of, labels_of
from tests.support.mounts import tasks_of
from tests.support.stored import revision_of

TASKS = "/api/v1/tasks"
NOTHING_THERE = {"If-None-Match": "*"}


def alike(labels: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Without the counts, which a page alone shows."""
    return [{name: value for name, value in label.items() if not name.endswith("_count")} for label in labels]


# ---- one label ---------------------------------------------------------------------------------------------------------


@at_every_label_mount
def test_a_label_is_made_read_changed_and_deleted(alice: Person, mount: str) -> None:
    path = tasks_of(mount, alice.id)
    made = alice.post(path, json={"name": "home", "colour": "#AABBCC"})
    label = made.json()
    assert (made.status_code, made.headers["location"]) == (201, f"{path}/{label['id']}")
    assert list(label) == ["id", "user_id", "name", "colour", "created_at", "updated_at", "revision", "etag"]
    assert (label["name"], label["colour"], label["revision"], label["user_id"]) == ("home", "#aabbcc", 1, str(alice.id))
    one = f"{path}/{label['id']}"
    read = alice.get(one)
    assert (read.status_code, read.json(), read.headers["etag"]) == (200, label, label["etag"])
    assert alice.get(one, headers={"If-None-Match": label["etag"]}).status_code == 304
    changed = alice.patch(one, json={"colour": None}).json()
    assert (changed["colour"], changed["name"], changed["revision"]) == (None, "home", 2)
    assert alice.put(one, json={"name": "house"}).json()["name"] == "house"
    assert alice.delete(one).status_code == 204
    for answer in (alice.get(one), alice.patch(one, json={"name": "x"}), alice.put(one, json={"name": "x"}), alice.delete(one)):
        assert_error(answer, 404, "label_not_found")
    assert alice.get(path).json()["items"] == []


def test_a_label_that_a_task_made_is_a_label_as_any_other(alice: Person) -> None:
    alice.creates(labels=["home"])
    label = label_of(alice, "home")
    assert (label["task_count"], label["open_count"], label["colour"]) == (1, 1, None)
    assert alice.get(f"{LABELS}/{label['id']}").json() == alike([label])[0]
    assert alice.creates(labels=[alice.post(LABELS, json={"name": "Errand"}).json()["name"].upper()])["labels"] == ["Errand"]


def test_a_creation_at_an_id_of_ones_own_can_be_repeated(alice: Person) -> None:
    body = {"name": "home", "colour": "#aabbcc", "id": str(uuid4())}
    first, again = alice.post(LABELS, json=body), alice.post(LABELS, json=body)
    assert [first.status_code, again.status_code] == [201, 200]
    assert first.json() == again.json()
    assert_error(alice.post(LABELS, json=body | {"name": "house"}), 409, "label_id_taken")
    alice.delete(f"{LABELS}/{body['id']}")
    assert_error(alice.post(LABELS, json=body), 409, "label_id_taken")
    path = f"{LABELS}/{body['id']}"
    placed = alice.put(path, json={"name": "work"}, headers=NOTHING_THERE)
    assert (placed.status_code, placed.json()["name"], placed.json()["colour"]) == (201, "work", None)
    there = alice.put(path, json={"name": "x"}, headers=NOTHING_THERE)
    assert assert_error(there, 412, "label_exists") == {"current": placed.json()}


def test_a_name_is_taken_in_every_spelling(alice: Person, bob: Person, shared_database: str) -> None:
    alice.creates(labels=["Straße"])
    other = alice.post(LABELS, json={"name": "other"}).json()
    before = revision_of(shared_database, alice.id)
    for name in ("Straße", "STRASSE", " strasse ", "Ｓtrasse"):
        for answer in (
            alice.post(LABELS, json={"name": name}),
            alice.post(LABELS, json={"name": name, "id": str(uuid4())}),
            alice.put(f"{LABELS}/{uuid4()}", json={"name": name}, headers=NOTHING_THERE),
            alice.patch(f"{LABELS}/{other['id']}", json={"name": name}),
            alice.put(f"{LABELS}/{other['id']}?merge=false", json={"name": name}),
        ):
            assert_error(answer, 409, "label_name_taken")
    assert revision_of(shared_database, alice.id) == before
    assert {*labels_of(shared_database, alice)} == {"Straße", "other"}
    assert bob.post(LABELS, json={"name": "STRASSE"}).status_code == 201


def test_conditions_hold_as_those_of_tasks(alice: Person) -> None:
    label = alice.post(LABELS, json={"name": "home"}).json()
    path = f"{LABELS}/{label['id']}"
    changed = alice.patch(path, json={"name": "house"}, headers={"If-Match": label["etag"]}).json()
    for answer in (
        alice.patch(path, json={"name": "x"}, headers={"If-Match": label["etag"]}),
        alice.put(path, json={"name": "x"}, headers={"If-Match": label["etag"]}),
        alice.put(path, json=label | {"name": "x"}),
        alice.delete(path, headers={"If-Match": label["etag"]}),
    ):
        assert assert_error(answer, 412, "label_changed") == {"current": changed}
        assert answer.headers["etag"] == changed["etag"]
    assert alice.delete(path, headers={"If-Match": changed["etag"]}).status_code == 204


def test_a_label_that_was_read_is_sent_back_with_its_counts(alice: Person) -> None:
    alice.creates(labels=["home"])
    label = label_of(alice, "home")
    path = f"{LABELS}/{label['id']}"
    assert alice.put(path, json=label).json() == alike([label])[0]
    alice.creates(labels=["home"])  # the counts are old now, and the label is not
    changed = alice.patch(path, json=label | {"colour": "#123456"})
    assert (changed.status_code, changed.json()["colour"]) == (200, "#123456")
    wrong = alice.patch(path, json=changed.json() | {"colour": None, "created_at": "2020-01-01T00:00:00Z"})
    assert invalid_fields(wrong) == ["created_at"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "name"),
        ({"name": ""}, "name"),
        ({"name": "\u200b"}, "name"),
        ({"name": "x" * 101}, "name"),
        ({"name": None}, "name"),
        ({"name": 1}, "name"),
        ({"name": "x", "colour": "red"}, "colour"),
        ({"name": "x", "key": "y"}, "key"),
    ],
)
def test_what_is_no_label_is_refused(alice: Person, body: dict[str, Any], field: str) -> None:
    label = alice.post(LABELS, json={"name": "home"}).json()
    assert invalid_fields(alice.post(LABELS, json=body)) == [field]
    assert invalid_fields(alice.put(f"{LABELS}/{label['id']}", json=body)) == [field]
    if body:
        assert invalid_fields(alice.patch(f"{LABELS}/{label['id']}", json=body)) == [field]
    assert alike(alice.labels()) == [label]


def test_one_user_has_a_thousand(alice: Person, shared_database: str) -> None:
    fill_labels(shared_database, alice, 999)
    own = str(uuid4())
    assert alice.post(LABELS, json={"name": "the last one", "id": own}).status_code == 201
    for answer in (
        alice.post(LABELS, json={"name": "one more"}),
        alice.post(LABELS, json={"name": "one more", "id": str(uuid4())}),
        alice.put(f"{LABELS}/{uuid4()}", json={"name": "one more"}, headers=NOTHING_THERE),
    ):
        assert_error(answer, 409, "too_many_labels")
    assert alice.post(LABELS, json={"name": "the last one", "id": own}).status_code == 200
    assert alice.delete(f"{LABELS}/{own}").status_code == 204
    assert alice.post(LABELS, json={"name": "one more"}).status_code == 201
    assert len(alice.labels()) == 1_000


# ---- pages -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("order", ["newest", "oldest"])
def test_labels_page_by_page_with_their_counts(alice: Person, bob: Person, order: str) -> None:
    bob.creates(labels=["home", "errand"])
    for number in range(5):
        alice.creates(labels=["home", f"label {number}"], is_completed=number < 2)
    alice.delete(f"{TASKS}/{alice.creates(labels=['home', 'unused'])['id']}")
    expected = {"home": (5, 3), "unused": (0, 0)} | {f"label {number}": (1, int(number >= 2)) for number in range(5)}
    seen = alice.labels(limit=2, order=order)
    assert {label["name"]: (label["task_count"], label["open_count"]) for label in seen} == expected
    ordered = sorted(seen, key=lambda label: (label["created_at"], label["id"]), reverse=order == "newest")
    assert seen == ordered
    other = "oldest" if order == "newest" else "newest"
    cursor = alice.get(LABELS, params={"limit": 2, "order": order}).json()["next_cursor"]
    assert invalid_fields(alice.get(LABELS, params={"limit": 2, "order": other, "cursor": cursor})) == ["cursor"]
    assert invalid_fields(alice.get("/api/v1/lists", params={"order": order, "cursor": cursor})) == ["cursor"]


def test_a_poll_is_a_304_until_a_count_can_have_changed(alice: Person) -> None:
    task = alice.creates(labels=["home"])
    tag = alice.get(LABELS).headers["etag"]
    assert alice.get(LABELS, headers={"If-None-Match": tag}).status_code == 304
    alice.patch(f"{TASKS}/{task['id']}", json={"is_completed": True})
    again = alice.get(LABELS, headers={"If-None-Match": tag})
    assert (again.status_code, again.json()["items"][0]["open_count"]) == (200, 0)


# ---- renaming ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["house", "HOME", "a much longer name \U0001f9c0"])
def test_renaming_a_label_renames_it_in_every_task(alice: Person, bob: Person, shared_database: str, name: str) -> None:
    bobs = bob.creates(labels=["home"])
    first, other = alice.creates(labels=["x", "home", "y"]), alice.creates(labels=["homes"])
    deleted = alice.creates(labels=["home"])
    alice.delete(f"{TASKS}/{deleted['id']}")
    before = revision_of(shared_database, alice.id)
    renamed = alice.patch(f"{LABELS}/{label_of(alice, 'home')['id']}", json={"name": name})
    assert (renamed.status_code, renamed.json()["name"], renamed.json()["revision"]) == (200, name, before + 1)
    (there, again) = alice.sees(order="oldest")
    assert again == other
    assert (there["labels"], there["revision"], there["updated_at"]) == (
        ["x", name, "y"],
        before + 1,
        renamed.json()["updated_at"],
    )
    assert there == first | {field: there[field] for field in ("labels", "revision", "updated_at", "etag")}
    assert bob.sees() == [bobs]
    assert revision_of(shared_database, alice.id) == before + 1
    # What is deleted carries the new name too, in case it comes back, and nobody sees a change of it.
    (row,) = postgres.query(
        shared_database, "SELECT labels, revision FROM tasks WHERE id = $1 AND user_id = $2", deleted["id"], alice.id
    )
    assert (row["labels"], row["revision"]) == ([name], before)
    assert alice.creates(labels=["home"])["labels"] == (["HOME"] if name == "HOME" else ["home"])


def test_what_changes_no_name_touches_no_task(alice: Person) -> None:
    task = alice.creates(labels=["home"])
    path = f"{LABELS}/{label_of(alice, 'home')['id']}"
    coloured = alice.patch(path, json={"name": "home", "colour": "#123456"}).json()
    assert coloured["revision"] == task["revision"] + 1
    assert alice.patch(path, json={"name": "home"}).json() == coloured
    assert alice.sees() == [task]


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_merging_makes_one_label_of_two(alice: Person, bob: Person, shared_database: str, method: str) -> None:
    bobs = bob.creates(labels=["home", "House"])
    carried = [["home"], ["House"], ["x", "home", "House"], ["House", "home", "y"], ["z"]]
    tasks = [alice.creates(labels=labels) for labels in carried]
    kept, gone = label_of(alice, "home"), label_of(alice, "House")
    before = revision_of(shared_database, alice.id)
    path = f"{LABELS}/{kept['id']}"
    assert_error(alice.request(method, path, json={"name": "house"}), 409, "label_name_taken")
    stale = alice.request(method, f"{path}?merge=true", json={"name": "house"}, headers={"If-Match": '"stale"'})
    assert_error(stale, 412, "label_changed")
    assert alice.sees(order="oldest") == tasks
    merged = alice.request(method, f"{path}?merge=true", json={"name": "house"})
    assert (merged.status_code, merged.json()["name"], merged.json()["revision"]) == (200, "house", before + 1)
    assert_error(alice.get(f"{LABELS}/{gone['id']}"), 404, "label_not_found")
    seen = alice.sees(order="oldest")
    assert [task["labels"] for task in seen] == [["house"], ["house"], ["x", "house"], ["house", "y"], ["z"]]
    assert [task["revision"] for task in seen[:4]] == [before + 1] * 4
    assert seen[4] == tasks[4]
    assert revision_of(shared_database, alice.id) == before + 1
    assert {label["name"]: label["task_count"] for label in alice.labels()} == {"house": 4, "x": 1, "y": 1, "z": 1}
    assert bob.sees() == [bobs]


def test_merging_where_there_is_no_other_renames(alice: Person) -> None:
    alice.creates(labels=["home"])
    path = f"{LABELS}/{label_of(alice, 'home')['id']}"
    assert alice.patch(f"{path}?merge=true", json={"name": "house"}).json()["name"] == "house"
    assert alice.patch(f"{path}?merge=true", json={"colour": "#123456"}).json()["name"] == "house"
    assert [task["labels"] for task in alice.sees()] == [["house"]]
    assert_error(alice.patch(f"{LABELS}/{uuid4()}?merge=true", json={"name": "house"}), 404, "label_not_found")
    placed = alice.put(f"{LABELS}/{uuid4()}?merge=true", json={"name": "x"}, headers=NOTHING_THERE)
    assert invalid_fields(placed) == ["merge"]
    assert invalid_fields(alice.patch(f"{path}?merge=yes", json={"name": "x"})) == ["merge"]


def test_deleting_a_label_takes_it_from_every_task(alice: Person, bob: Person, shared_database: str) -> None:
    bobs = bob.creates(labels=["home"])
    alice.creates(labels=["x", "home", "y"])
    other = alice.creates(labels=["x"])
    gone = alice.creates(labels=["home"])
    alice.delete(f"{TASKS}/{gone['id']}")
    before = revision_of(shared_database, alice.id)
    assert alice.delete(f"{LABELS}/{label_of(alice, 'home')['id']}").status_code == 204
    (there, again) = alice.sees(order="oldest")
    assert (there["labels"], there["revision"], again) == (["x", "y"], before + 1, other)
    assert {*labels_of(shared_database, alice)} == {"x", "y"}
    assert revision_of(shared_database, alice.id) == before + 1
    assert bob.sees() == [bobs]
    assert alice.creates(labels=["HOME"])["labels"] == ["HOME"]


def test_the_search_reads_the_names_that_are_there_now(alice: Person, shared_database: str) -> None:
    """Also where two labels are the same words to it, and where the words of one are in those of another."""
    for labels in (["Café", "cafe", "big cafe", "a"], ["a b", "Café"], ["b"]):
        alice.creates("x", labels=labels)

    def is_right() -> None:
        seen = {task["id"]: right(task).split("\x01")[2] for task in alice.sees()}
        there = {task_id: (text or "").split("\x01")[2] for task_id, text in folded(shared_database, alice).items()}
        assert {id_: sorted(text.split("\x03")) for id_, text in there.items()} == {
            id_: sorted(text.split("\x03")) for id_, text in seen.items()
        }

    is_right()
    alice.patch(f"{LABELS}/{label_of(alice, 'Café')['id']}", json={"name": "Thé"})
    is_right()
    alice.patch(f"{LABELS}/{label_of(alice, 'a')['id']}?merge=true", json={"name": "A B"})
    is_right()
    alice.delete(f"{LABELS}/{label_of(alice, 'cafe')['id']}")
    is_right()
