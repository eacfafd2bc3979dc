"""The events of the program, one line of each on standard error: `log.warning("newer_schema", version="0014")`.

They come from every part, so nothing is imported here. docs/decisions/0019-log.md says why there is no library for it.
"""

import json
import sys
import time
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, Final, Literal, TextIO, cast

Level = Literal["debug", "info", "warning", "error"]

_LEVELS: Final[tuple[Level, ...]] = ("debug", "info", "warning", "error")


class _StandardError:
    """What everything is written to that is logged. Where the terminal is gone a line is lost, and no request with it."""

    def write(self, text: str) -> None:
        with suppress(OSError):
            sys.stderr.write(text)

    def flush(self) -> None:
        with suppress(OSError):
            sys.stderr.flush()


STANDARD_ERROR: Final = cast("TextIO", _StandardError())


def write_line(line: str) -> None:
    print(line, file=STANDARD_ERROR, flush=True)


def json_line(level: str, event: str, **fields: Any) -> str:
    return json.dumps({"at": _stamp(time.time()), "level": level, "event": event, **fields}, default=str)


def text_line(level: str, event: str, **fields: Any) -> str:
    """For a person at a terminal. A value is written as JSON has it, so that none of its characters moves the cursor."""
    told = (f" {name}={json.dumps(value, default=str)}" for name, value in fields.items())
    return f"{time.strftime('%H:%M:%S')} {level} {event}{''.join(told)}"


def _stamp(seconds: float) -> str:
    """The time with all six digits, so that lines can be compared as text."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


class Log:
    """It writes everything, as text, until it is told otherwise."""

    def __init__(self) -> None:
        self.become(in_json=False, least="debug")

    def become(self, *, in_json: bool, least: Level) -> None:
        """How events are written from now on, and which: those of the level `least` and of the levels above it."""
        self._line = json_line if in_json else text_line
        self._written = frozenset(_LEVELS[_LEVELS.index(least) :])

    def info(self, event: str, **fields: Any) -> None:
        self._tell("info", event, fields)

    def warning(self, event: str, **fields: Any) -> None:
        self._tell("warning", event, fields)

    def error(self, event: str, **fields: Any) -> None:
        self._tell("error", event, fields)

    def _tell(self, level: Level, event: str, fields: dict[str, Any]) -> None:
        if level in self._written:
            write_line(self._line(level, event, **fields))


log: Final = Log()
