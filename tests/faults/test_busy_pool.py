"""More work than connections: everybody is told soon, in order, and nobody pays for another user's queue."""

import asyncio
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest

from taskwell.database import connection, url
from taskwell.database.pool import Pool
from taskwell.database.statement import Connection
from tests.conftest import settings_for
from tests.faults.locks import holding
from tests.faults.own import connections, end_connections
from tests.support.cast import Person, person
from tests.support.errors import assert_error
from tests.support.server import RunningServer, serve

TASKS = "/api/v1/tasks"
LOCK = "SELECT FROM users WHERE id = ANY($1::uuid[]) FOR UPDATE"


@pytest.fixture
def small(own_database: str, tmp_path: Path) -> Iterator[RunningServer]:
    """A server with three connections. Each write goes alone, and holds one while it waits for a lock."""
    with serve(settings_for(own_database, tmp_path, pool_size=3, sets="off")) as running:
        yield running


@pytest.fixture
def alice(small: RunningServer, own_database: str) -> Iterator[Person]:
    with person(small, own_database, "alice") as somebody:
        yield somebody


@pytest.fixture
def bob(small: RunningServer, own_database: str) -> Iterator[Person]:
    with person(small, own_database, "bob") as somebody:
        yield somebody


@pytest.fixture
def carol(small: RunningServer, own_database: str) -> Iterator[Person]:
    with person(small, own_database, "carol") as somebody:
        yield somebody


@pytest.fixture
def dora(small: RunningServer, own_database: str) -> Iterator[Person]:
    with person(small, own_database, "dora") as somebody:
        yield somebody


def timed(client: httpx.Client, method: str, path: str, **more: Any) -> tuple[httpx.Response, float]:
    began = time.monotonic()
    answer = client.request(method, path, **more)
    return answer, time.monotonic() - began


def test_a_full_pool_is_told_within_three_seconds(
    alice: Person, bob: Person, carol: Person, dora: Person, own_database: str
) -> None:
    carol.creates("there")
    with ThreadPoolExecutor(20) as threads, holding(own_database, LOCK, [alice.id, bob.id, dora.id]) as held:
        stuck = [threads.submit(somebody.post, TASKS, json={"title": "late"}) for somebody in (alice, bob, dora)]
        held.wait_for_waiters(3)
        waiting = [threads.submit(timed, somebody, "GET", TASKS) for somebody in (alice, bob, carol)]
        waiting += [threads.submit(timed, somebody, "POST", TASKS, json={"title": "x"}) for somebody in (alice, bob, carol) * 3]
        for one in waiting:
            answer, seconds = one.result(30)
            assert_error(answer, 503, "database_busy")
            assert 1.9 < seconds < 3.0
        assert carol.get("/healthz").status_code == 200
        held.execute("COMMIT")
        assert [one.result(30).status_code for one in stuck] == [201, 201, 201]
    assert [task["title"] for task in carol.sees()] == ["there"]
    assert [task["title"] for task in alice.sees()] == ["late"]


def test_a_write_that_waited_for_its_turn_does_not_wait_as_long_again_for_a_connection(
    alice: Person, bob: Person, carol: Person, dora: Person, own_database: str
) -> None:
    with ThreadPoolExecutor(20) as threads, holding(own_database, LOCK, [alice.id, bob.id, dora.id]) as held:
        stuck = [threads.submit(somebody.post, TASKS, json={"title": "late"}) for somebody in (alice, bob, dora)]
        held.wait_for_waiters(3)
        first = [threads.submit(timed, carol, "POST", TASKS, json={"title": "x"})]
        time.sleep(0.5)
        second = [threads.submit(timed, carol, "POST", TASKS, json={"title": "x"}) for _ in range(4)]
        for one in first + second:
            answer, seconds = one.result(30)
            assert_error(answer, 503, "database_busy")
            assert seconds < 3.0
        held.execute("COMMIT")
        assert [one.result(30).status_code for one in stuck] == [201, 201, 201]


def test_fifty_stuck_writes_of_one_user_hold_up_nobody_else(own_database: str, tmp_path: Path) -> None:
    with (
        serve(settings_for(own_database, tmp_path)) as server,
        person(server, own_database, "alice") as alice,
        person(server, own_database, "bob") as bob,
        ThreadPoolExecutor(50) as threads,
    ):
        task = alice.creates("before")
        bob.creates("warm")
        with holding(own_database, LOCK, [alice.id]) as held:
            stuck = [
                threads.submit(timed, alice, "PATCH", f"{TASKS}/{task['id']}", json={"title": f"{turn}"}) for turn in range(50)
            ]
            held.wait_for_waiters(1)
            until = time.monotonic() + 2.5
            slowest = 0.0
            while time.monotonic() < until:
                for answer, seconds in (
                    timed(bob, "POST", TASKS, json={"title": "x"}),
                    timed(bob, "GET", TASKS, params={"limit": 1}),
                    timed(alice, "GET", TASKS),  # her reads go on too
                ):
                    assert answer.status_code in (200, 201), answer.text
                    slowest = max(slowest, seconds)
            assert slowest < 1.0
            assert len(held.waiters()) == 1
            held.execute("COMMIT")
        answers = [one.result(30) for one in stuck]
        assert Counter(answer.status_code for answer, _ in answers) == {200: 1, 503: 49}
        for answer, seconds in answers:
            if answer.status_code == 503:
                assert_error(answer, 503, "database_busy")
                assert seconds < 4.0  # fifty threads of the test share two cores with the server
        written = {answer.json()["title"] for answer, _ in answers if answer.status_code == 200}
        assert alice.get(f"{TASKS}/{task['id']}").json()["title"] in written


@pytest.mark.parametrize("method", ["PATCH", "POST", "DELETE"])
def test_a_statement_that_takes_too_long_is_called_off(
    alice: Person, bob: Person, own_database: str, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    monkeypatch.setattr(connection, "STATEMENT_SECONDS", 1.0)
    task = alice.creates("before")
    end_connections(own_database)  # new ones have the new deadline
    path = TASKS if method == "POST" else f"{TASKS}/{task['id']}"
    body = {} if method == "DELETE" else {"json": {"title": "after"}}
    with ThreadPoolExecutor(2) as threads, holding(own_database, LOCK, [alice.id]) as held:
        for _ in range(2):
            answer, seconds = threads.submit(timed, alice, method, path, **body).result(30)
            assert_error(answer, 503, "outcome_unknown")
            assert 0.9 < seconds < 3.0
        # It is not left in PostgreSQL, where it would hold a connection and come true much later.
        held.wait_for_waiters(0, within=3)
        assert bob.get(TASKS).status_code == 200
        held.execute("COMMIT")
    assert alice.sees() == [task]
    assert connections(own_database) <= 3
    assert alice.patch(f"{TASKS}/{task['id']}", json={"title": "after"}).status_code == 200


def test_a_read_that_takes_too_long_is_not_asked_for_again(
    alice: Person, own_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "STATEMENT_SECONDS", 1.0)
    alice.creates("there")
    end_connections(own_database)  # new ones have the new deadline
    with ThreadPoolExecutor(1) as threads, holding(own_database, "LOCK TABLE tasks IN ACCESS EXCLUSIVE MODE") as held:
        answer, seconds = threads.submit(timed, alice, "GET", TASKS).result(30)
        assert_error(answer, 503, "database_unavailable")
        assert 0.9 < seconds < 1.8
        held.wait_for_waiters(0, within=3)
    assert len(alice.sees()) == 1


def test_who_waits_for_a_connection_is_served_in_order(own_database: str) -> None:
    served: list[int] = []

    async def connect() -> Connection:
        return await asyncpg.connect(**url.parse(own_database).arguments())

    async def work(pool: Pool, number: int) -> None:
        connection = await pool.acquire()
        await connection.fetchval("SELECT pg_sleep(0.001)")
        served.append(number)
        pool.release(connection)

    async def all_of_it() -> None:
        pool = Pool(connect, 1)
        first = await pool.acquire()
        tasks = [asyncio.create_task(work(pool, number)) for number in range(20)]
        await asyncio.sleep(0.01)
        for number in (3, 7):
            tasks[number].cancel()  # they lose their place, and nobody else does
        pool.release(first)
        latecomer = asyncio.create_task(work(pool, 99))
        await asyncio.wait([*tasks, latecomer])
        await pool.close()

    asyncio.run(asyncio.wait_for(all_of_it(), 30))
    assert served == [number for number in range(20) if number not in (3, 7)] + [99]
