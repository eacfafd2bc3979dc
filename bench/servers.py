"""Start and stop a server: Taskwell or a peer, all with the same workers, database connections and data."""

import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench import checkout
from bench.accounting import cpu_us, tree
from bench.checkout import Checkout
from bench.options import Options
from bench.people import SECRET, People
from bench.postgres import Postgres
from taskwell.identity.keys import KEY_FILE

HERE = Path(__file__).parent
START_SECONDS = 60.0
STOP_SECONDS = 20.0

_EVERYTHING = frozenset({"list", "get", "create", "patch", "put", "delete", "mix", "open"})


@dataclass(frozen=True)
class Kind:
    """What a server can do, and who it takes the user from: a token of that signature, or a plain header ("none")."""

    name: str
    tokens: str
    can: frozenset[str]
    taskwell: Checkout | None = None  # which one, if it is one

    @property
    def database(self) -> str:
        """Each server works on its own copy of the data."""
        return "bench_" + self.name.replace("-", "_")

    @property
    def schema(self) -> str:
        """A peer works on the tables of this Taskwell."""
        return (self.taskwell or checkout.this()).schema


KINDS = {
    "taskwell": Kind("taskwell", "ed25519", _EVERYTHING | {"poll", "badtoken", "badagain", "pages"}, checkout.this()),
    "sqlmodel": Kind("sqlmodel", "hs256", _EVERYTHING | {"badtoken", "badagain"}),
    "fastify": Kind("fastify", "none", _EVERYTHING),
    "fastify-equal": Kind("fastify-equal", "ed25519", _EVERYTHING | {"poll", "badtoken", "badagain"}),
    "asgi": Kind("asgi", "none", frozenset({"list", "get", "create", "mix", "open"})),
}


@dataclass(frozen=True)
class Server:
    kind: Kind
    pid: int
    port: int
    database: str
    start_seconds: float  # from the spawn to the first 200
    start_us: float  # the processor time of that, all processes together


class DidNotStart(Exception):
    """The server's own output says why."""


@contextmanager
def running(kind: Kind, options: Options, postgres: Postgres, people: People, *, log: Path) -> Iterator[Server]:
    """On the database of its kind; its output goes to the file `log`. Returns when it answers a list of tasks."""
    port = _free_port()
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": os.environ.get("HOME", "/"),
        "DATABASE_URL": postgres.url_for_servers(kind.database),
        "NODE_ENV": "production",
        **_environment(kind, options, people, port),
    }
    began = time.monotonic()
    with log.open("wb") as output:
        process = subprocess.Popen(
            _command(kind, options, port),
            env=environment,
            cwd=log.parent,  # where no .env lies
            stdout=output,
            stderr=output,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
    try:
        user, token = people.file(kind.tokens).open().readline().split()
        _wait_until_ready(process, port, who(kind, user, token), log)
        taken = time.monotonic() - began
        yield Server(kind, process.pid, port, kind.database, taken, cpu_us(process.pid))
    finally:
        _stop(process)


def _environment(kind: Kind, options: Options, people: People, port: int) -> dict[str, str]:
    if kind.taskwell:
        key = str(people.data_dir / KEY_FILE)
        return {"TASKWELL_SIGNING_KEY_FILE": key, "TASKWELL_POOL_SIZE": str(options.pool)}
    return {
        "PYTHONPATH": str(HERE.parent),
        "PORT": str(port),
        "WORKERS": str(options.workers),
        "POOL_SIZE": str(options.pool),
        "SECRET_KEY": SECRET,
        "PUBLIC_KEY": str(people.public_key),
    }


def _command(kind: Kind, options: Options, port: int) -> list[str]:
    workers, at = str(options.workers), str(port)
    if kind.taskwell:
        # As it comes: its log line for each request is a part of its work.
        return [str(kind.taskwell.program), "serve", "--workers", workers, "--port", at]
    if kind.name == "asgi":
        how = ["--interface", "asgi", "--loop", "uvloop", "--http", "1", "--no-ws", "--log-level", "warning"]
        granian = str(Path(sys.executable).parent / "granian")
        return [granian, *how, "--workers", workers, "--port", at, "--host", "127.0.0.1", "bench.peers.asgi.app:app"]
    if kind.name == "sqlmodel":
        python = str(HERE / "results" / "sqlmodel-venv" / "bin" / "python")
        how = ["--loop", "uvloop", "--http", "httptools", "--no-access-log", "--log-level", "warning", "--backlog", "2048"]
        return [python, "-m", "uvicorn", *how, "--workers", workers, "--port", at, "bench.peers.sqlmodel.app:app"]
    return ["node", str(HERE / "peers" / kind.name / "server.js")]


def install(kind: Kind) -> None:
    """What a peer needs besides, fetched once by its own community's tool."""
    folder = HERE / "peers" / kind.name
    if kind.name.startswith("fastify") and not (folder / "node_modules").exists():
        # Without a lock file: it would pin the addresses of one registry.
        command = ["npm", "install", "--no-package-lock", "--no-audit", "--no-fund", "--omit=dev"]
        subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)
    environment = HERE / "results" / "sqlmodel-venv"
    if kind.name == "sqlmodel" and not (environment / ".complete").exists():
        subprocess.run([sys.executable, "-m", "venv", str(environment)], check=True)
        pip = [str(environment / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, "-r", str(folder / "requirements.txt")], check=True)
        (environment / ".complete").touch()


def who(kind: Kind, user: str, token: str) -> dict[str, str]:
    return {"X-User-Id": user} if kind.tokens == "none" else {"Authorization": f"Bearer {token}"}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_until_ready(process: "subprocess.Popen[bytes]", port: int, headers: dict[str, str], log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=START_SECONDS)
        try:
            connection.request("GET", "/api/v1/tasks", headers=headers)
            if connection.getresponse().status == 200:
                return
        except OSError:
            pass
        finally:
            connection.close()
        time.sleep(0.005)
    raise DidNotStart(f"no answer; {log} ends with: {log.read_text(errors='replace')[-500:]}")


def _stop(process: "subprocess.Popen[bytes]") -> None:
    below = tree(process.pid)[1:]
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    # psutil remembers when each of them began, so a process id that somebody else has by now is left alone.
    for orphan in below:
        if orphan.is_running():
            orphan.kill()
