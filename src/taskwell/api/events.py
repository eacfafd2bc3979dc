"""The operations that tell at once that something has changed: Server-Sent Events (the HTML standard, 9.2)."""

import json
from collections.abc import AsyncGenerator
from contextlib import suppress
from typing import Annotated, Any, Final

import asyncpg
from fastapi import APIRouter, Query
from fastapi import Header as HeaderParameter
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from taskwell.accounts.owner import Owner, row_for
from taskwell.api.answers import OWN_ROWS, refuses
from taskwell.api.changes import watched_by
from taskwell.api.dependencies import DatabaseItself, RowsToRead, RowsToWatch, SignInServices
from taskwell.api.documents import EventTicket
from taskwell.changes import tokens
from taskwell.changes.statements import READ_REVISION
from taskwell.changes.tokens import NEVER, FeedPlace
from taskwell.changes.watch import Watch
from taskwell.database.connection import Database
from taskwell.errors import ResyncRequired, TokenInvalid
from taskwell.identity.tickets import TICKET_SECONDS
from taskwell.web.reply import PERSONAL, Reply, unstored
from taskwell.web.request import ApiRequest
from taskwell.web.stream import StreamedReply

router = APIRouter(tags=["changes"])
tickets = APIRouter(tags=["changes"])
"""Where people sign in."""

HEARTBEAT_SECONDS: Final = 15.0
EVENTS_AT_ONCE: Final = 200
"""Who was away for long hears of all writes, so many in a piece, and the sign-in is looked at again between two of them."""

_STREAM: Final = "text/event-stream"
# nginx would hold the events back until its buffer is full.
_HEADERS: Final = ((b"content-type", _STREAM.encode()), (b"x-accel-buffering", b"no"), *PERSONAL)
_TICKET_LENGTH: Final = 2048

LastEventId = Annotated[
    str | None,
    HeaderParameter(alias="last-event-id", description="The `id` of the last event, which browsers send by themselves"),
]


class EventsQuery(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    ticket: Annotated[
        Annotated[str, StringConstraints(max_length=_TICKET_LENGTH)] | None,
        Field(description="Of `POST /events/ticket`, for who can send no header"),
    ] = None


@router.get(
    "/events",
    response_model=None,
    responses=refuses(*OWN_ROWS, ResyncRequired)
    | {200: {"description": "One event for each write", "content": {_STREAM: {"schema": {"type": "string"}}}}},
)
async def stream_events(
    request: ApiRequest,
    owner: RowsToWatch,
    db: DatabaseItself,
    _query: Annotated[EventsQuery, Query()],
    last_event_id: LastEventId = None,
) -> StreamedReply:
    """Hear of each write as it happens. The first event says where you are; ask `GET /changes` what it was: docs/sync.md."""
    last = None if not last_event_id else tokens.decode(last_event_id, db, owner.id, None, field="last-event-id")
    row = await _in_standing(request, db, owner)
    revision = NEVER if row is None else row["revision"]
    has_heard = last is not None and last.revision != NEVER
    if last is not None and has_heard and (row is None or last.is_behind(row["purged_revision"])):
        raise ResyncRequired
    heard = revision - 1 if last is None else last.whole
    return StreamedReply(200, _events(request, owner, db, heard, revision), _HEADERS)


@tickets.post("/events/ticket", response_model=EventTicket, responses=refuses(*OWN_ROWS))
async def make_event_ticket(request: ApiRequest, owner: RowsToRead, db: DatabaseItself, sign_in: SignInServices) -> Reply:
    """Get a ticket for an EventSource, which can send no header: good for a minute to connect, and to come back after that."""
    assert request.claims is not None
    await _in_standing(request, db, owner)
    ticket = sign_in.tickets.make(request.claims)
    return unstored(200, json.dumps({"ticket": ticket, "expires_in": TICKET_SECONDS}, separators=(",", ":")))


async def _in_standing(request: ApiRequest, db: Database, owner: Owner) -> asyncpg.Record | None:
    """How far the owner's feed goes. Raises TokenInvalid where the session, or the API token, of who asks has ended."""
    row = await row_for(db, READ_REVISION, owner)
    if not await request.services.of_face(Watch).stands(watched_by(request, owner)):
        raise TokenInvalid
    return row


async def _events(request: ApiRequest, owner: Owner, db: Database, heard: int, revision: int) -> AsyncGenerator[bytes, None]:
    """It ends with the sign-in."""
    watch, watched = request.services.of_face(Watch), watched_by(request, owner)
    yield b"retry: 2000\n\n"
    with suppress(TokenInvalid):
        while True:
            while heard < revision:
                first, heard = heard + 1, min(heard + EVENTS_AT_ONCE, revision)
                yield b"".join(_event(db, owner, each) for each in range(first, heard + 1))
                if heard < revision and not await watch.stands(watched):
                    return
            later = await watch.beyond(watched, heard, HEARTBEAT_SECONDS)
            if later is None:
                yield b": still here\n\n"
            else:
                revision = later


def _event(db: Database, owner: Owner, revision: int) -> bytes:
    token = tokens.encode(FeedPlace(revision, revision), db, owner.id, None)
    data: dict[str, Any] = {"revision": revision, "token": token}
    return f"id: {token}\ndata: {json.dumps(data, separators=(',', ':'))}\n\n".encode()
