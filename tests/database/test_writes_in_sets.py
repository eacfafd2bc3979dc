"""Writes that begin in one turn of the event loop go to PostgreSQL together, and each is answered as if it were alone."""

import asyncio
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from taskwell.database import connection
from taskwell.settings import Settings
from taskwell.tasks.statements import CREATE_TASK
from tests.conftest import settings_for
from tests.database.wire import PREPARED, Tapped, tapped
from tests.faults.own import terminate_connections
from tests.support import postgres
from tests.support.at_once import Stage, at_once, holding_meanwhile, in_thread, on_stage, play
from tests.support.errors import assert_error
from tests.support.provider import Provider

LOCK = "SELECT FROM users WHERE id = ANY($1::uuid[]) FOR UPDATE"


@pytest.fixture
def through_a_tap(own_database: str, tmp_path: Path) -> Iterator[Tapped]:
    with tapped(own_database) as (proxied, wire):
        yield Tapped(settings_for(proxied, tmp_path, pool_size=3), wire)


@pytest.fixture
def settings(own_database: str, tmp_path: Path) -> Settings:
    return settings_for(own_database, tmp_path, pool_size=3)


async def revisions(database_url: str, people: list[UUID]) -> list[int]:
    rows = await in_thread(postgres.query, database_url, "SELECT id, revision FROM users")
    of = {row["id"]: row["revision"] for row in rows}
    return [of[who] for who in people]


def created(stage: Stage, people: list[UUID], title: str = "x") -> list[Any]:
    return [stage.send(who, "POST", json={"title": title}) for who in people]


def test_creates_of_several_people_are_one_round_trip(through_a_tap: Tapped, own_database: str) -> None:
    async def scene(stage: Stage) -> None:
        people = await stage.people(16)
        await at_once(*created(stage, people))
        mark = through_a_tap.wire.mark()
        answers = await at_once(*created(stage, people, 'a "title"\\, {}'))
        assert through_a_tap.wire.since(mark) == PREPARED
        assert [one.status_code for one in answers] == [201] * 16
        for who, answer in zip(people, answers, strict=True):
            task = answer.json()
            assert (task["user_id"], task["title"], task["revision"]) == (str(who), 'a "title"\\, {}', 2)
            assert answer.headers["etag"] == task["etag"]
            read = await stage.send(who, "GET", f"/{task['id']}")
            assert (read.json(), read.headers["etag"]) == (task, answer.headers["etag"])
        assert await revisions(own_database, people) == [2] * 16

    play(through_a_tap.settings, own_database, scene)


def test_changes_and_deletions_of_several_people_are_a_round_trip_each(through_a_tap: Tapped, own_database: str) -> None:
    async def scene(stage: Stage) -> None:
        people = await stage.people(6)
        for first in (False, True):
            tasks = [one.json() for one in await at_once(*created(stage, people))]
            paths = [f"/{task['id']}" for task in tasks]
            mark = through_a_tap.wire.mark()
            whole = {"title": "y", "description": "d", "is_completed": True}
            answers = await at_once(
                stage.send(people[0], "PATCH", paths[0], json={"title": "y"}),
                stage.send(people[1], "PATCH", paths[1], json={}),
                stage.send(people[2], "PUT", paths[2], json=whole, headers={"If-Match": tasks[2]["etag"]}),
                stage.send(people[3], "PATCH", paths[3], json={"title": "y"}, headers={"If-Match": '"old"'}),
                stage.send(people[4], "PATCH", paths[3], json={"title": "y"}),  # somebody else's
                stage.send(people[5], "PATCH", f"/{uuid4()}", json={"title": "y"}),
            )
            if first:
                assert through_a_tap.wire.since(mark) == PREPARED
            assert [one.status_code for one in answers] == [200, 200, 200, 412, 404, 404]
            assert answers[0].json() == tasks[0] | {
                name: answers[0].json()[name] for name in ("title", "updated_at", "revision", "etag")
            }
            assert answers[0].json()["revision"] == tasks[0]["revision"] + 1
            assert answers[1].json() == tasks[1]
            assert {name: answers[2].json()[name] for name in whole} == whole
            assert answers[2].json()["completed_at"] == answers[2].json()["updated_at"]
            assert answers[3].json()["error"]["details"]["current"] == tasks[3]
            mark = through_a_tap.wire.mark()
            deleted = await at_once(
                *(stage.send(who, "DELETE", path) for who, path in zip(people[:3], paths, strict=False)),
                stage.send(people[3], "DELETE", paths[3], headers={"If-Match": '"old"'}),
                stage.send(people[4], "DELETE", paths[3]),
            )
            if first:
                assert through_a_tap.wire.since(mark) == PREPARED
            assert [one.status_code for one in deleted] == [204, 204, 204, 412, 404]
            left = [(await stage.send(who, "GET", path)).status_code for who, path in zip(people, paths, strict=True)]
            assert left == [404, 404, 404, 200, 200, 200]

    play(through_a_tap.settings, own_database, scene)


def test_a_taken_id_is_an_outcome_of_its_request_alone_and_takes_no_revision(settings: Settings, own_database: str) -> None:
    async def scene(stage: Stage) -> None:
        people = await stage.people(4)
        tasks = [await stage.creates(who) for who in people]
        ids = [tasks[0]["id"], tasks[1]["id"], str(uuid4()), tasks[0]["id"]]
        titles = ["buy milk", "another", "new", "of another person, whose id this is not"]
        answers = await at_once(
            *(
                stage.send(who, "POST", json={"id": id_, "title": title})
                for who, id_, title in zip(people, ids, titles, strict=True)
            )
        )
        assert [one.status_code for one in answers] == [200, 409, 201, 201]
        assert await revisions(own_database, people) == [1, 1, 2, 2]

    play(settings, own_database, scene)


def test_who_may_not_act_is_told_so_at_once_and_not_taken_for_somebody_who_is_locked(
    settings: Settings, own_database: str
) -> None:
    async def scene(stage: Stage) -> None:
        people = await stage.people(4)
        _, disabled, gone, _ = people
        tasks = [await stage.creates(who) for who in people]
        await in_thread(postgres.query, own_database, "UPDATE users SET disabled_at = now() WHERE id = $1", disabled)
        await in_thread(postgres.query, own_database, "UPDATE users SET deleted_at = now() WHERE id = $1", gone)
        changed = [
            stage.send(who, "PATCH", f"/{task['id']}", json={"title": "y"}) for who, task in zip(people, tasks, strict=True)
        ]
        for requests, status in ((created(stage, people), 201), (changed, 200)):
            first, *refused, last = await at_once(*requests)
            assert (first.status_code, last.status_code) == (status, status)
            for one in refused:
                assert_error(one, 401, "account_unusable")

    play(settings, own_database, scene)


def test_the_first_writes_of_people_whom_another_issuer_knows_go_together(own_database: str, tmp_path: Path) -> None:
    """None of them has a row yet, which is not the same as a row that somebody has locked."""
    with Provider("auth0") as provider:

        async def scene(stage: Stage) -> None:
            (alice,) = await stage.people(1)
            sent = [{"Authorization": f"Bearer {provider.token(f'auth0|{name}')}"} for name in "abc"]
            requests = [stage.send(alice, "POST", json={"title": "x"}, headers=headers) for headers in sent]
            answers = await at_once(*requests, *created(stage, [alice]))
            assert [(one.status_code, one.json()["revision"]) for one in answers] == [(201, 1)] * 4
            assert len({one.json()["user_id"] for one in answers}) == 4

        play(settings_for(own_database, tmp_path, pool_size=3, issuers=[provider.row()]), own_database, scene)


def test_who_is_locked_by_a_long_transaction_delays_nobody(settings: Settings, own_database: str) -> None:
    async def scene(stage: Stage) -> None:
        people = await stage.people(5)
        locked = people[2]
        await at_once(*created(stage, people))
        async with holding_meanwhile(own_database, LOCK, [locked]) as held:
            for _ in range(3):
                late = asyncio.create_task(stage.send(locked, "POST", json={"title": "late"}))
                others = [asyncio.create_task(one) for one in created(stage, [who for who in people if who != locked])]
                async with asyncio.timeout(1.5):  # they do not wait for what takes two seconds
                    assert [one.status_code for one in await asyncio.gather(*others)] == [201] * 4
                assert not late.done()
                assert await in_thread(held.waiters) == []  # and no connection is held
            began = time.monotonic()
            assert_error(await late, 503, "database_busy")
            assert time.monotonic() - began < 3
        assert (await stage.send(locked, "POST", json={"title": "then"})).status_code == 201
        assert (await revisions(own_database, people))[0] == 4

    play(settings, own_database, scene)


def test_who_was_skipped_is_written_as_soon_as_the_lock_is_gone(settings: Settings, own_database: str) -> None:
    async def scene(stage: Stage) -> None:
        alice, bob = await stage.people(2)
        task = await stage.creates(alice)
        requests: dict[str, Any] = {
            "users": lambda: stage.send(alice, "POST", json={"title": "late"}),
            "tasks": lambda: stage.send(alice, "PATCH", f"/{task['id']}", json={"title": "late"}),
        }
        for table, request in requests.items():
            async with holding_meanwhile(own_database, f"SELECT FROM {table} FOR UPDATE") as held:
                late = asyncio.create_task(request())
                other = (
                    stage.send(bob, "POST", json={"title": "x"})
                    if table == "users"
                    else stage.send(bob, "PATCH", f"/{uuid4()}", json={})
                )
                beside = asyncio.create_task(other)
                await asyncio.sleep(0.1)
                assert not late.done()
                await in_thread(held.execute, "COMMIT")
                assert (await late).status_code in (200, 201)
                assert (await late).json()["title"] == "late"
                assert (await beside).status_code in (201, 404)

    play(settings, own_database, scene)


def test_a_request_that_fails_costs_its_neighbours_nothing(settings: Settings, own_database: str) -> None:
    postgres.run(
        own_database,
        "CREATE FUNCTION plant() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "IF NEW.title = 'bad' THEN NEW.title = ''; END IF; RETURN NEW; END $$",
        "CREATE TRIGGER plant BEFORE INSERT ON tasks FOR EACH ROW EXECUTE FUNCTION plant()",
    )

    async def scene(stage: Stage) -> None:
        people = await stage.people(4)
        titles = ["a", "bad", "c", "d"]
        answers = await at_once(
            *(stage.send(who, "POST", json={"title": title}) for who, title in zip(people, titles, strict=True))
        )
        assert [one.status_code for one in answers] == [201, 400, 201, 201]
        assert await revisions(own_database, people) == [1, 0, 1, 1]
        seen = [(await stage.send(who, "GET")).json()["items"] for who in people]
        assert [[task["title"] for task in items] for items in seen] == [["a"], [], ["c"], ["d"]]

    play(settings, own_database, scene)


def test_two_writes_of_one_person_keep_their_order_and_their_revisions(settings: Settings, own_database: str) -> None:
    async def scene(stage: Stage) -> None:
        alice, bob = await stage.people(2)
        task = await stage.creates(alice)
        path = f"/{task['id']}"
        for turn in range(4):
            base = (await revisions(own_database, [alice]))[0]
            writes = [
                stage.send(who, "PATCH", path, json={"title": f"{turn} {number}"}) for number in range(8) for who in (alice, bob)
            ]
            answers = await at_once(*writes)
            mine = [one.json() for one in answers[::2]]
            assert [(one["title"], one["revision"]) for one in mine] == [(f"{turn} {n}", base + 1 + n) for n in range(8)]
            assert [one.status_code for one in answers[1::2]] == [404] * 8

    play(settings, own_database, scene)


def test_a_write_that_was_skipped_is_not_overtaken_by_a_later_one(settings: Settings, own_database: str) -> None:
    async def scene(stage: Stage) -> None:
        alice, bob = await stage.people(2)
        task = await stage.creates(alice)
        async with holding_meanwhile(own_database, LOCK, [alice]) as held:
            first = asyncio.create_task(stage.send(alice, "PATCH", f"/{task['id']}", json={"title": "first"}))
            beside = asyncio.create_task(stage.send(bob, "PATCH", f"/{uuid4()}", json={}))
            await beside
            second = asyncio.create_task(stage.send(alice, "PATCH", f"/{task['id']}", json={"title": "second"}))
            await asyncio.sleep(0.05)
            await in_thread(held.execute, "COMMIT")
        assert [one.json()["revision"] for one in await asyncio.gather(first, second)] == [2, 3]
        assert (await stage.send(alice, "GET", f"/{task['id']}")).json()["title"] == "second"

    play(settings, own_database, scene)


def test_two_servers_that_write_for_the_same_people_lose_nothing_and_do_nothing_twice(
    settings: Settings, own_database: str
) -> None:
    """Each locks whom the other one writes for: there are skips all the time."""

    async def scene(stage: Stage) -> None:
        people = await stage.people(6)
        tasks = {who: await stage.creates(who) for who in people}
        async with on_stage(settings, own_database) as other:
            answers: dict[UUID, list[dict[str, Any]]] = {who: [] for who in people}

            async def work(server: Stage, who: UUID) -> None:
                for turn in range(15):
                    made = await server.send(who, "POST", json={"title": f"{turn}"})
                    changed = await server.send(who, "PATCH", f"/{made.json()['id']}", json={"title": f"{turn} changed"})
                    shared = await server.send(who, "PATCH", f"/{tasks[who]['id']}", json={"title": f"{uuid4()}"})
                    assert [one.status_code for one in (made, changed, shared)] == [201, 200, 200]
                    answers[who] += [one.json() for one in (made, changed, shared)]

            other.take_tokens_of(stage)
            await asyncio.gather(*(work(server, who) for who in people for server in (stage, other)))
        for who in people:
            assert sorted(one["revision"] for one in answers[who]) == list(range(2, 92))
            stored = await in_thread(
                postgres.query, own_database, "SELECT title, revision FROM tasks WHERE user_id = $1 ORDER BY revision", who
            )
            last = {one["id"]: one for one in sorted(answers[who], key=lambda one: one["revision"])}
            assert [(row["title"], row["revision"]) for row in stored] == [
                (one["title"], one["revision"]) for one in sorted(last.values(), key=lambda one: one["revision"])
            ]
        assert await revisions(own_database, people) == [91] * 6

    play(settings, own_database, scene)


@pytest.mark.parametrize("work", ["create", "create at a chosen id", "change"])
def test_a_connection_that_breaks_under_a_set_of_writes(settings: Settings, own_database: str, work: str) -> None:
    async def scene(stage: Stage) -> None:
        people = await stage.people(3)
        tasks = [await stage.creates(who, "there") for who in people]
        requests: dict[str, Callable[[], list[Any]]] = {
            "create": lambda: created(stage, people, "once"),
            "create at a chosen id": lambda: [stage.send(who, "POST", json={"id": str(uuid4()), "title": "x"}) for who in people],
            "change": lambda: [
                stage.send(who, "PATCH", f"/{task['id']}", json={"title": "x"}) for who, task in zip(people, tasks, strict=True)
            ],
        }
        async with holding_meanwhile(own_database, "LOCK TABLE users IN ACCESS EXCLUSIVE MODE") as held:
            sent = [asyncio.create_task(one) for one in requests[work]()]
            await in_thread(held.wait_for_waiters, 1)
            await in_thread(terminate_connections, own_database)
            await in_thread(held.execute, "COMMIT")
            answers = await asyncio.gather(*sent)
        if work == "create":
            assert [one.status_code for one in answers] == [201] * 3
        else:
            for one in answers:
                assert_error(one, 503, "outcome_unknown")
        seen = [(await stage.send(who, "GET")).json()["items"] for who in people]
        assert [[task["title"] for task in items] for items in seen] == [["once", "there"] if work == "create" else ["there"]] * 3

    play(settings, own_database, scene)


def test_a_client_that_hangs_up_takes_only_its_own_answer_away(settings: Settings, own_database: str) -> None:
    async def scene(stage: Stage) -> None:
        people = await stage.people(4)
        await at_once(*created(stage, people))
        async with holding_meanwhile(own_database, "LOCK TABLE tasks IN ACCESS EXCLUSIVE MODE") as held:
            requests = [asyncio.create_task(one) for one in created(stage, people)]
            await in_thread(held.wait_for_waiters, 1)
            requests[1].cancel()
            await asyncio.sleep(0)
            await in_thread(held.execute, "COMMIT")
            answers = await asyncio.gather(*requests, return_exceptions=True)
        assert isinstance(answers[1], asyncio.CancelledError)
        assert [one.status_code for one in answers if isinstance(one, httpx.Response)] == [201] * 3
        again = await at_once(*created(stage, people))
        assert [one.json()["revision"] for one in again] == [3] * 4  # also of whoever hung up: it was on its way

    play(settings, own_database, scene)


def test_a_set_that_takes_too_long_is_called_off(settings: Settings, own_database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "STATEMENT_SECONDS", 0.5)

    async def scene(stage: Stage) -> None:
        people = await stage.people(3)
        async with holding_meanwhile(own_database, "LOCK TABLE tasks IN ACCESS EXCLUSIVE MODE") as held:
            for one in await at_once(*created(stage, people)):
                assert_error(one, 503, "outcome_unknown")
            await in_thread(held.wait_for_waiters, 0)
        assert [(await stage.send(who, "GET")).json()["items"] for who in people] == [[]] * 3

    play(settings, own_database, scene)


@pytest.mark.parametrize(
    "plant", [("SELECT asked.n", "SELECT greatest(asked.n, 2) AS n"), ("asked.owner AS asked_by", "asked.task_id AS asked_by")]
)
def test_a_planted_wrong_row_of_a_write_tells_nobody_anything(
    settings: Settings, own_database: str, monkeypatch: pytest.MonkeyPatch, plant: tuple[str, str]
) -> None:
    of_set = CREATE_TASK.of_set
    assert of_set is not None
    wrong = of_set.sql.replace(*plant)
    assert wrong != of_set.sql
    monkeypatch.setattr(of_set, "sql", wrong)

    async def scene(stage: Stage) -> None:
        for answer in await at_once(*created(stage, await stage.people(3), "secret")):
            assert_error(answer, 500, "internal_error")
            assert "secret" not in answer.text

    play(settings, own_database, scene)
