"""A statement over a set costs what its requests cost, however many users there are, and whenever it was planned.

A connection keeps the plan that it made on empty tables, until an ANALYZE. So a plan that would read everybody's rows is made
there. The work is counted in blocks, not in time.
"""

import asyncio
import json
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from sqlalchemy import Boolean, Date, DateTime, Integer, Uuid

from taskwell.database import statement as statements
from taskwell.database import url
from taskwell.database.shapes import every_statement
from taskwell.database.statement import Statement
from taskwell.database.statement_of_set import StatementOfSet
from tests.house.wrong_sets import of_set_that_can_be_flattened
from tests.support import postgres

IN_SETS = {one.name: one for one in every_statement() if one.of_set is not None}
PEOPLE = 20_000
REQUESTS = 4
BLOCKS = 40
"""Of one request: the root, a branch and a leaf of each index, the row, and what an insert adds to them."""

_USERS = "INSERT INTO users (id, revision) SELECT lpad(to_hex(n), 32, '0')::uuid, 1 FROM generate_series(1, $1) n"
_LISTS = (
    "INSERT INTO lists (user_id, id, name, is_archived, created_at, updated_at, revision)"
    " SELECT id, id, 'Groceries', false, now(), now(), 1 FROM users"
)
_TASKS = (
    "INSERT INTO tasks (user_id, id, title, is_completed, list_id, created_at, updated_at, revision)"
    " SELECT id, id, 'buy milk', false, id, now(), now(), 1 FROM users"
)
_TOKENS = (
    "INSERT INTO api_tokens (user_id, id, name, scope, token_hash, ends_with, created_at, expires_at)"
    " SELECT id, id, 'script', 'tasks:read', 'new ' || row_number() OVER (ORDER BY id), 'abcdef', now(), 'infinity' FROM users"
)


@pytest.fixture
def growing(own_database: str) -> str:
    for table in ("users", "lists", "tasks", "api_tokens"):
        postgres.run(own_database, f"ALTER TABLE {table} SET (autovacuum_enabled = false)")
    return own_database


def _requests(one: Statement) -> list[dict[str, Any]]:
    """Of users 1, 2..., each for the task that has the same number."""

    def value(name: str, type_: Any, number: int) -> Any:
        if name in ("issued_at", "if_match", "if_none_match"):
            return None
        if isinstance(type_, Uuid):
            return UUID(int=number)
        if isinstance(type_, Date):
            return date(2030, 1, 1)
        if isinstance(type_, DateTime):
            return datetime(2030, 1, 1, tzinfo=UTC)
        return {Integer: 20, Boolean: True}.get(type(type_), f"new {number}")

    return [{name: value(name, type_, number) for name, type_ in one.types.items()} for number in range(1, REQUESTS + 1)]


async def _blocks(database_url: str, one: Statement, of_set: StatementOfSet, requests: list[dict[str, Any]]) -> int:
    """What one run touches, by the plan that was made on empty tables."""
    connection = await asyncpg.connect(
        **url.parse(database_url).arguments(), max_cached_statement_lifetime=0, max_cacheable_statement_size=0
    )
    try:
        values = of_set.values_of([one.values(request) for request in requests])
        for _ in range(8):  # after five PostgreSQL settles on one plan
            await of_set.run_all(connection, values)
        await connection.execute(_USERS, PEOPLE)
        await connection.execute(_LISTS)
        await connection.execute(_TASKS)
        await connection.execute(_TOKENS)
        name, generic = await connection.fetchrow(
            "SELECT name, generic_plans FROM pg_prepared_statements WHERE statement = $1", of_set.sql
        )
        assert generic > 0
        written = ", ".join(
            f"'{json.dumps(given)[1:-1].join('{}')}'" if isinstance(given, list) else repr(given) for given in values
        )
        async with connection.transaction():
            explained = await connection.fetchval(f'EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) EXECUTE "{name}" ({written})')
        plan = json.loads(explained)[0]["Plan"]
        blocks: int = plan["Shared Hit Blocks"] + plan["Shared Read Blocks"]
        return blocks
    finally:
        await connection.close()


@pytest.mark.parametrize("name", IN_SETS)
def test_a_plan_made_on_empty_tables_reads_no_more_than_its_requests_need(growing: str, name: str) -> None:
    one = IN_SETS[name]
    assert one.of_set is not None
    blocks = asyncio.run(_blocks(growing, one, one.of_set, _requests(one)))
    assert REQUESTS <= blocks <= REQUESTS * BLOCKS


def test_a_set_that_can_be_flattened_reads_everybody(growing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(statements, "REGISTRY", {})
    one, wrong = of_set_that_can_be_flattened()
    assert asyncio.run(_blocks(growing, one, wrong, _requests(one))) > REQUESTS * BLOCKS
