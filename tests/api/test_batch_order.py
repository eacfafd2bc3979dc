"""POST /batch: where what an atomic batch makes stands among its siblings."""

from uuid import uuid4

import pytest

from tests.support import postgres
from tests.support.batches import Json, ids, operation, results
from tests.support.cast import Person


def test_what_one_batch_puts_at_the_end_stays_before_what_comes_later(alice: Person) -> None:
    """An atomic batch takes one revision, and its records are in its order all the same, and before those of the next."""
    titles = []
    for batch in range(3):
        first, second = ids(2)
        results(
            alice,
            operation("create", "task", first, {"title": f"{batch} b"}),
            operation("create", "list", value={"name": f"{batch}"}),
            operation("create", "task", value={"title": f"{batch} c"}),
            operation("create", "task", second, {"title": f"{batch} a"}),
            operation("move", "task", second, {"before": first}),
            operation("create", "list", value={"name": f"{batch} too"}),
            operation("create", "task", value={"title": f"{batch} d"}),
            atomic=True,
        )
        alice.creates(f"{batch} e")
        titles += [f"{batch} {letter}" for letter in "abcde"]
    assert [task["title"] for task in alice.sees(order="position")] == titles


@pytest.mark.parametrize("revision", [0, 100])
@pytest.mark.parametrize("op", ["change", "replace", "complete", "subtasks"])
def test_what_an_atomic_batch_makes_stays_in_its_order_whatever_else_it_does(
    alice: Person, shared_database: str, op: str, revision: int
) -> None:
    postgres.query(shared_database, "UPDATE users SET revision = $2 WHERE id = $1", alice.id, revision)
    numbers = ids(8)
    creates = [operation("create", "task", one, {"title": f"{number}"}) for number, one in enumerate(numbers)]
    value: Json = {"title": "0", "priority": "high"}
    touches = {
        "change": operation("change", "task", numbers[0], value),
        "replace": operation("replace", "task", numbers[0], value),
        "complete": operation("complete", "task", numbers[0]),
        "subtasks": operation("change", "task", numbers[0], {"is_completed": True}, subtasks=True),
    }
    label = operation("create", "label", value={"name": "x"})
    found = results(alice, *creates[:5], touches[op], label, *creates[5:6], touches[op], *creates[6:], atomic=True)
    made = alice.sees(order="position")
    assert [task["id"] for task in made] == numbers
    assert len({task["position"] for task in made}) == len(made)
    assert [result["record"] for result in (*found[1:5], found[7], *found[9:])] == made[1:]
    assert alice.creates("later")["position"] > made[-1]["position"]


def test_an_atomic_batch_leaves_a_position_alone_that_was_given(alice: Person) -> None:
    """Also one that Taskwell itself would give in its course."""
    here, there = alice.creates("earlier", position="i3"), str(uuid4())
    found = results(
        alice,
        operation("create", "label", value={"name": "x"}),
        operation("create", "task", there, {"title": "given", "position": "i4"}),
        operation("create", "task", value={"title": "last"}),
        operation("change", "task", here["id"], {"title": "changed"}),
        operation("change", "task", there, {"title": "changed", "position": "i4"}),
        operation("create", "label", value={"name": "y"}),
        atomic=True,
    )
    assert [found[number]["record"]["position"] for number in (1, 3, 4)] == ["i4", "i3", "i4"]
    positions = {task["id"]: task["position"] for task in alice.sees()}
    assert (positions[here["id"]], positions[there]) == ("i3", "i4")
    assert positions[found[2]["id"]] == found[2]["record"]["position"]
