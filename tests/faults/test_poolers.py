"""Through PgBouncer, by transaction: another client's statement runs next on the same connection, and nothing gets mixed up."""

import os
import pwd
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from taskwell.database import url
from tests.cli.command import free_port
from tests.conftest import settings_for
from tests.faults.locks import holding
from tests.support.cast import Person, person
from tests.support.server import serve

TASKS = "/api/v1/tasks"
PGBOUNCER = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin")
CONNECTIONS = 2
OF_CLIENTS = "('application_name', 'client_encoding', 'TimeZone')"  # which PgBouncer itself sets for whoever has the connection

pytestmark = pytest.mark.skipif(PGBOUNCER is None, reason="pgbouncer is not installed")


@pytest.fixture
def pooled_url(own_database: str) -> Iterator[str]:
    """The same database through a PgBouncer with two connections to it, and no memory for prepared statements."""
    assert PGBOUNCER is not None
    target, port = url.parse(own_database), free_port()
    server = f"host={target.host} port={target.port} dbname={target.database} user={target.user}"
    server += f" password={target.password}" if target.password else ""
    with TemporaryDirectory(dir="/tmp", prefix="pgbouncer-") as folder:
        configuration = Path(folder) / "pgbouncer.ini"
        configuration.write_text(
            f"[databases]\npooled = {server}\n"
            f"[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\n"
            f"auth_type = any\npool_mode = transaction\ndefault_pool_size = {CONNECTIONS}\n"
        )
        command = [PGBOUNCER, str(configuration)]
        if os.geteuid() == 0:  # which it refuses to be
            nobody = pwd.getpwnam("nobody")
            os.chown(folder, nobody.pw_uid, -1)
            reach = "--inh-caps=+dac_override", "--ambient-caps=+dac_override"  # the socket is in a private folder
            command = ["setpriv", f"--reuid={nobody.pw_uid}", f"--regid={nobody.pw_gid}", "--clear-groups", *reach, *command]
        with (Path(folder) / "log").open("wb") as log, subprocess.Popen(command, stdout=log, stderr=log) as process:
            try:
                deadline = time.monotonic() + 20
                while True:
                    with suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port), timeout=1):
                        break
                    assert process.poll() is None, (Path(folder) / "log").read_text()
                    assert time.monotonic() < deadline
                    time.sleep(0.02)
                yield f"postgresql://someone@127.0.0.1:{port}/pooled?sslmode=disable"
            finally:
                process.terminate()
                process.wait(20)


def test_two_users_at_once_each_get_their_own_values(pooled_url: str, own_database: str, tmp_path: Path) -> None:
    right: list[bool] = []

    def work(somebody: Person, number: int) -> None:
        mine = f"{somebody.email} {number}"
        for turn in range(75):
            made = somebody.post(TASKS, json={"title": f"{mine} {turn}", "description": mine})
            task = f"{TASKS}/{made.json()['id']}"
            changed = somebody.patch(task, json={"description": f"{mine} {turn}"}, headers={"If-Match": made.headers["etag"]})
            read = somebody.get(task)
            page = somebody.get(TASKS, params={"limit": 1 + turn % 3})
            right.append((made.status_code, made.json()["title"]) == (201, f"{mine} {turn}"))
            right.append((changed.status_code, changed.json()["description"]) == (200, f"{mine} {turn}"))
            right.append((read.status_code, read.json()) == (200, changed.json()))
            items = page.json()["items"]
            right.append(
                (page.status_code, len(items)) == (200, min(1 + turn % 3, len(items)))
                and all(item["title"].startswith(somebody.email) for item in items)
            )

    settings = settings_for(pooled_url, tmp_path, prepared_statements="off")
    with (
        serve(settings) as one,
        serve(settings) as other,
        person(one, own_database, "alice") as alice,
        person(other, own_database, "bob") as bob,
        ThreadPoolExecutor(4) as threads,
    ):
        for working in [threads.submit(work, *pair) for pair in ((alice, 1), (bob, 1), (alice, 2), (bob, 2))]:
            working.result(120)
        assert len(right) == 1200
        assert right.count(True) == 1200
        assert len(alice.sees()) == len(bob.sees()) == 150


def test_nothing_is_left_in_a_session_that_the_next_client_gets(pooled_url: str, own_database: str, tmp_path: Path) -> None:
    def sessions() -> list[tuple[object, ...]]:
        """What every one of PgBouncer's connections has that a new one has not."""
        found = []
        with (
            holding(pooled_url, "SELECT 1") as first,
            holding(pooled_url, "SELECT 1") as second,
        ):  # a transaction each: all of them
            for session in (first, second):
                (statements,) = session.execute("SELECT count(*) FROM pg_prepared_statements WHERE name <> ''")
                (listening,) = session.execute("SELECT count(*) FROM pg_listening_channels()")
                (locks,) = session.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'")
                settings = session.execute("SELECT name FROM pg_settings WHERE source = 'session' AND name NOT IN " + OF_CLIENTS)
                (number,) = session.execute("SELECT pg_backend_pid()")
                found.append((number[0], [row["name"] for row in settings], listening[0], locks[0]))
                assert statements[0] <= 8  # of this very look: asyncpg prepares here
        assert len({number for number, *_ in found}) == CONNECTIONS
        return sorted((tuple(settings), listening, locks) for _, settings, listening, locks in found)

    before = sessions()
    settings = settings_for(pooled_url, tmp_path, prepared_statements="off")
    with serve(settings) as server, person(server, own_database, "alice") as alice, ThreadPoolExecutor(4) as threads:
        for made in threads.map(lambda turn: alice.creates(f"{turn}"), range(20)):
            assert alice.get(f"{TASKS}/{made['id']}").status_code == 200
        assert [row["created_at"][-6:] for row in alice.sees()] == ["+00:00"] * 20
    assert sessions() == before
