"""Taskwell's log: events, one line for each request, and what is said to whoever started the program.

It never holds a token, a password, a title or a body. Of a path it holds the template alone, without ids. With the format `json`
every line of both streams is one JSON object, which begins with `at`, `level` and `event`.
"""

import asyncio
import json
import logging
import sys
import threading
import time
import traceback
from collections.abc import Callable
from functools import lru_cache
from types import TracebackType
from typing import Any, Literal, Protocol, TextIO
from uuid import UUID

from taskwell.log import STANDARD_ERROR, Level, json_line, log, write_line

LogFormat = Literal["auto", "text", "json"]

Cut = Literal["client", "defect", "stop"]
"""Who ended a body before its end: a client that left, an error, or the server, which stops."""

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_PROBES = frozenset({"/healthz", "/readyz"})


class Logged(Protocol):
    id: bytes
    user_id: UUID | None
    template: str

    @property
    def method(self) -> str: ...


def configure(log_format: LogFormat, level: Level) -> None:
    """Set up our log and the standard library's logging alike, once a process."""
    log.become(in_json=wants_json(log_format), least=level)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLine() if log_format == "json" else logging.Formatter("%(levelname)s %(name)s %(message)s"))
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    _said.in_json = log_format == "json"
    if _said.in_json:
        logging.captureWarnings(True)
        sys.excepthook = _log_crash
        sys.unraisablehook = lambda lost: _log_crash(lost.exc_type, lost.exc_value, lost.exc_traceback)
        threading.excepthook = lambda lost: _log_crash(lost.exc_type, lost.exc_value, lost.exc_traceback)


def wants_json(log_format: LogFormat) -> bool:
    return log_format == "json" or (log_format == "auto" and not sys.stderr.isatty())


class _Said:
    """Whether people or programs read what `say` writes: where a log format was not chosen, people do."""

    in_json = False


_said = _Said()


def says_json() -> bool:
    return _said.in_json


def say(message: str, *, event: str = "said", level: str = "info") -> None:
    """Tell whoever started the program something, in one line on standard error, because scripts read what it prints."""
    line = f"taskwell: {message}"
    if _said.in_json:
        line = json_line(level, event, message=message)
    write_line(line)


def log_crash(error: BaseException) -> None:
    """Log an error that ends the process, in one line."""
    _log_crash(type(error), error, error.__traceback__)


def _log_crash(kind: type[BaseException], error: BaseException | None, trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        return
    lines = traceback.format_exception(kind, error, trace)
    write_line(json_line("error", "crash", error=kind.__name__, traceback="".join(lines)))


class JsonLine(logging.Formatter):
    """Writes what others log by the standard library (granian, asyncio, warnings) as a line like ours."""

    def format(self, record: logging.LogRecord) -> str:
        fields = {"logger": record.name, "message": record.getMessage()}
        if record.exc_info:
            fields["traceback"] = self.formatException(record.exc_info)
        return json_line(record.levelname.lower(), "log", **fields)


class AccessLog:
    """Writes one line for each request, together with the lines of all requests that end in the same turn of the event loop."""

    def __init__(
        self,
        log_format: LogFormat,
        *,
        enabled: bool,
        stream: TextIO | None = None,
        probes: bool = True,
        client: Callable[[Any], str] | None = None,
    ) -> None:
        """`probes` is whether good answers to probes are logged, too, and `client` gives the address of a request's client."""
        self._line = _json_line if wants_json(log_format) else _text_line
        self._enabled = enabled
        self._probes = probes
        self._client = client or _nobody
        self._stream = stream or STANDARD_ERROR
        self._lines: list[str] = []

    def write(self, request: Logged, status: int, began: float, cut: Cut | None) -> None:
        if not self._enabled:
            return
        probe = request.template in _PROBES and status // 100 == 2
        if probe and not self._probes:
            return
        if not self._lines:
            asyncio.get_running_loop().call_soon(self._flush)
        milliseconds = (time.perf_counter() - began) * 1000
        level = "debug" if probe else "info"
        self._lines.append(self._line(request, status, milliseconds, cut, level, self._client(request)))

    def _flush(self) -> None:
        lines, self._lines = self._lines, []
        self._stream.write("".join(lines))
        self._stream.flush()


def _nobody(_: object) -> str:
    return ""


@lru_cache(maxsize=4096)
def _quoted(text: str) -> str:
    return json.dumps(text or None)


@lru_cache(maxsize=2)
def _second(seconds: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))


def _json_line(request: Logged, status: int, milliseconds: float, cut: Cut | None, level: str, client: str) -> str:
    # Written by hand: every part of the line is our own or checked, so nothing else in it needs escaping.
    user = f'"{request.user_id}"' if request.user_id else "null"
    ended = f'"cut":"{cut}",' if cut else ""
    seconds, microseconds = divmod(time.time_ns() // 1000, 1_000_000)
    return (
        f'{{"at":"{_second(seconds)}.{microseconds:06d}Z","level":"{level}","event":"request","id":"{request.id.decode("ascii")}",'
        f'"method":"{_method(request)}","route":"{request.template}","status":{status},"ms":{milliseconds:.1f},{ended}'
        f'"user":{user},"client":{_quoted(client)}}}\n'
    )


def _method(request: Logged) -> str:
    """A known method, or `?`: any other is a text of the client's, of any length."""
    return request.method if request.method in _METHODS else "?"


def _text_line(request: Logged, status: int, milliseconds: float, cut: Cut | None, _level: str, _client: str) -> str:
    return (
        f"{time.strftime('%H:%M:%S')} {status} {_method(request):<6} {request.template or '-'} {milliseconds:.1f} ms"
        f"{f' cut={cut}' if cut else ''} user={request.user_id or '-'} id={request.id.decode('ascii')}\n"
    )
