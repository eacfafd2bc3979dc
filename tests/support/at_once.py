"""The real application on the test's own event loop, so that requests begin in the same turn of it: they go in one set."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import ExitStack, asynccontextmanager
from typing import Any, TypeVar
from uuid import UUID

import httpx

from taskwell.accounts.store import learn_keys
from taskwell.app import Taskwell, build_app
from taskwell.settings import Settings
from taskwell.types import new_id
from tests.faults.locks import Held, holding
from tests.support import postgres

T = TypeVar("T")


class Stage:
    def __init__(self, app: Taskwell, client: httpx.AsyncClient, database_url: str) -> None:
        self.app = app
        self._client = client
        self._database_url = database_url
        self._tokens: dict[UUID, str] = {}

    async def person(self) -> UUID:
        user = new_id()
        await in_thread(postgres.query, self._database_url, "INSERT INTO users (id) VALUES ($1)", user)
        sign_in = self.app.services.sign_in
        assert sign_in is not None
        self._tokens[user] = sign_in.tokens.make(user)
        return user

    async def people(self, count: int) -> list[UUID]:
        return [await self.person() for _ in range(count)]

    async def api_token(self, user: UUID) -> str:
        body = {"name": "script", "scopes": ["tasks:read"], "expires_in_days": 1}
        headers = {"Authorization": f"Bearer {self._tokens[user]}"}
        answer = await self._client.post("/api/v1/auth/tokens", json=body, headers=headers)
        token: str = answer.json()["token"]
        return token

    def take_tokens_of(self, other: "Stage") -> None:
        """Another server of the same people."""
        self._tokens = other._tokens

    async def send(self, user: UUID, method: str, path: str = "", **more: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self._tokens[user]}"} | more.pop("headers", {})
        return await self._client.request(method, f"/api/v1/tasks{path}", headers=headers, **more)

    async def creates(self, user: UUID, title: str = "buy milk") -> dict[str, Any]:
        answer = await self.send(user, "POST", json={"title": title})
        assert answer.status_code == 201, answer.text
        task: dict[str, Any] = answer.json()
        return task


@asynccontextmanager
async def on_stage(settings: Settings, database_url: str) -> AsyncIterator[Stage]:
    """`database_url` is for what the application does not see."""
    app = build_app(settings)
    database, sign_in = app.services.database, app.services.sign_in
    assert sign_in is not None
    try:
        await database.check_schema()
        await learn_keys(database, sign_in.tokens)
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://test", timeout=30) as client:
            yield Stage(app, client, database_url)
    finally:
        await database.close()


def play(settings: Settings, database_url: str, scene: Callable[[Stage], Awaitable[None]]) -> None:
    async def whole() -> None:
        async with asyncio.timeout(60), on_stage(settings, database_url) as stage:
            await scene(stage)

    asyncio.run(whole())


async def at_once(*requests: Coroutine[Any, Any, T]) -> list[T]:
    """Their answers; all of them begin in one turn of the event loop."""
    return list(await asyncio.gather(*requests))


async def in_thread(function: Callable[..., T], *arguments: Any) -> T:
    return await asyncio.to_thread(function, *arguments)


@asynccontextmanager
async def holding_meanwhile(database_url: str, sql: str, *arguments: object) -> AsyncIterator[Held]:
    """What tests/faults/locks.py does. The test's event loop runs the application, so each use of it is in a thread."""
    with ExitStack() as stack:
        held = await in_thread(stack.enter_context, holding(database_url, sql, *arguments))
        try:
            yield held
        finally:
            await in_thread(stack.pop_all().close)
