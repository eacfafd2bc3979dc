"""POST /batch: many operations in one request, each by itself or all of them or none."""

from typing import Any
from uuid import uuid4

import pytest

from tests.support import postgres
from tests.support.batches import BATCH, Json, ids, operation, results, sends, statuses
from tests.support.cast import Person
from tests.support.errors import MARKER, assert_error, assert_refused, invalid_fields
from tests.support.labels import label_of
from tests.support.stored import revision_of

either_way = pytest.mark.parametrize("atomic", [False, True])


def of_everything(list_id: str, label_id: str, top: str, below: str) -> list[Json]:
    """Each operation there is, in which later ones name what earlier ones make."""
    return [
        operation("create", "list", list_id, {"name": "Groceries"}),
        operation("create", "label", label_id, {"name": "shop"}),
        operation("create", "task", top, {"title": "cake", "list_id": list_id, "labels": ["SHOP", "new"]}),
        operation("create", "task", below, {"title": "flour", "parent_id": top}),
        operation("create", "task", value={"title": "eggs", "parent_id": top}),
        operation("change", "task", below, {"priority": "high"}),
        operation("replace", "label", label_id, {"name": "Shopping"}),
        operation("change", "list", list_id, {"colour": "#2e7d32"}),
        operation("move", "task", below),
        operation("move", "list", list_id, {}),
        operation("complete", "task", below),
        operation("create", "label", value={"name": "gone"}),
        operation("delete", "label", label_id),
        operation("delete", "task", top),
        operation("restore", "task", top),
    ]


@either_way
def test_operations_are_done_in_their_order_and_name_what_earlier_ones_made(
    alice: Person, shared_database: str, atomic: bool
) -> None:
    list_id, label_id, top, below = ids(4)
    before = revision_of(shared_database, alice.id)
    found = results(alice, *of_everything(list_id, label_id, top, below), atomic=atomic)
    assert statuses(found) == [201] * 5 + [200] * 6 + [201, 204, 204, 200]
    tasks = {task["title"]: task for task in alice.sees(order="position")}
    assert list(tasks) == ["cake", "eggs", "flour"]
    assert {task["list_id"] for task in tasks.values()} == {list_id}
    assert (tasks["flour"]["is_completed"], tasks["flour"]["priority"]) == (True, "high")
    assert tasks["cake"]["labels"] == ["new"]
    assert {label["name"] for label in alice.labels()} == {"new", "gone"}
    (last_of_list,) = (result["record"] for result in found[9:10])
    assert alice.lists() == [last_of_list]
    assert found[14]["record"] == tasks["cake"]
    revisions = {record["revision"] for record in (*tasks.values(), *alice.lists())}
    if atomic:
        assert revisions | {result["record"]["revision"] for result in found if "record" in result} == {before + 1}
        assert revision_of(shared_database, alice.id) == before + 1
    else:
        assert revision_of(shared_database, alice.id) > before + 1


def test_each_is_refused_by_itself_and_the_others_are_done(alice: Person, bob: Person) -> None:
    task, others, taken = alice.creates("mine"), bob.creates("his"), alice.creates("taken")
    label = alice.post("/api/v1/labels", json={"name": "x"}).json()
    stale = alice.patch(f"/api/v1/tasks/{task['id']}", json={"title": "new"}).json()
    found = results(
        alice,
        operation("change", "task", others["id"], {"title": "stolen"}),
        operation("change", "task", str(uuid4()), {"title": "nobody's"}),
        operation("create", "task", taken["id"], {"title": "another"}),
        operation("create", "task", taken["id"], {"title": "taken"}),
        operation("create", "label", value={"name": "X"}),
        operation("create", "label", value={"name": "y"}),
        operation("change", "label", label["id"], {"name": "Y"}),
        operation("change", "task", task["id"], {"title": MARKER * 100}),
        operation("change", "task", task["id"], 5),
        operation("change", "task", task["id"], {"title": "old"}, if_match=task["etag"]),
        operation("change", "task", task["id"], {"title": "right"}, if_match=f"{task['etag']}, W/{stale['etag']}"),
        operation("delete", "task", task["id"], if_match="nonsense"),
        operation("create", "task", value={"title": "t", "list_id": str(uuid4())}),
        operation("create", "task", value={"title": "t", "recurrence": {"rule": "FREQ=DAILY"}}),
        operation("create", "task", value={"title": "t", "parent_id": str(uuid4())}),
        operation("delete", "task", taken["id"]),
        operation("delete", "task", taken["id"]),
    )
    assert statuses(found) == [
        (404, "task_not_found"),
        (404, "task_not_found"),
        (409, "task_id_taken"),
        200,
        (409, "label_name_taken"),
        201,
        (409, "label_name_taken"),
        (400, "invalid_input"),
        (400, "invalid_input"),
        (412, "task_changed"),
        200,
        (400, "invalid_input"),
        (400, "unknown_reference"),
        (400, "invalid_input"),
        (400, "unknown_reference"),
        204,
        (404, "task_not_found"),
    ]
    assert found[0] == found[1]
    assert found[9]["error"]["details"]["current"] == stale
    assert [field["field"] for field in found[11]["error"]["details"]["fields"]] == ["if_match"]
    assert MARKER not in str(found)
    assert [task["title"] for task in alice.sees()] == ["right"]
    assert bob.sees() == [others]


@pytest.mark.parametrize("stops_at", ["a stranger's id", "a bad value", "an old tag", "a taken name", "a taken id", "too many"])
def test_an_atomic_batch_that_fails_leaves_nothing(alice: Person, bob: Person, shared_database: str, stops_at: str) -> None:
    first, there, others = str(uuid4()), alice.creates("there"), bob.creates()
    label = alice.post("/api/v1/labels", json={"name": "x"}).json()
    before = revision_of(shared_database, alice.id)
    failing, status, code = {
        "a stranger's id": (operation("delete", "task", others["id"]), 404, "task_not_found"),
        "a bad value": (operation("change", "task", first, {"titel": "x"}), 400, "invalid_input"),
        "an old tag": (operation("change", "task", there["id"], {"title": "y"}, if_match=label["etag"]), 412, "task_changed"),
        "a taken name": (operation("create", "label", value={"name": "NEW"}), 409, "label_name_taken"),
        "a taken id": (operation("create", "task", first, {"title": "z"}), 409, "task_id_taken"),
        "too many": (operation("create", "task", value={"title": "z", "labels": ["x"] * 21}), 400, "invalid_input"),
    }[stops_at]
    answer = sends(
        alice,
        operation("create", "list", value={"name": "L"}),
        operation("create", "task", first, {"title": "a", "labels": ["new"]}),
        operation("change", "task", there["id"], {"title": "changed"}),
        failing,
        operation("change", "task", str(uuid4()), {"title": "never looked at"}),
        atomic=True,
    )
    details = assert_error(answer, status, code)
    assert details["operation"] == 3
    if stops_at == "an old tag":
        assert details["current"] == there, "as it is, and not as it was for a moment"
        assert answer.headers["etag"] == there["etag"]
    assert revision_of(shared_database, alice.id) == before
    assert (alice.sees(), alice.lists()) == ([there], [])
    assert [one["name"] for one in alice.labels()] == ["x"]


def test_what_was_never_there_has_no_tag_to_be_compared_with(alice: Person) -> None:
    new = str(uuid4())
    making = [operation("create", "task", new, {"title": "a"}), operation("delete", "task", new, if_match='"another"')]
    assert assert_error(sends(alice, *making, atomic=True), 404, "task_not_found") == {"operation": 1}
    assert statuses(results(alice, *making)) == [201, (412, "task_changed")]


@pytest.mark.parametrize("op", ["restore", "delete"])
@pytest.mark.parametrize("kind", ["task", "list", "label"])
def test_a_condition_on_what_is_in_the_trash_shows_it_as_it_is_there(alice: Person, op: str, kind: str) -> None:
    made = alice.post(f"/api/v1/{kind}s", json={"title" if kind == "task" else "name": "x"}).json()
    alice.delete(f"/api/v1/{kind}s/{made['id']}")
    flags = {"permanent": True} if op == "delete" else {}
    stale = operation(op, kind, made["id"], if_match=made["etag"], **flags)
    answer = sends(alice, operation("create", "task", value={"title": "y"}), stale, atomic=True)
    details = assert_error(answer, 412, f"{kind}_changed")
    assert details == {"operation": 1, "current": results(alice, stale)[0]["error"]["details"]["current"]}
    assert answer.headers["etag"] == details["current"]["etag"] != made["etag"]
    right = operation(op, kind, made["id"], if_match=answer.headers["etag"], **flags)
    assert statuses(results(alice, right, atomic=True)) == [204 if op == "delete" else 200]
    # What the batch itself has deleted is there after all.
    task = alice.creates()
    both = [operation("delete", "task", task["id"]), operation("restore", "task", task["id"], if_match=task["etag"])]
    assert assert_error(sends(alice, *both, atomic=True), 412, "task_changed") == {"operation": 1, "current": task}


def test_a_label_that_comes_back_into_its_namesake_has_the_id_of_that_one(alice: Person) -> None:
    old = alice.post("/api/v1/labels", json={"name": "x"}).json()
    alice.delete(f"/api/v1/labels/{old['id']}")
    new = alice.post("/api/v1/labels", json={"name": "X"}).json()
    (found,) = results(alice, operation("restore", "label", old["id"]))
    assert found["id"] == found["record"]["id"] == new["id"]


def test_an_atomic_batch_names_the_first_of_its_creates_that_failed(alice: Person) -> None:
    taken, there = alice.creates("taken"), alice.creates("there")
    again = operation("create", "task", there["id"], {"title": "there"})
    another = operation("create", "task", taken["id"], {"title": "another"})
    unknown = operation("create", "task", value={"title": "x", "list_id": str(uuid4())})
    unfit = operation("create", "task", value={"title": "x", "recurrence": {"rule": "FREQ=DAILY"}})
    for failing, status, code in (
        ([another, unknown, unfit], 409, "task_id_taken"),
        ([another, unfit], 409, "task_id_taken"),
        ([unknown, unfit, another], 400, "unknown_reference"),
        ([unfit, unknown, another], 400, "invalid_input"),
    ):
        assert assert_error(sends(alice, again, *failing, atomic=True), status, code)["operation"] == 1


MALFORMED: dict[str, tuple[Json, str]] = {
    "an unknown operation": (operation("upsert", "task", value={"title": MARKER}), "operations.1"),
    "an unknown kind": (operation("create", MARKER, value={}), "operations.1.create.kind"),
    "an unknown field": (operation("create", "task", value={"title": "x"}, when="now"), "operations.1.create.when"),
    "what a list has not": (operation("complete", "list", str(uuid4())), "operations.1.complete.kind"),
    "what a label has not": (operation("move", "label", str(uuid4())), "operations.1.move.kind"),
    "a condition of a create": (operation("create", "task", value={"title": "x"}, if_match="*"), "operations.1.create.if_match"),
    "no id": (operation("delete", "task"), "operations.1.delete.id"),
    "an id of another form": (operation("delete", "task", MARKER), "operations.1.delete.id"),
    "no value": (operation("change", "task", str(uuid4())), "operations.1.change.value"),
    "subtasks of a list": (operation("change", "list", str(uuid4()), {}, subtasks=True), "operations.1.change.subtasks"),
    "a merge of tasks": (operation("replace", "task", str(uuid4()), {}, merge=False), "operations.1.replace.merge"),
    "a flag of another type": (operation("delete", "task", str(uuid4()), permanent="true"), "operations.1.delete.permanent"),
    "a flag of another operation": (operation("restore", "task", str(uuid4()), permanent=True), "operations.1.restore.permanent"),
    "a value of a delete": (operation("delete", "task", str(uuid4()), {}), "operations.1.delete.value"),
}


@either_way
@pytest.mark.parametrize("what", MALFORMED)
def test_a_malformed_batch_is_refused_as_a_whole(alice: Person, what: str, atomic: bool) -> None:
    malformed, field = MALFORMED[what]
    answer = sends(alice, operation("create", "task", value={"title": "x"}), malformed, atomic=atomic)
    assert invalid_fields(answer) == [field]
    assert_refused(answer, 400)
    assert alice.sees() == []


@pytest.mark.parametrize("body", [{}, [], {"operations": {}}, {"operations": [5]}, {"operations": [], "atomic": "yes"}], ids=str)
def test_what_is_no_batch_is_refused(alice: Person, body: Any) -> None:
    assert_refused(alice.post(BATCH, json=body), 400)


def test_an_empty_batch_is_done(alice: Person) -> None:
    assert results(alice) == results(alice, atomic=True) == []


def test_an_id_is_said_once_or_twice_the_same(alice: Person) -> None:
    one, two, three = ids(3)
    found = results(
        alice,
        operation("create", "task", one, {"title": "one", "id": one.upper()}),
        operation("create", "task", value={"title": "two", "id": two}),
        operation("create", "task", three, {"title": "three", "id": two}),
    )
    assert statuses(found) == [201, 201, (400, "invalid_input")]
    assert [result["id"] for result in found[:2]] == [one, two]


@either_way
def test_five_hundred_creates_are_one_statement_and_one_more_is_refused(
    alice: Person, shared_database: str, atomic: bool
) -> None:
    before = revision_of(shared_database, alice.id)
    creates = [operation("create", "task", value={"title": f"{number:03}", "labels": ["new"]}) for number in range(501)]
    assert invalid_fields(sends(alice, *creates, atomic=atomic)) == ["operations"]
    found = results(alice, *creates[:500], atomic=atomic)
    assert {result["status"] for result in found} == {201}
    assert revision_of(shared_database, alice.id) == before + 1
    made = alice.sees(order="position")
    assert made == [result["record"] for result in found]
    assert [task["title"] for task in made] == [f"{number:03}" for number in range(500)]


def test_creates_are_what_single_requests_make_also_where_some_are_refused(alice: Person) -> None:
    """One statement makes what it can: what comes before the task that it names above itself is refused, as it would be."""
    top, early, late, list_id = ids(4)
    alice.creates("taken", id=early)
    found = results(
        alice,
        operation("create", "task", value={"title": "too early", "parent_id": top}),
        operation("create", "task", top, {"title": "top"}),
        operation("create", "task", late, {"title": "below", "parent_id": top}),
        operation("create", "task", early, {"title": "other"}),
        operation("create", "task", early, {"title": "taken"}),
        operation("create", "task", late, {"title": "twice"}),
        operation("create", "task", value={"title": "elsewhere", "parent_id": top, "list_id": list_id}),
        operation("create", "list", list_id, {"name": "L"}),
        operation("create", "list", list_id, {"name": "L"}),
        operation("create", "task", value={"title": "elsewhere", "parent_id": top, "list_id": list_id}),
        operation("create", "task", value={"title": "there", "list_id": list_id}),
    )
    assert statuses(found) == [
        (400, "unknown_reference"),
        201,
        201,
        (409, "task_id_taken"),
        200,
        (409, "task_id_taken"),
        (400, "invalid_input"),
        201,
        200,
        (400, "invalid_input"),
        201,
    ]
    assert alice.delete(f"/api/v1/tasks/{top}").status_code == 204, "it knows that it has a subtask"
    assert {task["title"] for task in alice.sees()} == {"taken", "there"}


def test_a_recurring_task_is_completed_once_for_each_operation(alice: Person) -> None:
    due = {"date": "2026-03-01"}
    task = alice.creates("water", due=due, recurrence={"rule": "FREQ=DAILY"})
    complete = operation("complete", "task", task["id"], {"occurrence": due["date"]})
    found = results(alice, complete, complete, atomic=True)
    assert statuses(found) == [200, 200]
    assert found[1]["record"] == alice.get(f"/api/v1/tasks/{task['id']}").json()
    (occurrence,) = alice.get(f"/api/v1/tasks/{task['id']}/occurrences").json()["items"]
    assert occurrence["occurrence"] == due["date"]
    assert statuses(results(alice, operation("complete", "task", task["id"], {"occurrence": "2031-01-01"}))) == [
        (409, "occurrence_not_open")
    ]


@either_way
def test_the_parameters_of_single_requests_mean_the_same(alice: Person, shared_database: str, atomic: bool) -> None:
    top, other = (alice.creates(title, labels=["x"]) for title in ("top", "other"))
    below = alice.creates("below", parent_id=top["id"], labels=["y"])
    here = alice.creates_list("secret")
    alice.creates("secret in it", list_id=here["id"])
    y = label_of(alice, "y")["id"]
    alice.delete(f"/api/v1/tasks/{other['id']}")
    found = results(
        alice,
        operation("change", "task", top["id"], {"is_completed": True}, subtasks=True),
        operation("change", "label", y, {"name": "x"}, merge=True),
        operation("delete", "list", here["id"], permanent=True),
        operation("delete", "task", other["id"], permanent=True),
        atomic=atomic,
    )
    assert statuses(found) == [200, 200, 204, 204]
    assert {label["name"] for label in alice.labels()} == {"x"}
    done = alice.get(f"/api/v1/tasks/{below['id']}").json()
    assert (done["is_completed"], done["labels"]) == (True, ["x"])
    assert alice.get("/api/v1/trash").json()["items"] == []
    named = (
        "SELECT count(*) FROM tasks FULL JOIN lists USING (user_id) WHERE user_id = $1 AND concat(title, name) ~ 'secret|other'"
    )
    assert postgres.query(shared_database, named, alice.id)[0]["count"] == 0


def test_a_key_and_a_batch(alice: Person, shared_database: str) -> None:
    """With an Idempotency-Key a batch is done once, whatever becomes of its operations."""
    create = operation("create", "task", value={"title": "once"})
    body = {"operations": [create, operation("delete", "task", str(uuid4())), create]}
    headers = {"Idempotency-Key": "one", "X-Request-Id": "batch"}
    answers = [alice.post(BATCH, json=body, headers=headers) for _ in range(2)]
    assert answers[0].content == answers[1].content
    assert statuses(answers[0].json()["results"]) == [201, (404, "task_not_found"), 201]
    assert len(alice.sees()) == 2
    before = revision_of(shared_database, alice.id)
    for _ in range(2):
        answer = alice.post(BATCH, json=body | {"atomic": True}, headers={"Idempotency-Key": "two"})
        assert assert_error(answer, 404, "task_not_found") == {"operation": 1}
    assert revision_of(shared_database, alice.id) == before


def test_an_administrator_works_on_anothers_records(alice: Person, bob: Person, carol: Person) -> None:
    path = f"/api/v1/users/{alice.id}/batch"
    create = operation("create", "task", value={"title": "by Carol"})
    assert statuses(results(carol, create, path=path)) == [201]
    assert [task["title"] for task in alice.sees()] == ["by Carol"]
    assert_error(sends(bob, create, path=path), 404, "user_not_found")
