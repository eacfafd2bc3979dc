"""An account or a task whose time zone the IANA database of this server does not have, as after a move to another system."""

from typing import Any

import pytest

from tests.support import postgres
from tests.support.cast import Person
from tests.support.errors import assert_error

TASKS = "/api/v1/tasks"
DAILY: dict[str, Any] = {"due": {"date": "2026-11-26", "time": "10:00"}, "recurrence": {"rule": "FREQ=DAILY"}}


@pytest.fixture
def task(alice: Person, shared_database: str) -> dict[str, Any]:
    """Of Alice's, whose time zone is gone."""
    made = alice.creates(**DAILY)
    postgres.run(shared_database, f"UPDATE users SET time_zone = 'Gone/Zone' WHERE id = '{alice.id}'")
    return made


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/api/v1/overview", None),
        ("GET", f"{TASKS}?overdue=true", None),
        ("POST", f"{TASKS}/ID/complete", None),
        ("PATCH", f"{TASKS}/ID", {"is_completed": True}),
        ("POST", TASKS, {"title": "x", "due": {"date": "2026-11-26", "time": "10:00", "time_zone": "Europe/Berlin"}}),
    ],
)
def test_what_needs_its_day_says_what_is_wrong_and_changes_nothing(
    alice: Person, task: dict[str, Any], method: str, path: str, body: dict[str, Any] | None
) -> None:
    answer = alice.request(method, path.replace("ID", task["id"]), json=body)
    assert_error(answer, 400, "invalid_input")
    assert "time zone" in answer.json()["error"]["message"]
    assert alice.sees() == [task]


def test_the_rest_works_and_another_zone_mends_it(alice: Person, task: dict[str, Any]) -> None:
    assert alice.get(f"{TASKS}/{task['id']}").json() == task
    assert alice.patch(f"{TASKS}/{task['id']}", json={"title": "still"}).status_code == 200
    assert alice.get("/api/v1/export").status_code == 200
    assert alice.patch("/api/v1/auth/me", json={"time_zone": "UTC"}).status_code == 200
    assert alice.get("/api/v1/overview").status_code == 200
    assert alice.post(f"{TASKS}/{task['id']}/complete").status_code == 200
