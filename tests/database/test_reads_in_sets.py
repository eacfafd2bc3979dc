"""Reads that begin in one turn of the event loop go to PostgreSQL together, and each gets its own answer, or nobody gets any."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from taskwell.database.statement import Statement
from taskwell.tasks.filter import TaskShape
from taskwell.tasks.statements import LIST_TASKS, READ_TASK
from tests.conftest import settings_for
from tests.database.wire import PREPARED, Tapped, tapped
from tests.faults.own import terminate_connections
from tests.support import postgres
from tests.support.at_once import Stage, at_once, holding_meanwhile, in_thread, play
from tests.support.errors import assert_error

LIST_NEWEST = LIST_TASKS[TaskShape(None, "anywhere", "newest", is_resumed=False)]


@pytest.fixture
def through_a_tap(shared_database: str, tmp_path: Path) -> Iterator[Tapped]:
    with tapped(shared_database) as (proxied, wire):
        yield Tapped(settings_for(proxied, tmp_path, pool_size=3), wire)


def seen(answer: httpx.Response) -> tuple[int, str, Any]:
    """What must not depend on company."""
    body: Any = answer.json() if answer.content else None
    if answer.status_code >= 400:
        body["error"].pop("request_id")
    return answer.status_code, answer.headers.get("etag", ""), body


def test_reads_of_several_people_are_one_round_trip_and_answered_as_if_each_were_alone(
    through_a_tap: Tapped, shared_database: str
) -> None:
    async def scene(stage: Stage) -> None:
        alice, bob, gone, disabled = await stage.people(4)
        tasks = [await stage.creates(who, f"{turn}") for turn in range(4) for who in (alice, bob)]
        ids = [task["id"] for task in tasks]
        etag = (await stage.send(alice, "GET", f"/{ids[0]}")).headers["etag"]
        await in_thread(postgres.query, shared_database, "DELETE FROM users WHERE id = $1", gone)
        await in_thread(postgres.query, shared_database, "UPDATE users SET disabled_at = now() WHERE id = $1", disabled)

        def requests() -> list[Any]:
            return [
                *(stage.send(who, "GET", f"/{one}") for one in ids[:7] for who in (alice, bob, gone, disabled)),
                stage.send(alice, "GET", f"/{uuid4()}"),
                stage.send(alice, "GET", f"/{ids[0]}", headers={"If-None-Match": etag}),
                stage.send(bob, "HEAD", f"/{ids[1]}"),
            ]

        alone = [seen(await one) for one in requests()]
        assert {status for status, _, _ in alone} == {200, 304, 401, 404}
        await at_once(*requests())  # prepares
        mark = through_a_tap.wire.mark()
        together = [seen(one) for one in await at_once(*requests())]
        assert through_a_tap.wire.since(mark) == PREPARED
        assert together == alone
        assert together[-2] == (304, etag, None)

    play(through_a_tap.settings, shared_database, scene)


def test_lists_of_several_people_are_one_round_trip_and_answered_as_if_each_were_alone(
    through_a_tap: Tapped, shared_database: str
) -> None:
    async def scene(stage: Stage) -> None:
        alice, bob, carol = await stage.people(3)
        for turn in range(7):
            await stage.creates(alice, f'a "{turn}", {{}}')
            await stage.creates(bob, f"b\\{turn}")
        etag = (await stage.send(bob, "GET")).headers["etag"]

        def requests() -> list[Any]:
            sizes = [stage.send(who, "GET", f"?limit={limit}") for limit in (1, 3, 7, 100) for who in (alice, bob, carol)]
            return [*sizes, stage.send(bob, "GET", headers={"If-None-Match": etag}), stage.send(alice, "GET")]

        alone = [seen(await one) for one in requests()]
        await at_once(*requests())
        mark = through_a_tap.wire.mark()
        together = [seen(one) for one in await at_once(*requests())]
        assert through_a_tap.wire.since(mark) == PREPARED
        assert together == alone
        assert together[-2] == (304, etag, None)
        # Later pages, each from its own place.
        cursors = [
            (who, body["next_cursor"])
            for who, (_, _, body) in zip((alice, bob) * 2, (alone[0], alone[1], alone[3], alone[4]), strict=True)
        ]
        pages = [stage.send(who, "GET", f"?limit=2&cursor={cursor}") for who, cursor in cursors]
        titles = [[task["title"] for task in page.json()["items"]] for page in await at_once(*pages)]
        assert titles == [['a "5", {}', 'a "4", {}'], ["b\\5", "b\\4"], ['a "3", {}', 'a "2", {}'], ["b\\3", "b\\2"]]

    play(through_a_tap.settings, shared_database, scene)


def test_api_tokens_of_several_people_are_looked_up_in_one_round_trip(through_a_tap: Tapped, shared_database: str) -> None:
    async def scene(stage: Stage) -> None:
        people = await stage.people(4)
        titles = [(await stage.creates(who, f"{number}"))["title"] for number, who in enumerate(people)]
        tokens = [await stage.api_token(who) for who in people]
        wrong = tokens[0][:-7] + ("A" if tokens[0][-7] != "A" else "B") + tokens[0][-6:]

        def lists(*given: str) -> list[Any]:
            return [stage.send(people[0], "GET", headers={"Authorization": f"Bearer {token}"}) for token in given]

        await at_once(*lists(*tokens))
        await at_once(*lists(*tokens))
        mark = through_a_tap.wire.mark()
        answers = await at_once(*lists(*tokens, wrong))
        assert through_a_tap.wire.since(mark) == PREPARED * 2  # whose they are, and their lists
        assert [one.json()["items"][0]["title"] for one in answers[:-1]] == titles
        assert_error(answers[-1], 401, "token_invalid")

    play(through_a_tap.settings, shared_database, scene)


def test_different_statements_are_sets_of_their_own_and_more_than_fit_wait_their_turn(
    through_a_tap: Tapped, shared_database: str
) -> None:
    async def scene(stage: Stage) -> None:
        alice, bob = await stage.people(2)
        task = await stage.creates(alice)

        def requests() -> list[Any]:
            reads = [stage.send(alice, "GET", f"/{task['id']}") for _ in range(80)]
            lists = [stage.send(who, "GET", "?completed=false&order=oldest") for who in (alice, bob)]
            return [*reads, *lists]

        await at_once(*requests())
        mark = through_a_tap.wire.mark()
        answers = await at_once(*requests())
        assert through_a_tap.wire.since(mark).count("S") == 4  # 32, 32 and 16 reads, and 2 lists
        assert [one.json()["id"] for one in answers[:80]] == [task["id"]] * 80
        assert [one["id"] for one in answers[80].json()["items"]] == [task["id"]]
        assert answers[81].json()["items"] == []

    play(through_a_tap.settings, shared_database, scene)


@pytest.mark.parametrize("mode", ["off", "unprepared"])
def test_without_sets_each_goes_alone(shared_database: str, tmp_path: Path, mode: str) -> None:
    with tapped(shared_database) as (proxied, wire):
        given = {"sets": "off"} if mode == "off" else {"prepared_statements": "off"}

        async def scene(stage: Stage) -> None:
            people = await stage.people(5)
            await at_once(*(stage.send(who, "GET") for who in people))
            mark = wire.mark()
            assert [one.status_code for one in await at_once(*(stage.send(who, "GET") for who in people))] == [200] * 5
            assert wire.since(mark).count("E") == 5

        play(settings_for(proxied, tmp_path, **given), shared_database, scene)


WRONG_ROWS = {
    "the numbers of others": ("SELECT asked.n", "SELECT $SENT + 1 - asked.n AS n"),
    "a number twice": ("SELECT asked.n", "SELECT greatest(asked.n, 2) AS n"),
    "a number of nobody": ("SELECT asked.n", "SELECT asked.n + 1 AS n"),
    "a row too few": ("LEFT OUTER JOIN LATERAL", "JOIN LATERAL"),
    "somebody else's rows": ("AS asked_by", "IS NOT NULL AS asked_by"),
}


@pytest.mark.parametrize("plant", WRONG_ROWS.values(), ids=WRONG_ROWS)
@pytest.mark.parametrize("statement", [READ_TASK, LIST_NEWEST], ids=lambda one: one.name)
def test_a_planted_wrong_row_gives_nobody_anything(
    shared_database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, statement: Statement, plant: tuple[str, str]
) -> None:
    of_set = statement.of_set
    assert of_set is not None
    old, new = plant
    wrong = of_set.sql.replace(old, new.replace("$SENT", f"${len(of_set.order)}"), 1)
    assert wrong != of_set.sql
    monkeypatch.setattr(of_set, "sql", wrong)

    async def scene(stage: Stage) -> None:
        people = await stage.people(3)
        gone = people[1]
        tasks = {who: await stage.creates(who, "secret") for who in people}
        await in_thread(postgres.query, shared_database, "DELETE FROM users WHERE id = $1", gone)

        def path(who: UUID) -> str:
            return f"/{tasks[who]['id']}" if statement is READ_TASK else ""

        for answer in await at_once(*(stage.send(who, "GET", path(who)) for who in people)):
            assert_error(answer, 500, "internal_error")
            assert "secret" not in answer.text
        assert (await stage.send(people[0], "GET", path(people[0]))).status_code == 200  # alone it is right

    play(settings_for(shared_database, tmp_path), shared_database, scene)


def test_a_client_that_hangs_up_takes_only_itself_away(own_database: str, tmp_path: Path) -> None:
    async def scene(stage: Stage) -> None:
        people = await stage.people(4)
        await at_once(*(stage.send(who, "GET") for who in people))
        async with holding_meanwhile(own_database, "LOCK TABLE tasks IN ACCESS EXCLUSIVE MODE") as held:
            requests = [asyncio.create_task(stage.send(who, "GET")) for who in people]
            await in_thread(held.wait_for_waiters, 1)
            requests[1].cancel()
            await asyncio.sleep(0)
            await in_thread(held.execute, "COMMIT")
            answers = await asyncio.gather(*requests, return_exceptions=True)
        assert isinstance(answers[1], asyncio.CancelledError)
        assert [one.status_code for one in answers if isinstance(one, httpx.Response)] == [200] * 3
        assert [one.status_code for one in await at_once(*(stage.send(who, "GET") for who in people))] == [200] * 4

    play(settings_for(own_database, tmp_path, pool_size=3), own_database, scene)


def test_a_connection_that_breaks_under_a_set_of_reads_costs_nobody_anything(own_database: str, tmp_path: Path) -> None:
    async def scene(stage: Stage) -> None:
        people = await stage.people(6)
        async with holding_meanwhile(own_database, "LOCK TABLE tasks IN ACCESS EXCLUSIVE MODE") as held:
            requests = [asyncio.create_task(stage.send(who, "GET")) for who in people]
            await in_thread(held.wait_for_waiters, 1)
            await in_thread(terminate_connections, own_database)
            await in_thread(held.execute, "COMMIT")
            assert [one.status_code for one in await asyncio.gather(*requests)] == [200] * 6

    play(settings_for(own_database, tmp_path, pool_size=3), own_database, scene)


def test_round_trips_that_do_not_end_hold_up_nobody_else(own_database: str, tmp_path: Path) -> None:
    """Two sets are stuck on a table that somebody has locked, as many as go at once beside a near database."""

    async def scene(stage: Stage) -> None:
        alice, bob = await stage.people(2)
        task = await stage.creates(alice)
        api = stage.app.services.database
        for _ in range(9):  # the round trips are known to be short
            await at_once(*(stage.send(who, "GET") for who in (alice, bob)))
        async with holding_meanwhile(own_database, "LOCK TABLE tasks IN ACCESS EXCLUSIVE MODE") as held:
            stuck = [
                asyncio.create_task(stage.send(who, "GET", more)) for more in ("", "?completed=true") for who in (alice, bob)
            ]
            await in_thread(held.wait_for_waiters, 2)
            async with asyncio.timeout(1):
                others = [stage.send(alice, "GET", f"/{task['id']}"), stage.send(bob, "GET", f"/{task['id']}")]
                waiting = [asyncio.create_task(one) for one in others]
                await in_thread(held.wait_for_waiters, 3)
            await in_thread(held.execute, "COMMIT")
            assert [one.status_code for one in await asyncio.gather(*stuck, *waiting)] == [200] * 5 + [404]
        assert api.failures == 0

    play(settings_for(own_database, tmp_path), own_database, scene)
