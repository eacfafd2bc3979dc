"""Every time that leaves the server has six digits of fraction, also those that end in zeros."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support import postgres
from tests.support.cast import Person

TASKS = "/api/v1/tasks"
FRACTIONS = ["", ".1", ".12", ".123", ".1234", ".12345", ".123456", ".000001", ".00001", ".999999"]
_TIME = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{6}\+00:00")


def times_in(answer: Any) -> Iterator[str]:
    """Each value of a field whose name says that it is a time, at whatever depth; not null."""
    for name, value in answer.items() if isinstance(answer, dict) else enumerate(answer) if isinstance(answer, list) else ():
        if str(name).endswith("_at") and value is not None:
            yield value
        yield from times_in(value)


def padded(fraction: str) -> str:
    return f"2026-11-21T03:21:58.{fraction[1:]:0<6}+00:00"


@pytest.mark.parametrize("fraction", FRACTIONS)
def test_whatever_its_fraction_a_time_has_six_digits(alice: Person, shared_database: str, fraction: str) -> None:
    task, newer = alice.creates("x", is_completed=True), alice.creates("newer")
    postgres.query(
        shared_database,
        "UPDATE tasks SET created_at = at, updated_at = at, completed_at = at"
        " FROM (SELECT $3::text::timestamptz AS at) AS given WHERE user_id = $1 AND id = $2",
        alice.id,
        task["id"],
        f"2026-11-21T03:21:58{fraction}Z",
    )
    made = padded(fraction)
    path = f"{TASKS}/{task['id']}"
    read = alice.get(path).json()
    assert [read["created_at"], read["updated_at"], read["completed_at"]] == [made] * 3
    page = alice.get(TASKS, params={"limit": 1}).json()
    assert page["items"] == [newer]
    assert alice.get(TASKS, params={"cursor": page["next_cursor"]}).json()["items"] == [read]
    answers = [
        alice.patch(path, json={}),
        alice.patch(path, json={"title": "changed"}),
        alice.put(path, json={"title": "x"}, headers={"If-Match": '"x"'}),
        alice.put(path, json={"title": "x"}, headers={"If-None-Match": "*"}),
        alice.put(path, json={"title": "x", "is_completed": True}),
    ]
    assert [answer.status_code for answer in answers] == [200, 200, 412, 412, 200]
    for answer in answers:
        found = list(times_in(answer.json()))
        assert made in found
        assert all(map(_TIME.fullmatch, found))


@pytest.mark.parametrize("fraction", ["", ".1", ".123456"])
def test_the_times_of_an_account_and_of_api_tokens_have_six_digits(alice: Person, shared_database: str, fraction: str) -> None:
    new = alice.post("/api/v1/auth/tokens", json={"name": "x", "scopes": ["tasks:read"], "expires_in_days": 1}).json()
    assert all(map(_TIME.fullmatch, times_in(new)))
    at = f"2126-11-21T03:21:58{fraction}Z"
    for statement in (
        "UPDATE users SET created_at = $2::text::timestamptz - interval '100 years' WHERE id = $1",
        "UPDATE api_tokens SET expires_at = $2::text::timestamptz, last_used_at = $2::text::timestamptz WHERE user_id = $1",
    ):
        postgres.query(shared_database, statement, alice.id, at)
    read, changed = alice.get("/api/v1/auth/me").json(), alice.patch("/api/v1/auth/me", json={"display_name": "A"}).json()
    assert read["created_at"] == changed["created_at"] == padded(fraction)
    [token] = alice.get("/api/v1/auth/tokens").json()["items"]
    assert token["expires_at"] == token["last_used_at"] == padded(fraction).replace("2026", "2126")
