"""Requests at a fixed rate over many connections, whether or not the server keeps up: an open loop.

A request's latency counts from the moment at which it was due, not from when a connection came free for it, so a server that
stalls for a second is charged for all that was due in that second. One process, raw sockets, requests written in advance: it
shares the cores with what it measures.

    python -m bench.open_loop < a JSON object of Plan's fields
"""

import asyncio
import json
import random
import re
import resource
import subprocess
import sys
import time
from collections import deque
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, cast

import uvloop

from bench.dataset import Dataset

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_TICK = 0.001
_SETTLE_SECONDS = 1.0
"""Its latencies are not counted: connections are new and caches cold. Its errors are."""
_DRAIN_SECONDS = 10.0


@dataclass(frozen=True)
class Plan:
    port: int
    rate: int
    seconds: float
    connections: int
    users: int
    each: int
    people: str
    auth: str
    seed: int


class Connection(asyncio.Protocol):
    """One request at a time."""

    __slots__ = ("_buffer", "_due", "_load", "_need", "_transport")

    def __init__(self, load: "Load") -> None:
        self._load = load
        self._due = 0.0  # 0: idle
        self._buffer = b""
        self._need = 0
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is none by its class
        self._load.idle.append(self)

    def send(self, request: bytes, due: float) -> None:
        assert self._transport is not None
        self._due = due
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        if self._buffer:
            data = self._buffer + data
        if not self._need:
            end = data.find(b"\r\n\r\n")
            if end < 0:
                self._buffer = data
                return
            found = _LENGTH.search(data, 0, end + 2)
            self._need = end + 4 + (int(found[1]) if found else 0)
        if len(data) < self._need:
            self._buffer = data
            return
        self._buffer, self._need = b"", 0
        due, self._due = self._due, 0.0
        self._load.answered(self, due, is_good=data[9:10] == b"2")

    def connection_lost(self, _: Exception | None) -> None:
        self._load.lost(self, was_busy=self._due > 0)


class Load:
    def __init__(self, plan: Plan) -> None:
        self.idle: deque[Connection] = deque()
        self.latencies: list[float] = []
        self.completed = 0
        self.errors = 0
        self.backlog = 0  # the most requests that were due while no connection was free
        self._plan = plan
        self._began = 0.0
        self._due: deque[float] = deque()
        self._sent = 0
        self._requests = _requests(plan)

    async def run(self) -> None:
        loop = asyncio.get_running_loop()
        for _ in range(self._plan.connections):
            await loop.create_connection(lambda: Connection(self), "127.0.0.1", self._plan.port)
        self._began = time.perf_counter()
        total = int(self._plan.rate * self._plan.seconds)
        planned = 0
        while planned < total:
            now = time.perf_counter()
            ready = min(total, int((now - self._began) * self._plan.rate) + 1)
            while planned < ready:
                self._due.append(self._began + planned / self._plan.rate)
                planned += 1
            while self._due and self.idle:
                self._send()
            self.backlog = max(self.backlog, len(self._due))
            await asyncio.sleep(_TICK)
        deadline = time.perf_counter() + _DRAIN_SECONDS
        while self.completed + self.errors < total and time.perf_counter() < deadline:  # noqa: ASYNC110  not while it counts
            await asyncio.sleep(0.01)
        self.errors += max(0, total - self.completed - self.errors)  # never answered

    def _send(self) -> None:
        request = self._requests[self._sent % len(self._requests)]
        self._sent += 1
        self.idle.popleft().send(request, self._due.popleft())

    def answered(self, connection: Connection, due: float, *, is_good: bool) -> None:
        if is_good:
            self.completed += 1
            if due - self._began >= _SETTLE_SECONDS:
                self.latencies.append(time.perf_counter() - due)
        else:
            self.errors += 1
        # To the end of the queue, so that all connections are in use and not the same few.
        self.idle.append(connection)
        if self._due:
            self._send()

    def lost(self, connection: Connection, *, was_busy: bool) -> None:
        if was_busy:
            self.errors += 1
        elif connection in self.idle:
            self.idle.remove(connection)


def _requests(plan: Plan) -> list[bytes]:
    """The mix, written in advance: 60 % lists, 30 % single tasks, 10 % new ones, in random order."""
    chance = random.Random(plan.seed)
    dataset = Dataset(plan.users, plan.each)
    people = [line.split() for line in Path(plan.people).read_text().splitlines()]
    made = []
    for number in range(20_000):
        user = chance.randrange(plan.users)
        user_id, token = people[user]
        who = f"Authorization: Bearer {token}" if plan.auth == "bearer" else f"X-User-Id: {user_id}"
        head = f"Host: taskwell\r\n{who}\r\n"
        dice = chance.randrange(10)
        if dice < 6:
            request = f"GET /api/v1/tasks HTTP/1.1\r\n{head}\r\n"
        elif dice < 9:
            task = dataset.task_id(user, chance.randrange(plan.each))
            request = f"GET /api/v1/tasks/{task} HTTP/1.1\r\n{head}\r\n"
        else:
            body = f'{{"title":"Open loop {plan.seed}-{number}","description":"Two litres, the blue one, and a loaf"}}'
            more = f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
            request = f"POST /api/v1/tasks HTTP/1.1\r\n{head}{more}\r\n{body}"
        made.append(request.encode())
    return made


def _percentile(values: list[float], share: float) -> float:
    return values[min(len(values) - 1, int(len(values) * share))] * 1000 if values else float("inf")


def in_own_process(plan: Plan) -> dict[str, Any]:
    """What `main` says of this plan, without a byte of it in the process that does the accounting."""
    command = [sys.executable, "-m", "bench.open_loop"]
    said = subprocess.run(command, input=json.dumps(asdict(plan)), capture_output=True, text=True, check=False)
    if said.returncode != 0:
        raise RuntimeError(f"the open loop failed: {said.stderr[-500:]}")
    found: dict[str, Any] = json.loads(said.stdout)
    return found


def main() -> None:
    plan = Plan(**json.load(sys.stdin))
    load = Load(plan)
    uvloop.run(load.run())
    values = sorted(load.latencies)
    usage = resource.getrusage(resource.RUSAGE_SELF)
    shown = {
        "requests": load.completed + load.errors,
        "errors": load.errors,
        "backlog": load.backlog,
        "p50": _percentile(values, 0.50),
        "p95": _percentile(values, 0.95),
        "p99": _percentile(values, 0.99),
        "max": _percentile(values, 1.0),
        "client_cpu_seconds": usage.ru_utime + usage.ru_stime,
    }
    print(json.dumps(shown))


if __name__ == "__main__":
    main()
