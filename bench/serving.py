"""One Taskwell with few users, for what is not measured by the second: `Client` is a connection of one of them."""

import http.client
import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from bench import checkout, options, postgres, servers
from bench.dataset import Dataset
from bench.people import People

Record = dict[str, Any]


class Serving(NamedTuple):
    pid: int  # of the first process
    port: int
    tokens: list[str]  # an access token of each user


class Client:
    def __init__(self, port: int, token: str) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=90)
        self._headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}

    def ask(self, method: str, path: str, body: Record | None = None) -> Record:
        self._connection.request(method, f"/api/v1{path}", None if body is None else json.dumps(body), self._headers)
        answer = self._connection.getresponse()
        said = answer.read()
        if answer.status >= 400:
            raise SystemExit(f"{method} {path} answered {answer.status} {said[:300]!r}")
        found: Record = json.loads(said or b"{}")
        return found


@contextmanager
def serving(*, users: int = 1, workers: int, distance_ms: float = 0) -> Iterator[Serving]:
    """Each user has one task; the database is so far away."""
    dataset = Dataset(users=users, each=1)
    with (
        tempfile.TemporaryDirectory(prefix="taskwell-bench-") as folder,
        postgres.running(Path(folder, "db"), distance_ms) as database,
    ):
        kind = servers.KINDS["taskwell"]
        database.create(kind.database, checkout.this())
        database.add(dataset, kind.database)
        ids = [dataset.user_id(user) for user in range(users)]
        people = People(Path(folder), ids)
        chosen = options.parse(["--quick", "--workers", str(workers)], [])
        with servers.running(kind, chosen, database, people, log=Path(folder, "taskwell.log")) as server:
            yield Serving(server.pid, server.port, [people.token(user, kind.tokens) for user in ids])
