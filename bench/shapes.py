"""`python -m bench.shapes`: how lists fare for one with 10,000 tasks and one with 100,000, among a million.

Of every shape of a list, every way to count and every search the plan is asked for: each scan of tasks has to be through an index
at the owner. Then some are timed against their goals, from the call of the store to its answer, and a page deep in the list by
due date against the first one. The exit code is 1 if something is not as it has to be.
"""

import argparse
import asyncio
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import asyncpg

from bench.postgres import OPTIONS
from taskwell.accounts.owner import Owner
from taskwell.database import url
from taskwell.database.connection import Database
from taskwell.database.embedded import EmbeddedPostgres
from taskwell.database.migrate import migrate
from taskwell.database.statement import Statement
from taskwell.records.limited import list_page
from taskwell.records.store import RenderedPage
from taskwell.tasks.filter import TaskFilter
from taskwell.tasks.labels.statements import LIST_LABELS
from taskwell.tasks.labels.store import LABELS
from taskwell.tasks.overview import READ_OVERVIEW, READ_OVERVIEW_OF_PLACES, read_overview
from taskwell.tasks.statements import FILTER_TASKS, LIST_TASKS
from taskwell.tasks.store import list_tasks_page
from tests.house.plans import EXPLAINER

RUNS: Final = 9
DEEP: Final = 1_000
MOST_OF_A_DEEP_PAGE: Final = 1.3

# User 1 has 100,000 tasks, user 2 has 10,000, and a thousand others have the rest. A tenth of the tasks carries 20 labels.
_DATA: Final = (
    "INSERT INTO users (id, revision) SELECT lpad(to_hex(n), 32, '0')::uuid, 1 FROM generate_series(1, 1002) n",
    """
    INSERT INTO lists (user_id, id, name, is_archived, created_at, updated_at, revision)
    SELECT users.id, lpad(to_hex(n), 32, '0')::uuid, 'List ' || n, false, now(), now(), 1
    FROM users, generate_series(1, 500) n
    WHERE n <= CASE WHEN right(users.id::text, 4) IN ('0001', '0002') THEN 500 ELSE 3 END
    """,
    """
    INSERT INTO labels (user_id, id, name, key, folded, created_at, updated_at, revision)
    SELECT users.id, lpad(to_hex(n), 32, '0')::uuid, 'label ' || n, 'label ' || n, ' label ' || n, now(), now(), 1
    FROM users, generate_series(1, 1000) n
    WHERE n <= CASE WHEN right(users.id::text, 4) IN ('0001', '0002') THEN 1000 ELSE 20 END
    """,
    """
    INSERT INTO tasks (user_id, id, title, description, is_completed, completed_at, list_id, priority, labels, due_sort, folded,
        created_at, updated_at, revision)
    SELECT lpad(to_hex(who), 32, '0')::uuid, gen_random_uuid(), title, description, done, CASE WHEN done THEN now() END,
        CASE WHEN n % 3 > 0 THEN lpad(to_hex(1 + n % (CASE WHEN who < 3 THEN 500 ELSE 3 END)), 32, '0')::uuid END,
        (ARRAY['none', 'low', 'medium', 'high', 'urgent'])[1 + n % 5], carried,
        CASE WHEN n % 2 = 0 THEN timestamp '2026-01-01' + n * interval '7 minutes' END,
        ' ' || lower(title) || E' \\x01 ' || lower(description) || E' \\x01 ' || array_to_string(carried, ' '),
        timestamptz '2025-01-01' + n * interval '5 minutes', now(), n
    FROM (
        SELECT who, n, n % 4 = 0 AS done,
            (ARRAY['Buy', 'Call', 'Repair', 'Book', 'Pay', 'Read'])[1 + n % 6] || ' the milk number ' || n AS title,
            'Before the end of the week, and ask what it costs; the number is on the note beside the phone ' || n AS description,
            CASE WHEN n % 10 = 0 THEN ARRAY(
                SELECT 'label ' || 1 + (n * 7 + i * 13) % (CASE WHEN who < 3 THEN 1000 ELSE 20 END) FROM generate_series(1, 20) i
            ) ELSE '{}' END AS carried
        FROM generate_series(1, 1002) who, generate_series(1, 100000) n
        WHERE n <= CASE who WHEN 1 THEN 100000 WHEN 2 THEN 10000 ELSE 890 END
    ) made
    ORDER BY n, who
    """,
    "ANALYZE",
)


@dataclass(frozen=True)
class Timed:
    name: str
    most_ms: float
    run: Callable[[Database, Owner], Awaitable[Any]]


def _tasks(asked: TaskFilter) -> Callable[[Database, Owner], Awaitable[RenderedPage]]:
    return lambda db, owner: list_tasks_page(db, owner, asked, limit=20, cursor=None, if_none_match=None)


async def _labels(db: Database, owner: Owner) -> RenderedPage:
    return await list_page(LABELS, LIST_LABELS, db, owner, "newest", limit=100, cursor=None, if_none_match=None)


async def _overview(db: Database, owner: Owner) -> Any:
    return await read_overview(db, owner, upcoming_days=7, with_dates=True, if_none_match=None)


def _timed(most_of_a_search: float) -> tuple[Timed, ...]:
    return (
        Timed("q=milk (all of them)", most_of_a_search, _tasks(TaskFilter(q="milk"))),
        Timed("q=repair note", most_of_a_search, _tasks(TaskFilter(q="repair note"))),
        Timed("q=label 77 (few)", most_of_a_search, _tasks(TaskFilter(q="label 77"))),
        Timed("q=nothing (none)", most_of_a_search, _tasks(TaskFilter(q="xylophone"))),
        Timed("one list's tasks", 20, _tasks(TaskFilter(list_id=UUID(int=2)))),
        Timed("by due date", 20, _tasks(TaskFilter(order="due"))),
        Timed("label=label 77", most_of_a_search, _tasks(TaskFilter(labels=("label 77",)))),
        Timed("GET /labels", 200, _labels),
        Timed("GET /overview", 200, _overview),
    )


PEOPLE: Final = {UUID(int=2): (10_000, 50.0), UUID(int=1): (100_000, 200.0)}
"""How many tasks each has, and how many milliseconds a search of them may take."""


def scans(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    if plan.get("Relation Name") == "tasks" or plan["Node Type"] == "Bitmap Index Scan":
        yield plan
    for below in plan.get("Plans", ()):
        yield from scans(below)


async def wrong_plans(connection: "asyncpg.Connection[asyncpg.Record]", statements: list[Statement]) -> list[str]:
    """The scans of tasks that are not through an index at the owner."""
    await connection.execute(EXPLAINER)
    wrong: list[str] = []
    for one in statements:
        plan = json.loads(await connection.fetchval("SELECT pg_temp.plan_of($1)", one.sql))
        wrong += (
            f"{one.name}: {scan['Node Type']} {scan.get('Index Cond', '')}"
            for scan in scans(plan[0]["Plan"])
            if scan["Node Type"] != "Bitmap Heap Scan" and "user_id = " not in scan.get("Index Cond", "")
        )
    return wrong


async def _milliseconds(run: Callable[[], Awaitable[Any]]) -> float:
    """The median, with a prepared statement whose plan PostgreSQL has settled on."""
    taken = []
    for _ in range(RUNS + 6):
        begin = time.perf_counter()
        await run()
        taken.append((time.perf_counter() - begin) * 1000)
    return statistics.median(taken[6:])


async def _deep(db: Database, owner: Owner, asked: TaskFilter) -> tuple[float, float]:
    """The second page and the one that is DEEP: both begin at a place."""
    cursors: list[str] = []
    cursor = None
    for _ in range(DEEP):
        page = await list_tasks_page(db, owner, asked, limit=20, cursor=cursor, if_none_match=None)
        assert page.next_cursor is not None
        cursors.append(cursor := page.next_cursor)

    async def from_place(place: str) -> float:
        return await _milliseconds(lambda: list_tasks_page(db, owner, asked, limit=20, cursor=place, if_none_match=None))

    return await from_place(cursors[0]), await from_place(cursors[-1])


async def check(database_url: str) -> bool:
    connection = await asyncpg.connect(**url.parse(database_url).arguments())
    shapes = [*LIST_TASKS, *FILTER_TASKS, *LIST_LABELS, READ_OVERVIEW, READ_OVERVIEW_OF_PLACES]
    wrong = await wrong_plans(connection, shapes)
    await connection.close()
    print(f"{len(shapes)} statements; scans of tasks that are not through an index at the owner: {len(wrong)}")
    print(*wrong, sep="\n")
    is_good = not wrong
    db = Database.at(database_url, pool_size=1, prepared_statements="on", sets=False)
    try:
        for user, (count, most_of_a_search) in PEOPLE.items():
            owner = Owner(user, None)
            for one in _timed(most_of_a_search):
                taken = await _milliseconds(lambda one=one, owner=owner: one.run(db, owner))  # type: ignore[misc]
                is_good &= taken <= one.most_ms
                print(f"{count:>7,} tasks  {one.name:<22} {taken:8.1f} ms, at most {one.most_ms:.0f}", flush=True)
        for order in ("newest", "due"):
            first, deep = await _deep(db, Owner(UUID(int=1), None), TaskFilter(order=order))
            is_good &= deep <= first * MOST_OF_A_DEEP_PAGE
            print(f"order={order}: page 2 {first:.2f} ms, page {DEEP:,} {deep:.2f} ms, {deep / first:.2f} times")
    finally:
        await db.close()
    return is_good


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.shapes", description=__doc__)
    parser.add_argument("--keep", type=Path, help="a folder for the database, which a later run finds")
    keep: Path | None = parser.parse_args().keep
    with tempfile.TemporaryDirectory() as folder:
        postgres = EmbeddedPostgres.start(keep or Path(folder), options=OPTIONS)
        try:
            return 0 if asyncio.run(_made_and_checked(postgres.url)) else 1
        finally:
            postgres.stop()


async def _made_and_checked(database_url: str) -> bool:
    await migrate(url.parse(database_url))
    connection = await asyncpg.connect(**url.parse(database_url).arguments())
    if not await connection.fetchval("SELECT count(*) FROM users"):
        for statement in _DATA:
            await connection.execute(statement, timeout=600)
    print(f"{await connection.fetchval('SELECT count(*) FROM tasks'):,} tasks")
    await connection.close()
    return await check(database_url)


if __name__ == "__main__":
    sys.exit(main())
