"""Taskwell's log: events through structlog, and one line for each request.

It never holds a token, a password, a title or a body. Of a path it holds the template alone, without ids.
"""

import asyncio
import logging
import sys
import time
from typing import Literal, Protocol, TextIO
from uuid import UUID

import structlog
from structlog.typing import Processor

LogFormat = Literal["auto", "text", "json"]

Cut = Literal["client", "defect", "stop"]
"""Who ended a body before its end: a client that left, an error, or the server, which stops."""

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class Logged(Protocol):
    id: bytes
    user_id: UUID | None
    template: str

    @property
    def method(self) -> str: ...


def configure(log_format: LogFormat, level: str) -> None:
    """Set up structlog and the standard library's logging alike, once a process."""
    shared: list[Processor] = [
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    renderer: Processor = structlog.processors.JSONRenderer() if wants_json(log_format) else structlog.dev.ConsoleRenderer()
    structlog.configure(
        processors=[*shared, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(levelname)s %(name)s %(message)s", force=True)


def wants_json(log_format: LogFormat) -> bool:
    return log_format == "json" or (log_format == "auto" and not sys.stderr.isatty())


class AccessLog:
    """Writes one line for each request, together with the lines of all requests that end in the same turn of the event loop."""

    def __init__(self, log_format: LogFormat, *, enabled: bool, stream: TextIO | None = None) -> None:
        self._line = _json_line if wants_json(log_format) else _text_line
        self._enabled = enabled
        self._stream = stream or sys.stderr
        self._lines: list[str] = []

    def write(self, request: Logged, status: int, began: float, cut: Cut | None) -> None:
        if not self._enabled:
            return
        if not self._lines:
            asyncio.get_running_loop().call_soon(self._flush)
        milliseconds = (time.perf_counter() - began) * 1000
        self._lines.append(self._line(request, status, milliseconds, cut))

    def _flush(self) -> None:
        lines, self._lines = self._lines, []
        self._stream.write("".join(lines))
        self._stream.flush()


def _json_line(request: Logged, status: int, milliseconds: float, cut: Cut | None) -> str:
    # Written by hand: every part of the line is our own or checked, so nothing in it needs escaping.
    user = f'"{request.user_id}"' if request.user_id else "null"
    ended = f'"cut":"{cut}",' if cut else ""
    return (
        f'{{"event":"request","id":"{request.id.decode("ascii")}","method":"{_method(request)}",'
        f'"route":"{request.template}","status":{status},"ms":{milliseconds:.1f},{ended}"user":{user},"at":{time.time():.3f}}}\n'
    )


def _method(request: Logged) -> str:
    """A known method, or `?`: any other is a text of the client's, of any length."""
    return request.method if request.method in _METHODS else "?"


def _text_line(request: Logged, status: int, milliseconds: float, cut: Cut | None) -> str:
    return (
        f"{time.strftime('%H:%M:%S')} {status} {_method(request):<6} {request.template or '-'} {milliseconds:.1f} ms"
        f"{f' cut={cut}' if cut else ''} user={request.user_id or '-'} id={request.id.decode('ascii')}\n"
    )
