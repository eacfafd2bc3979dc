"""One request, one statement, one round trip: counted on the wire, with connections open and statements prepared."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4

import httpx
import pytest

from taskwell.accounts.sessions.refresh import RefreshToken
from taskwell.api.health import Readiness
from tests.conftest import settings_for
from tests.database.wire import PREPARED, ROUND_TRIPS, Wire, tapped
from tests.support.cast import PASSWORD, Person, person
from tests.support.server import RunningServer, serve

"""Bind, Execute, Sync: all that a prepared statement takes."""


class Stage(NamedTuple):
    server: RunningServer
    wire: Wire
    database_url: str


@pytest.fixture(scope="module")
def stage(shared_database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """An application that reaches its database through the proxy."""
    with (
        tapped(shared_database) as (proxied, wire),
        serve(settings_for(proxied, tmp_path_factory.mktemp("data"))) as server,
    ):
        yield Stage(server, wire, shared_database)


@pytest.fixture
def dora(stage: Stage) -> Iterator[Person]:
    with person(stage.server, stage.database_url, "dora") as somebody:
        yield somebody


@pytest.fixture
def admin(stage: Stage) -> Iterator[Person]:
    with person(stage.server, stage.database_url, "admin", is_admin=True) as somebody:
        yield somebody


def _sent_by(stage: Stage, client: httpx.Client, method: str, path: str, status: int, **more: Any) -> str:
    mark = stage.wire.mark()
    answer = client.request(method, path, **more)
    assert answer.status_code == status, answer.text
    return stage.wire.since(mark)


def _task(client: Person) -> dict[str, Any]:
    return client.creates(description="two litres")


Request = tuple[str, str, int, dict[str, Any]]  # method, path, status, what httpx sends along

TASK = "/api/v1/tasks/{id}"
UNKNOWN = RefreshToken.of_new_session(uuid4()).text
WHOLE = {"title": "a", "description": None, "is_completed": True}
ONCE: dict[str, Request] = {
    "create": ("POST", "/api/v1/tasks", 201, {"json": {"title": "x"}}),
    "create at a chosen id": ("POST", "/api/v1/tasks", 201, {"json": {"title": "x", "id": "{new}"}}),
    "read": ("GET", TASK, 200, {}),
    "head": ("HEAD", TASK, 200, {}),
    "read what is not there": ("GET", "/api/v1/tasks/{new}", 404, {}),
    "read what has not changed": ("GET", TASK, 304, {"headers": {"If-None-Match": "*"}}),
    "list": ("GET", "/api/v1/tasks", 200, {}),
    "list the completed, oldest first": ("GET", "/api/v1/tasks?completed=true&order=oldest&limit=1", 200, {}),
    "list what has not changed": ("GET", "/api/v1/tasks", 304, {"headers": {"If-None-Match": "{list_etag}"}}),
    "change": ("PATCH", TASK, 200, {"json": {"title": "y"}}),
    "change nothing": ("PATCH", TASK, 200, {"json": {}}),
    "change what is not there": ("PATCH", "/api/v1/tasks/{new}", 404, {"json": {"title": "y"}}),
    "change under a condition that fails": ("PATCH", TASK, 412, {"json": {"title": "y"}, "headers": {"If-Match": '"old"'}}),
    "replace": ("PUT", TASK, 200, {"json": WHOLE}),
    "replace by creating": ("PUT", "/api/v1/tasks/{new}", 201, {"json": WHOLE, "headers": {"If-None-Match": "*"}}),
    "delete": ("DELETE", TASK, 204, {}),
    "delete what is not there": ("DELETE", "/api/v1/tasks/{new}", 404, {}),
    "read under one's own id": ("GET", "/api/v1/users/{user}/tasks/{id}", 200, {}),
    "create under one's own id": ("POST", "/api/v1/users/{user}/tasks", 201, {"json": {"title": "x"}}),
    "who am I": ("GET", "/api/v1/auth/me", 200, {}),
    "refresh with what is no token": (
        "POST",
        "/api/v1/auth/token",
        401,
        {"data": {"grant_type": "refresh_token", "refresh_token": UNKNOWN}},
    ),
    "my API tokens": ("GET", "/api/v1/auth/tokens", 200, {}),
    "a new API token": ("POST", "/api/v1/auth/tokens", 201, {"json": {"name": "x", "scopes": ["account"], "expires_in_days": 1}}),
    "delete an API token that is not there": ("DELETE", "/api/v1/auth/tokens/{new}", 404, {}),
    "another name": ("PATCH", "/api/v1/auth/me", 200, {"json": {"display_name": "Dora"}}),
    "sign out": ("POST", "/api/v1/auth/revoke", 200, {"data": {"token": UNKNOWN}}),
}


def _filled(value: Any, places: dict[str, str]) -> Any:
    if isinstance(value, dict):
        return {name: _filled(one, places) for name, one in value.items()}
    if isinstance(value, str):
        for name, text in places.items():
            value = value.replace("{" + name + "}", text)
    return value


@pytest.mark.parametrize("request_", ONCE.values(), ids=ONCE)
def test_an_operation_is_one_round_trip(stage: Stage, dora: Person, request_: Request) -> None:
    sent = ""
    for _ in range(2):  # the first time prepares
        task = _task(dora)
        list_etag = dora.get("/api/v1/tasks").headers["etag"]
        places = {"id": task["id"], "new": str(uuid4()), "user": str(dora.id), "list_etag": list_etag}
        method, path, status, more = _filled(request_[0], places), _filled(request_[1], places), request_[2], request_[3]
        sent = _sent_by(stage, dora, method, path, status, **_filled(more, places))
    assert sent == PREPARED


@pytest.mark.parametrize("name", ["create", "change", "delete"])
def test_a_write_with_a_key_is_five_and_the_answer_to_it_three(stage: Stage, dora: Person, name: str) -> None:
    method, path, status, more = ONCE[name]
    for _ in range(2):  # the first time prepares
        headers, task = {"Idempotency-Key": str(uuid4())}, _task(dora)
        first, again = (
            _sent_by(stage, dora, method, path.format(id=task["id"]), status, **more, headers=headers) for _ in range(2)
        )
    assert first == "Q" + 3 * PREPARED + "Q"
    assert again == "Q" + PREPARED + "Q"


@pytest.mark.parametrize("name", ["change", "delete"])
def test_a_new_connection_learns_a_statement_in_one_more_round_trip(shared_database: str, tmp_path: Path, name: str) -> None:
    with (
        tapped(shared_database) as (proxied, wire),
        serve(settings_for(proxied, tmp_path)) as server,
        person(server, shared_database, "dora") as dora,
    ):
        method, path, status, more = ONCE[name]
        task = _task(dora)
        sent = _sent_by(Stage(server, wire, shared_database), dora, method, path.format(id=task["id"]), status, **more)
    # An array among the arguments would have asyncpg look its type up, and set `jit` for the session while it does.
    assert sent == "PDH" + PREPARED


NEVER: dict[str, Request] = {
    "is it alive": ("GET", "/healthz", 200, {}),
    "a token of nobody's": ("GET", "/api/v1/tasks", 401, {"headers": {"Authorization": "Bearer a.b.c"}}),
    "no token": ("GET", "/api/v1/tasks", 401, {"headers": {"Authorization": ""}}),
    "an unknown address": ("GET", "/api/v1/nothing", 404, {}),
    "an unknown method": ("POST", "/healthz", 405, {}),
    "a task without a title": ("POST", "/api/v1/tasks", 400, {"json": {}}),
    "an id that is none": ("GET", "/api/v1/tasks/1", 400, {}),
    "a cursor of nobody's": ("GET", "/api/v1/tasks?cursor=abc", 400, {}),
    "a body that is no JSON": ("POST", "/api/v1/tasks", 415, {"content": b"title"}),
    "the API page": ("GET", "/docs", 200, {}),
    "the description": ("GET", "/openapi.json", 200, {}),
    "a mistyped API token": ("GET", "/api/v1/tasks", 401, {"headers": {"Authorization": "Bearer tw_" + "x" * 49}}),
    "a refresh token that is none": (
        "POST",
        "/api/v1/auth/token",
        401,
        {"data": {"grant_type": "refresh_token", "refresh_token": "x"}},
    ),
}


@pytest.mark.parametrize("request_", NEVER.values(), ids=NEVER)
def test_what_needs_no_database_asks_none(stage: Stage, dora: Person, request_: Request) -> None:
    method, path, status, more = request_
    assert _sent_by(stage, dora, method, path, status, **more) == ""


def test_readiness_is_asked_once_and_then_kept(stage: Stage, dora: Person) -> None:
    stage.server.app.services.of_face(Readiness).until = 0.0
    first = _sent_by(stage, dora, "GET", "/readyz", 200)
    assert sum(message in ROUND_TRIPS for message in first) <= 2
    assert _sent_by(stage, dora, "GET", "/readyz", 200) == ""


TWICE: dict[str, Request] = {
    # What was there already is looked at once more, to say whether it is what was sent.
    "create what is there": (
        "POST",
        "/api/v1/tasks",
        200,
        {"json": {"title": "buy milk", "description": "two litres", "id": "{id}"}},
    ),
    "create where something else is": ("POST", "/api/v1/tasks", 409, {"json": {"title": "z", "id": "{id}"}}),
    "put where something is": ("PUT", TASK, 412, {"json": WHOLE, "headers": {"If-None-Match": "*"}}),
    # May they? An administrator's word is checked against the table each time.
    "read another's as an administrator": ("GET", "/api/v1/users/{user}/tasks/{id}", 200, {}),
}


@pytest.mark.parametrize("name", TWICE)
def test_the_few_that_take_two(stage: Stage, dora: Person, admin: Person, name: str) -> None:
    sent = ""
    for _ in range(2):
        task = _task(dora)
        method, path, status, more = _filled(dict(enumerate(TWICE[name])), {"id": task["id"], "user": str(dora.id)}).values()
        sent = _sent_by(stage, admin if "administrator" in name else dora, method, path, status, **more)
    assert sent == PREPARED * 2


def test_a_stranger_learns_nothing_after_one_look_at_their_own_account(stage: Stage, dora: Person, admin: Person) -> None:
    path = f"/api/v1/users/{admin.id}/tasks"
    _sent_by(stage, dora, "GET", path, 404)
    assert _sent_by(stage, dora, "GET", path, 404) == PREPARED


def test_an_api_token_is_looked_up_each_time(stage: Stage, dora: Person) -> None:
    made = dora.post("/api/v1/auth/tokens", json={"name": "x", "scopes": ["tasks:read"], "expires_in_days": 1}).json()
    headers = {"Authorization": f"Bearer {made['token']}"}
    for _ in range(2):
        _sent_by(stage, dora, "GET", "/api/v1/tasks", 200, headers=headers)
    assert _sent_by(stage, dora, "GET", "/api/v1/tasks", 200, headers=headers) == PREPARED * 2


def test_signing_in_counts_finds_begins_and_uncounts(stage: Stage, dora: Person) -> None:
    """Four in all; a wrong password ends after two."""
    form = {"username": dora.email, "password": PASSWORD}
    for _ in range(2):
        sent = _sent_by(stage, dora, "POST", "/api/v1/auth/token", 200, data=form)
    assert sent == PREPARED * 4
    assert _sent_by(stage, dora, "POST", "/api/v1/auth/token", 401, data=form | {"password": "wrong password"}) == PREPARED * 2
