"""POST /batch: what an atomic batch shows of a record is what is stored under its tag."""

from typing import Any

from tests.support.batches import Json, ids, operation, results
from tests.support.cast import Person

BATCH = "/api/v1/batch"
PATHS = {"task": "/api/v1/tasks", "list": "/api/v1/lists", "label": "/api/v1/labels"}


def stored(who: Person, kind: str, record_id: str) -> Any:
    return who.get(f"{PATHS[kind]}/{record_id}").json()


def test_a_record_is_shown_as_all_operations_have_left_it(alice: Person) -> None:
    """A later one changes it again, renames its label, takes along what is below it, or finishes another occurrence."""
    label = alice.post(PATHS["label"], json={"name": "m0"}).json()
    home = alice.creates_list("Home")
    task = alice.creates("T0", labels=["m0"])
    above = alice.creates("above")
    below = alice.creates("below", parent_id=above["id"])
    sweep = alice.creates("Sweep", due={"date": "2026-01-01"}, recurrence={"rule": "FREQ=DAILY"})
    (new,) = ids(1)
    operations: list[tuple[str, Json]] = [
        ("task", operation("change", "task", task["id"], {"title": "T1"})),
        ("task", operation("change", "task", task["id"], {"description": "a long note"})),
        ("label", operation("change", "label", label["id"], {"name": "m1"})),
        ("task", operation("change", "task", below["id"], {"title": "still below"})),
        ("task", operation("change", "task", above["id"], {"list_id": home["id"]})),
        ("list", operation("change", "list", home["id"], {"name": "House"})),
        ("list", operation("change", "list", home["id"], {"name": "Home again"})),
        ("task", operation("complete", "task", sweep["id"])),
        ("task", operation("complete", "task", sweep["id"])),
        ("task", operation("create", "task", new, {"title": "new", "labels": ["m1"]})),
        ("label", operation("change", "label", label["id"], {"name": "m2"})),
    ]
    found = results(alice, *(one for _, one in operations), atomic=True)
    assert [result["status"] for result in found] == [201 if result["id"] == new else 200 for result in found]
    for (kind, _), result in zip(operations, found, strict=True):
        assert result["record"] == stored(alice, kind, result["id"])
        assert result["etag"] == result["record"]["etag"]
    sent_back = found[0]["record"] | {"priority": "high"}
    assert alice.put(f"{PATHS['task']}/{task['id']}", json=sent_back).json()["description"] == "a long note"


def test_what_a_later_operation_deletes_is_shown_as_it_was(alice: Person) -> None:
    task = alice.creates("T0")
    found = results(
        alice,
        operation("change", "task", task["id"], {"title": "T1"}),
        operation("create", "label", value={"name": "x"}),
        operation("delete", "task", task["id"]),
        atomic=True,
    )
    assert (found[0]["record"]["title"], found[2].get("record")) == ("T1", None)
    assert found[0]["etag"] == found[0]["record"]["etag"]
    assert found[0]["record"]["revision"] == found[1]["record"]["revision"]
