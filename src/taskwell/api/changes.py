"""The operation that tells what has changed."""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from taskwell.accounts.owner import Owner
from taskwell.api.answers import OWN_ROWS, refuses
from taskwell.api.dependencies import Db, RowsToRead
from taskwell.api.documents import ChangesPage
from taskwell.changes import tokens
from taskwell.changes.store import Feed, read_changes
from taskwell.errors import ResyncRequired, UnknownReference
from taskwell.types import Cursor, FeedLimit, Id
from taskwell.web.reply import Reply, json_reply
from taskwell.web.request import ApiRequest

router = APIRouter(tags=["changes"])


class ChangesQuery(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    since: Annotated[Cursor, Field(description="`next` of the page before; without it, everything that there is")] = None
    limit: Annotated[FeedLimit, Field(description="How many items a page holds")] = 100
    list_id: Annotated[Id | None, Field(description="Only that list, its tasks, and which tasks have left it")] = None


@router.get("/changes", response_model=ChangesPage, responses=refuses(*OWN_ROWS, UnknownReference, ResyncRequired))
async def list_changes(request: ApiRequest, owner: RowsToRead, db: Db, query: Annotated[ChangesQuery, Query()]) -> Reply:
    """Read what was created, changed or deleted since, each record once as it is now: docs/sync.md."""
    feed = Feed(query.list_id, is_account_shown=shows_account(request, owner))
    since = None if query.since is None else tokens.decode(query.since, db, owner.id, query.list_id, field="since")
    changes = await read_changes(db, owner, feed, since, limit=query.limit)
    token = tokens.encode(changes.next, db, owner.id, query.list_id)
    has_more = "true" if changes.has_more else "false"
    return json_reply(200, f'{{"items":[{changes.items}],"next":"{token}","has_more":{has_more}}}')


def shows_account(request: ApiRequest, owner: Owner) -> bool:
    """Whose account it is shows only a token of theirs that may read the account."""
    return owner.id == request.user_id and "account" in request.scopes
