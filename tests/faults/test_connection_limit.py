"""A limit of connections below what the pools may open: requests share those that there are."""

import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx
import psutil
import pytest

from tests.cli.command import Serving, Visitor, serving
from tests.conftest import settings_for
from tests.faults.own import OwnPostgres, connections, own_postgres, terminate_connections
from tests.support import postgres
from tests.support.cast import person
from tests.support.server import serve

TASKS = "/api/v1/tasks"


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnPostgres]:
    with own_postgres(tmp_path_factory.mktemp("own") / "data", log_connections="receipt") as running:
        yield running


@contextmanager
def limited(own: OwnPostgres, what: str, limit: int) -> Iterator[None]:
    postgres.run(own.administrator_url, f"ALTER {what} CONNECTION LIMIT {limit}")
    try:
        yield
    finally:
        postgres.run(own.administrator_url, f"ALTER {what} CONNECTION LIMIT -1")


def asked(folder: Path) -> int:
    """How often PostgreSQL was asked for a connection."""
    return (folder / "postgresql.log").read_text().count("connection received")


@pytest.mark.parametrize("what", ["ROLE taskwell", "DATABASE taskwell"])
def test_requests_wait_for_one_of_the_connections_that_are_open(own: OwnPostgres, tmp_path: Path, what: str) -> None:
    log = Path(own.data_dir)
    with (
        serve(settings_for(own.url, tmp_path, pool_size=8)) as server,
        person(server, own.url, "alice") as alice,
        ThreadPoolExecutor(16) as threads,
    ):
        alice.creates()
        own.terminate_connections()
        with limited(own, what, 2):
            before = asked(log)

            def read(_: int) -> int:
                return alice.get(TASKS).status_code

            assert Counter(threads.map(read, range(300))) == {200: 300}
            assert connections(own.administrator_url) <= 2
            assert asked(log) - before < 30  # eight at once, and later one every five seconds


def test_the_pool_grows_when_the_limit_is_raised(own: OwnPostgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("taskwell.database.pool.REFUSED_SECONDS", 0.2)
    with (
        serve(settings_for(own.url, tmp_path, pool_size=3)) as server,
        person(server, own.url, "alice") as alice,
        ThreadPoolExecutor(16) as threads,
    ):

        def read(_: int) -> int:
            return alice.get(TASKS).status_code

        own.terminate_connections()
        with limited(own, "ROLE taskwell", 1):
            assert Counter(threads.map(read, range(100))) == {200: 100}
        assert connections(own.administrator_url) == 1
        for _ in range(100):
            assert Counter(threads.map(read, range(100))) == {200: 100}
            if connections(own.administrator_url) > 1:
                break
        else:
            pytest.fail("the pool stayed small")


def test_where_no_connection_is_open_the_request_is_told_at_once(own: OwnPostgres, tmp_path: Path) -> None:
    with serve(settings_for(own.url, tmp_path, pool_size=3)) as server, person(server, own.url, "alice") as alice:
        own.terminate_connections()
        with limited(own, "ROLE taskwell", 0), ThreadPoolExecutor(8) as threads:
            answers = list(threads.map(lambda _: alice.get(TASKS), range(16)))
            assert {(answer.status_code, answer.json()["error"]["code"]) for answer in answers} == {(503, "database_unavailable")}
            assert alice.get("/readyz").status_code == 503
        assert alice.get(TASKS).status_code == 200


def statuses(server: Serving, path: str, times: int) -> Counter[int]:
    """Of requests on connections of their own, so that each worker gets some."""
    return Counter(httpx.get(f"{server.url}{path}", trust_env=False, timeout=30).status_code for _ in range(times))


@pytest.mark.parametrize("limit", [1, 2])
def test_a_limit_below_the_number_of_workers_ends_none_of_them(own: OwnPostgres, tmp_path: Path, limit: int) -> None:
    with limited(own, "ROLE taskwell", limit), serving(tmp_path, "--workers", "2", DATABASE_URL=own.url) as server:
        workers = server.wait_for_workers()
        time.sleep(6)  # a worker that ends is started again, and all of them are ended when it does so once more
        assert server.workers() == workers
        assert statuses(server, "/healthz", 20) == {200: 20}
        assert statuses(server, "/readyz", 40)[200] > 0
        assert "Traceback" not in server.complained
        assert server.end() == 0


def replaced(server: Serving, killed: list[psutil.Process]) -> list[psutil.Process]:
    for worker in killed:
        worker.kill()
    psutil.wait_procs(killed, timeout=20)
    return server.wait_for_workers()


def test_workers_that_start_while_the_database_refuses_serve_when_it_does_not(own: OwnPostgres, tmp_path: Path) -> None:
    with serving(tmp_path, "--workers", "2", DATABASE_URL=own.url) as server, Visitor(server.url) as me:
        me.signs_up()
        token = me.post("/api/v1/auth/token", data={"username": me.email, "password": me.password}).json()["refresh_token"]
        refresh = {"grant_type": "refresh_token", "refresh_token": token}
        workers = server.wait_for_workers()
        with limited(own, "ROLE taskwell", 0):
            terminate_connections(own.administrator_url)
            workers = replaced(server, workers)
            assert me.post("/api/v1/auth/token", data=refresh).status_code == 503
            assert statuses(server, "/healthz", 20) == {200: 20}
            assert statuses(server, "/readyz", 20) == {503: 20}
        # Of a worker's first request, when nothing has told it yet by which key the token is sealed.
        assert me.post("/api/v1/auth/token", data=refresh).status_code == 200
        assert statuses(server, "/readyz", 20) == {200: 20}
        assert server.workers() == workers
        assert "Traceback" not in server.complained
        assert server.end() == 0
