"""Run by root, PostgreSQL is a user of its own that keeps no capability, and reaches its files below private folders."""

import os
import pwd
import re
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil
import pytest

from taskwell.database.embedded import EmbeddedPostgres, programs
from taskwell.database.embedded.account import POSTGRES_UID
from taskwell.database.url import parse
from taskwell.errors import CannotStart
from tests.faults.processes import HASTY, ask, assert_works, first_process

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="about what happens under root")


def as_nobody(*words: str) -> "subprocess.CompletedProcess[bytes]":
    nobody = pwd.getpwnam("nobody")
    become = ["setpriv", f"--reuid={nobody.pw_uid}", f"--regid={nobody.pw_gid}", "--clear-groups", "--"]
    return subprocess.run([*become, *words], cwd="/", capture_output=True, check=False)


def capabilities(process: psutil.Process) -> set[int]:
    status = Path(f"/proc/{process.pid}/status").read_text()
    return {int(bits, 16) for bits in re.findall(r"^Cap(?:Inh|Prm|Eff|Amb):\s*(\w+)$", status, re.MULTILINE)}


def test_it_keeps_no_capability_and_no_process_of_nobody_reaches_it(tmp_path: Path) -> None:
    (tmp_path / "private").mkdir(mode=0o700)
    with EmbeddedPostgres.start(tmp_path / "private" / "data", options=HASTY) as server:
        first = first_process(server.data_dir)
        everything = [first, *first.children(recursive=True)]
        assert {uid for process in everything for uid in process.uids()} == {POSTGRES_UID}
        assert set().union(*map(capabilities, everything)) == {0}
        socket = f"{parse(server.url).host}/.s.PGSQL.5432"
        cluster = server.data_dir / "postgresql"
        for path in (socket, f"{cluster}/PG_VERSION", f"/proc/{first.pid}/cwd/PG_VERSION", f"/proc/{first.pid}/environ"):
            assert Path(path).exists()
            assert as_nobody("cat", path).returncode != 0
        assert as_nobody("kill", str(first.pid)).returncode != 0
        assert ask(server.url, "SELECT 1") == 1


def test_a_cluster_of_the_former_user_or_of_roots_own_copy_is_taken_over(tmp_path: Path) -> None:
    with EmbeddedPostgres.start(tmp_path / "data", options=HASTY) as server:
        ask(server.url, "CREATE TABLE kept AS SELECT 'milk' AS title")
    for uid in (pwd.getpwnam("nobody").pw_uid, 0):
        for path in [tmp_path / "data" / "postgresql", *(tmp_path / "data" / "postgresql").rglob("*")]:
            os.chown(path, uid, uid)
        assert_works(tmp_path / "data", "SELECT title FROM kept")


def test_programs_below_a_private_folder_are_refused_before_anything_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with TemporaryDirectory(dir="/tmp") as private:
        (Path(private) / "bin").symlink_to(programs._BINARIES)  # a name that only root can follow
        monkeypatch.setattr(programs, "_BINARIES", Path(private) / "bin")
        with pytest.raises(CannotStart, match=f"user {POSTGRES_UID} that it would be cannot reach .*/bin/postgres: install"):
            EmbeddedPostgres.start(tmp_path / "data", options=HASTY)
    assert not (tmp_path / "data").exists()
