"""Tasks that go into a list while it is deleted, over two servers: never is a task there whose list is gone."""

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from tests.conftest import settings_for
from tests.faults.locks import holding
from tests.support import postgres
from tests.support.cast import Person
from tests.support.lists import LISTS, unknown_references
from tests.support.server import RunningServer, serve

TASKS = "/api/v1/tasks"
ROUNDS = 25
ORPHANS = (
    "SELECT t.id FROM tasks t JOIN lists l ON l.user_id = t.user_id AND l.id = t.list_id"
    " WHERE t.user_id = $1 AND t.deleted_at IS NULL AND l.deleted_at IS NOT NULL"
)
LOCK = "SELECT FROM users WHERE id = $1 FOR UPDATE"


def test_no_task_is_left_in_a_list_that_is_deleted(
    server: RunningServer, shared_database: str, alice: Person, tmp_path: Path
) -> None:
    answers: Counter[tuple[str, int]] = Counter()

    def went(what: str, answer: httpx.Response) -> None:
        answers[what, answer.status_code] += 1
        if answer.status_code == 400:
            unknown_references(answer)

    with serve(settings_for(shared_database, tmp_path)) as second, ThreadPoolExecutor(6) as pool:
        other = Person(second, id=alice.id, email=alice.email, token=alice.token)
        with other:
            for _ in range(ROUNDS):
                list_id = alice.creates_list()["id"]
                moving, inside = alice.creates(), alice.creates(list_id=list_id)
                start = threading.Barrier(6)

                def at_once(what: str, who: Person, method: str, path: str, body: object = None) -> None:
                    start.wait()  # noqa: B023  it is awaited within the round
                    went(what, who.request(method, path, json=body))

                there = {"title": "x", "list_id": list_id}
                racers = [
                    ("create", alice, "POST", TASKS, there),
                    ("create", other, "POST", TASKS, there | {"id": str(uuid4())}),
                    ("move", other, "PATCH", f"{TASKS}/{moving['id']}", {"list_id": list_id}),
                    ("leave", alice, "PUT", f"{TASKS}/{inside['id']}", {"title": "x", "list_id": None}),
                    ("move", alice, "PUT", f"{TASKS}/{moving['id']}", there),
                    ("delete", other, "DELETE", f"{LISTS}/{list_id}"),
                ]
                for run in [pool.submit(at_once, *racer) for racer in racers]:  # type: ignore[arg-type]
                    run.result()
                assert postgres.query(shared_database, ORPHANS, alice.id) == []
    assert answers["delete", 204] == ROUNDS
    assert {status for _, status in answers} <= {200, 201, 204, 400, 404}
    # Else nothing has raced.
    assert answers["create", 400] + answers["move", 400] > 0


@pytest.mark.parametrize("method", ["POST", "PATCH", "PUT"])
def test_a_deletion_that_was_on_its_way_is_not_missed(shared_database: str, alice: Person, method: str) -> None:
    """The statement that names the list began before the deletion was committed: its snapshot has the list still."""
    list_id = alice.creates_list()["id"]
    task = alice.creates()
    gone = "UPDATE lists SET deleted_at = now(), revision = revision + 1 WHERE user_id = $1"
    path = TASKS if method == "POST" else f"{TASKS}/{task['id']}"
    with ThreadPoolExecutor(1) as pool, holding(shared_database, LOCK, alice.id) as held:
        waiting = pool.submit(alice.request, method, path, json={"title": "x", "list_id": list_id})
        held.wait_for_waiters(1)
        held.execute(gone, alice.id)
        held.execute("COMMIT")
        assert unknown_references(waiting.result()) == [("body", "list_id")]
    assert alice.sees() == [task]
