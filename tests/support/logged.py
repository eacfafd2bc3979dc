"""What this process logs: the events, as they are written in JSON."""

import io
import json
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr
from typing import Any

from taskwell.log import log


@contextmanager
def logged() -> Iterator[list[dict[str, Any]]]:
    """The events of all levels. They are in the list when the block has ended."""
    events: list[dict[str, Any]] = []
    said = io.StringIO()
    log.become(in_json=True, least="debug")
    try:
        with redirect_stderr(said):
            yield events
    finally:
        as_before()
        events += map(json.loads, said.getvalue().splitlines())


def as_before() -> None:
    """As the log is before anything configures it."""
    log.become(in_json=False, least="debug")
