"""One run of PostgreSQL on a cluster: its first process, and what is sure to end it."""

import os
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress

from taskwell.database.embedded.cluster import Cluster, as_arguments, reason
from taskwell.database.embedded.folder import SOCKET_PORT, SocketFolder, close, keep_from_forks
from taskwell.database.embedded.programs import program, quiet_environment
from taskwell.errors import CannotStart

_LOG_LIMIT = 10 * 1024 * 1024  # bytes, looked at when we start
_READY_WITHIN = 30.0  # seconds without a word from PostgreSQL, which speaks every 10 s during a long recovery

_SETTINGS = {
    "listen_addresses": "",
    "port": SOCKET_PORT,  # said here because PGPORT would change it
    "unix_socket_permissions": "0700",
    "logging_collector": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "shared_buffers": "128MB",
    "max_connections": "100",
    "max_wal_size": "256MB",  # also bounds the recovery after a kill
    # What a client sent stands in what PostgreSQL says of an error: its DETAIL ("Key (email)=... already exists"), its CONTEXT,
    # its statement's parameters. An error's own message remains.
    "log_error_verbosity": "terse",
    "log_min_error_statement": "panic",
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
    "jit": "off",  # compiling costs more than our short statements do
}

# The shell becomes the program in "$@" and keeps its process id; a watcher stays in the background. The parentheses make it an
# orphan at once, because PostgreSQL takes the end of a child that it does not know for a crash.
_WATCHED = """
watch=$1 folder=$2; shift 2; exec 3<&0 </dev/null
(cd /; sh -c "$watch" watcher $$ "$folder" <&3 3<&- >/dev/null 2>&1 &)
exec "$@" 3<&-
"""
# A line says that PostgreSQL has ended, the end of the pipe that its writer died. SIGINT is the fast shutdown; asking again is
# harmless, and the first time may come before PostgreSQL listens.
_WATCH = 'read -r _ && exit; i=0; while [ $i -lt 100 ] && kill -INT "$1"; do sleep 0.1; i=$((i + 1)); done; rmdir "$2"'


class Postmaster:
    def __init__(self, cluster: Cluster, socket: SocketFolder, former: int | None, is_called_off: Callable[[], bool]) -> None:
        """Returns when PostgreSQL accepts connections. Raises CannotStart."""
        self._cluster = cluster
        self._is_stopped = False
        environment = quiet_environment()
        if former is not None:
            # The process that has this id now is not PostgreSQL, and pg_ctl says so by this variable. It leaves postmaster.pid
            # in place, by which PostgreSQL also makes sure that no child of the former server is still at work.
            environment["PG_GRANDPARENT_PID"] = str(former)
        folders = '"' + str(socket.path).replace('"', '""') + '"'  # a list, in which a bare comma or space would separate
        named = {"cluster_name": cluster.name, "unix_socket_directories": folders}
        settings = as_arguments({**_SETTINGS, **cluster.options, **named})
        command = [*cluster.account.prefix, program("postgres"), "-D", cluster.address, *settings]
        reading, writing = os.pipe()
        self._watcher = keep_from_forks(writing)
        try:
            log = os.open(cluster.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            try:
                if os.fstat(log).st_size > _LOG_LIMIT:
                    os.ftruncate(log, 0)
                self._said_before = os.fstat(log).st_size
                self._process = subprocess.Popen(  # noqa: S603  our own words, and no shell reads the paths
                    ["/bin/sh", "-c", _WATCHED, "sh", _WATCH, str(socket.path), *command],
                    stdin=reading,
                    stdout=log,
                    stderr=log,
                    env=environment,
                    cwd=cluster.path,
                    start_new_session=True,  # Ctrl-C reaches a whole process group, and PostgreSQL must outlive the last requests
                )
            finally:
                os.close(log)
        except BaseException:
            close(writing)
            raise
        finally:
            os.close(reading)
        try:
            self._wait_until_ready(is_called_off)
        except BaseException:
            self.stop()
            raise

    @property
    def has_ended(self) -> bool:
        return self._process.poll() is not None

    @property
    def is_ending(self) -> bool:
        """PostgreSQL was told to end by somebody else. It then waits for the connections that there are, and takes no new one."""
        return self._status() == b"stopping"

    def wait(self) -> None:
        """Wait until PostgreSQL has ended, without a timer."""
        self._process.wait()

    def stop(self) -> None:
        """Ends every connection, shuts PostgreSQL down cleanly and waits for it. May be repeated."""
        if self._is_stopped:
            return
        for request, patience in ((signal.SIGINT, 60), (signal.SIGQUIT, 10), (signal.SIGKILL, 10)):
            deadline = time.monotonic() + patience
            while self._process.poll() is None and time.monotonic() < deadline:
                # The signal is repeated: a shell that is about to become PostgreSQL ignores the first one, and goes on.
                self._process.send_signal(request)
                with suppress(subprocess.TimeoutExpired):
                    self._process.wait(0.5)
        # Not before the end, because this process could be killed while it waits. Without this line the watcher would send its
        # signal to a process id that is free again.
        with suppress(BrokenPipeError):
            os.write(self._watcher, b"\n")
        close(self._watcher)
        self._is_stopped = True

    def _wait_until_ready(self, is_called_off: Callable[[], bool]) -> None:
        heard, size = time.monotonic(), self._said_before
        while not self._is_ready():
            if self.has_ended:
                raise CannotStart(f"PostgreSQL does not start: {reason(self._said())}; {self._cluster.log} says more")
            if is_called_off():
                raise CannotStart("PostgreSQL was told to end while it started")
            now = len(self._said()) + self._said_before
            if now != size:
                heard, size = time.monotonic(), now
            if time.monotonic() - heard > _READY_WITHIN:
                raise CannotStart(f"PostgreSQL was not ready within {_READY_WITHIN:.0f} s: {self._cluster.log} may say why")
            time.sleep(0.01)

    def _said(self) -> bytes:
        try:
            return self._cluster.log.read_bytes()[self._said_before :]
        except FileNotFoundError:  # it was deleted
            return b""

    def _is_ready(self) -> bool:
        return self._status() == b"ready"

    def _status(self) -> bytes:
        """What PostgreSQL says of itself in its note: starting, ready or stopping; empty where the note is not this process's."""
        try:
            lines = (self._cluster.path / "postmaster.pid").read_bytes().splitlines()
        except OSError:
            return b""
        return lines[-1].strip() if len(lines) > 1 and lines[0] == str(self._process.pid).encode() else b""
