"""Tasks that use labels while these are made, renamed, merged and deleted: each name of a task is a label that is there."""

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.conftest import settings_for
from tests.faults.locks import holding
from tests.support import postgres
from tests.support.cast import Person
from tests.support.labels import LABELS, label_of, labels_of
from tests.support.server import RunningServer, serve
from tests.support.stored import revision_of

TASKS = "/api/v1/tasks"
ROUNDS = 12
LOCK = "SELECT FROM users WHERE id = $1 FOR UPDATE"
MEANINGLESS = (
    "SELECT t.id FROM tasks t, unnest(t.labels) AS name WHERE t.user_id = $1"
    " AND NOT EXISTS (SELECT FROM labels l WHERE l.user_id = $1 AND l.name = name AND l.deleted_at IS NULL)"
)


def test_first_uses_at_once_end_with_one_label(
    server: RunningServer, shared_database: str, alice: Person, tmp_path: Path
) -> None:
    with serve(settings_for(shared_database, tmp_path)) as second, ThreadPoolExecutor(6) as pool:
        other = Person(second, id=alice.id, email=alice.email, token=alice.token)
        with other:
            for number in range(ROUNDS):
                start = threading.Barrier(6)

                def at_once(who: Person, name: str) -> list[str]:
                    start.wait()  # noqa: B023  it is awaited within the round
                    labels: list[str] = who.creates(labels=[name, "in each"])["labels"]
                    return labels

                spellings = [f"label {number}", f"Label {number}", f"LABEL {number}"] * 2
                runs = [pool.submit(at_once, who, name) for who, name in zip((alice, other) * 3, spellings, strict=True)]
                used = {tuple(run.result()) for run in runs}
                assert len(used) == 1
    assert len(labels_of(shared_database, alice)) == ROUNDS + 1
    assert revision_of(shared_database, alice.id) == ROUNDS * 6
    assert postgres.query(shared_database, MEANINGLESS, alice.id) == []


def test_no_task_carries_a_name_that_means_nothing(
    server: RunningServer, shared_database: str, alice: Person, tmp_path: Path
) -> None:
    statuses: Counter[tuple[str, int]] = Counter()
    with serve(settings_for(shared_database, tmp_path)) as second, ThreadPoolExecutor(6) as pool:
        other = Person(second, id=alice.id, email=alice.email, token=alice.token)
        with other:
            for _ in range(ROUNDS):
                task = alice.creates(labels=["home", "errand", "work"])
                home, errand, work = (label_of(alice, name)["id"] for name in ("home", "errand", "work"))
                start = threading.Barrier(6)

                def at_once(what: str, who: Person, method: str, path: str, body: object) -> None:
                    start.wait()  # noqa: B023  it is awaited within the round
                    statuses[what, who.request(method, path, json=body).status_code] += 1

                racers = [
                    ("use", alice, "POST", TASKS, {"title": "x", "labels": ["Home", "errand"]}),
                    ("use", other, "PATCH", f"{TASKS}/{task['id']}", {"labels": ["work", "Errand"]}),
                    ("use", other, "POST", TASKS, {"title": "x", "labels": ["house", "WORK"]}),
                    ("rename", alice, "PATCH", f"{LABELS}/{home}", {"name": "house"}),
                    ("merge", other, "PATCH", f"{LABELS}/{work}?merge=true", {"name": "errand"}),
                    ("delete", alice, "DELETE", f"{LABELS}/{errand}", None),
                ]
                for run in [pool.submit(at_once, *racer) for racer in racers]:
                    run.result()
                assert postgres.query(shared_database, MEANINGLESS, alice.id) == []
                for label in alice.labels():
                    alice.delete(f"{LABELS}/{label['id']}")
    assert {status for what, status in statuses if what == "use"} <= {200, 201}
    assert {status for _, status in statuses} <= {200, 201, 204, 404, 409}


@pytest.mark.parametrize("method", ["POST", "PATCH", "PUT"])
@pytest.mark.parametrize(
    ("changes", "there"),
    [("name = 'house', key = 'house'", {"house", "Home"}), ("deleted_at = now()", {"Home"}), ("name = 'HOME'", {"HOME"})],
)
def test_a_change_that_was_on_its_way_is_not_missed(
    shared_database: str, alice: Person, method: str, changes: str, there: set[str]
) -> None:
    """The statement that uses the label began before the change was committed: its snapshot has the label as it was."""
    task = alice.creates(labels=["home"])
    alice.patch(f"{TASKS}/{task['id']}", json={"labels": []})
    path = TASKS if method == "POST" else f"{TASKS}/{task['id']}"
    with ThreadPoolExecutor(1) as pool, holding(shared_database, LOCK, alice.id) as held:
        waiting = pool.submit(alice.request, method, path, json={"title": "x", "labels": ["Home"]})
        held.wait_for_waiters(1)
        held.execute(f"UPDATE labels SET {changes} WHERE user_id = $1", alice.id)
        held.execute("COMMIT")
        assert waiting.result().json()["labels"] == sorted(there & {"Home", "HOME"})
    assert {*labels_of(shared_database, alice)} == there
