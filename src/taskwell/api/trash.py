"""The operations of the trash: what was deleted comes back, or goes for good."""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from taskwell.api.answers import OWN_ROWS, refuses
from taskwell.api.dependencies import Db, RowsToRead, RowsToWrite, TagsOfRows
from taskwell.api.documents import PAGE_OF_THE_PRESENT, WITH_ETAG, TrashPage
from taskwell.api.labels import LabelId
from taskwell.api.lists import ListId
from taskwell.api.records import IfMatch, page_reply, record_reply
from taskwell.api.tasks import TaskId
from taskwell.errors import (
    LabelChanged,
    LabelNotFound,
    ListChanged,
    ListNotFound,
    TaskChanged,
    TaskNotFound,
    TooManyLabels,
    TooManyLists,
)
from taskwell.labels.tables import LabelView
from taskwell.lists.tables import ListView
from taskwell.tasks.progress import TaskView
from taskwell.tasks.trash import store
from taskwell.types import Cursor, PageLimit
from taskwell.web.reply import Reply, no_content
from taskwell.web.request import ApiRequest

router = APIRouter()


class TrashQuery(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    limit: Annotated[PageLimit, Field(description="How many records a page holds")] = 20
    cursor: Annotated[Cursor, Field(description="`next_cursor` of the page before")] = None


@router.get("/trash", tags=["trash"], response_model=TrashPage, responses=refuses(*OWN_ROWS) | {200: PAGE_OF_THE_PRESENT})
async def list_trash(request: ApiRequest, owner: RowsToRead, db: Db, query: Annotated[TrashQuery, Query()]) -> Reply:
    """List what is deleted, a page at a time, the last one first; but not what went with it, and comes back with it."""
    return page_reply(request, query, await store.list_trash_page(db, owner, limit=query.limit, cursor=query.cursor))


@router.delete("/trash", tags=["trash"], status_code=204, response_model=None, responses=refuses(*OWN_ROWS))
async def empty_trash(owner: RowsToWrite, db: Db) -> Reply:
    """Empty the trash. Nothing of what is in it can be restored then."""
    await store.empty_trash(db, owner)
    return no_content()


@router.post(
    "/tasks/{task_id}/restore",
    tags=["tasks"],
    response_model=TaskView,
    responses=refuses(*OWN_ROWS, TaskNotFound, TaskChanged) | {200: WITH_ETAG},
)
async def restore_task(owner: RowsToWrite, db: Db, tags: TagsOfRows, task_id: TaskId, if_match: IfMatch = None) -> Reply:
    """Bring a deleted task back, with what was deleted with it."""
    return record_reply(200, await store.restore_task(db, owner, task_id, if_match=tags.if_match(if_match, owner.id)))


@router.post(
    "/lists/{list_id}/restore",
    tags=["lists"],
    response_model=ListView,
    responses=refuses(*OWN_ROWS, ListNotFound, ListChanged, TooManyLists) | {200: WITH_ETAG},
)
async def restore_list(owner: RowsToWrite, db: Db, tags: TagsOfRows, list_id: ListId, if_match: IfMatch = None) -> Reply:
    """Bring a deleted list back, with the tasks that were deleted with it."""
    return record_reply(200, await store.restore_list(db, owner, list_id, if_match=tags.if_match(if_match, owner.id)))


@router.post(
    "/labels/{label_id}/restore",
    tags=["labels"],
    response_model=LabelView,
    responses=refuses(*OWN_ROWS, LabelNotFound, LabelChanged, TooManyLabels) | {200: WITH_ETAG},
)
async def restore_label(owner: RowsToWrite, db: Db, tags: TagsOfRows, label_id: LabelId, if_match: IfMatch = None) -> Reply:
    """Bring a deleted label back to its tasks. Where another one has its name, they carry that one, which is the answer."""
    return record_reply(200, await store.restore_label(db, owner, label_id, if_match=tags.if_match(if_match, owner.id)))
