"""Queries as libraries write them: True of Python, a cursor without a value, and jQuery's parameter against caches."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from tests.support.cast import Person
from tests.support.errors import invalid_fields
from tests.support.server import RunningServer

TASKS = "/api/v1/tasks"
LIMIT, CURSOR = ("limit=01", "limit=1"), ("cursor=",)
ORDERS = ("order=newest", "order=oldest")
ASKED = {
    "/tasks": [
        *(*LIMIT, *CURSOR, *ORDERS, "order=updated", "order=due", "order=priority", "order=position", "order=title"),
        *("completed=False", "overdue=FALSE", "today=fAlSe", "count=True", "upcoming=07", "priority=none", "expand=progress"),
        *("list_id=inbox", "list_id={LIST}", "parent_id=none", "parent_id={PARENT}"),
        *("updated_since=2026-01-01T00:00:00Z", "updated_since=2026-01-01T00:00:00+00:00", "updated_since=2026-01-01T00-01:00"),
        *("due_before=9999-12-31", "due_before=9999-12-31t23:59", "due_after=2026-01-01T00:00+02:00", "due_after=2026-01-01"),
        *("label=a%26b%3D", "label=A%26B%3D&label=%C3%89+%2B,%23", "fields=title,id", "fields=id%2Ctitle"),
        *("q=", "q=%20", "q=+%09", "q=%20milk+", "q=m%C3%AFlk&order=oldest", "q=&order=title"),
    ],
    "/tasks/{task_id}/occurrences": [*LIMIT, *CURSOR],
    "/lists": [*LIMIT, *CURSOR, *ORDERS],
    "/labels": [*LIMIT, *CURSOR, *ORDERS],
    "/trash": [*LIMIT, *CURSOR],
}


@pytest.fixture
def places(alice: Person) -> dict[str, str]:
    """Two records and more on each list, whatever is asked of it below; and their ids, in the other spelling."""
    groceries, other = alice.creates_list("Groceries"), alice.creates_list("Home")
    soon = (datetime.now(UTC) + timedelta(days=2)).date().isoformat()
    milk: dict[str, Any] = {"title": "buy milk", "due": {"date": soon}, "labels": ["a&b=", "é +,#"]}
    parent = alice.creates(**milk, list_id=groceries["id"])
    for _ in range(2):
        alice.creates(**milk)
        alice.creates(**milk, parent_id=parent["id"])
        gone = alice.creates(list_id=other["id"])
        alice.delete(f"{TASKS}/{gone['id']}")
    daily = alice.creates(**milk, recurrence={"rule": "FREQ=DAILY"})
    for _ in range(2):
        assert alice.post(f"{TASKS}/{daily['id']}/complete").status_code == 200
    return {"LIST": groceries["id"].upper(), "PARENT": parent["id"].upper(), "task_id": daily["id"]}


@pytest.mark.parametrize(("path", "query"), [(path, query) for path, queries in ASKED.items() for query in queries])
def test_a_link_is_to_the_next_page_however_the_query_was_written(
    alice: Person, places: dict[str, str], path: str, query: str
) -> None:
    address, query = f"/api/v1{path}".format(**places), query.format(**places)
    page = alice.get(f"{address}?{query}" if "limit" in query else f"{address}?limit=1&{query}")
    seen = page.json()["items"]
    assert "next" in page.links
    while "next" in page.links:
        page = alice.get(page.links["next"]["url"])
        seen += page.json()["items"]
    assert seen == alice.get(address if "limit" in query else f"{address}?{query}").json()["items"]


def test_each_parameter_of_each_list_is_asked(server: RunningServer) -> None:
    described = {
        path.removeprefix("/api/v1"): {one["name"] for one in methods["get"]["parameters"] if one["in"] == "query"}
        for path, methods in server.app.openapi()["paths"].items()
        if "{user_id}" not in path and any(one["name"] == "cursor" for one in methods.get("get", {}).get("parameters", ()))
    }
    assert described == {path: {query.partition("=")[0] for query in queries} for path, queries in ASKED.items()}


@pytest.mark.parametrize("word", ["true", "false"])
def test_a_boolean_is_read_in_any_case(alice: Person, word: str) -> None:
    for is_completed in (True, False):
        alice.creates("older", is_completed=is_completed)
        alice.creates("newer", is_completed=is_completed)
    expected = alice.get(TASKS, params={"completed": word}).json()
    assert [task["is_completed"] for task in expected["items"]] == [word == "true"] * 2
    for written in (word.capitalize(), word.upper(), word[0] + word[1:].upper()):
        assert alice.get(TASKS, params={"completed": written}).json() == expected
        first = alice.get(TASKS, params={"completed": written, "limit": 1})
        assert f"completed={word}" in first.headers["link"]
        assert alice.get(first.links["next"]["url"]).json()["items"] == expected["items"][1:]


def test_an_empty_cursor_is_the_first_page(alice: Person) -> None:
    older, newer = alice.creates("older"), alice.creates("newer")
    page = alice.get(f"{TASKS}?cursor=&limit=1")
    assert page.json()["items"] == [newer]
    assert page.links["next"]["url"].count("cursor=") == 1
    assert alice.get(page.links["next"]["url"]).json()["items"] == [older]
    assert invalid_fields(alice.get(f"{TASKS}?cursor=&cursor=")) == ["cursor"]
    assert invalid_fields(alice.get(f"{TASKS}?cursor=%20")) == ["cursor"]


@pytest.mark.parametrize("query", ["_=1700000000", "_", "_=", "_=1&_=2", "%5F=1"])
def test_what_only_keeps_caches_from_answering_is_passed_over(alice: Person, anonymous: httpx.Client, query: str) -> None:
    older, newer = alice.creates("older"), alice.creates("newer")
    page = alice.get(f"{TASKS}?limit=1&{query}")
    assert page.json()["items"] == [newer]
    assert "_=" not in page.headers["link"].replace("next_", "")
    assert alice.get(page.links["next"]["url"]).json()["items"] == [older]
    path = f"{TASKS}/{older['id']}"
    assert alice.get(f"{path}?{query}").json() == older
    assert alice.patch(f"{path}?{query}", json={"title": "x"}).status_code == 200
    assert alice.put(f"{path}?{query}", json={"title": "y"}).status_code == 200
    assert alice.post(f"{TASKS}?{query}", json={"title": "z"}).status_code == 201
    assert alice.delete(f"{path}?{query}").status_code == 204
    for address in ("/api/v1/auth/me", "/api/v1/auth/tokens", "/healthz", "/openapi.json", "/docs", "/"):
        assert alice.get(f"{address}?{query}").status_code == 200
    form = {"username": alice.email, "password": "wrong", "_": "1"}
    assert invalid_fields(anonymous.post("/api/v1/auth/token", data=form)) == ["_"]


@pytest.mark.parametrize("query", ["__=1", "_x=1", "t=1", "_=1&other=2", "other=2&_=1", "_[]=1"])
def test_every_other_unknown_parameter_is_refused_as_before(alice: Person, query: str) -> None:
    path = f"{TASKS}/{alice.creates()['id']}"
    for address in (TASKS, path, "/api/v1/auth/me"):
        assert len(invalid_fields(alice.get(f"{address}?{query}"))) == 1
