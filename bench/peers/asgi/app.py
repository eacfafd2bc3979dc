"""The limit: one bare ASGI function, asyncpg, JSON by PostgreSQL. No routing, no sign-in, no validation, no ETags.

It is not a way to write an application; it is what is left of one when all that can be left out is left out.
"""

import asyncio
import json
import os
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from uuid import UUID

import asyncpg
import uuid_utils.compat

Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]

_FIELDS = "id, user_id, title, description, is_completed, completed_at, created_at, updated_at, revision"
_LIST = f"""
SELECT coalesce(string_agg(row_to_json(item)::text, ','), '') FROM (
    SELECT {_FIELDS} FROM tasks WHERE user_id = $1 AND deleted_at IS NULL ORDER BY created_at DESC, id DESC LIMIT 20
) AS item
"""
_GET = f"SELECT row_to_json(item)::text FROM (SELECT {_FIELDS} FROM tasks WHERE user_id = $1 AND id = $2) AS item"
_CREATE = f"""
WITH item AS (
    INSERT INTO tasks (user_id, id, title, description, is_completed, created_at, updated_at, revision)
    VALUES ($1, $2, $3, $4, false, now(), now(), 1) RETURNING {_FIELDS}
)
SELECT row_to_json(item)::text FROM item
"""
_PREFIX = len("/api/v1/tasks/")
_HEADERS = [(b"content-type", b"application/json")]

_idle: asyncio.Queue[Any] = asyncio.Queue()


async def _start() -> None:
    for _ in range(int(os.environ["POOL_SIZE"])):
        connection = await asyncpg.connect(os.environ["DATABASE_URL"], server_settings={"timezone": "UTC"})
        _idle.put_nowait(connection)


async def _value(statement: str, *arguments: Any) -> str | None:
    connection = await _idle.get()
    try:
        value: str | None = await connection.fetchval(statement, *arguments)
    finally:
        _idle.put_nowait(connection)
    return value


async def app(scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
    if scope["type"] == "lifespan":
        await receive()
        await _start()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.complete"})
        return
    user = UUID(dict(scope["headers"])[b"x-user-id"].decode())
    path = scope["path"]
    status = 200
    if scope["method"] == "POST":
        new = json.loads((await receive())["body"])
        text = await _value(_CREATE, user, uuid_utils.compat.uuid7(), new["title"], new.get("description"))
        status = 201
    elif len(path) > _PREFIX:
        text = await _value(_GET, user, UUID(path[_PREFIX:]))
        if text is None:
            status, text = 404, "{}"
    else:
        text = f'{{"items":[{await _value(_LIST, user)}]}}'
    body = (text or "").encode()
    await send({"type": "http.response.start", "status": status, "headers": [*_HEADERS, (b"content-length", b"%d" % len(body))]})
    await send({"type": "http.response.body", "body": body})
