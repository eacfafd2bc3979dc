"""`taskwell serve` loses its private PostgreSQL: it is back within seconds, with all that was told, or ends."""

import re
import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from taskwell.database.embedded import running_url
from taskwell.database.embedded.server import RESTART_TRIES
from taskwell.database.url import parse
from tests.cli.command import Serving, Visitor, assert_ended, free_port, refusal, serving, taskwell
from tests.faults.processes import ask, first_process, words_of

BACK_WITHIN = 30.0  # a machine that runs all tests at once; it takes less than three by itself


def socket_folder(data_dir: Path) -> Path:
    return Path(parse(running_url(data_dir) or "").host)


def kill_the_first_process(data_dir: Path) -> None:
    first_process(data_dir).kill()


def kill_all_of_it(data_dir: Path) -> None:
    for process in (first := first_process(data_dir), *first.children(recursive=True)):
        process.kill()


def kill_a_backend(data_dir: Path) -> None:
    next(child for child in first_process(data_dir).children() if "taskwell" in words_of(child)[0].split()).kill()


def end_it_cleanly(data_dir: Path) -> None:
    first_process(data_dir).terminate()


def delete_the_socket(data_dir: Path) -> None:
    (socket_folder(data_dir) / ".s.PGSQL.5432").unlink()


def delete_the_socket_folder(data_dir: Path) -> None:
    shutil.rmtree(socket_folder(data_dir))


def delete_all_notes_and_kill(data_dir: Path) -> None:
    first = first_process(data_dir)
    (data_dir / "postgresql" / "postmaster.pid").unlink()
    (data_dir / "postgresql.lock").unlink()
    (data_dir / "postgresql.log").unlink()
    first.kill()


def wait_for_answers(me: Visitor, server: Serving) -> None:
    deadline = time.monotonic() + BACK_WITHIN
    while me.get("/api/v1/tasks").status_code != 200:
        assert server.process.poll() is None, server.complained
        assert time.monotonic() < deadline, server.complained
        time.sleep(0.05)


@pytest.mark.parametrize(
    "lose",
    [
        kill_the_first_process,
        kill_all_of_it,
        end_it_cleanly,
        delete_the_socket,
        delete_the_socket_folder,
        delete_all_notes_and_kill,
    ],
)
def test_it_is_back_by_itself_and_nothing_acknowledged_is_lost(home: Path, lose: Callable[[Path], None]) -> None:
    with serving(home) as server, Visitor(server.url) as me:
        me.signs_up()
        me.signs_in()
        acknowledged = {me.adds("before")["id"]}
        writer = threading.Thread(target=write_until, args=(me, ending := threading.Event(), acknowledged))
        writer.start()
        try:
            for _ in range(2):
                url, losses = running_url(home / "data"), server.complained.count("was started again")
                lose(home / "data")
                deadline = time.monotonic() + BACK_WITHIN
                while server.complained.count("was started again") == losses:
                    assert server.process.poll() is None, server.complained
                    assert time.monotonic() < deadline, server.complained
                    time.sleep(0.02)
                wait_for_answers(me, server)
                assert running_url(home / "data") == url
        finally:
            ending.set()
            writer.join()
        kept = set(ask(url or "", "SELECT array_agg(id::text) FROM tasks"))
        assert acknowledged <= kept
        everything = server.everything()
        assert server.end() == 0
        assert_ended(everything)
        assert not socket_folder_of(url).exists()


def socket_folder_of(url: str | None) -> Path:
    return Path(parse(url or "").host)


def wait_until(is_so: Callable[[], bool], server: Serving) -> None:
    deadline = time.monotonic() + BACK_WITHIN
    while not is_so():
        assert server.process.poll() is None, server.complained
        assert time.monotonic() < deadline, server.complained
        time.sleep(0.02)


def write_until(me: Visitor, ending: threading.Event, acknowledged: set[str]) -> None:
    while not ending.is_set():
        answer = me.post("/api/v1/tasks", json={"title": "during"})
        assert answer.status_code in (201, 503), answer.text
        if answer.status_code == 201:
            acknowledged.add(answer.json()["id"])


def test_a_backend_that_is_killed_takes_nothing_with_it_for_long(home: Path) -> None:
    with serving(home) as server, Visitor(server.url) as me:
        me.signs_up()
        me.signs_in()
        task = me.adds("before")
        first = first_process(home / "data")
        kill_a_backend(home / "data")
        wait_for_answers(me, server)
        assert me.get(f"/api/v1/tasks/{task['id']}").status_code == 200
        assert first_process(home / "data") == first


def test_a_lock_that_was_deleted_is_made_again_so_that_no_second_server_starts(home: Path) -> None:
    with serving(home) as server, Visitor(server.url) as me:
        me.signs_up()
        first = first_process(home / "data")
        lock = home / "data" / "postgresql.lock"
        lock.unlink()
        wait_until(lock.exists, server)
        wait_until(lambda: running_url(home / "data") is not None, server)
        second = taskwell("serve", cwd=home, TASKWELL_DATA_DIR=str(home / "data"), TASKWELL_PORT=str(free_port()))
        assert "another Taskwell runs" in refusal(second)
        assert first_process(home / "data") == first


def ended(server: Serving) -> str:
    """Its last line, when it has ended by itself with exit code 1."""
    assert server.process.wait(60) == 1, server.complained
    return server.complained.splitlines()[-1]


def test_when_it_does_not_come_back_the_server_ends_with_one_line_and_exit_code_1(home: Path) -> None:
    with serving(home) as server:
        everything = server.everything()
        (home / "data" / "postgresql" / "postgresql.conf").write_text("max_connections = many\n")
        kill_the_first_process(home / "data")
        assert "taskwell: PostgreSQL does not start: FATAL: " in ended(server)
        assert_ended(everything)


def test_one_that_ends_again_and_again_is_given_up(home: Path) -> None:
    with serving(home) as server:
        for _ in range(RESTART_TRIES + 1):
            first = first_process(home / "data")
            first.kill()
            deadline = time.monotonic() + BACK_WITHIN
            while server.process.poll() is None and not has_another(home / "data", first):
                assert time.monotonic() < deadline
                time.sleep(0.02)
        # Or the last one was killed before its server had seen that it was ready.
        assert re.search("PostgreSQL (has ended unasked, again and again|does not start)", ended(server))


def has_another(data_dir: Path, first: psutil.Process) -> bool:
    try:
        return (data_dir / "postgresql" / "postmaster.pid").read_text().strip().endswith("ready") and first_process(
            data_dir
        ) != first
    except (OSError, ValueError, psutil.NoSuchProcess):
        return False


def test_a_data_folder_that_is_moved_is_served_on_but_no_other_one_is_served_in_its_place(home: Path) -> None:
    with serving(home) as server, Visitor(server.url) as me:
        me.signs_up()
        me.signs_in()
        everything = server.everything()
        (home / "data").rename(home / "moved")
        shutil.copytree(home / "moved", home / "data")
        me.adds("after")
        kill_the_first_process(home / "moved")
        assert f"the data folder {home / 'data'} is not the one that was there at the start" in ended(server)
        assert_ended(everything)


def test_when_the_data_folder_is_deleted_no_empty_database_takes_its_place(home: Path) -> None:
    with serving(home) as server:
        everything = server.everything()
        (home / "data").rename(home / "deleted")
        kill_the_first_process(home / "deleted")
        assert f"taskwell: PostgreSQL is gone, and the data folder {home / 'data'} is not" in ended(server)
        assert_ended(everything)
        assert not (home / "data").exists()


def test_a_folder_of_somebody_else_at_the_place_of_the_socket_is_not_used(home: Path) -> None:
    with serving(home) as server:
        folder = socket_folder(home / "data")
        shutil.rmtree(folder)
        folder.mkdir(mode=0o755)
        folder.chmod(0o777)
        try:
            assert f"somebody else has made {folder}" in ended(server)
        finally:
            folder.rmdir()


def test_it_stops_at_once_while_postgresql_is_being_started_again(home: Path) -> None:
    with serving(home) as server:
        everything = server.everything()
        kill_all_of_it(home / "data")
        assert server.end() == 0
        assert_ended(everything)
