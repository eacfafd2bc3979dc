"""GET /trash and DELETE /trash."""

from typing import Any
from uuid import uuid4

import httpx
import pytest

from taskwell.tasks.trash import store
from tests.support import postgres
from tests.support.cast import Person
from tests.support.errors import assert_error, invalid_fields
from tests.support.labels import LABELS, label_of
from tests.support.lists import LISTS
from tests.support.stored import revision_of

TASKS = "/api/v1/tasks"
TRASH = "/api/v1/trash"
at_every_mount = pytest.mark.parametrize("mount", [TRASH, "/api/v1/users/{user}/trash"])


def trash_of(who: Person, **query: Any) -> list[dict[str, Any]]:
    """All of it, page by page."""
    return who._pages(TRASH, query)


def deleted_by_itself(who: Person) -> list[tuple[str, dict[str, Any]]]:
    """A list with a task, a task with one below it, two in bulk, and a label: with their kinds, the last one first."""
    made = who.creates_list("list")
    who.creates("in the list", list_id=made["id"])
    top, one, other = who.creates("top", labels=["label"]), who.creates("one"), who.creates("other")
    who.creates("below", parent_id=top["id"])
    label = label_of(who, "label")
    who.delete(f"{LISTS}/{made['id']}")
    who.delete(f"{TASKS}/{top['id']}")
    who.post(f"{TASKS}/delete", json={"ids": [one["id"], other["id"]]})
    who.delete(f"{LABELS}/{label['id']}")
    bulk = sorted([("task", one), ("task", other)], key=lambda each: str(each[1]["id"]), reverse=True)
    return [("label", label), *bulk, ("task", top | {"labels": []}), ("list", made)]


@at_every_mount
def test_it_shows_what_was_deleted_by_itself_the_last_first(alice: Person, mount: str) -> None:
    path = mount.format(user=alice.id)
    assert alice.get(path).json() == {"items": [], "next_cursor": None}
    deleted = deleted_by_itself(alice)
    answer = alice.get(path)
    assert "etag" not in answer.headers
    items = answer.json()["items"]
    assert [(item["kind"], item["id"]) for item in items] == [(kind, record["id"]) for kind, record in deleted]
    changed = {"updated_at", "revision", "etag"}
    for item, (_, record) in zip(items, deleted, strict=True):
        assert item["deleted_at"] == item["updated_at"]
        same = {name: value for name, value in item.items() if name not in {"kind", "deleted_at", *changed}}
        assert same == {name: value for name, value in record.items() if name not in {"task_count", "open_count", *changed}}
    for item in items:
        restored = alice.post(f"/api/v1/{item['kind']}s/{item['id']}/restore", headers={"If-Match": item["etag"]})
        assert restored.status_code == 200, restored.text
    assert trash_of(alice) == []


def test_page_by_page_it_is_the_same(alice: Person) -> None:
    deleted_by_itself(alice)
    whole = trash_of(alice)
    assert [trash_of(alice, limit=limit) for limit in (1, 2, 4)] == [whole] * 3
    first = alice.get(f"{TRASH}?limit=2")
    assert first.headers["link"].startswith(f"<{TRASH}?limit=2&cursor=")
    alice.delete(f"{TASKS}/{alice.creates()['id']}")
    rest = alice.get(f"{TRASH}?cursor={first.json()['next_cursor']}").json()["items"]
    assert first.json()["items"] + rest == whole


def test_it_is_nobody_elses(anonymous: httpx.Client, alice: Person, bob: Person, carol: Person) -> None:
    deleted_by_itself(alice)
    cursor = alice.get(f"{TRASH}?limit=1").json()["next_cursor"]
    for method in ("GET", "DELETE"):
        assert_error(anonymous.request(method, TRASH), 401, "token_missing")
        same = {"X-Request-Id": "same"}
        refusals = [bob.request(method, f"/api/v1/users/{one}/trash", headers=same) for one in (alice.id, uuid4())]
        assert_error(refusals[0], 404, "user_not_found")
        assert refusals[0].content == refusals[1].content
    assert bob.get(TRASH).json()["items"] == []
    assert invalid_fields(bob.get(f"{TRASH}?cursor={cursor}")) == ["cursor"]
    assert bob.delete(TRASH).status_code == 204
    assert len(carol.get(f"/api/v1/users/{alice.id}/trash").json()["items"]) == 5
    assert invalid_fields(alice.get(f"{TRASH}?limit=101&order=x")) == ["limit", "order"]


@at_every_mount
def test_emptied_nothing_of_it_is_left_but_its_traces(
    alice: Person, bob: Person, mount: str, shared_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Step by step, of which there are four here."""
    monkeypatch.setattr(store, "EMPTIED_AT_ONCE", 2)
    deleted = deleted_by_itself(alice)
    recurs = alice.creates("secret", due={"date": "2027-01-05"}, recurrence={"rule": "FREQ=DAILY"}, description="secret")
    alice.post(f"{TASKS}/{recurs['id']}/complete")
    alice.delete(f"{TASKS}/{recurs['id']}")
    kept, others = alice.creates("kept", labels=["kept"]), bob.creates()
    bob.delete(f"{TASKS}/{others['id']}")
    before = revision_of(shared_database, alice.id)
    answer = alice.delete(mount.format(user=alice.id))
    assert (answer.status_code, answer.content) == (204, b"")
    assert (trash_of(alice), len(trash_of(bob)), alice.sees()) == ([], 1, [kept])
    assert revision_of(shared_database, alice.id) == before
    for kind, record in [*deleted, ("task", recurs)]:
        assert_error(alice.post(f"/api/v1/{kind}s/{record['id']}/restore"), 404, f"{kind}_not_found")
    for table in ("tasks", "lists", "labels", "occurrences"):
        rows = postgres.query(shared_database, f"SELECT * FROM {table} WHERE user_id = $1", alice.id)
        gone = [row for row in rows if row.get("deleted_at") is not None]
        assert not any(word in str([*row.values()]) for row in gone for word in ("secret", "label", "top", "2027", "DAILY"))
        assert len(gone) == {"tasks": 6, "lists": 1, "labels": 1, "occurrences": 0}[table]
        assert table != "occurrences" or rows == []
    assert alice.delete(TRASH).status_code == 204
