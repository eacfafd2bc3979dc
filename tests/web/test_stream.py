"""A streamed reply, by a face of the test's own: in pieces, at the client's pace, and closed however it ends."""

import asyncio
import json
from collections.abc import AsyncGenerator, Iterator
from contextlib import ExitStack
from io import StringIO
from pathlib import Path
from typing import Any

import httpx
import pytest

from taskwell.observability import AccessLog
from taskwell.web.reply import Reply
from taskwell.web.request import ApiRequest
from taskwell.web.router import Endpoint, Router
from taskwell.web.stream import StreamedReply
from tests.conftest import settings_for
from tests.support.logged import logged
from tests.support.server import RunningServer, serve
from tests.support.until import until
from tests.support.wire import Wire, message

PIECE = b"x" * 65_536
ENOUGH = 400
"""Pieces, 26 MB: more than all buffers between a server and a client hold."""


SECRET = "Alice buys milk"


class Feed:
    """Streams what the test wants, and knows how far it came."""

    template = "/feed/{kind}"
    method = "GET"

    def __init__(self) -> None:
        self.made = 0
        self.closed = 0
        self.goes_on = asyncio.Event()
        self.loop: asyncio.AbstractEventLoop | None = None

    async def __call__(self, request: ApiRequest) -> StreamedReply:
        self.loop = asyncio.get_running_loop()
        return StreamedReply(200, self._pieces(request.path_params["kind"]), ((b"content-type", b"text/plain"),))

    async def _pieces(self, kind: str) -> AsyncGenerator[bytes, None]:
        try:
            while kind == "endless" or self.made < ENOUGH:
                self.made += 1
                yield PIECE if kind in ("endless", "long") else b"piece %d\n" % self.made
                if kind == "broken" and self.made == 2:
                    raise ValueError(SECRET)
                if kind == "short" and self.made == 3:
                    return
                if kind in ("short", "quiet"):
                    await self.goes_on.wait()
                    self.goes_on.clear()
        finally:
            self.closed += 1

    def go_on(self) -> None:
        assert self.loop is not None
        self.loop.call_soon_threadsafe(self.goes_on.set)


class Whole:
    template = "/whole"
    method = "GET"

    async def __call__(self, request: ApiRequest) -> Reply:
        return Reply(200, b"whole")


class Stage:
    def __init__(self, server: RunningServer) -> None:
        self.server = server
        self.feed = Feed()
        self.log = StringIO()
        endpoints: list[Endpoint] = [self.feed, Whole()]
        app = server.app
        app.middleware_stack = Router(endpoints, app.services, app.router, AccessLog("json", enabled=True, stream=self.log))

    def url(self, path: str) -> str:
        return self.server.base_url + path

    def get(self, path: str, method: str = "GET") -> httpx.Response:
        return httpx.request(method, self.url(path), timeout=30, trust_env=False)

    def logged(self) -> list[dict[str, Any]]:
        until(lambda: self.log.getvalue() != "")
        return [json.loads(line) for line in self.log.getvalue().splitlines()]


@pytest.fixture
def stage(own_database: str, tmp_path: Path) -> Iterator[Stage]:
    with serve(settings_for(own_database, tmp_path)) as server:
        yield Stage(server)
        assert server.app.services.streams == set()


def test_each_piece_arrives_when_it_is_made(stage: Stage) -> None:
    with httpx.stream("GET", stage.url("/feed/short"), timeout=30, trust_env=False) as answer:
        assert answer.status_code == 200
        assert "content-length" not in answer.headers
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["x-request-id"]
        pieces = answer.iter_bytes()
        assert next(pieces) == b"piece 1\n"
        assert (stage.feed.made, stage.log.getvalue()) == (1, "")
        stage.feed.go_on()
        assert next(pieces) == b"piece 2\n"
        stage.feed.go_on()
        assert b"".join(pieces) == b"piece 3\n"
    (line,) = stage.logged()
    assert (line["route"], line["status"], "cut" in line) == ("/feed/{kind}", 200, False)
    assert stage.feed.closed == 1


def test_a_head_makes_no_piece_and_the_connection_serves_the_next_request(stage: Stage) -> None:
    with Wire(stage.server) as wire:
        wire.send(message("HEAD", "/feed/endless"))
        answer = wire.answer("HEAD")
        assert (answer.status_code, answer.content, "content-length" in answer.headers) == (200, b"", False)
        wire.send(message("GET", "/whole"))
        assert wire.answer().content == b"whole"
    assert (stage.feed.made, stage.feed.closed) == (0, 0)


@pytest.mark.parametrize("kind", ["quiet", "endless"])
def test_a_client_that_leaves_ends_the_stream(stage: Stage, kind: str) -> None:
    with httpx.stream("GET", stage.url(f"/feed/{kind}"), timeout=30, trust_env=False) as answer:
        assert next(answer.iter_raw())
    until(lambda: stage.feed.closed == 1)
    (line,) = stage.logged()
    assert (line["status"], line["cut"]) == (200, "client")
    assert stage.get("/whole").content == b"whole"


def test_an_error_in_the_middle_cuts_the_connection_and_is_logged_without_its_message(
    stage: Stage, capfd: pytest.CaptureFixture[str]
) -> None:
    with logged() as events, pytest.raises(httpx.RemoteProtocolError):
        stage.get("/feed/broken")
    (line,) = stage.logged()
    assert (line["status"], line["cut"]) == (200, "defect")
    (defect,) = events
    assert (defect["event"], defect["error"], defect["request_id"]) == ("defect", "ValueError", line["id"])
    assert "_pieces" in defect["traceback"]
    assert SECRET not in str(events) + "".join(capfd.readouterr())
    assert stage.feed.closed == 1
    assert stage.get("/whole").content == b"whole"


def test_a_stream_runs_no_further_ahead_of_a_client_than_the_buffers(stage: Stage) -> None:
    with httpx.stream("GET", stage.url("/feed/long"), timeout=30, trust_env=False) as answer:
        made = -1
        while made != stage.feed.made:  # until it stands still
            made = stage.feed.made
            for _ in range(20):
                assert stage.get("/whole").status_code == 200
        assert 0 < made < ENOUGH
        assert sum(len(piece) for piece in answer.iter_raw()) == ENOUGH * len(PIECE)
    assert (stage.feed.made, stage.feed.closed) == (ENOUGH, 1)


def test_streams_that_are_told_to_end_are_cut(stage: Stage) -> None:
    with httpx.stream("GET", stage.url("/feed/quiet"), timeout=30, trust_env=False) as answer:
        pieces = answer.iter_raw()
        assert next(pieces)
        assert stage.feed.loop is not None
        stage.feed.loop.call_soon_threadsafe(stage.server.app.services.end_streams)
        with pytest.raises(httpx.RemoteProtocolError):
            next(pieces)
    (line,) = stage.logged()
    assert (line["cut"], stage.feed.closed) == ("stop", 1)


def test_a_server_that_stops_ends_a_stream(own_database: str, tmp_path: Path) -> None:
    with ExitStack() as running:
        stage = Stage(running.enter_context(serve(settings_for(own_database, tmp_path))))
        with httpx.stream("GET", stage.url("/feed/quiet"), timeout=30, trust_env=False) as answer:
            pieces = answer.iter_raw()
            assert next(pieces)
            running.close()
            with pytest.raises(httpx.RemoteProtocolError):
                next(pieces)
    (line,) = stage.logged()
    assert (line["cut"], stage.feed.closed) == ("stop", 1)
