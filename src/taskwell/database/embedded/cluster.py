"""Makes and mends the database files, and ends servers on them that outlived their Taskwell."""

import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from stat import S_IMODE

from taskwell.database.embedded.account import Account, give
from taskwell.database.embedded.programs import POSTGRESQL_MAJOR, program, quiet_environment
from taskwell.errors import CannotStart

try:
    import psutil
except ImportError:  # the extra is not installed, and `program` will say so
    psutil = None  # type: ignore[assignment]

_ORPHANS_END_WITHIN = 30.0  # seconds

# taskwell is no superuser, as on Neon: a migration that needs one fails on the laptop, not in production.
_FIRST_WORDS = "CREATE ROLE taskwell LOGIN CREATEDB;\nCREATE DATABASE taskwell OWNER taskwell;\n"

# The folders of initdb that may be empty, which an object store or an archive does not keep. Where another folder is missing,
# data is missing.
_MAY_BE_EMPTY = (
    "pg_commit_ts",
    "pg_dynshmem",
    "pg_logical",
    "pg_logical/mappings",
    "pg_logical/snapshots",
    "pg_notify",
    "pg_replslot",
    "pg_serial",
    "pg_snapshots",
    "pg_stat",
    "pg_stat_tmp",
    "pg_subtrans",
    "pg_tblspc",
    "pg_twophase",
    "pg_wal/archive_status",
    "pg_wal/summaries",
)


class Cluster:
    """The cluster of a data folder whose lock this process holds."""

    def __init__(self, data_dir: Path, account: Account, options: Mapping[str, str]) -> None:
        self.data_dir = data_dir
        self.path = data_dir / "postgresql"
        self.log = data_dir / "postgresql.log"
        self.account = account
        self.options = options

    @property
    def address(self) -> str:
        """The path by which PostgreSQL reaches it."""
        return self.account.address(self.path)

    @property
    def name(self) -> str:
        """The name that every process of a server on this cluster shows."""
        folder = self.path.stat()
        return f"taskwell-{folder.st_dev:x}-{folder.st_ino:x}"

    def make_if_missing(self) -> None:
        for unfinished in self.data_dir.glob("postgresql.new-*"):
            shutil.rmtree(unfinished, ignore_errors=True)  # its initdb, orphaned by a kill, may still be writing
        if self.path.exists():
            return
        self.account.check_name()
        new = tempfile.mkdtemp(prefix="postgresql.new-", dir=self.data_dir)
        try:
            os.chown(new, self.account.maker_uid, -1)
            # UTF-8, and text in the order of its code points: every PostgreSQL has these, whatever locales the system has.
            locale = "--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"
            access = "--username=postgres", "--auth-local=trust", "--auth-host=reject"
            sync = ["--no-sync"] if self.options.get("fsync") == "off" else []
            self._finish("initdb", "-D", new, "--no-instructions", *locale, *access, *sync)
            settings = as_arguments({"exit_on_error": "on", **self.options})
            self._finish("postgres", "--single", "-D", new, *settings, "postgres", words=_FIRST_WORDS)
            if self.account.is_borrowed:
                give(Path(new), self.account.uid)
            Path(new).rename(self.path)
        finally:
            shutil.rmtree(new, ignore_errors=True)
        folder = os.open(self.data_dir, os.O_RDONLY)
        os.fsync(folder)  # a power failure must not undo the rename after a task was stored
        os.close(folder)

    def check(self) -> None:
        if not self.path.is_dir():
            raise CannotStart(f"there is no database in {self.data_dir} any more")
        version = self.path / "PG_VERSION"
        major = version.read_text(errors="replace").strip() if version.exists() else ""
        if major != POSTGRESQL_MAJOR:
            major = major if major.isdecimal() else "nobody knows which"
            raise CannotStart(
                f"{self.path} was made by PostgreSQL {major} and this is PostgreSQL {POSTGRESQL_MAJOR}: "
                "move it away, and load a dump of it into the new one"
            )
        owner = self.path.stat().st_uid
        if owner not in {self.account.uid, *self.account.former_uids}:
            raise CannotStart(
                f"{self.path} belongs to user {owner} and PostgreSQL would run as user {self.account.uid}: "
                f"start Taskwell as the user who made it, or chown -R {self.account.uid} that folder"
            )

    def mend(self) -> None:
        """Undo what storage and copying did to the files, since PostgreSQL would refuse to start."""
        if self.account.is_borrowed:
            give(self.path, self.account.uid)
        if S_IMODE(self.path.stat().st_mode) not in (0o700, 0o750):
            self.path.chmod(0o700)  # Kubernetes gives all files of a volume to the group of `fsGroup`
        for name in _MAY_BE_EMPTY:
            folder = self.path / name
            if folder.parent.is_dir() and not folder.exists():
                folder.mkdir(mode=0o700)
                os.chown(folder, self.account.uid, -1)

    def end_orphans(self) -> int | None:
        """Ends a PostgreSQL that outlived its Taskwell.

        Returns the process id in postmaster.pid. If that id is in use now, then by another program.
        """
        former = self._noted_process()
        begun, name = time.monotonic(), self.name
        while left := [process.pid for process in psutil.process_iter() if _shows(process, name)]:
            waited = time.monotonic() - begun
            if waited > _ORPHANS_END_WITHIN:
                raise CannotStart(f"a PostgreSQL that was left behind on {self.path} does not end: kill process {left[0]}")
            # The first process shuts down cleanly, unless it does not listen, or left busy children behind.
            clean = former in left and waited < _ORPHANS_END_WITHIN / 2
            for process_id in [former] if clean and former is not None else left:
                with suppress(ProcessLookupError):
                    os.kill(process_id, signal.SIGINT if clean else signal.SIGQUIT)
            time.sleep(0.02)
        return former

    def _noted_process(self) -> int | None:
        note = self.path / "postmaster.pid"
        try:
            return abs(int(note.read_bytes().partition(b"\n")[0]))
        except FileNotFoundError:
            return None
        except ValueError:
            note.unlink()  # a crash cut it short, and PostgreSQL would refuse to start beside it
            return None

    def _finish(self, name: str, *arguments: str, words: str = "") -> None:
        done = subprocess.run(  # noqa: S603  our own words, and no shell
            [*self.account.maker_prefix, program(name), *arguments],
            input=words.encode(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=quiet_environment(),
            cwd="/",
            check=False,
        )
        if done.returncode != 0:
            raise CannotStart(f"a database cannot be made in {self.data_dir}: {reason(done.stdout)}")


def _shows(process: "psutil.Process", name: str) -> bool:
    # The id and start time in postmaster.pid are less sure: ids are used again, clocks are set, and the file can be deleted.
    # And to read the working folder root would need CAP_SYS_PTRACE.
    try:
        words = process.cmdline()
    except psutil.Error:  # gone, or a zombie
        return False
    return f"cluster_name={name}" in words or " ".join(words).startswith(f"postgres: {name}: ")


def as_arguments(settings: Mapping[str, str]) -> list[str]:
    return [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]


def reason(output: bytes) -> str:
    """The last line that names an error, or else the last line: after an error initdb still says that it tidies up."""
    lines = [line.strip() for line in output.decode(errors="replace").splitlines() if line.strip()]
    errors = [line for line in lines if re.search(r"\b(FATAL|PANIC|ERROR|error):", line)]
    return re.sub(r"^.*?(?=FATAL|PANIC|ERROR)", "", (errors or lines or ["it gave no reason"])[-1])
