"""However `taskwell serve` is told to end, and whenever: it does, and leaves nothing running.

A command that writes a file, or makes a database, leaves nothing of it behind."""

import os
import pty
import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
import psutil
import pytest

from taskwell.database.embedded import EmbeddedPostgres
from tests.cli.command import COMMAND_WITHIN, PROGRAM, assert_ended, environment, free_port, serving, taskwell, words_of
from tests.faults.locks import holding
from tests.support.cast import Person

MOMENTS = (0.0, 0.2, 0.7, 1.5, 3.0)
"""Seconds after the start: from Python's own first steps to the first answers. A busy machine is at another place each time."""


def left_of(folder: Path) -> list[psutil.Process]:
    """What runs on behalf of a server whose data is in `folder`."""
    return [one for one in psutil.process_iter() if str(folder) in " ".join(words_of(one))]


@pytest.mark.parametrize("private", [True, False], ids=["private", "own"])
def test_a_signal_at_any_moment_of_the_start_ends_it(
    tmp_path: Path, own_database: str, private: bool, copy_data: Callable[[Path], Path]
) -> None:
    data = copy_data(tmp_path / "data") if private else tmp_path / "data"
    database = {} if private else {"DATABASE_URL": own_database}
    settings = {"TASKWELL_PORT": str(free_port()), "TASKWELL_DATA_DIR": str(data), "TASKWELL_WORKERS": "1"} | database
    for moment in MOMENTS:
        with subprocess.Popen(
            [PROGRAM, "serve"], cwd=tmp_path, env=environment(**settings), stdout=-1, stderr=-1, text=True, start_new_session=True
        ) as server:
            time.sleep(moment)
            children = psutil.Process(server.pid).children(recursive=True)
            server.terminate()
            said, complained = server.communicate(timeout=30)
            # Python itself has no handler in its first steps: then the system ends it.
            assert server.returncode == 0 if said else server.returncode in (143, -signal.SIGTERM), (moment, said, complained)
            assert "Traceback" not in complained
            assert_ended([*children, *left_of(tmp_path)])
            with pytest.raises(ProcessLookupError):
                os.killpg(server.pid, 0)


IN_A_CALLBACK = """
import asyncio, os, signal
from taskwell.cli.ending import Ending

async def asks():
    answered = asyncio.get_running_loop().create_future()

    def answer_comes():
        os.kill(os.getpid(), signal.SIGTERM)  # Python hears it before the next line
        answered.set_result(None)

    asyncio.get_running_loop().call_soon(answer_comes)
    try:
        await asyncio.sleep(3600)
    finally:
        await answered  # as a connection that is closed awaits the answer to its last statement

with Ending().heard():
    asyncio.run(asks())
"""


def test_a_signal_breaks_no_callback_of_what_it_ends() -> None:
    python = str(Path(PROGRAM).with_name("python"))
    done = subprocess.run([python, "-c", IN_A_CALLBACK], capture_output=True, text=True, timeout=20, check=False)
    assert (done.returncode, done.stderr) == (143, "")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_ends_it_while_its_database_does_not_answer(tmp_path: Path, own_database: str, number: signal.Signals) -> None:
    settings = environment(DATABASE_URL=own_database, TASKWELL_PORT=str(free_port()))
    with (
        holding(own_database, "LOCK TABLE alembic_version, instance") as held,
        subprocess.Popen([PROGRAM, "serve"], cwd=tmp_path, env=settings, stdout=-1, stderr=-1) as server,
    ):
        held.wait_for_waiters(1)
        server.send_signal(number)
        said, complained = server.communicate(timeout=20)
    assert (server.returncode, said, complained) == (128 + number, b"", b"")


def test_a_closed_terminal_ends_it_and_its_requests_are_answered(tmp_path: Path, copy_data: Callable[[Path], Path]) -> None:
    copy_data(tmp_path / "data")
    port = free_port()
    settings = {"TASKWELL_PORT": str(port), "TASKWELL_DATA_DIR": str(tmp_path / "data"), "TERM": "dumb"}
    child, terminal = pty.fork()  # a process of its own session, with a terminal
    if child == 0:
        os.chdir(tmp_path)
        os.execve(PROGRAM, [PROGRAM, "serve"], environment(**settings))
    said = b""
    while b"curl " not in said:
        said += os.read(terminal, 4096)
    assert httpx.get(f"http://127.0.0.1:{port}/readyz", trust_env=False).status_code == 200
    everything = psutil.Process(child).children(recursive=True)
    assert len(everything) > 2
    os.close(terminal)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    assert_ended([*everything, *left_of(tmp_path)])
    assert "database system is shut down" in (tmp_path / "data" / "postgresql.log").read_text().splitlines()[-1]


def test_nohup_keeps_it_and_it_never_reloads(tmp_path: Path, own_database: str) -> None:
    nohup = ["/bin/sh", "-c", 'trap "" HUP; exec "$0" "$@"', PROGRAM, "serve"]
    with serving(tmp_path, program=nohup, DATABASE_URL=own_database, TASKWELL_WORKERS="1") as server:
        workers = server.workers()
        os.killpg(server.process.pid, signal.SIGHUP)
        time.sleep(2)
        assert server.workers() == workers
        assert httpx.get(f"{server.url}/readyz", trust_env=False).status_code == 200
        assert server.end() == 0


def test_a_hangup_ends_it_as_sigterm_does(tmp_path: Path, own_database: str) -> None:
    with serving(tmp_path, DATABASE_URL=own_database, TASKWELL_WORKERS="2") as server:
        everything = server.everything()
        os.killpg(server.process.pid, signal.SIGHUP)
        assert server.process.wait(30) == 0
        assert_ended(everything)
        assert server.said.endswith("Taskwell has stopped (SIGHUP).\n")
        assert server.complained == ""


def test_it_is_a_module_too(tmp_path: Path) -> None:
    done = taskwell("--version", cwd=tmp_path)
    python = str(Path(PROGRAM).with_name("python"))
    again = subprocess.run([python, "-m", "taskwell", "--version"], capture_output=True, text=True, check=True)
    assert re.fullmatch(r"taskwell \d.*\n", done.stdout)
    assert again.stdout == done.stdout


@contextmanager
def once_there_is(draft: str, folder: Path, *command: str, **settings: str) -> Iterator["subprocess.Popen[bytes]"]:
    """A command that has begun to write what matches `draft`."""
    with subprocess.Popen(command, cwd=folder, env=environment(**settings), stdin=-1, stdout=-1, stderr=-1) as process:
        try:
            deadline = time.monotonic() + COMMAND_WITHIN
            while not list(folder.glob(draft)):
                assert process.poll() is None, process.communicate()
                assert time.monotonic() < deadline
                time.sleep(0.02)
            yield process
        finally:
            process.kill()


def assert_ends_in_order(process: "subprocess.Popen[bytes]", number: signal.Signals) -> None:
    for _ in range(2):  # of a closed terminal the system tells, and then the shell
        process.send_signal(number)
        time.sleep(0.05)
    _, complained = process.communicate(timeout=60)
    assert (process.returncode, complained.count(b"\n")) == (128 + number, 1), complained.decode()  # which database it was


TOLD_BY = pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])


@TOLD_BY
def test_nothing_is_left_of_a_backup(home: Path, number: signal.Signals) -> None:
    with EmbeddedPostgres.start(home / "data") as postgres, holding(postgres.url, "LOCK TABLE tasks") as held:
        words = ("backup", "x", "--data-dir", "data")
        with once_there_is(".taskwell-*", home, PROGRAM, *words) as process:
            held.wait_for_waiters(1)
            assert_ends_in_order(process, number)
    assert [path.name for path in home.iterdir()] == ["data"]


@TOLD_BY
def test_nothing_is_left_of_a_restore(tmp_path: Path, number: signal.Signals) -> None:
    with once_there_is("new/restoring-*/postgresql", tmp_path, PROGRAM, "restore", "-", "--data-dir", "new") as process:
        assert_ends_in_order(process, number)
    assert list(tmp_path.iterdir()) == []
    assert_ended(left_of(tmp_path))


@TOLD_BY
def test_nothing_is_left_of_an_export(tmp_path: Path, shared_database: str, alice: Person, number: signal.Signals) -> None:
    words = ("export", "--user", alice.email, "x")
    with (
        holding(shared_database, "LOCK TABLE tasks") as held,
        once_there_is(".taskwell-*", tmp_path, PROGRAM, *words, DATABASE_URL=shared_database) as process,
    ):
        held.wait_for_waiters(1)
        assert_ends_in_order(process, number)
    assert list(tmp_path.iterdir()) == []


def test_nohup_keeps_an_export(tmp_path: Path, shared_database: str, alice: Person) -> None:
    nohup = ("/bin/sh", "-c", 'trap "" HUP; exec "$0" "$@"', PROGRAM, "export", "--user", alice.email, "x")
    with ExitStack() as until_told:
        held = until_told.enter_context(holding(shared_database, "LOCK TABLE tasks"))
        with once_there_is(".taskwell-*", tmp_path, *nohup, DATABASE_URL=shared_database) as process:
            held.wait_for_waiters(1)
            process.send_signal(signal.SIGHUP)
            time.sleep(0.2)
            until_told.close()
            assert process.wait(60) == 0
    assert [path.name for path in tmp_path.iterdir()] == ["x"]
