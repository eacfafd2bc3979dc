"""Queries as libraries write them: True of Python, a cursor without a value, and jQuery's parameter against caches."""

import httpx
import pytest

from tests.support.cast import Person
from tests.support.errors import invalid_fields

TASKS = "/api/v1/tasks"


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
