"""Who goes next, with how many others, and who waits how long: nobody waits for somebody else, and no place is lost."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from pathlib import Path
from typing import Any

import httpx
import pytest

from bench.distance import by_a_proxy
from taskwell.database import sets, url
from tests.conftest import settings_for
from tests.database.wire import PREPARED, tapped
from tests.faults.locks import Held
from tests.faults.own import end_connections
from tests.faults.tap import tap
from tests.support import postgres
from tests.support.at_once import Stage, at_once, holding_meanwhile, in_thread, play
from tests.support.errors import assert_error

LOCK_USERS = "SELECT FROM users WHERE id = ANY($1::uuid[]) FOR UPDATE"
LOCK_TASKS = "LOCK TABLE tasks IN ACCESS EXCLUSIVE MODE"
KINDS = ("", "?completed=true", "?completed=false", "?order=oldest", "?order=oldest&completed=true")
"""Lists of which each has a statement of its own."""


@asynccontextmanager
async def no_connection_free(stage: Stage, connections: int) -> AsyncIterator[None]:
    pool = stage.app.services.database.pool
    taken = [await pool.acquire() for _ in range(connections)]
    try:
        yield
    finally:
        for one in taken:
            pool.release(one)


def begun(*requests: Any) -> list["asyncio.Task[httpx.Response]"]:
    return [asyncio.create_task(one) for one in requests]


async def timed(request: Any) -> tuple[httpx.Response, float]:
    began = time.monotonic()
    return await request, time.monotonic() - began


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody loses patience, and a round trip of a busy machine is a short one too."""
    monkeypatch.setattr(sets, "PATIENCE_SECONDS", 10)
    monkeypatch.setattr(sets, "NEAR_SECONDS", 1)


# ---- what goes next ----------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("patient")
def test_who_waits_longest_goes_first_whatever_it_waits_for(
    own_database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sets, "AT_LEAST", 1)

    async def scene(stage: Stage) -> None:
        (alice,) = await stage.people(1)
        assert (await stage.send(alice, "GET")).status_code == 200  # the round trip is known to be short
        served: list[str] = []
        async with holding_meanwhile(own_database, LOCK_TASKS) as held:
            stuck = begun(stage.send(alice, "GET"))
            await in_thread(held.wait_for_waiters, 1)
            waiting = []

            async def list_of(kind: str) -> None:
                assert (await stage.send(alice, "GET", kind)).status_code == 200
                served.append(kind)

            for kind in (*KINDS[1:4], KINDS[1]):
                waiting.append(asyncio.create_task(list_of(kind)))
                await asyncio.sleep(0.01)
            await in_thread(held.execute, "COMMIT")
            await asyncio.gather(*stuck, *waiting)
        assert served == [KINDS[1], KINDS[1], KINDS[2], KINDS[3]]  # the last one shares the round trip of the first

    play(settings_for(own_database, tmp_path, pool_size=3), own_database, scene)


async def in_flight(stage: Stage, held: Held, expected: int) -> None:
    """So many of five round trips are on their way, and no more."""
    (alice,) = await stage.people(1)
    requests = begun(*(stage.send(alice, "GET", kind) for kind in KINDS))
    await in_thread(held.wait_for_waiters, expected)
    await asyncio.sleep(0.1)
    assert len(await in_thread(held.waiters)) == expected
    await in_thread(held.execute, "COMMIT")
    assert [one.status_code for one in await asyncio.gather(*requests)] == [200] * 5


def many_are_on_their_way(own_database: str, expected: int) -> Callable[[Stage], Awaitable[None]]:
    """A scene, in which it is known before how long each of the round trips takes."""

    async def scene(stage: Stage) -> None:
        (alice,) = await stage.people(1)
        for kind in KINDS:
            assert (await stage.send(alice, "GET", kind)).status_code == 200
        async with holding_meanwhile(own_database, LOCK_TASKS) as held:
            await in_flight(stage, held, expected)

    return scene


@pytest.mark.usefixtures("patient")
def test_two_round_trips_are_on_their_way_to_a_database_beside(own_database: str, tmp_path: Path) -> None:
    play(settings_for(own_database, tmp_path), own_database, many_are_on_their_way(own_database, 2))


def test_more_round_trips_are_on_their_way_to_a_database_far_away(
    own_database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sets, "PATIENCE_SECONDS", 10)
    with by_a_proxy(10, own_database) as distance:
        its = settings_for(distance.url(own_database), tmp_path, pool_size=4)
        play(its, own_database, many_are_on_their_way(own_database, 4))


def test_sixteen_writes_go_together_and_the_next_one_with_the_next_round_trip(own_database: str, tmp_path: Path) -> None:
    with tapped(own_database) as (proxied, wire):

        async def scene(stage: Stage) -> None:
            people = await stage.people(17)
            for _ in range(3):  # connects
                mark = wire.mark()
                answers = await at_once(*(stage.send(who, "POST", json={"title": "x"}) for who in people))
                assert [one.status_code for one in answers] == [201] * 17
            assert wire.since(mark).count("E") == 2

        play(settings_for(proxied, tmp_path, pool_size=3), own_database, scene)


# ---- nobody waits for somebody else --------------------------------------------------------------------------------------


@pytest.mark.parametrize("locked", [2, 3])
def test_writes_of_locked_people_that_have_no_company_hold_up_nobody(own_database: str, tmp_path: Path, locked: int) -> None:
    """As many as round trips go at once beside a near database, and as many as there are connections."""

    async def scene(stage: Stage) -> None:
        bob, *people = await stage.people(1 + locked)
        tasks = [await stage.creates(who) for who in people]
        for _ in range(9):  # the round trips are known to be short
            assert (await stage.send(bob, "GET")).status_code == 200
        async with holding_meanwhile(own_database, LOCK_USERS, people) as held:
            late = []
            for who, task in zip(people, tasks, strict=True):
                late += begun(stage.send(who, "PATCH", f"/{task['id']}", json={"title": "late"}))
                await asyncio.sleep(0.02)
            began = time.monotonic()
            for _ in range(60):
                assert (await stage.send(bob, "GET")).status_code == 200
            assert time.monotonic() - began < 1.5  # and not 50 ms for each
            assert not any(one.done() for one in late)
            await in_thread(held.execute, "COMMIT")
            assert [one.status_code for one in await asyncio.gather(*late)] == [200] * locked

    play(settings_for(own_database, tmp_path, pool_size=3), own_database, scene)


def test_a_set_waits_for_a_database_that_wakes_up(own_database: str, tmp_path: Path) -> None:
    with tap(own_database) as wire:

        async def scene(stage: Stage) -> None:
            people = await stage.people(2)
            await at_once(*(stage.send(who, "GET") for who in people))
            await in_thread(end_connections, own_database)
            await asyncio.sleep(0.1)
            wire.accepts_after = 2.5
            assert [one.status_code for one in await at_once(*(stage.send(who, "GET") for who in people))] == [200] * 2

        play(settings_for(wire.url, tmp_path), own_database, scene)


def test_who_has_waited_too_long_for_a_connection_is_refused_and_the_rest_of_the_set_is_not(
    own_database: str, tmp_path: Path
) -> None:
    async def scene(stage: Stage) -> None:
        people = await stage.people(4)
        alice, *others = people

        def creates(people: list[Any]) -> list["asyncio.Task[httpx.Response]"]:
            return begun(*(stage.send(who, "POST", json={"title": "x"}) for who in people))

        await asyncio.gather(*creates(people))
        pool = stage.app.services.database.pool
        async with holding_meanwhile(own_database, LOCK_TASKS) as held:
            first = creates(people)
            await in_thread(held.wait_for_waiters, 1)
            late = creates([alice])  # it has two seconds for its turn and for a connection
            await asyncio.sleep(1.5)
            beside = creates(others)
            async with no_connection_free(stage, 2):
                last = asyncio.create_task(pool.acquire())
                await asyncio.sleep(0.2)
                await in_thread(held.execute, "COMMIT")
                assert [one.status_code for one in await asyncio.gather(*first)] == [201] * 4
                connection = await last
                assert_error(await late[0], 503, "database_busy")
            pool.release(connection)
        assert [one.status_code for one in await asyncio.gather(*beside)] == [201] * 3

    play(settings_for(own_database, tmp_path, pool_size=3), own_database, scene)


def test_who_has_waited_too_long_behind_somebody_fresh_is_refused(own_database: str, tmp_path: Path) -> None:
    async def scene(stage: Stage) -> None:
        alice, bob = await stage.people(2)
        async with holding_meanwhile(own_database, LOCK_TASKS) as held:
            stuck = begun(*(stage.send(bob, "GET", kind) for kind in KINDS[:3]))
            await in_thread(held.wait_for_waiters, 3)
            (first,) = begun(stage.send(alice, "POST", json={"title": "first"}))
            late = asyncio.create_task(timed(stage.send(alice, "POST", json={"title": "late"})))
            await asyncio.sleep(1.7)
            (fresh,) = begun(stage.send(bob, "POST", json={"title": "fresh"}))
            await asyncio.sleep(0.1)
            first.cancel()
            answer, seconds = await late
            assert_error(answer, 503, "database_busy")
            assert seconds < 3
            await in_thread(held.execute, "COMMIT")
            assert [one.status_code for one in await asyncio.gather(*stuck, fresh)] == [200, 200, 200, 201]

    play(settings_for(own_database, tmp_path, pool_size=3), own_database, scene)


def test_a_set_that_postgresql_ends_after_its_time_is_not_asked_for_again(own_database: str, tmp_path: Path) -> None:
    """One by one, it would be many times the load on a database in trouble."""
    postgres.run(own_database, f'ALTER DATABASE "{url.parse(own_database).database}" SET statement_timeout = 500')
    with tapped(own_database) as (proxied, wire):

        async def scene(stage: Stage) -> None:
            people = await stage.people(5)
            for _ in range(2):
                await at_once(*(stage.send(who, "GET") for who in people))
            async with holding_meanwhile(own_database, LOCK_TASKS):
                mark = wire.mark()
                for one in await at_once(*(stage.send(who, "GET") for who in people)):
                    assert_error(one, 503, "database_unavailable")
                assert wire.since(mark) == PREPARED

        play(settings_for(proxied, tmp_path), own_database, scene)


# ---- who hangs up ------------------------------------------------------------------------------------------------------


def test_a_write_whose_client_hung_up_while_it_waited_for_a_connection_is_not_done(own_database: str, tmp_path: Path) -> None:
    """Else it could be done after a later write of the same person, which was acknowledged."""

    async def scene(stage: Stage) -> None:
        alice, bob = await stage.people(2)
        task = await stage.creates(alice)
        path = f"/{task['id']}"
        async with no_connection_free(stage, 3):
            first, beside = begun(*(stage.send(who, "PATCH", path, json={"title": "first"}) for who in (alice, bob)))
            await asyncio.sleep(0.02)
            first.cancel()
            await asyncio.wait([first])
            (second,) = begun(stage.send(alice, "PATCH", path, json={"title": "second"}))
            await asyncio.sleep(0.02)
        assert (await beside).status_code == 404
        assert (await second).json()["revision"] == 2
        assert (await stage.send(alice, "GET", path)).json()["title"] == "second"

    play(settings_for(own_database, tmp_path, pool_size=3), own_database, scene)


@pytest.mark.usefixtures("patient")
@pytest.mark.parametrize("meanwhile", ["nothing", "no connection is free", "their owners are locked", "the table is locked"])
def test_clients_that_hang_up_at_any_moment_leave_no_place_taken(own_database: str, tmp_path: Path, meanwhile: str) -> None:
    chance = random.Random(7)

    async def scene(stage: Stage) -> None:
        people = await stage.people(4)
        tasks = [await stage.creates(who) for who in people]

        async def hang_up(turn: int) -> None:
            readers, writers = (chance.choice((1, 1, 2, 4)) for _ in range(2))
            reads = [stage.send(who, "GET", f"/{task['id']}") for who, task in list(zip(people, tasks, strict=True))[:readers]]
            requests = begun(*reads, *(stage.send(who, "POST", json={"title": "x"}) for who in people[:writers]))
            for _ in range(turn % 30):
                await asyncio.sleep(0)
            if turn >= 30:
                await asyncio.sleep(chance.random() * 0.02)
            for one in chance.sample(requests, chance.randint(1, len(requests))):
                one.cancel()
            if meanwhile != "nothing":
                for one in requests:
                    one.cancel()
            for answer in await asyncio.gather(*requests, return_exceptions=True):
                assert isinstance(answer, asyncio.CancelledError) or (
                    isinstance(answer, httpx.Response) and answer.status_code in (200, 201)
                ), answer

        obstacles: dict[str, Callable[[], AbstractAsyncContextManager[Any]]] = {
            "nothing": nullcontext,
            "no connection is free": lambda: no_connection_free(stage, 6),
            "their owners are locked": lambda: holding_meanwhile(own_database, LOCK_USERS, people[2:]),
            "the table is locked": lambda: holding_meanwhile(own_database, LOCK_TASKS),
        }
        async with obstacles[meanwhile]():
            for turn in range(90):
                await hang_up(turn)
        async with asyncio.timeout(20):
            for who in people:  # what is still on its way ends
                assert (await stage.send(who, "POST", json={"title": "x"})).status_code == 201
        await asyncio.sleep(0.2)
        async with holding_meanwhile(own_database, LOCK_TASKS) as held:
            await in_flight(stage, held, 2)

    play(settings_for(own_database, tmp_path, pool_size=6), own_database, scene)
