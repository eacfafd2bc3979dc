"""The running server: what starts it, and what is sure to end it."""

import fcntl
import os
import pwd
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from pathlib import Path
from types import TracebackType
from urllib.parse import quote

from taskwell.database.embedded.programs import MAJOR, program, quiet_environment
from taskwell.errors import CannotStart

try:
    import psutil
except ImportError:  # the extra is not installed, and `program` will say so
    psutil = None  # type: ignore[assignment]

_LOG_LIMIT = 10 * 1024 * 1024  # bytes, looked at when we start
_READY_WITHIN = 30.0  # seconds without a word from PostgreSQL, which speaks every 10 s during a long recovery
_ORPHANS_END_WITHIN = 30.0  # seconds

_SETTINGS = {
    "listen_addresses": "",
    "port": "5432",  # only a part of the socket's name; said here because PGPORT would change it
    "unix_socket_permissions": "0700",
    "logging_collector": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "shared_buffers": "128MB",
    "max_connections": "100",
    "max_wal_size": "256MB",  # also bounds the recovery after a kill
    "jit": "off",  # compiling costs more than our short statements do
}
# taskwell is no superuser, as on Neon: a migration that needs one fails on the laptop, not in production.
_FIRST_WORDS = "CREATE ROLE taskwell LOGIN CREATEDB;\nCREATE DATABASE taskwell OWNER taskwell;\n"

# The shell becomes the program in "$@" and keeps its process id; a watcher stays in the background. The parentheses make it an
# orphan at once, because PostgreSQL takes the end of a child that it does not know for a crash.
_WATCHED = """
watch=$1 folder=$2; shift 2; exec 3<&0 </dev/null
(sh -c "$watch" watcher $$ "$folder" <&3 3<&- >/dev/null 2>&1 &)
exec "$@" 3<&-
"""
# A line says that PostgreSQL has ended, the end of the pipe that its writer died. SIGINT is the fast shutdown; asking again is
# harmless, and the first time may come before PostgreSQL listens.
_WATCH = 'read -r _ && exit; i=0; while [ $i -lt 100 ] && kill -INT "$1"; do sleep 0.1; i=$((i + 1)); done; rmdir "$2"'


# Descriptors whose closing says that this process has ended. A forked child (where multiprocessing forks, granian's workers are)
# inherits them, and would keep PostgreSQL and the lock alive after our death.
_ours_alone: set[int] = set()


def _close_in_fork() -> None:
    while _ours_alone:
        os.close(_ours_alone.pop())


os.register_at_fork(after_in_child=_close_in_fork)


class EmbeddedPostgres:
    """A running server. Everything here blocks."""

    def __init__(self, url: str, data_dir: Path, running: ExitStack) -> None:
        self.url = url  # for asyncpg.connect() and for psql; the superuser, for whom it works too, is called postgres
        self.data_dir = data_dir
        self._running = running
        self._process_id = os.getpid()

    @classmethod
    def start(cls, data_dir: Path, *, options: Mapping[str, str] = {}) -> "EmbeddedPostgres":
        """Returns when PostgreSQL accepts connections. `options` are more of its settings."""
        program("postgres")  # before a folder is made for it
        uid, prefix = _account()
        data_dir = Path(os.path.realpath(data_dir))
        with ExitStack() as undo:
            try:
                data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
                lock = _lock(data_dir, undo)
                cluster = _Cluster(data_dir, uid, prefix, options)
                cluster.make_if_missing()
                cluster.check()
                former = cluster.end_orphans()
                socket = _socket_folder(lock, undo)
                cluster.serve(socket, former, undo)
            except OSError as error:
                hint = "make it writable, or choose another one"
                raise CannotStart(f"PostgreSQL cannot use the data folder {data_dir} ({error}): {hint}") from error
            return cls(_url(socket), data_dir, undo.pop_all())

    def stop(self) -> None:
        """Ends every connection, shuts PostgreSQL down cleanly and waits for it."""
        if os.getpid() == self._process_id:  # a forked child must not stop the database of its parent
            self._running.close()

    def __enter__(self) -> "EmbeddedPostgres":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()


def running_url(data_dir: Path) -> str | None:
    """Where the PostgreSQL of another process on this data folder is reached; None if nobody runs one."""
    try:
        lock = os.open(data_dir / "postgresql.lock", os.O_RDWR)
    except OSError:
        return None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        socket = os.fsdecode(os.pread(lock, 4096, 0))
        return _url(Path(socket)) if socket else None
    else:
        return None
    finally:
        os.close(lock)


def _url(socket: Path) -> str:
    return f"postgresql://taskwell@/taskwell?host={quote(str(socket), safe='')}&port=5432"


class _Cluster:
    """The database files in a data folder that we hold the lock of, and the server on them."""

    def __init__(self, data_dir: Path, uid: int, prefix: list[str], options: Mapping[str, str]) -> None:
        self.data_dir = data_dir
        self.path = data_dir / "postgresql"
        self.log = data_dir / "postgresql.log"
        self.uid = uid
        self.prefix = prefix
        self.options = options

    def make_if_missing(self) -> None:
        for unfinished in self.data_dir.glob("postgresql.new-*"):
            shutil.rmtree(unfinished, ignore_errors=True)  # its initdb, orphaned by a kill, may still be writing
        if self.path.exists():
            return
        new = tempfile.mkdtemp(prefix="postgresql.new-", dir=self.data_dir)
        try:
            os.chown(new, self.uid, -1)
            # What every PostgreSQL has, whatever the locales of this system: UTF-8, and text in the order of its code points.
            locale = "--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"
            access = "--username=postgres", "--auth-local=trust", "--auth-host=reject"
            sync = ["--no-sync"] if self.options.get("fsync") == "off" else []
            self._finish("initdb", "-D", new, "--no-instructions", *locale, *access, *sync)
            settings = _as_arguments({"exit_on_error": "on", **self.options})
            self._finish("postgres", "--single", "-D", new, *settings, "postgres", words=_FIRST_WORDS)
            Path(new).rename(self.path)
        finally:
            shutil.rmtree(new, ignore_errors=True)
        folder = os.open(self.data_dir, os.O_RDONLY)
        os.fsync(folder)  # a power failure must not undo the rename after a task was stored
        os.close(folder)

    def check(self) -> None:
        owner = self.path.stat().st_uid
        if owner != self.uid:
            raise CannotStart(
                f"{self.path} belongs to user {owner} and PostgreSQL would run as user {self.uid}: "
                f"start Taskwell as the user who made it, or chown -R {self.uid} that folder"
            )
        version = self.path / "PG_VERSION"
        major = version.read_text().strip() if version.exists() else "nobody knows which"
        if major != MAJOR:
            raise CannotStart(
                f"{self.path} was made by PostgreSQL {major} and this is PostgreSQL {MAJOR}: "
                "move it away, and load a dump of it into the new one"
            )

    def end_orphans(self) -> int | None:
        """Ends a PostgreSQL that outlived its Taskwell. Returns the process id in postmaster.pid: if in use now, not by us."""
        note = self.path / "postmaster.pid"
        try:
            former = abs(int(note.read_bytes().partition(b"\n")[0]))
        except FileNotFoundError:
            return None
        except ValueError:
            note.unlink()  # a crash cut it short, and PostgreSQL would refuse to start beside it
            return None
        begun = time.monotonic()
        while left := [process.pid for process in psutil.process_iter() if self._is_ours(process)]:
            waited = time.monotonic() - begun
            if waited > _ORPHANS_END_WITHIN:
                raise CannotStart(f"a PostgreSQL that was left behind on {self.path} does not end: kill process {left[0]}")
            # To shut down cleanly is the first process's business, unless it does not listen, or left busy children behind.
            clean = former in left and waited < _ORPHANS_END_WITHIN / 2
            for process_id in [former] if clean else left:
                with suppress(ProcessLookupError):
                    os.kill(process_id, signal.SIGINT if clean else signal.SIGQUIT)
            time.sleep(0.02)
        return former

    def _is_ours(self, process: "psutil.Process") -> bool:
        # Every process of a server shows its cluster_name. The id and start time in postmaster.pid are less sure: ids are used
        # again, clocks are set. And to read the working folder root would need CAP_SYS_PTRACE.
        try:
            words = process.cmdline()
        except psutil.Error:  # gone, or a zombie
            return False
        return f"cluster_name={self._name}" in words or " ".join(words).startswith(f"postgres: {self._name}: ")

    @property
    def _name(self) -> str:
        folder = self.path.stat()
        return f"taskwell-{folder.st_dev:x}-{folder.st_ino:x}"

    def serve(self, socket: Path, former: int | None, undo: ExitStack) -> None:
        environment = quiet_environment()
        if former is not None:
            # Whoever has this process id now is not PostgreSQL. This is how pg_ctl says so. It leaves postmaster.pid in place, by
            # which PostgreSQL also makes sure that no child of the former server is still at work.
            environment["PG_GRANDPARENT_PID"] = str(former)
        folders = '"' + str(socket).replace('"', '""') + '"'  # a list, in which a bare comma or space would separate
        named = {"cluster_name": self._name, "unix_socket_directories": folders}
        settings = _as_arguments({**_SETTINGS, **self.options, **named})
        command = [*self.prefix, program("postgres"), "-D", str(self.path), *settings]
        reading, writing = os.pipe()
        _ours_until_closed(writing, undo)
        log = os.open(self.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            if os.fstat(log).st_size > _LOG_LIMIT:
                os.ftruncate(log, 0)
            said_before = os.fstat(log).st_size
            process = subprocess.Popen(  # noqa: S603  our own words, and no shell reads the paths
                ["/bin/sh", "-c", _WATCHED, "sh", _WATCH, str(socket), *command],
                stdin=reading,
                stdout=log,
                stderr=log,
                env=environment,
                cwd="/",
                start_new_session=True,  # Ctrl-C reaches a whole process group, and PostgreSQL must outlive the last requests
            )
        finally:
            os.close(reading)
            os.close(log)
        undo.callback(_shut_down, process, writing)
        self._wait_until_ready(process, said_before)

    def _wait_until_ready(self, process: "subprocess.Popen[bytes]", said_before: int) -> None:
        heard, size = time.monotonic(), said_before
        while not self._is_ready(process.pid):
            if process.poll() is not None:
                said = self.log.read_bytes()[said_before:]
                raise CannotStart(f"PostgreSQL does not start: {_reason(said)}; {self.log} says more")
            if self.log.stat().st_size != size:
                heard, size = time.monotonic(), self.log.stat().st_size
            if time.monotonic() - heard > _READY_WITHIN:
                raise CannotStart(f"PostgreSQL was not ready within {_READY_WITHIN:.0f} s: {self.log} may say why")
            time.sleep(0.01)

    def _is_ready(self, process_id: int) -> bool:
        try:
            lines = (self.path / "postmaster.pid").read_bytes().splitlines()
        except FileNotFoundError:
            return False
        return len(lines) > 1 and lines[0] == str(process_id).encode() and lines[-1].strip() == b"ready"

    def _finish(self, name: str, *arguments: str, words: str = "") -> None:
        done = subprocess.run(  # noqa: S603  our own words, and no shell
            [*self.prefix, program(name), *arguments],
            input=words.encode(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=quiet_environment(),
            cwd="/",
            check=False,
        )
        if done.returncode != 0:
            raise CannotStart(f"a database cannot be made in {self.data_dir}: {_reason(done.stdout)}")


def _account() -> tuple[int, list[str]]:
    """Whom PostgreSQL runs as, and the words before a command that make it so."""
    if os.geteuid() != 0:
        return os.geteuid(), []
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        # A plain change of user would mean to open the folders around the cluster and the socket to all processes of nobody.
        raise CannotStart("PostgreSQL refuses to be root, and there is no setpriv (util-linux): start as another user")
    nobody = pwd.getpwnam("nobody")  # initdb insists on a user with a name
    ids = f"--reuid={nobody.pw_uid}", f"--regid={nobody.pw_gid}", "--clear-groups"
    # Of the capabilities that pass private folders this is the one that root has in a container.
    return nobody.pw_uid, [setpriv, *ids, "--inh-caps=+dac_override", "--ambient-caps=+dac_override", "--"]


def _lock(data_dir: Path, undo: ExitStack) -> int:
    lock = os.open(data_dir / "postgresql.lock", os.O_RDWR | os.O_CREAT, 0o600)
    _ours_until_closed(lock, undo)
    for patience in (0.1, 0.4, 0.0):  # `running_url` of another process holds it for a moment
        with suppress(BlockingIOError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return lock
        time.sleep(patience)
    raise CannotStart(f"another Taskwell runs on the data folder {data_dir}: stop it, or choose another folder")


def _ours_until_closed(descriptor: int, undo: ExitStack) -> None:
    _ours_alone.add(descriptor)
    undo.callback(os.close, descriptor)
    undo.callback(_ours_alone.discard, descriptor)


def _socket_folder(lock: int, undo: ExitStack) -> Path:
    """A new folder. The path of a socket may have 107 bytes (103 on macOS), so it cannot be in the data folder."""
    last = Path(os.fsdecode(os.pread(lock, 4096, 0)))  # still there if everything was killed
    with suppress(OSError):
        if last.name.startswith("taskwell-") and last.stat().st_uid == os.geteuid():
            shutil.rmtree(last, ignore_errors=True)
    short = "/tmp" if os.access("/tmp", os.W_OK | os.X_OK) else None  # noqa: S108  mkdtemp is safe there; $TMPDIR can be long
    folder = tempfile.mkdtemp(prefix="taskwell-", dir=short)
    undo.callback(shutil.rmtree, folder, ignore_errors=True)
    os.ftruncate(lock, 0)
    os.pwrite(lock, os.fsencode(folder), 0)
    return Path(folder)


def _shut_down(process: "subprocess.Popen[bytes]", watcher: int) -> None:
    for request, patience in ((signal.SIGINT, 60), (signal.SIGQUIT, 10), (signal.SIGKILL, 10)):
        deadline = time.monotonic() + patience
        while process.poll() is None and time.monotonic() < deadline:
            # Again and again: a shell that is about to become PostgreSQL takes the first one for its child's, and goes on.
            process.send_signal(request)
            with suppress(subprocess.TimeoutExpired):
                process.wait(0.5)
    # Not before, as we could be killed while we wait; and without it the watcher would signal a process id that is free again.
    with suppress(BrokenPipeError):
        os.write(watcher, b"\n")


def _as_arguments(settings: Mapping[str, str]) -> list[str]:
    return [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]


def _reason(output: bytes) -> str:
    """The last line that names an error, or else the last: after its error initdb still says that it tidies up."""
    lines = [line.strip() for line in output.decode(errors="replace").splitlines() if line.strip()]
    errors = [line for line in lines if re.search(r"\b(FATAL|PANIC|ERROR|error):", line)]
    return re.sub(r"^.*?(?=FATAL|PANIC|ERROR)", "", (errors or lines or ["it gave no reason"])[-1])
