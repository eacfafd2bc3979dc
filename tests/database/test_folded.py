"""What the search reads follows from what is written, whichever way it is written."""

import asyncio
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from taskwell.database import url
from taskwell.database.migrate import migrate
from taskwell.records.folding import fold, fold_names
from tests.conftest import settings_for
from tests.support import postgres
from tests.support.at_once import Stage, at_once, in_thread, play
from tests.support.cast import Person

TASKS = "/api/v1/tasks"


def folded(database_url: str, who: Person) -> dict[str, str | None]:
    rows = postgres.query(database_url, "SELECT id, folded FROM tasks WHERE user_id = $1", who.id)
    return {str(row["id"]): row["folded"] for row in rows}


def right(task: dict[str, Any]) -> str:
    return "\x01".join((fold(task["title"]), fold(task["description"] or ""), fold_names(task.get("labels", []))))


def test_every_write_keeps_it_right(alice: Person, shared_database: str) -> None:
    made = alice.creates_list()["id"]
    task = alice.creates("Café", description="Crème")
    path = f"{TASKS}/{task['id']}"
    alice.creates("In a list", list_id=made)
    alice.put(f"{TASKS}/{uuid4()}", json={"title": "Plâced"}, headers={"If-None-Match": "*"})
    alice.post(TASKS, json={"title": "Own", "id": str(uuid4()), "description": "Älter"})
    for method, body in (
        ("PATCH", {"title": "Thé"}),
        ("PATCH", {"description": "Naïve"}),
        ("PATCH", {"is_completed": True}),
        ("PATCH", {"list_id": made}),
        ("PATCH", {"description": None, "list_id": None}),
        ("PUT", {"title": "Señor", "description": "x"}),
        ("PUT", {"title": "Señora"}),
        ("PUT", {"title": "Façade", "list_id": made}),
    ):
        assert alice.request(method, path, json=body).status_code == 200
        tasks = alice.sees()
        assert folded(shared_database, alice) == {one["id"]: right(one) for one in tasks}, (method, body)
    assert len(tasks) == 4


def test_writes_that_share_a_round_trip_keep_it_right(own_database: str, tmp_path: Path) -> None:
    async def scene(stage: Stage) -> None:
        people = await stage.people(4)
        body = {"title": "Tâsk", "description": "Às it wàs"}
        made = await at_once(*(stage.send(who, "POST", json=body) for who in people))
        ids = [answer.json()["id"] for answer in made]
        for changes in ({"title": "Ñew"}, {"is_completed": True}):
            changed = [stage.send(who, "PATCH", f"/{task_id}", json=changes) for who, task_id in zip(people, ids, strict=True)]
            assert [answer.status_code for answer in await at_once(*changed)] == [200] * 4
        rows = await in_thread(postgres.query, own_database, "SELECT title, description, folded FROM tasks")
        assert [row["folded"] for row in rows] == [right(dict(row)) for row in rows] == [" new \x01 as it was \x01"] * 4

    play(settings_for(own_database, tmp_path, pool_size=3), own_database, scene)


@pytest.fixture
def before(own_database: str) -> str:
    """A database of the version before, with more tasks than are filled at a time."""
    asyncio.run(migrate(url.parse(own_database), down_to="0007"))
    postgres.run(
        own_database,
        "INSERT INTO users (id) VALUES ('00000000-0000-0000-0000-000000000001'), ('00000000-0000-0000-0000-000000000002')",
        "INSERT INTO tasks (user_id, id, title, description, labels, is_completed, created_at, updated_at, revision)"
        " SELECT ('00000000-0000-0000-0000-00000000000' || 1 + n % 2)::uuid, gen_random_uuid(), 'Tâsk ' || n,"
        " nullif('', 'x'), '{}', false, now(), now(), 1 FROM generate_series(1, 2100) n",
    )
    return own_database


def test_the_migration_folds_what_is_there(before: str) -> None:
    asyncio.run(migrate(url.parse(before)))
    rows = postgres.query(before, "SELECT title, description, labels, folded FROM tasks")
    assert len(rows) == 2_100
    assert all(row["folded"] == right(dict(row)) for row in rows)
    asyncio.run(migrate(url.parse(before), down_to="0007"))
    assert postgres.query(before, "SELECT count(folded) FROM tasks")[0][0] == 0
