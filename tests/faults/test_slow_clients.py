"""Clients that dawdle, and clients that go away in the middle: their own affair, and never the pool's."""

import asyncio
import random
import socket
import struct
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from taskwell.database.connection import Database
from taskwell.database.schema import SCHEMA_STATE
from taskwell.web import request
from tests.cli.command import PROGRAM, Serving, Visitor, serving
from tests.conftest import settings_for
from tests.faults.locks import Held, holding
from tests.support import postgres
from tests.support.cast import Person, person
from tests.support.errors import assert_error
from tests.support.server import RunningServer, serve
from tests.support.wire import Wire, message

TASKS = "/api/v1/tasks"
OURS = "SELECT state FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'taskwell'"
DISCONNECTS = 200


@pytest.fixture
def server(own_database: str, tmp_path: Path) -> Iterator[RunningServer]:
    with serve(settings_for(own_database, tmp_path, pool_size=3)) as running:
        yield running


@pytest.fixture
def dana(server: RunningServer, own_database: str) -> Iterator[Person]:
    with person(server, own_database, "dana") as somebody:
        yield somebody


def test_a_body_that_does_not_arrive_ends_the_request_and_holds_no_connection(
    server: RunningServer, dana: Person, own_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(request, "BODY_SECONDS", 1.0)
    headers = ("Authorization", f"Bearer {dana.token}"), ("Content-Type", "application/json")
    half = message("POST", TASKS, *headers, body=b'{"title": ', length=100)
    wires = [Wire(server) for _ in range(20)]
    for wire in wires:
        wire.send(half)
    for _ in range(20):  # meanwhile three connections are enough for everybody else
        assert dana.get(TASKS).status_code == 200
    for wire in wires:
        with wire:
            assert_error(wire.answer("POST"), 408, "body_too_slow")
            assert wire.is_closed()
    assert dana.sees() == []
    assert {row["state"] for row in postgres.query(own_database, OURS)} == {"idle"}


def test_a_client_that_goes_away_in_its_body_has_done_nothing(server: RunningServer, dana: Person) -> None:
    headers = ("Authorization", f"Bearer {dana.token}"), ("Content-Type", "application/json")
    for _ in range(20):
        with Wire(server) as wire:
            wire.send(message("POST", TASKS, *headers, body=b'{"title": "x"', length=14))
    assert dana.sees() == []
    dana.creates("y")


@pytest.fixture(params=["granian", "uvicorn"])
def deployed(request: pytest.FixtureRequest, own_database: str, tmp_path: Path) -> Iterator[Serving]:
    """A server process, with three connections to the database."""
    uvicorn = [str(Path(PROGRAM).with_name("uvicorn")), "--factory", "taskwell.app:create"]
    program, words = {"granian": (None, ["--workers", "1"]), "uvicorn": (uvicorn, ["--port", "{port}"])}[request.param]
    with serving(tmp_path, *words, program=program, DATABASE_URL=own_database, TASKWELL_POOL_SIZE="3") as running:
        yield running


def hang_up(connection: socket.socket) -> None:
    """At once, with a reset, as a killed program or a lost network does."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def test_two_hundred_clients_that_hang_up_leave_everything_as_it_should_be(deployed: Serving, own_database: str) -> None:
    with Visitor(deployed.url) as me:
        user_id = me.signs_up()
        me.signs_in()
        token = me.headers["Authorization"]

        def send_and_hang_up(number: int, wait: float) -> None:
            body = f'{{"title": "{number}"}}'.encode()
            connection = socket.create_connection(("127.0.0.1", deployed.port), timeout=20)
            connection.sendall(message("POST", TASKS, ("Authorization", token), ("Content-Type", "application/json"), body=body))
            time.sleep(wait)
            hang_up(connection)

        chance = random.Random(1)
        with ThreadPoolExecutor(8) as threads:
            for number in range(DISCONNECTS // 2):
                threads.submit(send_and_hang_up, number, chance.random() * 0.01)
        # Now while a statement of theirs waits in the database: one at a time, as no user's writes have more connections.
        with holding(own_database, "SELECT FROM users WHERE id = $1 FOR UPDATE", user_id) as held:
            for number in range(DISCONNECTS // 2, DISCONNECTS):
                send_and_hang_up(number, 0)
            held.wait_for_waiters(1)
            assert me.get(TASKS).status_code == 200
        for number in range(50):
            answer = me.post(TASKS, json={"title": f"after {number}"})
            assert answer.status_code == 201 or (number < 5 and answer.status_code == 503), answer.text
            assert me.get(TASKS).status_code == 200
        time.sleep(0.5)
        rows = postgres.query(own_database, "SELECT title, revision FROM tasks ORDER BY revision")
        titles = [row["title"] for row in rows]
        assert len(set(titles)) == len(titles), "done twice"
        assert [row["revision"] for row in rows] == list(range(1, len(rows) + 1)), "half done"
        assert {row["state"] for row in postgres.query(own_database, OURS)} == {"idle"}
        assert len(postgres.query(own_database, OURS)) <= 3
        assert "defect" not in deployed.complained
        assert "Traceback" not in deployed.complained


def test_cancelled_requests_leak_no_connection_and_leave_nothing_running(own_database: str) -> None:
    async def all_of_it(held: Held) -> None:
        db = Database.at(own_database, pool_size=4, prepared_statements="auto")
        chance = random.Random(2)

        async def ask() -> None:
            await db.row(SCHEMA_STATE)

        await asyncio.gather(*(ask() for _ in range(12)))
        for _ in range(20):
            tasks = [asyncio.create_task(ask()) for _ in range(12)]
            for task in tasks:
                asyncio.get_running_loop().call_later(chance.random() * 0.02, task.cancel)
            await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.gather(*(ask() for _ in range(12)))
        await asyncio.to_thread(held.execute, "LOCK TABLE alembic_version IN ACCESS EXCLUSIVE MODE")
        stuck = [asyncio.create_task(ask()) for _ in range(12)]
        await asyncio.to_thread(held.wait_for_waiters, 4)
        for task in stuck:
            task.cancel()
        await asyncio.gather(*stuck, return_exceptions=True)
        # PostgreSQL was told, and does not wait on for nobody.
        await asyncio.to_thread(held.wait_for_waiters, 0, within=5)
        await asyncio.to_thread(held.execute, "COMMIT")
        async with asyncio.timeout(5):
            await asyncio.gather(*(ask() for _ in range(40)))
        assert len(await asyncio.to_thread(postgres.query, own_database, OURS)) <= 4
        await db.close()

    with holding(own_database, "SELECT 1") as held:
        asyncio.run(asyncio.wait_for(all_of_it(held), 60))
