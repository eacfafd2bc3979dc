"""Where Taskwell's own time goes: the application called in this process, without a server around it, under cProfile."""

import asyncio
import cProfile
import pstats
import random
import time
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import uvloop
from pydantic import SecretStr

from bench.measure import Setup
from bench.servers import KINDS
from taskwell.app import Taskwell, build_app
from taskwell.identity.keys import KEY_FILE
from taskwell.settings import Settings

_AT_ONCE = 16
_REQUESTS = 4000

Request = tuple[str, str, bytes, list[tuple[bytes, bytes]]]


def show(setup: Setup, workload: str) -> None:
    kind = KINDS["taskwell"]
    setup.fresh_copy(kind)
    settings = Settings(
        database_url=SecretStr(setup.postgres.url_for_servers(kind.database)),
        signing_key=SecretStr((setup.people.data_dir / KEY_FILE).read_text()),
        log_level="warning",
    )
    uvloop.run(_profile(build_app(settings), setup, workload))


async def _profile(app: Taskwell, setup: Setup, workload: str) -> None:
    answer = app.build_middleware_stack()
    await app.services.database.check_schema()
    for _ in range(2):
        await _all(answer, _requests(setup, workload))
    began = time.process_time()
    await _all(answer, _requests(setup, workload))
    # asyncpg and the event loop included, HTTP not.
    print(f"{workload}: {(time.process_time() - began) / _REQUESTS * 1e6:.1f} µs a request in this process, without HTTP")
    profiler = cProfile.Profile()
    profiler.enable()
    await _all(answer, _requests(setup, workload))
    profiler.disable()
    pstats.Stats(profiler).sort_stats("tottime").print_stats(40)
    await app.services.database.close()


async def _all(answer: Callable[..., Awaitable[None]], requests: Iterator[Request]) -> None:
    async def one_after_the_other() -> None:
        for method, path, body, headers in requests:
            await answer(_scope(method, path, headers), _receiver(body), _discard)

    await asyncio.gather(*(one_after_the_other() for _ in range(_AT_ONCE)))


def _requests(setup: Setup, workload: str) -> Iterator[Request]:
    chance = random.Random(1)
    dataset = setup.dataset
    people = [line.split() for line in setup.people.file("ed25519").read_text().splitlines()[:200]]
    for number in range(_REQUESTS):
        user = chance.randrange(len(people))
        headers = [(b"host", b"taskwell"), (b"authorization", f"Bearer {people[user][1]}".encode())]
        path = "/api/v1/tasks"
        task = f"{path}/{dataset.task_id(user, chance.randrange(dataset.each))}"
        kind = chance.choices(("list", "get", "create"), (6, 3, 1))[0] if workload == "mix" else workload
        if kind in {"list", "get"}:
            yield "GET", path if kind == "list" else task, b"", headers
            continue
        body = f'{{"title":"Profile {chance.random()} {number}"}}'.encode()
        headers += [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
        method = {"create": "POST", "patch": "PATCH", "put": "PUT"}[kind]
        yield method, path if kind == "create" else task, body, headers


def _scope(method: str, path: str, headers: list[tuple[bytes, bytes]]) -> dict[str, Any]:
    return {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method, "scheme": "http", "path": path,
        "raw_path": path.encode(), "query_string": b"", "root_path": "", "headers": headers, "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 2),
    }  # fmt: skip


def _receiver(body: bytes) -> Callable[[], Awaitable[dict[str, Any]]]:
    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    return receive


async def _discard(_: Any) -> None:
    pass
