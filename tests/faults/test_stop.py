"""A stop takes a stated time, whatever clients do, and finishes what was begun (docs/deploy.md, "Rolling out")."""

import socket
import threading
import time
from contextlib import ExitStack
from pathlib import Path

import httpx

from taskwell.cli.worker import TAKE_ANSWER_SECONDS
from tests.cli.command import Serving, Visitor, assert_ended, serving
from tests.faults.locks import holding
from tests.support.signed_in import TASKS
from tests.support.wire import message

UNREAD = 20


def does_not_read(server: Serving, token: str) -> socket.socket:
    """It asks for 8 MB, which is more than the kernel keeps for it."""
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.connect(("127.0.0.1", server.port))
    for _ in range(8):
        connection.sendall(message("GET", f"{TASKS}?limit=100", ("Authorization", token)))
    return connection


def test_clients_that_do_not_read_hold_up_a_stop_for_no_more_than_it_says(own_database: str, tmp_path: Path) -> None:
    with (
        serving(tmp_path, "--workers", "2", DATABASE_URL=own_database) as server,
        Visitor(server.url) as me,
        ExitStack() as stack,
    ):
        me.signs_up()
        me.signs_in()
        for number in range(100):
            me.post(TASKS, json={"title": f"long {number}", "description": "x" * 10_000}).raise_for_status()
        for _ in range(UNREAD):
            stack.enter_context(does_not_read(server, me.headers["Authorization"]))
        assert me.get(TASKS).status_code == 200
        workers = server.wait_for_workers()
        server.process.terminate()
        assert server.process.wait(18) == 0  # 5 s on a quiet machine; without a limit it took 30
        assert_ended(workers)
        assert server.complained == ""


def test_a_request_that_takes_longer_than_clients_may_is_finished(own_database: str, tmp_path: Path) -> None:
    with serving(tmp_path, "--workers", "1", DATABASE_URL=own_database) as server, Visitor(server.url) as me:
        user_id = me.signs_up()
        me.signs_in()
        answers: list[httpx.Response] = []
        slow = threading.Thread(target=lambda: answers.append(me.post(TASKS, json={"title": "late"})))
        with holding(own_database, "SELECT FROM users WHERE id = $1 FOR UPDATE", user_id) as held:
            slow.start()
            held.wait_for_waiters(1)
            server.process.terminate()
            time.sleep(TAKE_ANSWER_SECONDS + 2)
            assert server.process.poll() is None
        slow.join(30)
        assert server.process.wait(30) == 0
        assert [answer.status_code for answer in answers] == [201]
