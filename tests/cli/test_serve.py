"""`taskwell serve`: from nothing to an address that answers, and back to nothing."""

import os
import re
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
import psutil
import pytest

from tests.cli.command import PASSWORD, PROGRAM, Visitor, assert_ended, environment, free_port, refusal, serving, taskwell
from tests.faults.locks import holding
from tests.support import postgres
from tests.support.keys import SIGNING_KEY

CLEANLY = "database system is shut down"


def database_of(folder: Path) -> str:
    """The embedded database of a running server, as another process on this machine reaches it."""
    socket_folder = (folder / "data" / "postgresql.lock").read_text()
    return f"postgresql://taskwell@/taskwell?host={socket_folder}&port=5432"


def last_words(folder: Path) -> str:
    return (folder / "data" / "postgresql.log").read_text().splitlines()[-1]


def can_paste(curl: str | None) -> bool:
    if curl is None:
        return False
    version = subprocess.run([curl, "--version"], capture_output=True, text=True, check=True).stdout.split()[1]
    return tuple(map(int, version.split(".")[:2])) >= (7, 82)  # --json


@pytest.mark.skipif(not can_paste(shutil.which("curl")), reason="needs curl 7.82 or newer, for --json")
def test_from_an_empty_folder_it_prints_what_can_be_pasted_and_keeps_what_it_is_told(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        assert f"serves at    {server.url}\n" in server.said
        assert f"API page is at    {server.url}/docs\n" in server.said
        assert f"data is in        {tmp_path / 'data'}\n" in server.said
        assert httpx.get(f"{server.url}/docs", trust_env=False).status_code == 200
        first, second = re.findall(r"^  (curl (?:.|\n    )*)$", server.said, re.MULTILINE)
        for line, wanted in ((first, '"email":"me@example.com"'), (second, '"title":"Buy milk"')):
            done = subprocess.run(
                ["bash", "-c", line], capture_output=True, text=True, timeout=60, env=environment(no_proxy="*"), check=False
            )
            assert wanted in done.stdout, done
        with Visitor(server.url) as me:
            me.signs_in()
            user_id = me.get("/api/v1/auth/me").json()["id"]
            made = me.post("/api/tasks", json={"title": "x"})
            assert made.status_code == 201, made.text
            where = f"/users/{user_id}/tasks"
            assert [task["title"] for task in me.get(where).json()["items"]] == ["x", "Buy milk"]
        assert (tmp_path / "data" / "signing-key.pem").stat().st_mode & 0o777 == 0o600
        assert server.end() == 0
        assert server.complained == ""
    with serving(tmp_path) as server, Visitor(server.url) as me:
        me.signs_in()
        assert [task["title"] for task in me.get(where).json()["items"]] == ["x", "Buy milk"]


@pytest.mark.parametrize("how", ["SIGTERM", "Ctrl-C"])
def test_requests_in_flight_are_finished_before_postgresql_is_stopped_cleanly(home: Path, how: str) -> None:
    with serving(home) as server, Visitor(server.url) as me:
        user_id = me.signs_up()
        me.signs_in()
        task = me.adds("before")
        answers: list[httpx.Response] = []
        slow = threading.Thread(target=lambda: answers.append(me.patch(f"/api/v1/tasks/{task['id']}", json={"title": "after"})))
        everything = server.everything()
        with holding(database_of(home), "SELECT FROM users WHERE id = $1 FOR UPDATE", user_id) as held:
            slow.start()
            held.wait_for_waiters(1)
            if how == "SIGTERM":
                server.process.terminate()
            else:
                os.killpg(server.process.pid, signal.SIGINT)  # as a terminal does it, to the workers too
            time.sleep(0.5)
            assert server.process.poll() is None
        slow.join(30)
        assert server.process.wait(30) == 0
        assert [answer.status_code for answer in answers] == [200]
        assert answers[0].json()["title"] == "after"
        assert_ended(everything)
        assert CLEANLY in last_words(home)
        assert server.complained == ""
    with serving(home) as server, Visitor(server.url) as me:
        me.signs_in()
        assert me.get(f"/api/v1/tasks/{task['id']}").json()["title"] == "after"


def test_kill_9_leaves_neither_workers_nor_postgresql_behind(home: Path) -> None:
    with serving(home, "--workers", "2") as server:
        with Visitor(server.url) as me:
            me.signs_up()
        everything = server.everything()
        assert len(server.workers()) == 2
        server.process.kill()
        server.process.wait(10)
        assert_ended(everything)
        with pytest.raises(httpx.ConnectError):
            httpx.get(f"{server.url}/healthz", trust_env=False)
    with serving(home, port=server.port) as server, Visitor(server.url) as me:
        me.signs_in()


def test_a_worker_that_lost_its_server_finishes_the_request_in_flight(own_database: str, tmp_path: Path) -> None:
    with serving(tmp_path, "--workers", "1", DATABASE_URL=own_database) as server, Visitor(server.url) as me:
        user_id = me.signs_up()
        me.signs_in()
        answers: list[httpx.Response] = []
        slow = threading.Thread(target=lambda: answers.append(me.post("/api/v1/tasks", json={"title": "late"})))
        workers = server.workers()
        with holding(own_database, "SELECT FROM users WHERE id = $1 FOR UPDATE", user_id) as held:
            slow.start()
            held.wait_for_waiters(1)
            server.process.kill()
            time.sleep(0.3)
        slow.join(30)
        assert [answer.status_code for answer in answers] == [201]
        assert_ended(workers)


def test_a_worker_that_is_killed_is_replaced(own_database: str, tmp_path: Path) -> None:
    with serving(tmp_path, "--workers", "2", DATABASE_URL=own_database) as server:
        killed, other = server.wait_for_workers()
        killed.kill()
        assert other in server.wait_for_workers(other_than=killed)
        for _ in range(20):
            assert httpx.get(f"{server.url}/readyz", trust_env=False, timeout=10).status_code == 200


@pytest.mark.parametrize("private", [True, False], ids=["private", "own"])
def test_a_worker_is_replaced_when_what_the_start_read_is_gone(home: Path, own_database: str, private: bool) -> None:
    read = [home / "data" / "signing-key.pem"]
    if not private:
        read = [home / ".env", home / "key", home / "url"]
        for file, text in zip(
            read, ["TASKWELL_SIGNING_KEY_FILE=key\nDATABASE_URL_FILE=url", SIGNING_KEY, own_database], strict=True
        ):
            file.write_text(text)
    with serving(home, "--workers", "2") as server, Visitor(server.url) as me:
        me.signs_up()
        me.signs_in()
        killed, _ = server.wait_for_workers()
        for file in read:
            file.unlink()
        killed.kill()
        server.wait_for_workers(other_than=killed)
        for _ in range(20):
            assert httpx.get(f"{server.url}/api/v1/auth/me", headers=me.headers, trust_env=False, timeout=10).status_code == 200


def test_it_works_from_a_path_with_spaces_and_a_quote(tmp_path: Path) -> None:
    folder = tmp_path / "my tasks, Zoë's"
    folder.mkdir()
    with serving(folder, "--data-dir", "the data") as server:
        with Visitor(server.url) as me:
            me.signs_up()
        assert (folder / "the data" / "postgresql").is_dir()
        assert f"The data is in        {folder / 'the data'}\n" in server.said


@pytest.mark.parametrize("words", [["--data-dir", "my data"], []])
def test_the_command_that_it_prints_can_be_pasted(home: Path, words: list[str]) -> None:
    (home / "the programs").symlink_to(Path(PROGRAM).parent)
    (home / "data").rename(home / "my data")
    program = ["the programs/taskwell", "serve"]
    its = serving(
        home, *words, program=program, PATH=os.defpath, TASKWELL_REGISTRATION="closed", TASKWELL_DATA_DIR=str(home / "my data")
    )
    with its as server, Visitor(server.url) as me:
        while not (printed := re.search("Nobody can sign up. `(.*)` makes an account", server.said)):
            time.sleep(0.02)
        alone = environment(PATH=os.defpath)  # without what was set for `serve` alone
        subprocess.run(["bash", "-c", printed[1]], cwd=home, env=alone, input=PASSWORD, text=True, timeout=60, check=True)
        me.signs_in()


def test_times_are_utc_whatever_the_time_zone_of_the_machine(home: Path) -> None:
    with serving(home, TZ="Europe/Berlin", PGTZ="Asia/Tokyo") as server, Visitor(server.url) as me:
        me.signs_up()
        me.signs_in()
        assert me.adds("x")["created_at"].endswith("+00:00")
    with serving(home, TZ="Europe/Berlin") as server, Visitor(server.url) as me:
        me.signs_in()
        assert me.get("/api/v1/tasks").json()["items"][0]["created_at"].endswith("+00:00")


def test_it_says_one_line_when_the_port_is_in_use(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        said = refusal(taskwell("serve", "--port", str(port), cwd=tmp_path, TASKWELL_DATA_DIR=str(tmp_path / "data")))
    assert (
        said
        == f"cannot listen on 127.0.0.1, port {port} (Address already in use): stop what uses it, or choose another with --port"
    )
    assert not (tmp_path / "data").exists()


def test_while_it_starts_nobody_takes_its_port_nor_is_answered_there(tmp_path: Path) -> None:
    port = free_port()
    database = {"DATABASE_URL": f"postgresql://me@127.0.0.1:{free_port()}/tasks?sslmode=disable"}
    with starting(tmp_path, "--wait", "600", TASKWELL_PORT=str(port), **database) as server:
        assert server.stderr is not None
        assert "waiting for up to 600 s" in server.stderr.readline()
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port))
        for address in ("127.0.0.1", ""):
            with pytest.raises(OSError, match="Address already in use"):
                socket.create_server((address, port)).close()
        said = refusal(taskwell("serve", cwd=tmp_path, TASKWELL_PORT=str(port), **database))
        assert said.startswith(f"cannot listen on 127.0.0.1, port {port} (Address already in use): ")
        server.terminate()
        assert server.wait(20) == 128 + signal.SIGTERM
    socket.create_server(("127.0.0.1", port)).close()


def test_a_second_server_on_the_same_folder_is_told(home: Path) -> None:
    with serving(home) as server:
        again = taskwell("serve", cwd=home, TASKWELL_DATA_DIR=str(home / "data"), TASKWELL_PORT=str(free_port()))
        assert re.fullmatch("another Taskwell runs on the data folder .*: stop it, or choose another folder", refusal(again))
        assert httpx.get(f"{server.url}/readyz", trust_env=False).status_code == 200


def test_it_says_one_line_when_the_data_folder_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("not a folder")
    said = refusal(taskwell("serve", cwd=tmp_path, TASKWELL_DATA_DIR=str(tmp_path / "data"), TASKWELL_PORT=str(free_port())))
    assert re.search("cannot use the data folder .*: make it writable, or choose another one", said)


def test_it_says_one_line_when_the_data_folder_cannot_be_written(tmp_path: Path) -> None:
    folder = "/proc/taskwell" if os.geteuid() == 0 else str(tmp_path / "closed" / "data")  # root may write almost anywhere
    (tmp_path / "closed").mkdir(mode=0o555)
    said = refusal(taskwell("serve", cwd=tmp_path, TASKWELL_DATA_DIR=folder, TASKWELL_PORT=str(free_port())))
    assert re.search("cannot use the data folder .*: make it writable, or choose another one", said)


def test_it_says_one_line_when_the_data_is_of_another_postgresql(home: Path) -> None:
    (home / "data" / "postgresql" / "PG_VERSION").write_text("17\n")
    said = refusal(taskwell("serve", cwd=home, TASKWELL_DATA_DIR=str(home / "data"), TASKWELL_PORT=str(free_port())))
    assert "was made by PostgreSQL 17 and this is PostgreSQL 18: move it away" in said


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"TASKWELL_POOL_SIZE": "many"}, "TASKWELL_POOL_SIZE must be a whole number in decimal digits"),
        ({"TASKWELL_PROT": "8000"}, r"TASKWELL_PROT \(environment\) is not a setting: did you mean TASKWELL_PORT\?"),
        ({"TASKWELL_SIGNING_KEY": "secret"}, "TASKWELL_SIGNING_KEY must be an Ed25519 private key"),
        ({"DATABASE_URL": "mysql://me@here/tasks"}, "DATABASE_URL is not a PostgreSQL URL"),
    ],
)
def test_it_says_one_line_that_names_a_bad_setting(tmp_path: Path, settings: dict[str, str], words: str) -> None:
    said = refusal(taskwell("serve", cwd=tmp_path, **settings))
    assert re.search(words, said)
    assert "secret" not in said


def test_it_says_one_line_when_the_database_cannot_be_reached(tmp_path: Path, own_database: str) -> None:
    nobody = free_port()
    name = own_database.partition("?")[0].rpartition("/")[2]
    for database_url, words in {
        f"postgresql://me:secret@127.0.0.1:{nobody}/tasks": "Connect call failed",
        "postgresql://me:secret@no-such-host.invalid/tasks": "cannot be reached",
        own_database.replace(f"/{name}", f"/{name}x", 1): f'database "{name}x" does not exist',
    }.items():
        said = refusal(taskwell("serve", cwd=tmp_path, DATABASE_URL=database_url, TASKWELL_PORT=str(free_port())))
        assert said.startswith("the database cannot be reached: ")
        assert words in said
        assert "secret" not in said


def test_a_database_of_ones_own_needs_a_signing_key_of_ones_own(tmp_path: Path, own_database: str) -> None:
    (tmp_path / "url").write_text(own_database)
    said = refusal(taskwell("serve", cwd=tmp_path, DATABASE_URL_FILE="url", TASKWELL_PORT=str(free_port())))
    assert re.match("TASKWELL_SIGNING_KEY .* is needed with DATABASE_URL", said)
    assert [path.name for path in tmp_path.iterdir()] == ["url"]


def test_it_refuses_a_database_that_is_not_migrated_or_behind(tmp_path: Path, empty_database: str, own_database: str) -> None:
    port = str(free_port())
    said = refusal(taskwell("serve", cwd=tmp_path, DATABASE_URL=empty_database, TASKWELL_PORT=port))
    assert said == "the database has no tables of Taskwell's yet: run `taskwell migrate`"
    postgres.run(own_database, "DELETE FROM alembic_version")
    said = refusal(taskwell("serve", cwd=tmp_path, DATABASE_URL=own_database, TASKWELL_PORT=port))
    assert said.endswith("is older than this program: run `taskwell migrate`")


def test_a_schema_from_the_future_is_served_with_a_warning(tmp_path: Path, own_database: str) -> None:
    postgres.run(own_database, "UPDATE alembic_version SET version_num = '9999'")
    with serving(tmp_path, "--workers", "1", DATABASE_URL=own_database) as server:
        assert httpx.get(f"{server.url}/readyz", trust_env=False).json() == {"status": "ok", "schema": "newer", "auth": "token"}
        with Visitor(server.url) as me:
            me.signs_up()
        (line,) = server.complained.splitlines()
        assert "newer_schema" in line
        assert "9999" in line
        assert "your own database, by DATABASE_URL" in server.said


@contextmanager
def starting(folder: Path, *words: str, **more: str) -> Iterator["subprocess.Popen[str]"]:
    """`taskwell serve`, not waited for."""
    settings = {"TASKWELL_DATA_DIR": str(folder / "data"), "TASKWELL_PORT": str(free_port())} | more
    pipe = subprocess.PIPE
    command = [PROGRAM, "serve", *words]
    with subprocess.Popen(command, cwd=folder, env=environment(**settings), stdout=pipe, stderr=pipe, text=True) as process:
        try:
            yield process
        finally:
            process.terminate()


def test_sigterm_during_the_start_leaves_nothing_behind(tmp_path: Path) -> None:
    with starting(tmp_path) as server:
        deadline = time.monotonic() + 30
        while not (tmp_path / "data" / "postgresql").exists():
            assert time.monotonic() < deadline
            assert server.poll() is None
            time.sleep(0.005)
        server.terminate()
        _, complained = server.communicate(timeout=40)
    assert server.returncode in (0, 143)
    assert "Traceback" not in complained
    name = str(tmp_path / "data")
    assert [one for one in psutil.process_iter(["cmdline"]) if name in " ".join(one.info["cmdline"] or [])] == []


def test_workers_that_are_told_to_end_while_they_start_do_so_at_once(tmp_path: Path, own_database: str) -> None:
    with starting(tmp_path, "--workers", "2", DATABASE_URL=own_database) as server:
        deadline = time.monotonic() + 30
        while len(psutil.Process(server.pid).children()) < 2:
            assert time.monotonic() < deadline
            assert server.poll() is None
            time.sleep(0.005)
        server.terminate()
        server.wait(15)  # after 30 s granian would kill those that did not hear it


def test_with_few_descriptors_connections_wait_and_cost_nothing(tmp_path: Path, own_database: str) -> None:
    limited = ["sh", "-c", 'ulimit -n 150 && exec "$0" serve --workers 1', PROGRAM]
    with serving(tmp_path, program=limited, DATABASE_URL=own_database) as server, ExitStack() as held:
        assert "a worker may open 150 files, and so holds 50 connections, of 4096" in server.complained
        (worker,) = server.workers()
        for _ in range(200):
            held.enter_context(socket.create_connection(server.address))
        used = sum(worker.cpu_times()[:2])
        time.sleep(1)
        assert sum(worker.cpu_times()[:2]) - used < 0.5
        held.close()
        assert httpx.get(f"{server.url}/readyz", trust_env=False, timeout=20).status_code == 200


def test_when_it_says_where_it_serves_it_does(home: Path) -> None:
    with starting(home) as server:
        assert server.stdout is not None
        address = ""
        while not address:
            assert server.poll() is None
            address = server.stdout.readline().partition("serves at")[2].strip()
        assert httpx.get(f"{address}/healthz", trust_env=False, timeout=10).status_code == 200


def test_under_uvicorn_the_factory_works_with_a_database_and_says_one_thing_without(tmp_path: Path, own_database: str) -> None:
    uvicorn = [str(Path(PROGRAM).with_name("uvicorn")), "--factory", "taskwell.app:create"]
    with (
        serving(tmp_path, "--port", "{port}", program=uvicorn, DATABASE_URL=own_database) as server,
        Visitor(server.url) as me,
    ):
        me.signs_up()
        me.signs_in()
        me.adds("x")
    without = subprocess.run(
        [*uvicorn, "--port", str(free_port())],
        cwd=tmp_path,
        env=environment(TASKWELL_DATA_DIR=str(tmp_path / "data")),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert without.returncode != 0
    assert "no DATABASE_URL: set it, or start with `taskwell serve`" in without.stderr.splitlines()[-1]
