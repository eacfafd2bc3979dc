"""What the HTTP server cannot do about slow and greedy clients, nginx does, with the settings of deploy/nginx.conf."""

import select
import socket
from collections.abc import Iterator
from contextlib import ExitStack

import httpx
import pytest

from tests.cli.command import Visitor, free_port, serving
from tests.support import postgres
from tests.support.cast import PASSWORD
from tests.support.nginx import nginx
from tests.support.signed_in import TASKS, TOKEN
from tests.support.wire import message

CONNECTIONS = 100
"""Of one address, by its settings."""

DROPPED_WITHIN = 60
"""Seconds, on a busy machine; its settings say 10, and Taskwell alone would wait for ever."""


class Proxied:
    """Taskwell behind nginx, and somebody who is signed in. Each test comes from addresses of its own."""

    def __init__(self, port: int, me: Visitor) -> None:
        self.port = port
        self.me = me
        self.signed = ("Authorization", me.headers["Authorization"])

    def connect(self, address: str, *, receive_buffer: int | None = None) -> socket.socket:
        connection = socket.socket()
        if receive_buffer is not None:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        connection.settimeout(30)
        connection.bind((address, 0))
        connection.connect(("127.0.0.1", self.port))
        return connection

    def client(self, address: str) -> httpx.Client:
        transport = httpx.HTTPTransport(local_address=address)
        return httpx.Client(base_url=f"http://127.0.0.1:{self.port}", transport=transport, timeout=30, trust_env=False)


@pytest.fixture(scope="module")
def proxied(postgres_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxied]:
    port, folder = free_port(), tmp_path_factory.mktemp("nginx")
    with (
        postgres.new_database(postgres_url) as database,
        serving(folder, "--workers", "1", DATABASE_URL=database, TASKWELL_TRUSTED_PROXIES="127.0.0.1") as server,
        nginx(folder, port=port, taskwell=server.port),
        Visitor(f"http://127.0.0.1:{port}") as me,
    ):
        me.signs_up()
        me.signs_in()
        yield Proxied(port, me)


def everything(connection: socket.socket) -> bytes:
    """Until the other side ends it."""
    received = b""
    while piece := connection.recv(65536):
        received += piece
    return received


def was_dropped(connection: socket.socket, events: int) -> bool:
    waiting = select.poll()
    waiting.register(connection, events)  # an error and a reset are always told
    return bool(waiting.poll(DROPPED_WITHIN * 1000))


def test_ordinary_requests_go_through(proxied: Proxied) -> None:
    task = proxied.me.adds("buy milk")
    answer = proxied.me.get(f"{TASKS}/{task['id']}", headers={"X-Request-Id": "mine"})
    assert answer.json() == task
    assert answer.headers["x-request-id"] == "mine"
    again = proxied.me.get(f"{TASKS}/{task['id']}", headers={"If-None-Match": answer.headers["etag"]})
    assert again.status_code == 304
    assert proxied.me.delete(f"{TASKS}/{task['id']}").status_code == 204


def test_what_nginx_compresses_keeps_a_tag_that_is_ours(proxied: Proxied) -> None:
    task = proxied.me.adds("buy milk")
    path = f"{TASKS}/{task['id']}"
    read = proxied.me.get(path, headers={"Accept-Encoding": "gzip"})
    assert read.headers["content-encoding"] == "gzip"
    assert read.headers["etag"] == "W/" + task["etag"]
    assert proxied.me.get(path, headers={"If-None-Match": read.headers["etag"]}).status_code == 304
    changed = proxied.me.patch(path, json={"title": "buy oat milk"}, headers={"If-Match": read.headers["etag"]})
    assert changed.status_code == 200
    assert proxied.me.patch(path, json={"title": "x"}, headers={"If-Match": read.headers["etag"]}).status_code == 412


def test_a_request_of_http_1_0_needs_no_host(proxied: Proxied) -> None:
    with proxied.connect("127.0.1.2") as connection:
        connection.sendall(b"GET /healthz HTTP/1.0\r\n\r\n")
        assert everything(connection).startswith(b"HTTP/1.1 200 ")


def test_no_client_chooses_the_prefix_of_addresses(proxied: Proxied) -> None:
    made = proxied.me.post(TASKS, json={"title": "buy milk"}, headers={"X-Forwarded-Prefix": "/elsewhere"})
    assert made.headers["location"] == f"{TASKS}/{made.json()['id']}"


def test_a_half_closed_request_gets_its_answer(proxied: Proxied) -> None:
    for number in range(20):
        body = b'{"title": "half-closed %d"}' % number
        with proxied.connect("127.0.1.1") as connection:
            connection.sendall(message("POST", TASKS, proxied.signed, ("Content-Type", "application/json"), body=body))
            connection.shutdown(socket.SHUT_WR)
            assert everything(connection).startswith(b"HTTP/1.1 201 ")


def test_a_client_that_does_not_read_is_dropped(proxied: Proxied) -> None:
    for number in range(100):
        proxied.me.post(TASKS, json={"title": f"long {number}", "description": "x" * 10_000}).raise_for_status()
    ask = message("GET", f"{TASKS}?limit=100", proxied.signed)
    with proxied.connect("127.0.2.1", receive_buffer=4096) as connection:
        for _ in range(8):  # 8 MB of answers: more than the kernel keeps for it
            connection.sendall(ask)
        assert was_dropped(connection, 0)
    with proxied.client("127.0.2.1") as client:
        assert len(client.get(f"{TASKS}?limit=100", headers=dict([proxied.signed])).json()["items"]) == 100


def test_a_body_that_does_not_arrive_ends_and_an_address_has_so_many_connections(proxied: Proxied) -> None:
    half = message("POST", TASKS, proxied.signed, ("Content-Type", "application/json"), body=b'{"title": ', length=100)
    with ExitStack() as stack:
        held = [stack.enter_context(proxied.connect("127.0.3.1")) for _ in range(CONNECTIONS)]
        for connection in held:
            connection.sendall(half)
        with proxied.client("127.0.3.1") as client, proxied.client("127.0.3.2") as other:
            # nginx may be about to read the last of them still.
            assert any(client.get("/healthz").status_code == 429 for _ in range(20))
            assert other.get("/healthz").status_code == 200
            assert all(was_dropped(connection, select.POLLIN) for connection in held)
            assert any(client.get("/healthz").status_code == 200 for _ in range(20))


def test_failed_sign_ins_are_counted_by_the_address_that_nginx_saw(proxied: Proxied) -> None:
    wrong = {"username": proxied.me.email, "password": "wrong password"}
    right = {"username": proxied.me.email, "password": PASSWORD}
    with proxied.client("127.0.4.1") as attacker, proxied.client("127.0.4.2") as owner:
        # What the client itself writes into the header is not believed.
        statuses = [attacker.post(TOKEN, data=wrong, headers={"X-Forwarded-For": f"127.0.5.{n}"}).status_code for n in range(12)]
        assert (statuses[0], statuses[-1]) == (401, 429)
        assert attacker.post(TOKEN, data=right).status_code == 429
        assert owner.post(TOKEN, data=right).status_code == 200
