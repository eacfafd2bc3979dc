"""A client of GET /events, as a browser's EventSource reads it."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import httpx

EVENTS = "/api/v1/events"
TICKET = f"{EVENTS}/ticket"


class Event(NamedTuple):
    id: str
    data: dict[str, Any]


class Stream:
    """`comments` counts the heartbeats that came before the last event."""

    def __init__(self, answer: httpx.Response) -> None:
        self.answer = answer
        self._lines = answer.iter_lines()

    def next(self) -> Event | None:
        """The next event; None where the stream has ended."""
        event_id, data = "", ""
        for line in self._lines:
            name, _, value = line.partition(": ")
            if name == "id":
                event_id = value
            elif name == "data":
                data = value
            elif not line and data:
                return Event(event_id, json.loads(data))
        return None

    def revision(self) -> int:
        event = self.next()
        assert event is not None, "the stream has ended"
        assert event.data["token"] == event.id
        revision: int = event.data["revision"]
        return revision


@contextmanager
def listening(client: httpx.Client, path: str = EVENTS, last: str | None = None, **headers: str) -> Iterator[Stream]:
    more = headers | ({} if last is None else {"Last-Event-ID": last})
    with client.stream("GET", path, headers=more) as answer:
        assert answer.status_code == 200, answer.read()
        assert answer.headers["content-type"] == "text/event-stream"
        yield Stream(answer)
