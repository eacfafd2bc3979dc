"""A process that runs the embedded PostgreSQL, and what is left of it when it is killed."""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import asyncpg
import psutil

from taskwell.database.embedded import EmbeddedPostgres
from taskwell.database.url import parse

HASTY = {"fsync": "off"}
BROKEN = (asyncpg.PostgresError, asyncpg.InterfaceError, OSError)
ANY_PYTHON = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "PYTHONDONTWRITEBYTECODE": "1"}

SERVER = """
import os, resource, signal, sys
from pathlib import Path
from taskwell.database.embedded import EmbeddedPostgres
from taskwell.errors import CannotStart

if "small-disk" in sys.argv:
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
try:
    server = EmbeddedPostgres.start(Path(sys.argv[1]), options={"fsync": "off"})
except CannotStart as refused:
    sys.exit(f"CannotStart: {refused}")
# os.write, because the signal can come in the middle of the print below.
signal.signal(signal.SIGINT, lambda *_: os.write(1, b"interrupted\\n"))
if "forks" in sys.argv and os.fork() == 0:
    server.stop()  # what a child does that leaves a `with` block
    signal.pause()
print(server.url, flush=True)
sys.stdin.read()
server.stop()
"""


@contextmanager
def taskwell(data_dir: Path, *words: str, python: list[str] | None = None, **more: Any) -> Iterator["subprocess.Popen[str]"]:
    """Another process that runs a server."""
    command = [*(python or [sys.executable]), "-c", SERVER, str(data_dir), *words]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True, cwd="/", **more) as process:
        try:
            yield process
        finally:
            process.kill()


def url_of(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    url = process.stdout.readline().strip()
    assert url, process.communicate()
    return url


def ask(url: str, sql: str) -> Any:
    async def answer() -> Any:
        connection = await asyncpg.connect(**parse(url).arguments())
        try:
            return await connection.fetchval(sql)
        finally:
            await connection.close()

    return asyncio.run(answer())


def first_process(data_dir: Path) -> psutil.Process:
    return psutil.Process(int((data_dir / "postgresql" / "postmaster.pid").read_text().partition("\n")[0]))


def processes_on(data_dir: Path) -> list[psutil.Process]:
    """The watcher, the first process of PostgreSQL, its children."""
    first = first_process(data_dir)
    (watcher,) = [process for process in psutil.process_iter() if words_of(process)[-3:-1] == ["watcher", str(first.pid)]]
    return [watcher, first, *first.children(recursive=True)]


def kill(server: "subprocess.Popen[str]", *others: psutil.Process) -> None:
    for process in others:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    server.kill()  # last, as the others react to it
    server.wait()


def words_of(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def owners_of(processes: list[psutil.Process]) -> Iterator[int]:
    for process in processes:
        with suppress(psutil.NoSuchProcess):  # PostgreSQL's I/O workers come and go
            yield process.uids().effective


def assert_ended(processes: list[psutil.Process]) -> None:
    deadline = time.monotonic() + 20
    # A zombie has ended, even where process 1 takes its time to collect it. (The watcher waits for that, too.)
    while any(words_of(process) for process in processes if process.is_running()):
        assert time.monotonic() < deadline, processes
        time.sleep(0.01)


def assert_works(data_dir: Path, sql: str = "SELECT 'milk'") -> None:
    with EmbeddedPostgres.start(data_dir, options=HASTY) as server:
        assert ask(server.url, sql) == "milk"
