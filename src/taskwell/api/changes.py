"""The operation that tells what has changed, and waits for it."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from taskwell.accounts.owner import Owner
from taskwell.api.answers import OWN_ROWS, refuses
from taskwell.api.dependencies import Db, RowsToRead
from taskwell.api.documents import ChangesPage
from taskwell.changes import tokens
from taskwell.changes.store import Feed, read_changes
from taskwell.changes.watch import Watch, Watched
from taskwell.errors import ResyncRequired, UnknownReference
from taskwell.types import Cursor, FeedLimit, Id, WaitSeconds
from taskwell.web.reply import Reply, json_reply
from taskwell.web.request import ApiRequest
from taskwell.web.stream import while_here

router = APIRouter(tags=["changes"])


class ChangesQuery(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    since: Annotated[Cursor, Field(description="`next` of the page before; without it, everything that there is")] = None
    limit: Annotated[FeedLimit, Field(description="How many items a page holds")] = 100
    list_id: Annotated[Id | None, Field(description="Only that list, its tasks, and which tasks have left it")] = None
    wait: Annotated[WaitSeconds, Field(description="So many seconds the answer may take if there is nothing yet")] = 0


@router.get("/changes", response_model=ChangesPage, responses=refuses(*OWN_ROWS, UnknownReference, ResyncRequired))
async def list_changes(request: ApiRequest, owner: RowsToRead, db: Db, query: Annotated[ChangesQuery, Query()]) -> Reply:
    """Read what was created, changed or deleted since, each record once as it is now: docs/sync.md."""
    feed = Feed(query.list_id, is_account_shown=_shows_account(request, owner))
    since = None if query.since is None else tokens.decode(query.since, db, owner.id, query.list_id, field="since")
    changes = await read_changes(db, owner, feed, since, limit=query.limit)
    deadline = asyncio.get_running_loop().time() + query.wait
    while not changes.items and await _something_new(request, owner, changes.next.revision, deadline):
        changes = await read_changes(db, owner, feed, changes.next, limit=query.limit)
    token = tokens.encode(changes.next, db, owner.id, query.list_id)
    has_more = "true" if changes.has_more else "false"
    return json_reply(200, f'{{"items":[{changes.items}],"next":"{token}","has_more":{has_more}}}')


def _shows_account(request: ApiRequest, owner: Owner) -> bool:
    """Who the account is of shows only a token of theirs that may read the account."""
    return owner.id == request.user_id and "account" in request.scopes


async def _something_new(request: ApiRequest, owner: Owner, revision: int, deadline: float) -> bool:
    """Waits until there is, but not beyond the deadline, nor for a client that has left, nor while the server stops."""
    left = deadline - asyncio.get_running_loop().time()
    if left <= 0:
        return False
    watch, is_there = request.services.of_face(Watch), False

    async def wait() -> None:
        nonlocal is_there
        is_there = await watch.beyond(watched_by(request, owner), revision, left) is not None

    return await while_here(request, wait()) is None and is_there


def watched_by(request: ApiRequest, owner: Owner) -> Watched:
    claims = request.claims
    assert claims is not None, "whose rows they are was decided by these"
    return Watched(
        owner.id,
        claims.user_id,
        claims.issued_at,
        claims.token_id,
        claims.session_id,
        needs_admin=owner.issued_at is None,
        is_outside=owner.is_outside,
        expires_at=claims.expires_at,
    )
