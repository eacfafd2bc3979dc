"""Two writers at one task, on real connections of two servers: exactly one wins, and the other is told the truth."""

import asyncio
import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest

from taskwell.types import new_id
from tests.conftest import settings_for
from tests.faults.locks import holding
from tests.support import postgres
from tests.support.cast import Person, person
from tests.support.server import RunningServer, serve
from tests.support.wire import message

TASKS = "/api/v1/tasks"
USERS = 50
LOCK = "SELECT FROM users WHERE id = ANY($1::uuid[]) FOR UPDATE"


class Request(NamedTuple):
    method: str
    path: str
    body: dict[str, Any] | None = None
    condition: tuple[str, str] | None = None


class Lane:
    """One connection to a server. A hundred of them in httpx would cost more than all that they carry."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self.close = writer.close

    @classmethod
    async def to(cls, server: RunningServer) -> "Lane":
        return cls(*await asyncio.open_connection(*server.address))

    async def send(self, token: str, request: Request) -> httpx.Response:
        headers = [("Authorization", f"Bearer {token}"), ("Content-Type", "application/json")]
        headers += [request.condition] if request.condition else []
        body = b"" if request.body is None else json.dumps(request.body).encode()
        self._writer.write(message(request.method, request.path, *headers, body=body))
        status, *lines = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1").strip().split("\r\n")
        answer = httpx.Headers([(name, value) for name, _, value in (line.partition(": ") for line in lines)])
        content = await self._reader.readexactly(int(answer.get("content-length", 0)))
        return httpx.Response(int(status.split()[1]), headers=answer, content=content)


class Racer:
    """One user's token at both servers."""

    def __init__(self, somebody: Person, task: dict[str, Any]) -> None:
        self.id = somebody.id
        self.token = somebody.token
        self.path = f"{TASKS}/{task['id']}"
        self.task = task
        self.tag = somebody.get(self.path).headers["etag"]

    def starts_again(self, course: "Course") -> None:
        """After a delete: the task at its old place."""
        headers = {"Authorization": f"Bearer {self.token}", "If-None-Match": "*"}
        made = httpx.put(course.servers[0].base_url + self.path, json={"title": "again"}, headers=headers, trust_env=False)
        assert made.status_code == 201
        self.task, self.tag = made.json(), made.headers["etag"]


class Course:
    """Two servers on one database, with a connection for each racer."""

    def __init__(self, servers: list[RunningServer], racers: list[Racer], database_url: str) -> None:
        self.servers = servers
        self.racers = racers
        self.database_url = database_url

    def run(self, rounds: int, requests: Callable[[Racer, int], list[Request]]) -> Iterator[tuple[Racer, list[httpx.Response]]]:
        """`requests(racer, turn)` gives two, one for each server, which are let go at the same moment."""
        with asyncio.Runner() as runner, ExitStack() as stack:
            lanes = [[runner.run(Lane.to(server)) for server in self.servers] for _ in self.racers]
            for lane in chain(*lanes):
                stack.callback(lane.close)
            for turn in range(rounds):
                race = self._race(lanes, [requests(racer, turn) for racer in self.racers])
                with ThreadPoolExecutor(1) as starter, holding(self.database_url, LOCK, [r.id for r in self.racers]) as held:
                    answers = starter.submit(runner.run, race)
                    held.wait_for_waiters(2 * len(self.racers))  # all have sent their statement and taken its snapshot
                    held.execute("COMMIT")
                    done = answers.result(60)
                yield from zip(self.racers, done, strict=True)

    async def _race(self, lanes: list[list[Lane]], pairs: list[list[Request]]) -> list[list[httpx.Response]]:
        async def both(racer: Racer, lanes_of_racer: list[Lane], pair: list[Request]) -> list[httpx.Response]:
            return await asyncio.gather(
                *(lane.send(racer.token, request) for lane, request in zip(lanes_of_racer, pair, strict=True))
            )

        return await asyncio.gather(*map(both, self.racers, lanes, pairs))


@pytest.fixture(scope="module")
def course(postgres_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Course]:
    data = tmp_path_factory.mktemp("data")
    with ExitStack() as stack:
        database_url = stack.enter_context(postgres.new_database(postgres_url))
        # Alone each write waits at the lock, with its snapshot taken; in a set it would be skipped, and come again later.
        settings = settings_for(database_url, data, pool_size=USERS, sets="off")
        servers = [stack.enter_context(serve(settings)) for _ in range(2)]
        racers = []
        for number in range(USERS):
            with person(servers[0], database_url, f"racer{number}") as somebody:
                racers.append(Racer(somebody, somebody.creates("start")))
        yield Course(servers, racers, database_url)


def test_of_two_writers_with_the_same_tag_exactly_one_wins_a_thousand_times(course: Course) -> None:
    def both_patch(racer: Racer, turn: int) -> list[Request]:
        return [Request("PATCH", racer.path, {"title": f"{turn} {who}"}, ("If-Match", racer.tag)) for who in ("left", "right")]

    races, winners = 0, Counter[str]()
    for racer, answers in course.run(20, both_patch):
        races += 1
        assert sorted(answer.status_code for answer in answers) == [200, 412]
        won, lost = sorted(answers, key=lambda answer: answer.status_code)
        # The loser sees the winner's task, not the one from before it waited.
        assert lost.json()["error"]["details"]["current"] == won.json()
        assert won.json()["revision"] == racer.task["revision"] + 1
        racer.task, racer.tag = won.json(), won.headers["etag"]
        winners[racer.task["title"].split()[1]] += 1
    assert races == 1000
    assert len(winners) == 2


def test_of_a_patch_and_a_delete_with_the_same_tag_exactly_one_wins(course: Course) -> None:
    def patch_and_delete(racer: Racer, _: int) -> list[Request]:
        condition = "If-Match", racer.tag
        changed = {"title": f"{racer.task['title']}+"}
        return [Request("PATCH", racer.path, changed, condition), Request("DELETE", racer.path, None, condition)]

    for racer, (patched, deleted) in course.run(2, patch_and_delete):
        outcome = patched.status_code, deleted.status_code
        assert outcome in {(200, 412), (404, 204)}
        if outcome == (200, 412):
            assert deleted.json()["error"]["details"]["current"] == patched.json()
            racer.task, racer.tag = patched.json(), patched.headers["etag"]
        else:
            racer.starts_again(course)


def test_of_two_creates_at_one_id_one_makes_the_task_and_the_other_finds_it(course: Course) -> None:
    def both_create(_: Racer, turn: int) -> list[Request]:
        new = {"id": str(new_id()), "title": f"new {turn}"}
        return [Request("POST", TASKS, new)] * 2

    for _, answers in course.run(2, both_create):
        assert sorted(answer.status_code for answer in answers) == [200, 201]
        assert answers[0].json() == answers[1].json()


def test_of_two_puts_that_create_one_creates(course: Course) -> None:
    def both_put(_: Racer, __: int) -> list[Request]:
        path = f"{TASKS}/{new_id()}"
        return [Request("PUT", path, {"title": who}, ("If-None-Match", "*")) for who in ("left", "right")]

    for _, answers in course.run(1, both_put):
        won, lost = sorted(answers, key=lambda answer: answer.status_code)
        assert (won.status_code, lost.status_code) == (201, 412)
        assert lost.json()["error"]["details"]["current"] == won.json()


def test_of_two_deletes_one_finds_nothing(course: Course) -> None:
    def both_delete(racer: Racer, _: int) -> list[Request]:
        return [Request("DELETE", racer.path)] * 2

    for racer, answers in course.run(1, both_delete):
        assert sorted(answer.status_code for answer in answers) == [204, 404]
        racer.starts_again(course)


def test_revisions_have_neither_gaps_nor_twins_and_are_committed_in_their_order(own_database: str, tmp_path: Path) -> None:
    """What a client that asks for "everything after revision n" misses: nothing."""
    seen: dict[str, int] = {}
    done = threading.Event()

    with (
        serve(settings_for(own_database, tmp_path)) as one,
        serve(settings_for(own_database, tmp_path)) as other,
        person(one, own_database, "dana") as dana,
        httpx.Client(base_url=other.base_url, headers=dana.headers, trust_env=False, timeout=30) as elsewhere,
    ):
        kept = [dana.creates(f"kept {number}") for number in range(4)]

        def follow() -> None:
            last = 0
            with holding(own_database, "COMMIT") as session:
                while True:
                    is_last_look = done.is_set()
                    for row in session.execute(
                        "SELECT id, revision FROM tasks WHERE user_id = $1 AND revision > $2", dana.id, last
                    ):
                        seen[str(row["id"])] = row["revision"]
                    last = max(seen.values(), default=0)
                    if is_last_look:
                        return

        def write(client: httpx.Client, number: int) -> list[int]:
            revisions = []
            for turn in range(60):
                if turn % 3:
                    answer = client.post(TASKS, json={"title": f"{number} {turn}"})
                else:
                    answer = client.patch(f"{TASKS}/{kept[number]['id']}", json={"description": f"{turn}"})
                assert answer.status_code in (200, 201), answer.text
                revisions.append(answer.json()["revision"])
            assert revisions == sorted(revisions)
            return revisions

        with ThreadPoolExecutor(5) as threads:
            follower = threads.submit(follow)
            writers = [threads.submit(write, client, number) for number, client in enumerate((dana, elsewhere, dana, elsewhere))]
            taken = [revision for writer in writers for revision in writer.result(120)]
            done.set()
            follower.result(30)
        assert sorted([*taken, *(task["revision"] for task in kept)]) == list(range(1, 245))
        tasks = dana.sees()
        assert seen == {task["id"]: task["revision"] for task in tasks}
        # Times never run against the revisions.
        by_revision = sorted(tasks, key=lambda task: task["revision"])
        assert [task["updated_at"] for task in by_revision] == sorted(task["updated_at"] for task in tasks)
