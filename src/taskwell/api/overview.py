"""The operation that counts for a sidebar."""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from taskwell.api.answers import OWN_ROWS, refuses
from taskwell.api.dependencies import Db, RowsToRead, TagsOfRows
from taskwell.api.documents import NOT_MODIFIED, WITH_ETAG, Overview
from taskwell.api.records import IfNoneMatch
from taskwell.tasks import overview
from taskwell.types import QueryDays, QueryFlag
from taskwell.web.reply import Reply, json_reply, not_modified

router = APIRouter(tags=["tasks"])


class OverviewQuery(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    upcoming: Annotated[QueryDays, Field(description="How many days `upcoming` counts, of which today is the first")] = 7
    dates: Annotated[QueryFlag, Field(description="`false`: without what follows from the present, and so with an ETag")] = True


@router.get("/overview", response_model=Overview, responses=refuses(*OWN_ROWS) | {200: WITH_ETAG, 304: NOT_MODIFIED})
async def read_overview(
    owner: RowsToRead, db: Db, tags: TagsOfRows, query: Annotated[OverviewQuery, Query()], if_none_match: IfNoneMatch = None
) -> Reply:
    """Count the open tasks: of the inbox, of each list and label, overdue, due today and upcoming."""
    known = tags.if_none_match(if_none_match, owner.id)
    found = await overview.read_overview(db, owner, upcoming_days=query.upcoming, with_dates=query.dates, if_none_match=known)
    tag = () if found.etag is None else ((b"etag", found.etag.encode()),)
    return not_modified(*tag) if found.json is None else json_reply(200, found.json, *tag)
