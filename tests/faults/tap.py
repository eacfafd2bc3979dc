"""A wire between the application and PostgreSQL that can be cut after a statement was done and before that was heard."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from taskwell.database import url

DONE = b"2\x00\x00\x00\x04"
"""BindComplete: how the answer to a prepared statement begins, which comes in one piece once all is committed."""

COMMITTED = b"C\x00\x00\x00\x0bCOMMIT\x00"
"""The answer to the COMMIT of a unit of work."""


class Tap:
    def __init__(self, database_url: str) -> None:
        self._target = url.parse(database_url)
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._swallow = threading.Event()
        self._beginning = DONE
        self.accepts_after = 0.0  # seconds, as a database that has to wake up
        port = self._listening.getsockname()[1]
        self.url = f"postgresql://{self._target.user}@127.0.0.1:{port}/{self._target.database}?sslmode=disable"
        threading.Thread(target=self._accept, daemon=True).start()

    def cut_before_next_answer(self, beginning: bytes = DONE) -> None:
        """Let the next statement reach PostgreSQL, wait for what it says, throw that away and hang up."""
        self._beginning = beginning
        self._swallow.set()

    @property
    def has_cut(self) -> bool:
        return not self._swallow.is_set()

    def close(self) -> None:
        with suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)  # wakes the thread that accepts, which close() would not
        self._listening.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listening.accept()
                time.sleep(self.accepts_after)
                server = self._connect()
                threading.Thread(target=self._copy, args=(client, server), daemon=True).start()
                threading.Thread(target=self._copy, args=(server, client, True), daemon=True).start()

    def _connect(self) -> socket.socket:
        if not self._target.host.startswith("/"):
            return socket.create_connection((self._target.host, self._target.port))
        server = socket.socket(socket.AF_UNIX)
        server.connect(f"{self._target.host}/.s.PGSQL.{self._target.port}")
        return server

    def _copy(self, source: socket.socket, sink: socket.socket, is_answer: bool = False) -> None:
        with source, sink:
            with suppress(OSError):
                while data := source.recv(65536):
                    if is_answer and self._swallow.is_set() and data.startswith(self._beginning):
                        self._swallow.clear()
                        break
                    sink.sendall(data)
            # Also after an error: while the other thread waits for what comes in there, to close it alone tells nobody.
            with suppress(OSError):
                sink.shutdown(socket.SHUT_RDWR)


@contextmanager
def tap(database_url: str) -> Iterator[Tap]:
    tapped = Tap(database_url)
    try:
        yield tapped
    finally:
        tapped.close()
