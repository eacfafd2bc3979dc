"""The command `taskwell`, run as a person runs it: a process of its own, from some folder, with some environment."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Protocol

import httpx
import psutil

from tests.support.keys import SIGNING_KEY
from tests.support.plain_http import PLAIN_HTTP

PROGRAM = str(Path(sys.executable).with_name("taskwell"))
START_WITHIN = 60.0
COMMAND_WITHIN = 180.0  # against hanging alone: a busy machine takes a minute to import everything
END_WITHIN = 40.0
PASSWORD = "correct horse battery"


def environment(**more: str) -> dict[str, str]:
    """This process's, without what would configure Taskwell or PostgreSQL, and with `taskwell` on the path."""
    ours = ("TASKWELL_", "DATABASE_", "PG", "PORT")
    key = {"TASKWELL_SIGNING_KEY": SIGNING_KEY} if "DATABASE_URL" in more else {}
    path = {"PATH": os.pathsep.join([str(Path(PROGRAM).parent), os.environ.get("PATH", os.defpath)])}
    return {name: value for name, value in os.environ.items() if not name.startswith(ours)} | path | key | more


WHICH = re.compile(r"taskwell: the database (in|at) .*\n")
"""The first that a command says on standard error: which database it means."""


def taskwell_in_full(*words: str, cwd: Path, told: str = "", **more: str) -> "subprocess.CompletedProcess[str]":
    """A command that ends by itself, and is `told` something on its standard input."""
    return subprocess.run(
        [PROGRAM, *words],
        cwd=cwd,
        env=environment(**more),
        input=told,
        capture_output=True,
        encoding="utf-8",
        errors="surrogateescape",
        timeout=COMMAND_WITHIN,
        check=False,
    )


def taskwell(*words: str, cwd: Path, told: str = "", **more: str) -> "subprocess.CompletedProcess[str]":
    """Likewise, without the line that says which database was meant: it is the same with each command."""
    done = taskwell_in_full(*words, cwd=cwd, told=told, **more)
    done.stderr = WHICH.sub("", done.stderr, count=1)
    return done


class Command(Protocol):
    """`taskwell`, with its folder and its settings chosen."""

    def __call__(self, *words: str, told: str = "") -> "subprocess.CompletedProcess[str]": ...


def refusal(done: "subprocess.CompletedProcess[str]") -> str:
    """The one line that a command says before it ends with exit code 1."""
    assert (done.returncode, done.stdout) == (1, ""), done
    (line,) = done.stderr.splitlines()
    assert line.startswith("taskwell: "), line
    return line.removeprefix("taskwell: ")


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
        return port


class Serving:
    """A running `taskwell serve`."""

    def __init__(self, process: "subprocess.Popen[bytes]", port: int, folder: Path, reached_at: str) -> None:
        self.process = process
        self.url = f"{reached_at}:{port}"
        self.port = port
        self.folder = folder
        self._said = folder / f"{port}.out"
        self._complained = folder / f"{port}.err"

    @property
    def address(self) -> tuple[str, int]:
        return "127.0.0.1", self.port

    @property
    def requests(self) -> list[dict[str, Any]]:
        """The requests' log lines."""
        return [json.loads(line) for line in self._complained.read_text().splitlines() if '"event":"request"' in line]

    def logged(self, request_id: str) -> dict[str, Any]:
        """The log line of a request, which is written after its answer has left."""
        deadline = time.monotonic() + 10
        while True:
            lines = [line for line in self.requests if line["id"] == request_id]
            if lines or time.monotonic() > deadline:
                (line,) = lines
                return line
            time.sleep(0.02)

    @property
    def said(self) -> str:
        return self._said.read_text()

    @property
    def complained(self) -> str:
        """Standard error, the requests' log lines left out."""
        lines = self._complained.read_text().splitlines(keepends=True)
        return "".join(line for line in lines if '"event":"request"' not in line)

    def workers(self) -> list[psutil.Process]:
        return [child for child in psutil.Process(self.process.pid).children() if "postgres" not in child.name()]

    def wait_for_workers(self, *, other_than: psutil.Process | None = None) -> list[psutil.Process]:
        """Two of them, both listening."""
        deadline = time.monotonic() + START_WITHIN
        while True:
            with suppress(psutil.Error):
                found = [worker for worker in self.workers() if worker != other_than]
                if len(found) == 2 and all(worker.net_connections("tcp") for worker in found):
                    return found
            assert time.monotonic() < deadline
            time.sleep(0.02)

    def everything(self) -> list[psutil.Process]:
        """All that must end with it: workers, PostgreSQL, and the watcher, who has no parent."""
        started = psutil.Process(self.process.pid).children(recursive=True)
        numbers = {str(process.pid) for process in started}
        watchers = [one for one in psutil.process_iter() if "watcher" in words_of(one) and numbers & set(words_of(one))]
        return [*started, *watchers]

    def end(self, request: signal.Signals = signal.SIGTERM) -> int:
        self.process.send_signal(request)
        return self.process.wait(END_WITHIN)

    def _wait_until_it_answers(self, *, announced: bool) -> None:
        deadline = time.monotonic() + START_WITHIN
        with httpx.Client(base_url=self.url, trust_env=False, verify=PLAIN_HTTP, timeout=10) as client:
            while True:
                with suppress(httpx.TransportError):
                    answer = client.get("/healthz")
                    if answer.status_code == 200 and (self.said.strip() or not announced):
                        return
                assert self.process.poll() is None, f"it ended: {self.said} {self.complained}"
                assert time.monotonic() < deadline, "it did not answer in time"
                time.sleep(0.02)


@contextmanager
def serving(
    folder: Path,
    *words: str,
    program: list[str] | None = None,
    port: int | None = None,
    reached_at: str = "http://127.0.0.1",
    **more: str,
) -> Iterator[Serving]:
    """`taskwell serve`, on a free port and, unless told otherwise, with its data in `folder`/data."""
    port = port or free_port()
    settings = {"TASKWELL_PORT": str(port), "TASKWELL_DATA_DIR": str(folder / "data")} | more
    command = program or [PROGRAM, "serve"]
    with (folder / f"{port}.out").open("wb") as out, (folder / f"{port}.err").open("wb") as err:
        process = subprocess.Popen(
            [*command, *(word.format(port=port) for word in words)],
            cwd=folder,
            env=environment(**settings),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            start_new_session=True,  # a process group, as a terminal makes one
        )
    running = Serving(process, port, folder, reached_at)
    try:
        running._wait_until_it_answers(announced=program is None)
        yield running
    finally:
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(END_WITHIN)
            except subprocess.TimeoutExpired:
                for child in running.everything():
                    with suppress(psutil.NoSuchProcess):
                        child.kill()
                process.kill()
                process.wait(10)
                raise
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # workers that outlived their server, which is some test's finding


def words_of(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def assert_ended(processes: list[psutil.Process], *, within: float = 20.0) -> None:
    deadline = time.monotonic() + within
    while left := [process for process in processes if process.is_running() and process.status() != psutil.STATUS_ZOMBIE]:
        assert time.monotonic() < deadline, left
        time.sleep(0.02)


class Visitor(httpx.Client):
    """Somebody who signs up at a running server."""

    def __init__(self, url: str, email: str = "me@example.com", password: str = PASSWORD) -> None:
        super().__init__(base_url=url, timeout=30, trust_env=False, verify=PLAIN_HTTP)
        self.email, self.password = email, password

    def signs_up(self) -> str:
        answer = self.post("/api/v1/auth/register", json={"email": self.email, "password": self.password})
        assert answer.status_code == 201, answer.text
        user_id: str = answer.json()["id"]
        return user_id

    def signs_in(self) -> None:
        answer = self.post("/api/v1/auth/token", data={"username": self.email, "password": self.password})
        assert answer.status_code == 200, answer.text
        self.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"

    def adds(self, title: str) -> dict[str, Any]:
        answer = self.post("/api/v1/tasks", json={"title": title})
        assert answer.status_code == 201, answer.text
        task: dict[str, Any] = answer.json()
        return task
