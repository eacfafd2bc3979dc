"""The server and its PostgreSQL are killed (kill -9) while clients write with keys, and one follows the feed."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from threading import Event
from typing import Any
from uuid import uuid4

import httpx

from tests.cli.command import Serving, Visitor, free_port, serving
from tests.faults.own import OwnPostgres, own_postgres
from tests.support import postgres
from tests.support.replica import CHANGES, Replica

TASKS = "/api/v1/tasks"
WRITERS = 4
BETWEEN = 30
"""So many writes are acknowledged between one kill and the next."""


def until_answered(ask: Callable[[], httpx.Response]) -> httpx.Response:
    """As docs/sync.md has it: again, until there is an answer."""
    deadline = time.monotonic() + 60
    while True:
        with suppress(httpx.TransportError):
            answer = ask()
            if answer.status_code < 500 and "idempotency_key_in_use" not in answer.text:
                return answer
        assert time.monotonic() < deadline, "no answer came any more"
        time.sleep(0.02)


class PatientReplica(Replica):
    def ask(self, *, limit: int | None = None, **more: Any) -> httpx.Response:
        return until_answered(lambda: Replica.ask(self, limit=limit, **more))


class Writer:
    """What its user should have by it in the end. `done` counts the writes, each of which changes something."""

    def __init__(self, me: httpx.Client) -> None:
        self.me = me
        self.titles: dict[str, str] = {}
        self.done = 0

    def work(self, is_over: Event) -> None:
        while not is_over.is_set():
            self.write(self.done % 4)

    def write(self, turn: int) -> None:
        title, headers = str(uuid4()), {"Idempotency-Key": str(uuid4())}
        if turn < 2:
            made = until_answered(lambda: self.me.post(TASKS, json={"title": title}, headers=headers))
            assert made.status_code == 201, made.text
            self.titles[made.json()["id"]] = title
        else:
            task_id = next(iter(self.titles))
            path = f"{TASKS}/{task_id}"
            if turn == 2:
                changed = until_answered(lambda: self.me.patch(path, json={"title": title}, headers=headers))
                assert (changed.status_code, changed.json()["title"]) == (200, title)
                self.titles[task_id] = title
            else:
                assert until_answered(lambda: self.me.delete(path, headers=headers)).status_code == 204
                del self.titles[task_id]
        self.done += 1


class Crashing:
    """A server at one address, on a PostgreSQL at one address."""

    def __init__(self, stack: ExitStack, folder: Path) -> None:
        self.database: OwnPostgres = stack.enter_context(own_postgres(folder / "postgres"))
        self._folder = folder
        self._port = free_port()
        self._running = stack.enter_context(ExitStack())
        self.server = self._serve()

    def _serve(self) -> Serving:
        return self._running.enter_context(serving(self._folder, port=self._port, DATABASE_URL=self.database.url))

    def kill_postgres(self) -> None:
        self.database.kill()
        self.database.start()

    def kill_both(self) -> None:
        os.killpg(self.server.process.pid, signal.SIGKILL)
        self.kill_postgres()
        self.server.process.wait()
        self._running.close()
        self.server = self._serve()


@contextmanager
def crashing(folder: Path) -> Iterator[Crashing]:
    with ExitStack() as stack:
        yield Crashing(stack, folder)


def everything(me: httpx.Client) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    query: dict[str, Any] = {"limit": 100}
    while True:
        page = me.get(TASKS, params=query).json()
        found |= {task["id"]: task for task in page["items"]}
        if page["next_cursor"] is None:
            return found
        query["cursor"] = page["next_cursor"]


def test_what_is_written_with_keys_through_crashes_is_done_once_and_heard(tmp_path: Path) -> None:
    with crashing(tmp_path) as place, Visitor(place.server.url) as me, ThreadPoolExecutor(WRITERS + 1) as pool:
        user_id = me.signs_up()
        me.signs_in()
        replica, writers, is_over = PatientReplica(me, limit=7), [Writer(me) for _ in range(WRITERS)], Event()

        def follow() -> None:
            while not is_over.is_set():
                replica.step()

        working = [pool.submit(writer.work, is_over) for writer in writers] + [pool.submit(follow)]
        try:
            for kill in (place.kill_postgres, place.kill_both):
                goal = sum(writer.done for writer in writers) + BETWEEN
                while sum(writer.done for writer in writers) < goal:
                    assert not any(one.done() for one in working), [one.exception() for one in working if one.done()]
                    time.sleep(0.005)
                kill()
        finally:
            is_over.set()
        for one in working:
            one.result()
        replica.catch_up()
        there = everything(me)
        assert replica.of("task") == there
        assert {task_id: task["title"] for task_id, task in there.items()} == {
            task_id: title for writer in writers for task_id, title in writer.titles.items()
        }
        (user,) = postgres.query(place.database.url, "SELECT revision FROM users WHERE id = $1", user_id)
        assert user["revision"] == sum(writer.done for writer in writers), "each key had one effect"
        assert until_answered(lambda: me.get(CHANGES, params={"since": replica.token})).json()["items"] == []
