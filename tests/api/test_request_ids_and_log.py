"""X-Request-Id, and what the log says of a request: never a token, a password, a title or a body."""

import io
import json
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from taskwell.database.connection import Database
from tests.conftest import settings_for
from tests.support.cast import Person, person
from tests.support.errors import assert_error
from tests.support.server import RunningServer, serve
from tests.support.wire import exchange, message

SECRET = "s3cret-marker"


# ---- ids -----------------------------------------------------------------------------------------------------------


def test_each_answer_has_an_id_of_its_own(alice: Person) -> None:
    ids = [alice.get("/api/v1/tasks").headers["x-request-id"] for _ in range(5)]
    assert len(set(ids)) == 5
    assert all(re.fullmatch(r"[0-9a-f]{16}", given) for given in ids)


@pytest.mark.parametrize(
    "path", ["/api/v1/tasks", f"/api/v1/tasks/{UUID(int=1)}", "/nowhere", "/", "/healthz", "/api/v1/tasks/x"]
)
@pytest.mark.parametrize("given", ["a", "01J9Z-abc.def_~", "x" * 128])
def test_a_sane_id_is_taken_and_returned_with_every_status(alice: Person, path: str, given: str) -> None:
    answer = alice.get(path, headers={"X-Request-Id": given})
    assert answer.headers["x-request-id"] == given
    assert answer.status_code < 400 or answer.json()["error"]["request_id"] == given


def test_also_without_a_body(alice: Person) -> None:
    path = f"/api/v1/tasks/{alice.creates()['id']}"
    tag = alice.get(path).headers["etag"]
    assert alice.get(path, headers={"If-None-Match": tag, "X-Request-Id": "a"}).headers["x-request-id"] == "a"
    assert alice.delete(path, headers={"X-Request-Id": "b"}).headers["x-request-id"] == "b"
    assert alice.options(path, headers={"X-Request-Id": "c"}).headers["x-request-id"] == "c"


@pytest.mark.parametrize("given", ["", "x" * 129, "a b", "a,b", "<script>", '"', "a\tb", "{}", "é", "a;b", "\x7f"])
def test_an_id_that_is_not_sane_is_replaced(server: RunningServer, alice: Person, given: str) -> None:
    headers = [("Authorization", f"Bearer {alice.token}"), ("X-Request-Id", given)]
    answer = exchange(server, message("GET", "/api/v1/tasks/x", *headers))
    if answer.headers["content-type"] == "text/plain; charset=utf-8":
        assert answer.status_code == 400  # the HTTP server itself saw that this is no header
        return
    assert_error(answer, 400, "invalid_input")
    assert re.fullmatch(r"[0-9a-f]{16}", answer.headers["x-request-id"])


def test_two_ids_are_none(server: RunningServer) -> None:
    answer = exchange(server, message("GET", "/healthz", ("X-Request-Id", "a"), ("X-Request-Id", "b")))
    assert re.fullmatch(r"[0-9a-f]{16}", answer.headers["x-request-id"])


# ---- the log -------------------------------------------------------------------------------------------------------


class Log(io.StringIO):
    """Standard error and standard output of the application, in one."""

    def entries(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.getvalue().splitlines() if line.startswith("{")]


@contextmanager
def logging_server(
    database: str, folder: Path, monkeypatch: pytest.MonkeyPatch, log_format: str
) -> Iterator[tuple[RunningServer, Log]]:
    log = Log()
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stderr", log)
        patch.setattr(sys, "stdout", log)
        with serve(settings_for(database, folder, log_level="info", log_format=log_format)) as running:
            yield running, log


def everything_secret(running: RunningServer, who: Person) -> list[str]:
    """Requests of every outcome, each with something that must not be told; what must not be told."""
    task = who.creates(f"{SECRET}-title", description=f"{SECRET}-description")
    path = f"/api/v1/tasks/{task['id']}"
    who.get("/api/v1/tasks", params={"cursor": f"{SECRET}-cursor"})
    who.get(f"/api/v1/tasks/{SECRET}-id")
    who.get(f"/{SECRET}-path?{SECRET}-query={SECRET}-value")
    who.patch(path, json={"title": f"{SECRET}-title" * 40, f"{SECRET}-field": 1})
    who.patch(path, json={"title": f"{SECRET}-changed"}, headers={"If-Match": f'"{SECRET}-tag"'})
    who.patch(path, content=f'{{"title": "{SECRET}-broken'.encode(), headers={"Content-Type": "application/json"})
    who.put(path, json={"title": "x"}, headers={"Content-Type": f"{SECRET}/type"})
    who.post("/api/v1/auth/register", json={"email": f"{SECRET}-a@example.com", "password": f"{SECRET}-password"})
    who.post("/api/v1/auth/register", json={"email": f"{SECRET}-a@example.com", "password": f"{SECRET}-password"})
    who.post("/api/v1/auth/token", data={"username": f"{SECRET}-a@example.com", "password": f"{SECRET}-password"})
    who.post("/api/v1/auth/token", data={"username": f"{SECRET}-a@example.com", "password": f"{SECRET}-wrong"})
    who.get("/api/v1/auth/me", headers={"Authorization": f"Bearer {SECRET}-token"})
    who.get("/openapi.json", headers={"User-Agent": f"{SECRET}-agent", "Cookie": f"{SECRET}=1", "X-Request-Id": f"{SECRET} id"})
    who.delete(path)
    return [SECRET, who.token, *who.token.split("."), who.email, task["id"]]


@pytest.mark.parametrize("log_format", ["json", "text"])
def test_the_log_keeps_what_is_told_to_it_to_itself(
    shared_database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, log_format: str
) -> None:
    with (
        logging_server(shared_database, tmp_path, monkeypatch, log_format) as (running, log),
        person(running, shared_database, "alice") as alice,
    ):
        secrets = everything_secret(running, alice)
    written = log.getvalue()
    assert len(written.splitlines()) == 15
    for secret in secrets:
        assert secret not in written, secret


def test_a_defect_is_logged_without_what_the_client_said(
    shared_database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails(*_: object, **arguments: object) -> None:
        raise RuntimeError(f"cannot store {arguments}")

    with (
        logging_server(shared_database, tmp_path, monkeypatch, "json") as (running, log),
        person(running, shared_database, "alice") as alice,
    ):
        monkeypatch.setattr(Database, "row", fails)
        answer = alice.post("/api/v1/tasks", json={"title": SECRET})
        details = assert_error(answer, 500, "internal_error")
        monkeypatch.undo()
    written = log.getvalue()
    assert details == {}
    assert SECRET not in answer.text
    assert SECRET not in written
    assert "RuntimeError" in written
    assert answer.headers["x-request-id"] in written


def test_one_line_a_request_says_what_an_operator_asks(
    shared_database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (
        logging_server(shared_database, tmp_path, monkeypatch, "json") as (running, log),
        person(running, shared_database, "alice") as alice,
    ):
        task = alice.creates()
        alice.get(f"/api/v1/users/{alice.id}/tasks/{task['id']}", headers={"X-Request-Id": "abc"})
        alice.get("/nowhere/at/all")
        httpx.get(f"{running.base_url}/api/v1/tasks", trust_env=False)
        alice.delete(f"/api/tasks/{uuid4()}")
    entries = log.entries()
    lines = [(line["method"], line["route"], line["status"], line["user"]) for line in entries]
    assert lines == [
        ("POST", "/api/v1/tasks", 201, str(alice.id)),
        ("GET", "/api/v1/users/{user_id}/tasks/{task_id}", 200, str(alice.id)),
        ("GET", "", 404, None),
        ("GET", "/api/v1/tasks", 401, None),
        ("DELETE", "/api/tasks/{task_id}", 404, str(alice.id)),
    ]
    assert entries[1]["id"] == "abc"
    assert all(0 <= line["ms"] < 10_000 and line["level"] == "info" and line["client"] == "127.0.0.1" for line in entries)
    assert all(re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", line["at"]) for line in entries)


def test_a_line_for_people_is_readable(shared_database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with (
        logging_server(shared_database, tmp_path, monkeypatch, "text") as (running, log),
        person(running, shared_database, "alice") as alice,
    ):
        alice.get("/api/v1/tasks", headers={"X-Request-Id": "abc"})
        alice.request("X+Y", "/nowhere")
    first, second = log.getvalue().splitlines()
    assert re.fullmatch(rf"\d\d:\d\d:\d\d 200 GET    /api/v1/tasks \d+\.\d ms user={alice.id} id=abc", first)
    assert re.fullmatch(r"\d\d:\d\d:\d\d 404 \?      - \d+\.\d ms user=- id=[0-9a-f]{16}", second)


def test_a_log_that_only_wants_warnings_has_no_line_a_request(
    server: RunningServer, alice: Person, capfd: pytest.CaptureFixture[str]
) -> None:
    alice.get("/api/v1/tasks")
    captured = capfd.readouterr()
    assert captured.out + captured.err == ""
