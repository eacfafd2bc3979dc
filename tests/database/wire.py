"""A look at the wire: a proxy between the application and PostgreSQL that keeps the kinds of the messages that pass.

What a library says of itself would count calls; a round trip is what is sent and then waited for. In PostgreSQL's protocol
that is a Sync (or a simple Query, which has one built in).
"""

import asyncio
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

import httpx

from taskwell.database import url
from taskwell.settings import Settings
from tests.support.server import RunningServer

ROUND_TRIPS = frozenset("SQ")
"""Sync and Query: the server answers these, and the client waits for it."""

PREPARED = "BES"
"""A prepared statement in one round trip: Bind, Execute, Sync."""


class Wire:
    """What clients have sent so far: one letter a message, as the protocol has it (P: Parse, B: Bind, E: Execute, S: Sync...)."""

    def __init__(self) -> None:
        self.sent = ""

    def since(self, mark: int) -> str:
        return self.sent[mark:]

    def mark(self) -> int:
        return len(self.sent)


class Tap(NamedTuple):
    """An application, a client of it, and what it asks its database."""

    server: RunningServer
    client: httpx.Client
    wire: Wire


class Tapped(NamedTuple):
    """The settings of an application, and what it asks its database."""

    settings: Settings
    wire: Wire


@contextmanager
def tapped(database_url: str) -> Iterator[tuple[str, Wire]]:
    """The URL of a proxy before the database, and what passes through it. There must be no TLS in between."""
    wire = Wire()
    target = url.parse(database_url).arguments()
    with tempfile.TemporaryDirectory(prefix="wire-") as folder:
        loop = asyncio.new_event_loop()
        ready, stop = threading.Event(), asyncio.Event()

        async def serve() -> None:
            async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                await _carry(reader, writer, str(target["host"]), int(target["port"]), wire)

            server = await asyncio.start_unix_server(client, Path(folder) / ".s.PGSQL.5432")
            ready.set()
            await stop.wait()
            server.close()

        thread = threading.Thread(target=lambda: loop.run_until_complete(serve()), daemon=True)
        thread.start()
        assert ready.wait(10)
        try:
            yield f"postgresql://{target['user']}@/{target['database']}?host={quote(folder, safe='')}", wire
        finally:
            loop.call_soon_threadsafe(stop.set)
            thread.join(10)
            loop.close()


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, host: str, port: int, wire: Wire) -> None:
    if host.startswith("/"):
        back_reader, back_writer = await asyncio.open_unix_connection(f"{host}/.s.PGSQL.{port}")
    else:
        back_reader, back_writer = await asyncio.open_connection(host, port)

    async def requests() -> None:
        first = True
        while True:
            kind = b"" if first else await reader.readexactly(1)  # the first message has no letter
            length = await reader.readexactly(4)
            body = await reader.readexactly(int.from_bytes(length) - 4)
            wire.sent += kind.decode()
            back_writer.write(kind + length + body)
            first = False

    async def answers() -> None:
        while chunk := await back_reader.read(65536):
            writer.write(chunk)

    tasks = [asyncio.create_task(requests()), asyncio.create_task(answers())]
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    for one in (writer, back_writer):
        one.close()
        with suppress(OSError):
            await one.wait_closed()
