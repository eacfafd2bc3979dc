"""A write with an `Idempotency-Key` whose connection to the database breaks is looked into, and never done twice or given up."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import UUID, uuid4

import httpx
import pytest

from tests.conftest import settings_for
from tests.faults.locks import holding
from tests.faults.tap import COMMITTED, Tap, tap
from tests.support import postgres
from tests.support.cast import Person, person
from tests.support.errors import assert_error
from tests.support.server import serve

TASKS = "/api/v1/tasks"


@pytest.fixture(scope="module")
def tapped(postgres_url: str) -> Iterator[tuple[Tap, str]]:
    with postgres.new_database(postgres_url) as url, tap(url) as wire:
        yield wire, url


@pytest.fixture(scope="module")
def erin(tapped: tuple[Tap, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Person]:
    """Her server's connections go through the tap."""
    wire, url = tapped
    with serve(settings_for(wire.url, tmp_path_factory.mktemp("data"))) as server, person(server, url, "erin") as somebody:
        yield somebody


def revision(url: str, somebody: Person) -> int:
    found: int = postgres.query(url, "SELECT revision FROM users WHERE id = $1", somebody.id)[0]["revision"]
    return found


WRITES: dict[str, Callable[[Person, str, dict[str, str]], httpx.Response]] = {
    "create": lambda erin, _, key: erin.post(TASKS, json={"title": "done"}, headers=key),
    "change": lambda erin, task, key: erin.patch(f"{TASKS}/{task}", json={"title": "done"}, headers=key),
    "delete": lambda erin, task, key: erin.delete(f"{TASKS}/{task}", headers=key),
    "create with a new label": lambda erin, _, key: erin.post(
        TASKS, json={"title": "x", "labels": [key["Idempotency-Key"]]}, headers=key
    ),
    "change many": lambda erin, task, key: erin.post(
        f"{TASKS}/change", json={"ids": [task], "changes": {"priority": "high"}}, headers=key
    ),
}


@pytest.mark.parametrize("write", WRITES)
def test_a_write_whose_commit_was_confirmed_to_nobody_is_answered_and_done_once(
    erin: Person, tapped: tuple[Tap, str], write: str
) -> None:
    wire, url = tapped
    task, key = erin.creates("before")["id"], {"Idempotency-Key": str(uuid4())}
    before = revision(url, erin)
    wire.cut_before_next_answer(COMMITTED)
    answer = WRITES[write](erin, task, key)
    assert wire.has_cut
    assert answer.is_success, answer.text
    assert "idempotency-replayed" not in answer.headers, "it was this very request"
    taken = revision(url, erin) - before
    again = WRITES[write](erin, task, key)
    assert again.headers["idempotency-replayed"] == "true"
    assert (again.status_code, again.content, again.headers.get("etag")) == (
        answer.status_code,
        answer.content,
        answer.headers.get("etag"),
    )
    assert (revision(url, erin) - before, taken) == (1, 1)


def test_a_write_whose_connection_is_killed_at_work_is_done_again(erin: Person, tapped: tuple[Tap, str]) -> None:
    _, url = tapped
    task, key = erin.creates("before"), {"Idempotency-Key": str(uuid4())}
    with ThreadPoolExecutor(1) as pool, holding(url, "LOCK TABLE tasks IN ACCESS EXCLUSIVE MODE") as held:
        answer = pool.submit(WRITES["change"], erin, task["id"], key)
        held.kills_who_waits()
        held.execute("COMMIT")
        assert answer.result(20).status_code == 200
    assert erin.get(f"{TASKS}/{task['id']}").json()["revision"] == task["revision"] + 1


def test_a_deletion_whose_connection_breaks_where_it_takes_old_ones_with_it_is_done_again(
    erin: Person, tapped: tuple[Tap, str]
) -> None:
    _, url = tapped
    old, task, key = erin.creates("old"), erin.creates("new"), {"Idempotency-Key": str(uuid4())}
    erin.delete(f"{TASKS}/{old['id']}")
    postgres.query(url, "UPDATE tasks SET deleted_at = '2020-01-01' WHERE id = $1", UUID(old["id"]))
    with ThreadPoolExecutor(1) as pool, holding(url, f"SELECT 1 FROM tasks WHERE id = '{old['id']}' FOR UPDATE") as held:
        answer = pool.submit(WRITES["delete"], erin, task["id"], key)
        held.kills_who_waits()
        held.execute("COMMIT")
        assert answer.result(20).status_code == 204
    assert postgres.query(url, "SELECT 1 FROM tasks WHERE id = $1", UUID(old["id"])) == []


def test_where_nobody_can_find_out_it_says_so_and_the_key_tells_later(own_database: str, tmp_path: Path) -> None:
    key = {"Idempotency-Key": str(uuid4())}
    with (
        tap(own_database) as wire,
        serve(settings_for(wire.url, tmp_path)) as server,
        person(server, own_database, "frank") as frank,
    ):
        assert frank.get(TASKS).status_code == 200
        wire.close()  # no new connection
        wire.cut_before_next_answer(COMMITTED)
        assert_error(WRITES["create"](frank, "", key), 503, "outcome_unknown")
        headers = frank.headers
    with (
        serve(settings_for(own_database, tmp_path)) as server,
        httpx.Client(base_url=server.base_url, headers=headers, trust_env=False) as client,
    ):
        again = client.post(TASKS, json={"title": "done"}, headers=key)
        assert (again.status_code, again.headers["idempotency-replayed"]) == (201, "true")
        assert [task["id"] for task in client.get(TASKS).json()["items"]] == [again.json()["id"]]
