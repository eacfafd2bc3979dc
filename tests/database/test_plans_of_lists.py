"""However a list is filtered and ordered, PostgreSQL reads the owner's own tasks through an index, and nobody else's."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import asyncpg
import pytest

from taskwell.database import url
from taskwell.database.statement import Statement
from taskwell.tasks.filter import TaskShape
from taskwell.tasks.many.statements import CHANGE_TASKS, DELETE_TASKS, FIND_BELOW, FIND_TASKS, MOVE_TASKS
from taskwell.tasks.statements import FILTER_TASKS, LIST_TASKS
from taskwell.tasks.tree import MARK_PARENTS
from tests.house.plans import EXPLAINER
from tests.support import postgres

PEOPLE, TASKS_OF_EACH = 200, 200

_USERS = f"INSERT INTO users (id) SELECT lpad(to_hex(n), 32, '0')::uuid FROM generate_series(1, {PEOPLE}) n"
_LISTS = (
    "INSERT INTO lists (user_id, id, name, is_archived, created_at, updated_at, revision)"
    " SELECT id, id, 'Groceries', false, now(), now(), 1 FROM users"
)
_TASKS = f"""
INSERT INTO tasks (user_id, id, title, is_completed, list_id, folded, due_sort, created_at, updated_at, revision)
SELECT users.id, gen_random_uuid(), 'Task ' || n, false, CASE WHEN n % 2 = 0 THEN users.id END, ' task ' || n || E' \\x01\\x01',
    CASE WHEN n % 3 = 0 THEN timestamp '2026-01-01' + n * interval '1 hour' END, now(), now(), n
FROM users, generate_series(1, {TASKS_OF_EACH}) n
"""


@pytest.fixture(scope="module")
def many(postgres_url: str) -> Iterator[str]:
    with postgres.new_database(postgres_url) as database_url:
        postgres.needs_generic_plans(database_url)
        postgres.run(database_url, _USERS, _LISTS, _TASKS, "ANALYZE")
        yield database_url


def scans(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    if plan.get("Relation Name") == "tasks" or plan["Node Type"] == "Bitmap Index Scan":
        yield plan
    for below in plan.get("Plans", ()):
        yield from scans(below)


async def _plans(database_url: str, statements: list[Statement]) -> dict[str, dict[str, Any]]:
    connection = await asyncpg.connect(**url.parse(database_url).arguments())
    try:
        await connection.execute(EXPLAINER)
        plans = {one.name: json.loads(await connection.fetchval("SELECT pg_temp.plan_of($1)", one.sql)) for one in statements}
    finally:
        await connection.close()
    return {name: plan[0]["Plan"] for name, plan in plans.items()}


def _wrong(plans: dict[str, dict[str, Any]]) -> dict[str, list[str]]:
    """The scans of tasks that are not through an index at this owner, by the statement."""
    found = {name: list(scans(plan)) for name, plan in plans.items()}
    assert all(found.values())
    return {
        name: wrong
        for name, of_it in found.items()
        if (
            wrong := [
                f"{scan['Node Type']} {scan.get('Index Cond', '')}"
                for scan in of_it
                if scan["Node Type"] != "Bitmap Heap Scan" and "user_id = " not in scan.get("Index Cond", "")
            ]
        )
    }


def test_named_tasks_are_found_by_their_ids(many: str) -> None:
    """And the ids are made of their texts once, in a subquery that needs no row (an InitPlan)."""
    statements = [FIND_TASKS, FIND_BELOW, CHANGE_TASKS, MOVE_TASKS, DELETE_TASKS, MARK_PARENTS]
    for name, plan in asyncio.run(_plans(many, statements)).items():
        named = [scan["Index Cond"] for scan in scans(plan) if "ANY (" in scan.get("Index Cond", "")]
        assert named, name
        assert all("id = ANY ((InitPlan " in cond for cond in named), (name, named)


def test_every_shape_reads_an_index_at_the_owner(many: str) -> None:
    shapes = [*LIST_TASKS, *FILTER_TASKS]
    assert len(shapes) > 40
    assert _wrong(asyncio.run(_plans(many, shapes))) == {}


def test_a_page_deep_in_a_list_begins_in_the_index(many: str) -> None:
    """By due date as well, where a NULL may be: behind the place, and among the tasks that are not due."""
    by_due, newest = (LIST_TASKS[TaskShape(None, "anywhere", order, is_resumed=True)] for order in ("due", "newest"))
    plans = asyncio.run(_plans(many, [by_due, newest]))
    begins = [[scan.get("Index Cond", "") for scan in scans(plans[one.name])] for one in (by_due, newest)]
    assert "ROW(tasks.due_sort, tasks.id) >= " in begins[0][0]
    assert ".due_sort IS NULL" in begins[0][1]
    assert ".id >= " in begins[0][1]
    assert "ROW(tasks.created_at, tasks.id) <= " in begins[1][0]
