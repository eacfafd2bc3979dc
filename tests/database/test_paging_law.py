"""Pages in any order are one list cut into pieces: sort keys with NULLs, both directions, mixed."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from taskwell.database import statement, url
from taskwell.database.statement import Statement
from taskwell.records.paging import Sort, SortKey, page
from taskwell.tasks.statements import TASK
from taskwell.types import new_id

BEGINNING = datetime(2026, 1, 1, tzinfo=UTC)

SORTS: dict[str, Sort] = {
    f"{'/'.join(names)} {'/'.join('down' if down else 'up' for down in ways)}": tuple(map(SortKey, names, ways))
    for names, ways in [
        (("created_at", "id"), (True, True)),
        (("created_at", "id"), (False, False)),
        (("created_at", "id"), (True, False)),
        (("completed_at", "id"), (False, False)),
        (("completed_at", "id"), (True, True)),
        (("completed_at", "id"), (True, False)),
        (("completed_at", "created_at", "id"), (False, True, False)),
    ]
}

Statements = dict[tuple[str, bool], Statement]
Row = tuple[int | None, int]  # completed_at and created_at, in seconds


@pytest.fixture
def statements(monkeypatch: pytest.MonkeyPatch) -> Statements:
    """The first page and the later ones, of every order."""
    monkeypatch.setattr(statement, "REGISTRY", {})
    return {
        (name, is_resumed): Statement(f"{name} {is_resumed}", page(TASK, [], sort, is_resumed=is_resumed))
        for name, sort in SORTS.items()
        for is_resumed in (False, True)
    }


def _sorted(rows: list[dict[str, Any]], sort: Sort) -> list[str]:
    """In plain Python: by the last key first, since sorting is stable."""
    for key in reversed(sort):
        rows = sorted(rows, key=lambda row: row[key.name] or BEGINNING, reverse=key.is_descending)
        rows = sorted(rows, key=lambda row: row[key.name] is None)
    return [str(row["id"]) for row in rows]


async def _walk(
    connection: "asyncpg.Connection[asyncpg.Record]",
    statements: Statements,
    name: str,
    owner: UUID,
    limit: int,
) -> list[str]:
    seen: list[str] = []
    place: dict[str, Any] = {}
    while True:
        one = statements[name, bool(place)]
        asked = {"owner": owner, "issued_at": None, "limit": limit, "if_none_match": None, "tag_head": ""} | place
        row = await connection.fetchrow(one.sql, *one.values(asked))
        assert row is not None
        items = json.loads(f"[{row['items'] or ''}]")
        seen += [item["id"] for item in items[:limit]]
        if row["next_id"] is None:
            assert len(items) <= limit
            return seen
        place = {f"first_{key.name}": row[f"next_{key.name}"] for key in SORTS[name]}


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.lists(st.tuples(st.none() | st.integers(0, 3), st.integers(0, 3)), max_size=12),
    limit=st.integers(1, 5),
)
def test_pages_of_any_order_are_the_sorted_list(
    statements: Statements, shared_database: str, rows: list[Row], limit: int
) -> None:
    async def check() -> None:
        connection = await asyncpg.connect(**url.parse(shared_database).arguments())
        owner = new_id()
        stored = [
            {
                "id": new_id(),
                "completed_at": None if done is None else BEGINNING + timedelta(seconds=done),
                "created_at": BEGINNING + timedelta(seconds=made),
            }
            for done, made in rows
        ]
        try:
            await connection.execute("INSERT INTO users (id) VALUES ($1)", owner)
            await connection.executemany(
                "INSERT INTO tasks (user_id, id, title, is_completed, completed_at, created_at, updated_at, revision)"
                " VALUES ($1, $2, 'x', $3::timestamptz IS NOT NULL, $3, $4, $4, 1)",
                [(owner, row["id"], row["completed_at"], row["created_at"]) for row in stored],
            )
            for name, sort in SORTS.items():
                assert await _walk(connection, statements, name, owner, limit) == _sorted(stored, sort), name
        finally:
            await connection.execute("DELETE FROM users WHERE id = $1", owner)
            await connection.close()

    asyncio.run(check())


def test_the_orders_that_an_index_has_begin_at_one_place() -> None:
    """A row comparison is what PostgreSQL can begin an index scan at; with OR it would walk from the beginning of the list."""
    text = str(page(TASK, [], SORTS["created_at/id down/down"], is_resumed=True))
    assert "(tasks.created_at, tasks.id) <= (:first_created_at, :first_id)" in text
