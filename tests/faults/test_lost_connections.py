"""Connections break: idle ones, busy ones, all of them. Nobody notices, or is told the truth about what was stored."""

import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.conftest import settings_for
from tests.faults.locks import holding
from tests.faults.own import OwnPostgres, connections, end_connections, own_postgres
from tests.faults.tap import Tap, tap
from tests.support import postgres
from tests.support.at_once import Stage, at_once, play
from tests.support.cast import Person, person
from tests.support.errors import assert_error
from tests.support.server import RunningServer, serve

TASKS = "/api/v1/tasks"


@pytest.fixture
def dana(own_database: str, tmp_path: Path) -> Iterator[Person]:
    with serve(settings_for(own_database, tmp_path)) as server, person(server, own_database, "dana") as somebody:
        yield somebody


def open_many_connections(somebody: Person, database_url: str) -> None:
    def read(_: int) -> int:
        return somebody.get(TASKS).status_code

    deadline = time.monotonic() + 20
    with ThreadPoolExecutor(16) as pool:
        while connections(database_url) < 2:
            assert set(pool.map(read, range(64))) == {200}
            assert time.monotonic() < deadline


def twelve_requests(somebody: Person, task: dict[str, Any], turn: int) -> list[tuple[int, httpx.Request]]:
    """With the status that each must have."""
    of_task = f"{TASKS}/{task['id']}"
    nothing_there = {"If-None-Match": "*"}
    requests = []
    for number in range(3):
        new = f"{TASKS}/{task['id'][:-12]}{turn:06}{number:06}"
        requests += [
            (200, somebody.build_request("PATCH", of_task, json={"title": f"{turn} {number}"})),
            (201, somebody.build_request("POST", TASKS, json={"title": "new"})),
            (200, somebody.build_request("GET", of_task)),
            (201, somebody.build_request("PUT", new, json={"title": "x"}, headers=nothing_there)),
        ]
    return requests


def test_connections_that_died_while_idle_are_replaced_unseen(dana: Person, own_database: str) -> None:
    for turn in range(3):
        open_many_connections(dana, own_database)
        requests = twelve_requests(dana, dana.creates(f"kept {turn}"), turn)
        assert end_connections(own_database) >= 2
        with ThreadPoolExecutor(4) as pool:
            statuses = list(pool.map(lambda request: dana.send(request[1]).status_code, requests))
        assert statuses == [status for status, _ in requests]


@pytest.mark.parametrize("work", ["read", "list", "create"])
def test_what_can_be_repeated_is_repeated_when_its_connection_is_killed_at_work(
    dana: Person, own_database: str, work: str
) -> None:
    task = dana.creates("there")
    requests: dict[str, Callable[[], httpx.Response]] = {
        "read": lambda: dana.get(f"{TASKS}/{task['id']}"),
        "list": lambda: dana.get(TASKS),
        "create": lambda: dana.post(TASKS, json={"title": "once"}),
    }
    with ThreadPoolExecutor(1) as pool, holding(own_database, "LOCK TABLE users IN ACCESS EXCLUSIVE MODE") as held:
        answer = pool.submit(requests[work])
        held.kills_who_waits()
        held.execute("COMMIT")
        assert answer.result(20).status_code == (201 if work == "create" else 200)
    assert Counter(task["title"] for task in dana.sees()) == Counter(["there"] + ["once"] * (work == "create"))


@pytest.mark.parametrize("method", ["PATCH", "PUT", "DELETE", "POST at an id"])
def test_what_cannot_be_repeated_says_that_nobody_knows(dana: Person, own_database: str, method: str) -> None:
    task = dana.creates("there")
    of_task = f"{TASKS}/{task['id']}"
    requests: dict[str, Callable[[], httpx.Response]] = {
        "PATCH": lambda: dana.patch(of_task, json={"title": "changed"}),
        "PUT": lambda: dana.put(of_task, json={"title": "changed"}),
        "DELETE": lambda: dana.delete(of_task),
        "POST at an id": lambda: dana.post(TASKS, json={"id": task["id"][:-4] + "0000", "title": "x"}),
    }
    with ThreadPoolExecutor(1) as pool, holding(own_database, "LOCK TABLE users IN ACCESS EXCLUSIVE MODE") as held:
        answer = pool.submit(requests[method])
        (process_id,) = held.wait_for_waiters(1)
        held.execute("SELECT pg_terminate_backend($1)", process_id)
        assert_error(answer.result(20), 503, "outcome_unknown")
    assert [task["title"] for task in dana.sees()] == ["there"]


@pytest.fixture
def tapped(own_database: str) -> Iterator[Tap]:
    with tap(own_database) as wire:
        yield wire


@pytest.fixture
def erin(tapped: Tap, own_database: str, tmp_path: Path) -> Iterator[Person]:
    """Her server's connections go through the tap."""
    with serve(settings_for(tapped.url, tmp_path)) as server, person(server, own_database, "erin") as somebody:
        assert somebody.get(TASKS).status_code == 200
        yield somebody


def test_a_create_whose_confirmation_was_lost_is_answered_and_not_done_twice(
    erin: Person, tapped: Tap, own_database: str
) -> None:
    for title in "abc":
        tapped.cut_before_next_answer()
        made = erin.post(TASKS, json={"title": title})
        assert tapped.has_cut
        assert (made.status_code, made.json()["title"]) == (201, title), made.text
        assert made.headers["location"] == f"{TASKS}/{made.json()['id']}"
    assert [task["title"] for task in erin.sees()] == ["c", "b", "a"]
    assert postgres.query(own_database, "SELECT revision FROM users WHERE id = $1", erin.id)[0]["revision"] == 3


def test_creates_of_several_people_whose_one_confirmation_was_lost_are_answered_and_not_done_twice(
    tapped: Tap, own_database: str, tmp_path: Path
) -> None:
    async def scene(stage: Stage) -> None:
        people = await stage.people(5)
        for title in "abc":
            await at_once(*(stage.send(who, "GET") for who in people))
            tapped.cut_before_next_answer()
            made = await at_once(*(stage.send(who, "POST", json={"title": title}) for who in people))
            assert tapped.has_cut
            assert [(one.status_code, one.json()["title"]) for one in made] == [(201, title)] * 5
        for who in people:
            items = (await stage.send(who, "GET")).json()["items"]
            assert [(task["title"], task["revision"]) for task in items] == [("c", 3), ("b", 2), ("a", 1)]

    play(settings_for(tapped.url, tmp_path), own_database, scene)


def test_a_create_whose_confirmation_was_lost_with_the_database_is_not_said_to_have_failed(
    erin: Person, tapped: Tap, own_database: str
) -> None:
    tapped.close()  # no new connection: the repetition cannot even be sent
    tapped.cut_before_next_answer()
    assert_error(erin.post(TASKS, json={"title": "done"}), 503, "outcome_unknown")
    assert [row["title"] for row in postgres.query(own_database, "SELECT title FROM tasks")] == ["done"]


def test_other_writes_whose_confirmation_was_lost_say_so_and_can_be_looked_up(erin: Person, tapped: Tap) -> None:
    task = erin.creates("before")
    of_task = f"{TASKS}/{task['id']}"
    tapped.cut_before_next_answer()
    assert_error(erin.patch(of_task, json={"title": "after"}), 503, "outcome_unknown")
    assert erin.get(of_task).json()["title"] == "after"
    tapped.cut_before_next_answer()
    assert_error(erin.delete(of_task), 503, "outcome_unknown")
    assert_error(erin.get(of_task), 404, "task_not_found")
    new = {"id": task["id"][:-4] + "0000", "title": "mine"}
    tapped.cut_before_next_answer()
    assert_error(erin.post(TASKS, json=new), 503, "outcome_unknown")
    assert erin.post(TASKS, json=new).status_code == 200
    assert [task["title"] for task in erin.sees()] == ["mine"]
    tapped.cut_before_next_answer()
    assert erin.get(TASKS).status_code == 200  # a read never shows it


class Loop(threading.Thread):
    """A client that never rests, and remembers what it was promised."""

    def __init__(self, somebody: Person, number: int) -> None:
        super().__init__(daemon=True)
        self._client = somebody
        self._random = random.Random(number)
        self._name = f"{somebody.email} {number}"
        self._task = somebody.creates(f"{self._name} changing")["id"]
        self.rests = threading.Event()
        self.statuses: Counter[int] = Counter()
        self.made: set[str] = set()
        self.never_made: set[str] = set()
        self.perhaps_made: set[str] = set()
        self.now: set[str | None] = {None}  # what the description of the changing task can be
        self.broken: list[str] = []

    def run(self) -> None:
        turn = 0
        while not self.rests.is_set():
            turn += 1
            work = self._random.choice([self._read, self._create, self._change])
            try:
                self._note(work(turn))
            except Exception as error:  # noqa: BLE001  a thread's error would be lost
                self.broken.append(repr(error))
                return
            time.sleep(0.002)

    def _note(self, answer: httpx.Response) -> None:
        self.statuses[answer.status_code] += 1
        if answer.status_code == 503:
            assert int(answer.headers["retry-after"]) >= 1, answer.headers
            assert answer.json()["error"]["code"] in {"database_unavailable", "database_busy", "outcome_unknown"}
        elif answer.status_code not in (200, 201):
            self.broken.append(answer.text)

    def _read(self, _: int) -> httpx.Response:
        return self._client.get(TASKS, params={"limit": 1})

    def _create(self, turn: int) -> httpx.Response:
        title = f"{self._name} {turn}"
        answer = self._client.post(TASKS, json={"title": title})
        if answer.status_code == 201:
            self.made.add(title)
        else:
            (self.perhaps_made if self._is_unknown(answer) else self.never_made).add(title)
        return answer

    def _change(self, turn: int) -> httpx.Response:
        answer = self._client.patch(f"{TASKS}/{self._task}", json={"description": str(turn)})
        if answer.status_code == 200:
            self.now = {str(turn)}
        elif self._is_unknown(answer):
            self.now.add(str(turn))
        return answer

    def _is_unknown(self, answer: httpx.Response) -> bool:
        return answer.status_code == 503 and answer.json()["error"]["code"] == "outcome_unknown"

    def assert_promises_kept(self, tasks: list[dict[str, Any]]) -> None:
        titles = Counter(task["title"] for task in tasks if task["title"].startswith(self._name))
        titles.pop(f"{self._name} changing")
        assert self.broken == []
        assert max(titles.values(), default=1) == 1, "done twice"
        assert self.made <= titles.keys(), "acknowledged and lost"
        assert not self.never_made & titles.keys(), "'nothing was changed', and it was"
        assert titles.keys() <= self.made | self.perhaps_made
        (changing,) = [task for task in tasks if task["id"] == self._task]
        assert changing["description"] in self.now


def wait_for_service(server: RunningServer, somebody: Person) -> float:
    """When the server answers 200 again."""
    deadline = time.monotonic() + 20
    with httpx.Client(base_url=server.base_url, headers=somebody.headers, trust_env=False, timeout=30) as client:
        while client.get(TASKS, params={"limit": 1}).status_code != 200:
            assert time.monotonic() < deadline
            time.sleep(0.01)
    return time.monotonic()


def restart(own: OwnPostgres, how: str) -> float:
    if how == "killed":
        own.kill()
    else:
        own.stop()
    time.sleep(0.5)
    return own.start()


def test_what_was_acknowledged_survives_lost_connections_and_restarts_and_nothing_is_done_twice(tmp_path: Path) -> None:
    with (
        own_postgres(tmp_path / "data") as own,
        serve(settings_for(own.url, tmp_path)) as server,
        person(server, own.url, "dana") as dana,
        person(server, own.url, "erin") as erin,
    ):
        loops = [Loop(somebody, number) for somebody in (dana, erin) for number in (1, 2, 3)]
        for loop in loops:
            loop.start()
        lost = 0
        for _ in range(10):
            time.sleep(0.1)
            lost += own.terminate_connections()
        assert lost >= 10
        for how in ("stopped", "killed", "stopped"):
            back = restart(own, how)
            assert wait_for_service(server, dana) - back < 1.0, how
            time.sleep(0.3)
        for loop in loops:
            loop.rests.set()
        for loop in loops:
            loop.join(30)
            assert not loop.is_alive()
        statuses = sum((loop.statuses for loop in loops), Counter[int]())
        assert statuses.keys() == {200, 201, 503}
        assert statuses[200] + statuses[201] > 200
        kept = {somebody: somebody.sees() for somebody in (dana, erin)}
        for loop in loops:
            loop.assert_promises_kept(kept[loop._client])
        for somebody, tasks in kept.items():
            revisions = [task["revision"] for task in tasks]
            assert len(set(revisions)) == len(revisions)
            assert max(revisions) <= postgres.query(own.url, "SELECT revision FROM users WHERE id = $1", somebody.id)[0][0]
