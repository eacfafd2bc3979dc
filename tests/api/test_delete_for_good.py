"""DELETE /tasks/{task_id}?permanent=true, and of lists and labels: nothing can be restored, and the trace stays."""

from typing import Any

import httpx
import pytest

from tests.support import postgres
from tests.support.cast import Person
from tests.support.errors import assert_error, invalid_fields
from tests.support.labels import label_of
from tests.support.stored import revision_of

NOUNS = ("task", "list", "label")
of_every_noun = pytest.mark.parametrize("noun", NOUNS)


def made(who: Person, noun: str) -> dict[str, Any]:
    if noun == "task":
        task = who.creates("secret")
        who.creates("secret below", parent_id=task["id"])
        return task
    if noun == "list":
        list_ = who.creates_list("secret")
        who.creates("secret in it", list_id=list_["id"])
        return list_
    who.creates(labels=["secret"])
    return label_of(who, "secret")


def path_of(noun: str, record: dict[str, Any], *, user: object = None) -> str:
    return f"/api/v1{'' if user is None else f'/users/{user}'}/{noun}s/{record['id']}"


def secrets(database_url: str, who: Person) -> int:
    """Rows that still tell what was there."""
    tables = ("tasks", "lists", "labels")
    query = " UNION ALL ".join(f"SELECT t::text AS line FROM {table} t WHERE user_id = $1" for table in tables)
    return sum("secret" in row["line"] for row in postgres.query(database_url, query, who.id))


@of_every_noun
@pytest.mark.parametrize("is_trashed", [False, True])
def test_it_goes_with_what_hangs_on_it(alice: Person, noun: str, is_trashed: bool, shared_database: str) -> None:
    record = made(alice, noun)
    path = path_of(noun, record, user=alice.id)
    if is_trashed:
        assert alice.delete(path).status_code == 204
    before = revision_of(shared_database, alice.id)
    answer = alice.delete(f"{path}?permanent=true")
    assert (answer.status_code, answer.content) == (204, b"")
    assert (secrets(shared_database, alice), alice.get("/api/v1/trash").json()["items"]) == (0, [])
    assert revision_of(shared_database, alice.id) == before + (0 if is_trashed else 1)
    for again in (alice.delete(f"{path}?permanent=true"), alice.post(f"{path}/restore"), alice.get(path)):
        assert_error(again, 404, f"{noun}_not_found")
    stored = f"SELECT revision, deleted_at, emptied_at FROM {noun}s WHERE user_id = $1 AND id = $2"
    (trace,) = postgres.query(shared_database, stored, alice.id, record["id"])
    assert (trace["revision"], trace["emptied_at"] is not None) == (revision_of(shared_database, alice.id), True)
    new = {"title": "new"} if noun == "task" else {"name": "new"}
    assert alice.put(path, json=new, headers={"If-None-Match": "*"}).status_code == 201
    assert alice.delete(path).status_code == 204
    assert alice.post(f"{path}/restore").status_code == 200


@of_every_noun
def test_only_its_owner_and_only_as_it_was_seen(
    anonymous: httpx.Client, alice: Person, bob: Person, noun: str, shared_database: str
) -> None:
    record = made(alice, noun)
    path = f"{path_of(noun, record)}?permanent=true"
    kept = secrets(shared_database, alice)
    for is_trashed in (False, True):
        if is_trashed:
            alice.delete(path_of(noun, record))
        assert_error(anonymous.delete(path), 401, "token_missing")
        assert_error(bob.delete(path), 404, f"{noun}_not_found")
        assert_error(bob.delete(f"{path_of(noun, record, user=alice.id)}?permanent=true"), 404, "user_not_found")
        stale = {"If-Match": record["etag"] if is_trashed else '"x"'}
        current = assert_error(alice.delete(path, headers=stale), 412, f"{noun}_changed")["current"]
        assert current["id"] == record["id"]
    assert invalid_fields(alice.delete(f"{path_of(noun, record)}?permanent=maybe")) == ["permanent"]
    assert secrets(shared_database, alice) >= kept - 1  # a deleted label is on no task
    assert alice.delete(path, headers={"If-Match": current["etag"]}).status_code == 204
    assert secrets(shared_database, alice) == 0


def test_false_is_a_deletion_as_any_other(alice: Person) -> None:
    task = alice.creates()
    assert alice.delete(f"{path_of('task', task)}?permanent=false").status_code == 204
    assert alice.post(f"{path_of('task', task)}/restore").status_code == 200
