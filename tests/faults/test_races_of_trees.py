"""Tasks that go below others while these go elsewhere, over two servers: never a cycle, never a subtask without its parent."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tests.conftest import settings_for
from tests.faults.locks import holding
from tests.support import postgres
from tests.support.cast import Person
from tests.support.errors import assert_error
from tests.support.server import RunningServer, serve

TASKS = "/api/v1/tasks"
LOCK = "SELECT FROM users WHERE id = $1 FOR UPDATE"
ADOPTED = (
    "WITH counted AS (UPDATE users SET revision = revision + 1 WHERE id = $1 RETURNING revision),"
    " marked AS (UPDATE tasks SET is_parent = true WHERE user_id = $1 AND id = $2)"
    " INSERT INTO tasks (user_id, id, title, is_completed, parent_id, created_at, updated_at, revision)"
    " SELECT $1, $3, 'late', false, $2, now(), now(), revision FROM counted"
)


@pytest.mark.parametrize("round_", range(3))
def test_of_two_crossed_moves_one_is_refused(
    server: RunningServer, shared_database: str, alice: Person, tmp_path: Path, round_: int
) -> None:
    """Each waits for the same lock, and neither could see a cycle before it."""
    with (
        serve(settings_for(shared_database, tmp_path)) as second,
        ThreadPoolExecutor(2) as pool,
        Person(second, id=alice.id, email=alice.email, token=alice.token) as other,
    ):
        one, two = alice.creates("one"), alice.creates("two")
        with holding(shared_database, LOCK, alice.id) as held:
            crossed = [
                pool.submit(who.patch, f"{TASKS}/{task['id']}", json={"parent_id": parent["id"]})
                for who, task, parent in ((alice, one, two), (other, two, one))
            ]
            held.wait_for_waiters(2)
            held.execute("COMMIT")
            answers = sorted((answer.result() for answer in crossed), key=lambda answer: answer.status_code)
        assert answers[0].status_code == 200
        assert_error(answers[1], 409, "below_itself")
        assert {task["parent_id"] for task in alice.sees()} == {None, answers[0].json()["parent_id"]}


@pytest.mark.parametrize("what", ["delete", "move"])
def test_a_subtask_that_was_on_its_way_is_not_left_behind(shared_database: str, alice: Person, what: str) -> None:
    """The statement began before the subtask was committed: its snapshot has none."""
    parent, made, late = alice.creates(), alice.creates_list()["id"], uuid4()
    path = f"{TASKS}/{parent['id']}"
    body: Any = {"list_id": made} if what == "move" else None
    with ThreadPoolExecutor(1) as pool, holding(shared_database, LOCK, alice.id) as held:
        waiting = pool.submit(alice.request, "PATCH" if what == "move" else "DELETE", path, json=body)
        held.wait_for_waiters(1)
        held.execute(ADOPTED, alice.id, parent["id"], late)
        held.execute("COMMIT")
        assert waiting.result().status_code == (200 if what == "move" else 204)
    (row,) = postgres.query(shared_database, "SELECT list_id, deleted_with FROM tasks WHERE id = $1", late)
    assert [str(row["list_id"]), row["deleted_with"]] == [made, None] if what == "move" else str(row[1]) == parent["id"]
