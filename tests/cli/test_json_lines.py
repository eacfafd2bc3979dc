"""With TASKWELL_LOG_FORMAT=json every line of both streams is one object, from the first to the last."""

import json
import socket
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from taskwell import __version__
from tests.cli.command import free_port, serving, taskwell
from tests.support.cast import Person
from tests.support.transfer import lines


def entries(text: str) -> list[dict[str, Any]]:
    found = [json.loads(line) for line in text.splitlines()]
    assert all(list(entry)[:3] == ["at", "level", "event"] for entry in found), found
    assert all(len(entry["at"]) == len("2026-11-26T09:30:00.123456Z") for entry in found)
    return found


def test_a_server_says_its_start_its_requests_and_its_end_and_keeps_idle_connections_as_told(
    tmp_path: Path, own_database: str
) -> None:
    with serving(
        tmp_path,
        DATABASE_URL=own_database,
        TASKWELL_WORKERS="1",
        TASKWELL_LOG_FORMAT="json",
        TASKWELL_KEEP_ALIVE_SECONDS="2",
        TASKWELL_TRUSTED_PROXIES="127.0.0.1",
    ) as server:
        httpx.get(f"{server.url}/api/v1/tasks", headers={"X-Forwarded-For": "203.0.113.9"}, trust_env=False)
        with socket.create_connection(server.address) as idle:
            idle.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
            assert b"200" in idle.recv(4096)
            began = time.monotonic()
            idle.settimeout(60)
            assert idle.recv(1) == b""
            assert time.monotonic() - began > 1.5
        assert server.end() == 0
    started, stopped = entries(server.said)
    assert (started["event"], started["version"], started["address"]) == ("started", __version__, server.url)
    assert (started["workers"], started["database"]) == (1, "own")
    assert (stopped["event"], stopped["reason"]) == ("stopped", "SIGTERM")
    (request,) = entries((tmp_path / f"{server.port}.err").read_text())  # and no good probe
    assert (request["event"], request["status"], request["client"]) == ("request", 401, "203.0.113.9")


def test_a_refusal_is_an_object_too(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("TASKWELL_LOG_FORMAT=json\n")
    nowhere = f"postgresql://me:secret@127.0.0.1:{free_port()}/tasks"
    done = taskwell("migrate", "--wait", "1", cwd=tmp_path, DATABASE_URL=nowhere)
    database, waiting, refused = entries(done.stderr)
    assert (database["event"], waiting["event"], refused["event"]) == ("database", "waiting", "cannot_start")
    assert waiting["message"].startswith("waiting for up to 1 s: the database cannot be reached for migrating: 127.0.0.1:")
    assert "secret" not in done.stderr
    assert (done.returncode, done.stdout) == (1, "")


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ("serve --port 0", 2, "Invalid value for '--port': Input should be greater than or equal to 1"),
        ("migrate --wait -1", 2, "Invalid value for '--wait': Input should be greater than or equal to 0"),
        ("serve --nonsense", 2, "No such option: --nonsense"),
        ("nonsense", 2, "No such command 'nonsense'."),
        ("users add", 2, "Missing argument 'email'."),
        ("users delete nobody@example.com", 1, "aborted"),
    ],
)
def test_what_is_wrong_with_the_words_of_a_command_is_an_object(
    tmp_path: Path, shared_database: str, words: str, code: int, said: str
) -> None:
    done = taskwell(*words.split(), cwd=tmp_path, DATABASE_URL=shared_database, TASKWELL_LOG_FORMAT="json")
    refused = entries(done.stderr)[-1]
    assert (done.returncode, refused["event"], refused["message"]) == (code, "cannot_start", said)


def test_lines_that_are_not_imported_are_objects(tmp_path: Path, shared_database: str, alice: Person) -> None:
    (tmp_path / "mixed.jsonl").write_text(lines({"kind": "task", "title": "good"}, {"kind": "task", "title": ""}))
    done = taskwell(
        *("import", "mixed.jsonl", "--user", alice.email),
        cwd=tmp_path,
        DATABASE_URL=shared_database,
        TASKWELL_LOG_FORMAT="json",
    )
    assert done.returncode == 0
    refused = entries(done.stderr)[-1]
    assert (refused["event"], refused["message"]) == ("line_refused", "line 2: title: must not be blank")
