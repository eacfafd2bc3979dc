"""A unit of work is done as a whole or not at all, and two of one user's are one after the other."""
# ruff: noqa: PT012  what is refused here is a block

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import asyncpg
import pytest

from taskwell.accounts.may_act import owner, users
from taskwell.accounts.owner import Owner, unit_for
from taskwell.accounts.statements import LIST_USERS
from taskwell.database import statement, url
from taskwell.database.connection import Database
from taskwell.database.rows import Rows
from taskwell.database.statement import Statement, UnsafeStatement
from taskwell.database.unit_of_work import UnitOfWork
from taskwell.errors import AccountUnusable, DatabaseUnavailable, InvalidInput, OutcomeUnknown, TaskNotFound, UserNotFound
from taskwell.records import store
from taskwell.tasks.filter import TaskFilter
from taskwell.tasks.requests import NewTask, TaskChanges
from taskwell.tasks.store import TASKS, list_tasks_page
from tests.support import postgres

Run = Callable[[Callable[[Database], Awaitable[None]]], None]

_EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
_LATER = datetime.now(UTC) + timedelta(hours=1)


def _titles(database_url: str, user: UUID) -> list[str]:
    rows = postgres.query(database_url, "SELECT title FROM tasks WHERE user_id = $1 ORDER BY revision", user)
    return [row["title"] for row in rows]


def _revision(database_url: str, user: UUID) -> int:
    revision: int = postgres.query(database_url, "SELECT revision FROM users WHERE id = $1", user)[0]["revision"]
    return revision


@pytest.fixture
def alice(shared_database: str) -> Owner:
    user = uuid4()
    postgres.query(shared_database, "INSERT INTO users (id) VALUES ($1)", user)
    return Owner(user, None)


@pytest.fixture
def run(shared_database: str) -> Run:
    """Runs it on a pool of two, in which nothing is left in a transaction afterwards."""

    async def around(work: Callable[[Database], Awaitable[None]]) -> None:
        db = Database.at(shared_database, pool_size=2, prepared_statements="auto")
        try:
            await work(db)
            async with asyncio.timeout(20):
                while await _in_transactions(shared_database):  # noqa: ASYNC110  another process's state
                    await asyncio.sleep(0.02)
        finally:
            await db.close()

    return lambda work: asyncio.run(around(work))


@asynccontextmanager
async def _operator(database_url: str) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    connection = await asyncpg.connect(**url.parse(database_url).arguments(), server_settings={"application_name": "operator"})
    try:
        yield connection
    finally:
        await connection.close()


async def _in_transactions(database_url: str) -> int:
    """The server processes of ours that are in a transaction."""
    async with _operator(database_url) as connection:
        count: int = await connection.fetchval(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'taskwell'"
            " AND state LIKE 'idle in transaction%'"
        )
        return count


async def _waits(database_url: str) -> None:
    """Until a statement of ours waits for a lock."""
    async with _operator(database_url) as connection, asyncio.timeout(20):
        waiting = (
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE datname = current_database() AND application_name = 'taskwell' AND wait_event_type = 'Lock'"
        )
        while not await connection.fetchval(waiting):  # noqa: ASYNC110
            await asyncio.sleep(0.02)


async def _kill_those_in_transactions(database_url: str) -> None:
    async with _operator(database_url) as connection:
        await connection.fetch(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            " WHERE datname = current_database() AND application_name = 'taskwell' AND state LIKE 'idle in transaction%'"
        )


async def _add(rows: Rows, owner: Owner, title: str, task_id: UUID | None = None) -> bool:
    _, is_new = await store.create(TASKS, rows, owner, NewTask(title=title, id=task_id), task_id)
    return is_new


def test_all_of_it_is_done(run: Run, shared_database: str, alice: Owner) -> None:
    async def work(db: Database) -> None:
        async with unit_for(db, alice) as unit:
            await _add(unit, alice, "one")
            await _add(unit, alice, "two")
            assert (await list_tasks_page(unit, alice, TaskFilter(), limit=10, cursor=None, if_none_match=None)).revision == 2
            assert (await list_tasks_page(db, alice, TaskFilter(), limit=10, cursor=None, if_none_match=None)).revision == 0

    run(work)
    assert _titles(shared_database, alice.id) == ["one", "two"]


def test_an_exception_undoes_all_of_it(run: Run, shared_database: str, alice: Owner) -> None:
    async def work(db: Database) -> None:
        with pytest.raises(TaskNotFound):
            async with unit_for(db, alice) as unit:
                await _add(unit, alice, "one")
                await store.read(TASKS, unit, alice, uuid4())
        await _add(db, alice, "afterwards")

    run(work)
    assert _titles(shared_database, alice.id) == ["afterwards"]
    assert _revision(shared_database, alice.id) == 1


def test_who_is_not_in_standing_gets_what_a_statement_says(run: Run, shared_database: str, alice: Owner) -> None:
    async def work(db: Database) -> None:
        for nobody, error in ((Owner(uuid4(), None), UserNotFound), (alice._replace(issued_at=_EPOCH), AccountUnusable)):
            with pytest.raises(error):
                async with unit_for(db, nobody):
                    raise AssertionError("nothing may be done for them")

    postgres.query(shared_database, "UPDATE users SET disabled_at = now() WHERE id = $1", alice.id)
    run(work)


def test_the_first_of_somebody_of_another_issuer_makes_their_row(run: Run, shared_database: str) -> None:
    stranger = Owner(uuid4(), _LATER, is_outside=True)

    async def work(db: Database) -> None:
        async with unit_for(db, stranger) as unit:
            await _add(unit, stranger, "one")

    run(work)
    assert _titles(shared_database, stranger.id) == ["one"]


def test_two_of_one_user_are_one_after_the_other_and_the_second_sees_the_first(
    run: Run, shared_database: str, alice: Owner
) -> None:
    """Each adds one task more than it counts: beside each other, both would count none."""

    async def count_and_add(db: Database) -> None:
        async with unit_for(db, alice) as unit:
            page = await list_tasks_page(unit, alice, TaskFilter(), limit=100, cursor=None, if_none_match=None)
            await asyncio.sleep(0)
            await _add(unit, alice, f"number {page.revision + 1}")

    async def work(db: Database) -> None:
        await asyncio.gather(*(count_and_add(db) for _ in range(6)))

    run(work)
    assert _titles(shared_database, alice.id) == [f"number {n}" for n in range(1, 7)]


def test_a_decision_sees_what_was_committed_while_it_waited(run: Run, shared_database: str, alice: Owner) -> None:
    task_id = uuid4()

    async def work(db: Database) -> None:
        await _add(db, alice, "milk", task_id)
        seen: list[str] = []

        async def look() -> None:
            async with unit_for(db, alice) as unit:
                seen.append((await store.read(TASKS, unit, alice, task_id)).json)

        async with _operator(shared_database) as other:
            async with other.transaction():
                await other.execute("SELECT FROM users WHERE id = $1 FOR UPDATE", alice.id)
                looking = asyncio.create_task(look())
                await _waits(shared_database)
                await other.execute("UPDATE tasks SET title = 'bread' WHERE user_id = $1", alice.id)
            await looking
        assert '"title":"bread"' in seen[0]

    run(work)


def test_a_connection_that_is_lost_before_the_commit_has_changed_nothing(run: Run, shared_database: str, alice: Owner) -> None:
    async def work(db: Database) -> None:
        with pytest.raises(DatabaseUnavailable):
            async with unit_for(db, alice) as unit:
                await _add(unit, alice, "one")
                await _kill_those_in_transactions(shared_database)
                await _add(unit, alice, "two")
        assert db.failures == 1
        await _add(db, alice, "afterwards")

    run(work)
    assert _titles(shared_database, alice.id) == ["afterwards"]


def test_a_connection_that_is_lost_at_the_commit_may_have_changed_something(run: Run, alice: Owner, shared_database: str) -> None:
    async def work(db: Database) -> None:
        with pytest.raises(OutcomeUnknown):
            async with unit_for(db, alice) as unit:
                await _add(unit, alice, "one")
                await _kill_those_in_transactions(shared_database)

    run(work)
    assert _titles(shared_database, alice.id) == []


def test_a_connection_that_died_in_its_sleep_is_replaced(run: Run, shared_database: str, alice: Owner) -> None:
    async def work(db: Database) -> None:
        await _add(db, alice, "one")
        async with _operator(shared_database) as operator:
            await operator.fetch(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
                " WHERE datname = current_database() AND application_name = 'taskwell' AND state = 'idle'"
            )
        async with unit_for(db, alice) as unit:
            await _add(unit, alice, "two")

    run(work)
    assert _titles(shared_database, alice.id) == ["one", "two"]


@pytest.mark.parametrize("in_a_statement", [True, False])
def test_a_client_that_hangs_up_leaves_nothing_behind(run: Run, shared_database: str, alice: Owner, in_a_statement: bool) -> None:
    async def work(db: Database) -> None:
        is_there = asyncio.Event()

        async def hang() -> None:
            async with unit_for(db, alice) as unit:
                await _add(unit, alice, "one")
                is_there.set()
                if in_a_statement:
                    await store.change(TASKS, unit, alice, held, TaskChanges.model_validate({"title": "x"}), if_match=None)
                await asyncio.Event().wait()

        held = uuid4()
        await _add(db, alice, "held", held)
        async with _operator(shared_database) as other, other.transaction():
            await other.execute("SELECT FROM tasks WHERE user_id = $1 FOR UPDATE", alice.id)
            hanging = asyncio.create_task(hang())
            await is_there.wait()
            if in_a_statement:
                await _waits(shared_database)
            hanging.cancel()
            with pytest.raises(asyncio.CancelledError):
                await hanging
        async with unit_for(db, alice) as unit:  # the row is free, and so are both places of the pool
            await asyncio.gather(_add(db, Owner(bob, None), "hers"), _add(unit, alice, "two"))

    bob = uuid4()
    postgres.query(shared_database, "INSERT INTO users (id) VALUES ($1)", bob)
    run(work)
    assert _titles(shared_database, alice.id) == ["held", "two"]


def test_a_taken_id_is_an_outcome_and_the_unit_goes_on(run: Run, shared_database: str, alice: Owner) -> None:
    task_id = uuid4()

    async def work(db: Database) -> None:
        await _add(db, alice, "milk", task_id)
        async with unit_for(db, alice) as unit:
            assert await _add(unit, alice, "milk", task_id) is False
            assert await _add(unit, alice, "bread") is True

    run(work)
    assert _titles(shared_database, alice.id) == ["milk", "bread"]
    assert _revision(shared_database, alice.id) == 2


@pytest.fixture
def refused(monkeypatch: pytest.MonkeyPatch) -> Statement:
    """A statement that PostgreSQL refuses: the column cannot be negative."""
    monkeypatch.setattr(statement, "REGISTRY", {})
    return Statement("refused", users.update().values(revision=-1).where(users.c.id == owner))


def test_a_statement_that_fails_undoes_all_of_it_even_where_its_error_is_caught(
    run: Run, shared_database: str, alice: Owner, refused: Statement
) -> None:
    async def work(db: Database) -> None:
        with pytest.raises(InvalidInput):
            async with unit_for(db, alice) as unit:
                await _add(unit, alice, "one")
                with pytest.raises(InvalidInput):
                    await unit.row(refused, owner=alice.id)
                with pytest.raises(UnsafeStatement, match="over"):
                    await _add(unit, alice, "two")
        await _add(db, alice, "afterwards")

    run(work)
    assert _titles(shared_database, alice.id) == ["afterwards"]


def test_a_part_is_undone_by_itself_and_the_unit_goes_on(
    run: Run, shared_database: str, alice: Owner, refused: Statement
) -> None:
    async def work(db: Database) -> None:
        async with unit_for(db, alice) as unit:
            await _add(unit, alice, "one")
            with pytest.raises(TaskNotFound):
                async with unit_for(unit, alice) as part:
                    await _add(part, alice, "undone")
                    await store.read(TASKS, part, alice, uuid4())
            with pytest.raises(InvalidInput):
                async with unit_for(unit, alice) as part:
                    await _add(part, alice, "undone")
                    await part.row(refused, owner=alice.id)
            async with unit_for(unit, alice) as part:
                await _add(part, alice, "two")

    run(work)
    assert _titles(shared_database, alice.id) == ["one", "two"]
    assert _revision(shared_database, alice.id) == 2


def test_it_is_of_one_owner_and_of_no_use_afterwards(run: Run, alice: Owner) -> None:
    async def work(db: Database) -> None:
        units: list[UnitOfWork] = []
        async with unit_for(db, alice) as unit:
            units.append(unit)
            with pytest.raises(UnsafeStatement, match="owner"):
                await _add(unit, Owner(uuid4(), None), "hers")
        with pytest.raises(UnsafeStatement, match="over"):
            await _add(units[0], alice, "late")

    run(work)


def test_rows_gives_every_row(run: Run, alice: Owner) -> None:
    async def work(db: Database) -> None:
        assert any(str(alice.id) in row["user"] for row in await db.rows(LIST_USERS))

    run(work)
