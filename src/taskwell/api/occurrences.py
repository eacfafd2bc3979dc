"""Completing a task, once or once more, and what of a task that recurs is done."""

from typing import Annotated

from fastapi import APIRouter, Body, Path, Query
from pydantic import BaseModel, ConfigDict, Field

from taskwell.api.answers import BODY, OWN_ROWS, refuses
from taskwell.api.dependencies import Db, RowsToRead, RowsToWrite, TagsOfRows
from taskwell.api.documents import NOT_MODIFIED, PAGE, WITH_ETAG, OccurrencePage
from taskwell.api.records import IfMatch, IfNoneMatch, page_reply, record_reply
from taskwell.errors import OccurrenceNotOpen, TaskChanged, TaskNotFound
from taskwell.tasks import writing
from taskwell.tasks.occurrences.store import list_occurrences_page
from taskwell.tasks.progress import TaskView
from taskwell.tasks.requests import Completion
from taskwell.types import Cursor, Id, PageLimit
from taskwell.web.declaration import BodyLimit
from taskwell.web.reply import Reply
from taskwell.web.request import ApiRequest

router = APIRouter(tags=["tasks"])

TaskId = Annotated[Id, Path()]


_PRESENT = Completion()


class OccurrenceQuery(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    limit: Annotated[PageLimit, Field(description="How many occurrences a page holds")] = 20
    cursor: Annotated[Cursor, Field(description="`next_cursor` of the page before")] = None


@router.post(
    "/tasks/{task_id}/complete",
    response_model=TaskView,
    responses=refuses(*OWN_ROWS, *BODY, TaskNotFound, TaskChanged, OccurrenceNotOpen) | {200: WITH_ETAG},
)
async def complete_task(
    owner: RowsToWrite,
    db: Db,
    tags: TagsOfRows,
    task_id: TaskId,
    completion: Annotated[Completion, Body(), BodyLimit(1024)] = _PRESENT,
    if_match: IfMatch = None,
) -> Reply:
    """Complete a task. One that recurs is due again; with its `occurrence` the request is safe to repeat."""
    condition = tags.if_match(if_match, owner.id)
    return record_reply(200, await writing.complete_task(db, owner, task_id, completion.occurrence, if_match=condition))


@router.get(
    "/tasks/{task_id}/occurrences",
    response_model=OccurrencePage,
    responses=refuses(*OWN_ROWS, TaskNotFound) | {200: PAGE, 304: NOT_MODIFIED},
)
async def list_occurrences(
    request: ApiRequest,
    owner: RowsToRead,
    db: Db,
    tags: TagsOfRows,
    task_id: TaskId,
    query: Annotated[OccurrenceQuery, Query()],
    if_none_match: IfNoneMatch = None,
) -> Reply:
    """List the finished occurrences of a task that recurs, a page at a time, the last one first."""
    known = tags.if_none_match(if_none_match, owner.id)
    page = await list_occurrences_page(db, owner, task_id, limit=query.limit, cursor=query.cursor, if_none_match=known)
    return page_reply(request, query, page)
