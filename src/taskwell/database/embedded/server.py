"""The private PostgreSQL of this process, from its first start to its end."""

import os
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType

from taskwell.database.embedded.account import account, check_reach
from taskwell.database.embedded.cluster import Cluster
from taskwell.database.embedded.folder import Lock, SocketFolder, remove_left_behind, socket_url
from taskwell.database.embedded.postmaster import Postmaster
from taskwell.database.embedded.programs import program
from taskwell.errors import CannotStart

LOOK_SECONDS = 2.0
"""How often the socket is looked for, because no event tells that it was deleted. The end of PostgreSQL itself is an event."""

STEADY_SECONDS = 60.0
RESTART_TRIES = 5
"""How often PostgreSQL is started again before it has run for STEADY_SECONDS."""


class EmbeddedPostgres:
    """A running server. Everything here blocks."""

    def __init__(self, lock: Lock, cluster: Cluster, socket: SocketFolder) -> None:
        self.data_dir = cluster.data_dir
        self.url = socket_url(socket.path)  # for asyncpg and psql; the superuser, for whom it works too, is called postgres
        self._lock = lock
        self._cluster = cluster
        self._socket = socket
        self._process_id = os.getpid()
        self._told_to_stop = False
        self._news = threading.Event()  # PostgreSQL has ended, or we are told to stop
        self._keeper: threading.Thread | None = None
        self._postmaster = self._run()
        self._undo = ExitStack()

    @classmethod
    def start(cls, data_dir: Path, *, options: Mapping[str, str] = {}) -> "EmbeddedPostgres":
        """Returns when PostgreSQL accepts connections. `options` are more of its settings."""
        postgres = program("postgres")
        check_reach(who := account(), postgres)  # before a folder is made for it
        data_dir = Path(os.path.realpath(data_dir))
        with ExitStack() as undo:
            try:
                data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
                lock = Lock(data_dir)
                undo.callback(lock.release)
                cluster = Cluster(data_dir, who, options)
                cluster.make_if_missing()
                remove_left_behind(lock, {os.geteuid(), who.uid})
                socket = SocketFolder(data_dir, who.uid)
                undo.callback(socket.remove)
                lock.note(socket.path)
                server = cls(lock, cluster, socket)
            except OSError as error:
                raise _unusable(data_dir, error) from error
            server._undo = undo.pop_all()
        return server

    def keep_running(self, *, came_back: Callable[[str], None], gave_up: Callable[[CannotStart], None]) -> None:
        """From now on PostgreSQL is started again, at the same URL, when it or its socket is lost.

        All acknowledged data is on the disk, and so is there again. Both functions are called in another thread: `came_back` with
        the reason, each time, and `gave_up` when PostgreSQL cannot be started again.
        """
        self._keeper = threading.Thread(target=self._keep_running, args=(came_back, gave_up), daemon=True)
        self._keeper.start()

    def stop(self) -> None:
        """Ends every connection, shuts PostgreSQL down cleanly and waits for it."""
        if os.getpid() != self._process_id:
            return  # a forked child must not stop the database of its parent
        self._told_to_stop = True
        self._news.set()
        if self._keeper is not None and self._keeper.ident is not None:  # a signal may come before it has started
            self._keeper.join()
        self._postmaster.stop()
        self._undo.close()

    def __enter__(self) -> "EmbeddedPostgres":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()

    def _run(self) -> Postmaster:
        self._cluster.check()
        former = self._cluster.end_orphans()
        self._cluster.mend()
        return Postmaster(self._cluster, self._socket, former, lambda: self._told_to_stop)

    def _keep_running(self, came_back: Callable[[str], None], gave_up: Callable[[CannotStart], None]) -> None:
        tries, since = 0, time.monotonic()
        self._listen()
        while not self._told_to_stop:
            self._news.wait(LOOK_SECONDS)
            self._news.clear()
            try:
                reason = self._lost()
                if reason is None or self._told_to_stop:
                    continue
                tries = 0 if time.monotonic() - since > STEADY_SECONDS else tries
                if tries == RESTART_TRIES:
                    raise CannotStart(f"{reason}, again and again: {self._cluster.log} may say why")
                tries = self._start_again(tries)
            except CannotStart as error:
                if not self._told_to_stop:
                    gave_up(error)
                return
            since = time.monotonic()
            came_back(reason)

    def _lost(self) -> str | None:
        """Why PostgreSQL can no longer be reached, or None. Raises CannotStart when another process has its data folder."""
        try:
            self._lock.keep(self._socket)
        except OSError as error:
            raise _unusable(self.data_dir, error) from error
        if self._postmaster.has_ended:
            return "PostgreSQL has ended unasked"
        if self._postmaster.is_ending:
            return "PostgreSQL is shutting down unasked"
        return None if self._socket.is_there else "the socket of PostgreSQL is gone"

    def _start_again(self, tries: int) -> int:
        """Start PostgreSQL again. Returns the number of tries so far."""
        self._postmaster.stop()
        if not self._lock.is_in_place:
            raise CannotStart(
                f"PostgreSQL is gone, and the data folder {self.data_dir} is not the one that was there at the start"
            )
        while True:
            tries += 1
            try:
                self._socket.make_again()
                self._postmaster = self._run()
            except (CannotStart, OSError) as error:
                if tries == RESTART_TRIES or self._told_to_stop:
                    raise error if isinstance(error, CannotStart) else _unusable(self.data_dir, error) from error
                self._news.wait(1)
            else:
                self._listen()
                return tries

    def _listen(self) -> None:
        postmaster = self._postmaster

        def wait() -> None:
            postmaster.wait()
            self._news.set()

        threading.Thread(target=wait, daemon=True).start()


def _unusable(data_dir: Path, error: OSError) -> CannotStart:
    return CannotStart(f"PostgreSQL cannot use the data folder {data_dir} ({error}): make it writable, or choose another one")
