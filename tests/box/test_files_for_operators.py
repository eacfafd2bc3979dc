"""What lies in the root and in deploy/ for containers, systemd and proxies is what those programs take."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from pydantic import TypeAdapter

from taskwell.api.transfer import FILE_BYTES, FILE_SECONDS
from taskwell.settings import Settings
from taskwell.types import WaitSeconds
from tests.box.dockerfile import stages
from tests.cli.command import PROGRAM, Serving, Visitor, free_port, serving
from tests.docs.pages import ROOT
from tests.support.caddy import caddy, program
from tests.support.nginx import SETTINGS
from tests.support.programs import system_program
from tests.support.server import RunningServer

INSTALLED = "/opt/taskwell/.venv/bin/taskwell"
EXPOSURE = 20
"""Tenths, of systemd's own scale from 0 to 10 (unsafe). A service with no setting of the kind has 96."""


def passes(*words: str | Path) -> None:
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stderr) == (0, ""), done


def of_this_environment(name: str) -> Path:
    return Path(sys.executable).with_name(name)


def test_hadolint_finds_nothing_in_the_dockerfile() -> None:
    passes(of_this_environment("hadolint"), "Dockerfile")


def test_what_the_dockerfile_copies_is_sent_to_the_engine_and_nothing_else_is() -> None:
    copied = re.findall(r"^COPY (?!--from)(.*) \S+$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    assert "*" in lines
    assert sorted(" ".join(copied).split()) == sorted(line.removeprefix("!") for line in lines if line.startswith("!"))


def test_the_image_is_healthy_where_its_settings_let_it_listen(server: RunningServer) -> None:
    _, *check = stages(ROOT / "Dockerfile")[-1].words("HEALTHCHECK")
    there, nowhere = str(server.address[1]), str(free_port())

    def is_healthy(**given: str) -> bool:
        return subprocess.run([sys.executable, *check], env=given, capture_output=True, check=False).returncode == 0

    assert is_healthy(TASKWELL_PORT=there, PORT=nowhere)
    assert is_healthy(PORT=f" {there} ")
    assert is_healthy(TASKWELL_PORT="tcp://10.96.0.12:8000", PORT=there)  # which --link sets, and Taskwell ignores
    assert not is_healthy(TASKWELL_PORT=nowhere, PORT=there)


def test_the_compose_file_follows_its_specification() -> None:
    passes(of_this_environment("check-jsonschema"), "--builtin-schema", "vendor.compose-spec", "compose.yaml")


def test_in_compose_the_database_is_awaited_then_migrated_and_taskwell_may_write_nothing() -> None:
    services = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]
    assert services["postgres"]["image"] == "postgres:18"
    assert "healthcheck" in services["postgres"]
    waits = {
        name: {on: how["condition"] for on, how in service.get("depends_on", {}).items()} for name, service in services.items()
    }
    assert waits["migrate"] == {"postgres": "service_healthy"}
    assert waits["taskwell"] == {"postgres": "service_healthy", "migrate": "service_completed_successfully"}
    for name in ("migrate", "taskwell"):
        assert services[name]["read_only"] is True
        assert services[name]["cap_drop"] == ["ALL"]
        environment = services[name]["environment"]
        # A line of .env.example that is switched on would lead it away from the port that is published.
        assert (environment["TASKWELL_HOST"], environment["TASKWELL_PORT"]) == ("0.0.0.0", "8000")
        assert all("$" in environment[secret] for secret in ("DATABASE_URL", "TASKWELL_SIGNING_KEY")), "a secret"
    assert services["taskwell"]["ports"] == ["127.0.0.1:8000:8000"]


@pytest.fixture
def unit(tmp_path: Path) -> Path:
    """The service, with the program where it is on this machine: systemd looks whether it is there."""
    text = (ROOT / "deploy" / "taskwell.service").read_text()
    assert text.count(INSTALLED) == 2
    unit = tmp_path / "taskwell.service"
    unit.write_text(text.replace(INSTALLED, PROGRAM))
    return unit


def test_systemd_takes_the_service_and_finds_it_confined(unit: Path) -> None:
    analyze = system_program("systemd-analyze", package="systemd")
    passes(analyze, "verify", "--man=no", unit)
    passes(analyze, "security", "--no-pager", "--offline=true", f"--threshold={EXPOSURE}", unit)


@contextmanager
def confined(unit: Path, database: str, folder: Path) -> Iterator[tuple[Serving, Visitor]]:
    """A server with no system calls but those of the unit, and somebody who has signed up and in there."""
    system_program("systemd-analyze", package="systemd")
    words = [sys.executable, "-m", "tests.box.confined", str(unit), PROGRAM, "serve"]
    with serving(folder, program=words, DATABASE_URL=database, PYTHONPATH=str(ROOT)) as server, Visitor(server.url) as me:
        me.signs_up()
        me.signs_in()
        yield server, me


def test_what_the_service_may_ask_of_the_kernel_is_enough_for_all_that_people_do(
    unit: Path, own_database: str, tmp_path: Path
) -> None:
    with confined(unit, own_database, tmp_path) as (server, me):
        me.adds("buy milk")
        niceness = {thread.id: os.getpriority(os.PRIO_PROCESS, thread.id) for one in server.workers() for thread in one.threads()}
        assert 5 in niceness.values(), "the threads that hash passwords do not let others go first"
        assert server.end() == 0
        assert server.complained == ""


def test_a_kernel_that_lets_nobody_change_their_priority_keeps_nobody_from_signing_in(
    unit: Path, own_database: str, tmp_path: Path
) -> None:
    unit.write_text(unit.read_text() + "SystemCallFilter=~setpriority\n")
    with confined(unit, own_database, tmp_path) as (server, _):
        assert server.complained == ""


def test_caddy_takes_its_file_as_it_is() -> None:
    done = subprocess.run(
        [program(), "validate", "--adapter", "caddyfile", "--config", "deploy/Caddyfile"],
        cwd=ROOT,
        env=os.environ | {"HOME": "/nonexistent"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert '"level":"warn"' not in done.stderr.replace("unable to determine directory for user configuration", "")


def test_nginx_waits_for_longer_than_an_answer_may_take() -> None:
    longest = TypeAdapter(WaitSeconds).json_schema()["maximum"]
    waits = re.findall(r"proxy_read_timeout (\d+)s;", SETTINGS.read_text())
    assert len(waits) == 2
    assert all(int(seconds) > longest for seconds in waits)


def test_caddy_cuts_nothing_that_the_api_allows() -> None:
    server, written = adapted_caddyfile()
    assert server["read_timeout"] > FILE_SECONDS * 1_000_000_000
    assert "write_timeout" not in server  # it counts from the request's head, also while an answer waits or a stream goes on
    assert max(int(size) for size in re.findall(r'"max_size": (\d+)', written)) > FILE_BYTES


def test_caddy_lets_go_of_a_connection_before_taskwell_does() -> None:
    _, written = adapted_caddyfile()
    (idle,) = re.findall(r'"keep_alive": \{"idle_timeout": (\d+)', written)
    assert int(idle) < Settings().keep_alive_seconds * 1_000_000_000


def adapted_caddyfile() -> tuple[dict[str, Any], str]:
    """Its one server, and the same as text."""
    words = [str(program()), "adapt", "--adapter", "caddyfile", "--config", "deploy/Caddyfile"]
    adapted = subprocess.run(words, cwd=ROOT, env=os.environ | {"HOME": "/nonexistent"}, capture_output=True, check=True)
    (server,) = json.loads(adapted.stdout)["apps"]["http"]["servers"].values()
    return server, json.dumps(server)


@pytest.fixture
def through_caddy(own_database: str, tmp_path: Path) -> Iterator[Visitor]:
    port = free_port()
    with (
        serving(tmp_path, "--workers", "1", DATABASE_URL=own_database, TASKWELL_TRUSTED_PROXIES="127.0.0.1") as server,
        caddy(tmp_path, port=port, taskwell=server.port),
        Visitor(f"http://127.0.0.1:{port}") as me,
    ):
        yield me


def test_through_caddy_tasks_are_changed_and_clients_told_apart(through_caddy: Visitor) -> None:
    me = through_caddy
    me.signs_up()
    me.signs_in()
    made = me.post("/api/v1/tasks", json={"title": "buy milk"}, headers={"X-Forwarded-Prefix": "/elsewhere"})
    task = made.json()
    assert made.headers["location"] == f"/api/v1/tasks/{task['id']}"
    at = f"/api/v1/tasks/{task['id']}"
    changed = me.patch(at, json={"title": "buy oat milk"}, headers={"If-Match": me.get(at).headers["etag"]})
    assert (changed.status_code, changed.json()["title"]) == (200, "buy oat milk")
    wrong = {"username": me.email, "password": "wrong password"}
    transport = httpx.HTTPTransport(local_address="127.0.0.9")
    with httpx.Client(base_url=me.base_url, transport=transport, timeout=30, trust_env=False) as attacker:
        # What the client itself writes into the header is not believed.
        sent = [attacker.post("/api/v1/auth/token", data=wrong, headers={"X-Forwarded-For": f"127.0.5.{n}"}) for n in range(12)]
        assert (sent[0].status_code, sent[-1].status_code) == (401, 429)
    me.signs_in()
    assert me.post("/api/v1/tasks", content=b"x" * 3_000_000, headers={"Content-Type": "application/json"}).status_code == 413
