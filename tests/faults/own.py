"""A PostgreSQL of a test's own, to be stopped, killed and started again at one address."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil

from taskwell.database import url
from taskwell.database.embedded import EmbeddedPostgres
from taskwell.database.migrate import migrate
from tests.support import postgres


class OwnPostgres:
    """The embedded one has a new socket folder at each start; a link leads there, as a host name leads to a machine."""

    def __init__(self, data_dir: Path, link: Path, options: dict[str, str]) -> None:
        self.url = f"postgresql://taskwell@/taskwell?host={link}&port=5432"
        self.administrator_url = f"postgresql://postgres@/taskwell?host={link}&port=5432"
        self.data_dir = data_dir
        self._link = link
        self._options = options
        self._running: EmbeddedPostgres | None = None

    def start(self) -> float:
        """When it was ready, by time.monotonic()."""
        self._running = EmbeddedPostgres.start(self.data_dir, options=self._options)
        new = self._link.with_suffix(".new")
        new.symlink_to(url.parse(self._running.url).host)
        new.rename(self._link)
        return time.monotonic()

    def stop(self) -> None:
        assert self._running is not None
        self._running.stop()
        self._running = None

    def kill(self) -> None:
        """kill -9 of its first process; the others end when they notice."""
        first = psutil.Process(int((self.data_dir / "postgresql" / "postmaster.pid").read_text().partition("\n")[0]))
        children = first.children()
        first.kill()
        psutil.wait_procs(children, timeout=20)
        self.stop()

    def terminate_connections(self) -> int:
        """All of the application's. How many there were."""
        return terminate_connections(self.url)

    def close(self) -> None:
        if self._running is not None:
            self._running.stop()


OURS = "FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'taskwell'"


def connections(database_url: str) -> int:
    """Of the application, to this database."""
    return len(postgres.query(database_url, f"SELECT 1 {OURS}"))


def terminate_connections(database_url: str) -> int:
    """All of them. How many there were."""
    return len(postgres.query(database_url, f"SELECT pg_terminate_backend(pid) {OURS}"))


def end_connections(database_url: str) -> int:
    """Likewise, and PostgreSQL has ended them when this returns."""
    ended = terminate_connections(database_url)
    deadline = time.monotonic() + 20
    while connections(database_url):
        assert time.monotonic() < deadline
        time.sleep(0.002)
    return ended


@contextmanager
def own_postgres(data_dir: Path, **options: str) -> Iterator[OwnPostgres]:
    """Without fsync: a process can be killed here, but not the machine."""
    with TemporaryDirectory(prefix="taskwell-link-", dir="/tmp") as folder:
        own = OwnPostgres(data_dir, Path(folder) / "to", {"fsync": "off", **options})
        try:
            own.start()
            asyncio.run(migrate(url.parse(own.url)))
            yield own
        finally:
            with suppress(Exception):
                own.close()
