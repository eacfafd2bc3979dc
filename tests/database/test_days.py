"""Today, overdue and upcoming, as PostgreSQL finds them in the zone of the account, against Python's own zones."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo, available_timezones

import pytest
from sqlalchemy import ARRAY, ColumnElement, DateTime, Text, Uuid, func, select

from taskwell.accounts.may_act import users
from taskwell.accounts.wall_time import wall_time
from taskwell.database import statement as statements
from taskwell.database.statement import Statement, argument
from taskwell.tasks.days import is_due_today, is_overdue, is_upcoming
from taskwell.tasks.tables import tasks
from tests.support import postgres
from tests.support.cast import Person

NOW = datetime(2026, 11, 26, 22, 30, tzinfo=UTC)  # in Berlin it is half an hour to the 27th, in Auckland it is the 27th at noon


@pytest.fixture(autouse=True)
def own_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(statements, "REGISTRY", {})


_TASKS = (
    "INSERT INTO tasks (user_id, id, title, is_completed, due_sort, created_at, updated_at, revision)"
    " SELECT $1, gen_random_uuid(), 'x', false, due_sort, now(), now(), 1 FROM unnest($2::timestamp[]) due_sort"
)


@pytest.fixture
def due(alice: Person, shared_database: str) -> set[datetime]:
    """When Alice's open tasks are due; one is not due at all, and one is done."""
    midnight = NOW.replace(tzinfo=None, hour=0, minute=0)
    dues = {midnight + timedelta(hours=3 * step) for step in range(-8, 90)}
    dues |= {midnight + timedelta(days=day) - timedelta(microseconds=1) for day in range(-2, 6)}
    postgres.query(shared_database, _TASKS, alice.id, [*dues, None])
    return dues


def found(database: str, whose: Person, zone: str, condition: Callable[[], ColumnElement[bool]], **more: Any) -> set[datetime]:
    postgres.query(database, "UPDATE users SET time_zone = $1 WHERE id = $2", zone, whose.id)
    joined = tasks.join(users, users.c.id == tasks.c.user_id)
    is_found = (users.c.id == argument("whose", Uuid()), condition())
    one = Statement("found", select(tasks.c.due_sort).select_from(joined).where(*is_found))
    statements.REGISTRY.clear()
    rows = postgres.query(database, one.sql, *one.values({"whose": whose.id, "now": NOW} | more))
    return {row["due_sort"] for row in rows}


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "Pacific/Auckland", "America/Los_Angeles", "CET"])
def test_a_day_is_a_day_in_the_zone_of_the_account(due: set[datetime], alice: Person, shared_database: str, zone: str) -> None:
    local = NOW.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    today = local.replace(hour=0, minute=0)
    assert found(shared_database, alice, zone, is_due_today) == {one for one in due if one.date() == today.date()}
    assert found(shared_database, alice, zone, is_overdue) == {one for one in due if one < local}
    for days in (1, 2, 7):
        within = {one for one in due if today <= one < today + timedelta(days=days)}
        assert found(shared_database, alice, zone, is_upcoming, days=days) == within


def test_what_is_done_is_not_overdue(alice: Person, shared_database: str) -> None:
    task = alice.creates(is_completed=True)
    postgres.query(shared_database, "UPDATE tasks SET due_sort = '2026-11-01' WHERE id = $1", UUID(task["id"]))
    assert found(shared_database, alice, "UTC", is_overdue) == set()
    alice.patch(f"/api/v1/tasks/{task['id']}", json={"is_completed": False})
    assert len(found(shared_database, alice, "UTC", is_overdue)) == 1


def test_postgresql_reads_every_zone_as_python_does(shared_database: str) -> None:
    """In winter and in summer. PostgreSQL takes CET, EET, MET and WET for abbreviations, which know no summer."""
    zone = func.unnest(argument("zones", ARRAY(Text()))).column_valued("zone")
    read = wall_time(zone, argument("at", DateTime(timezone=True)))
    one = Statement("wall_times", select(zone, read.label("wall_time")))
    names = sorted(available_timezones() - {"localtime"})
    for moment in (datetime(2026, 1, 15, 12, tzinfo=UTC), datetime(2026, 7, 15, 12, tzinfo=UTC)):
        rows = postgres.query(shared_database, one.sql, *one.values({"zones": names, "at": moment}))
        here = {name: moment.astimezone(ZoneInfo(name)).replace(tzinfo=None) for name in names}
        assert {row["zone"]: row["wall_time"] for row in rows} == here
