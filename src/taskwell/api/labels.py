"""The operations of labels."""

from typing import Annotated

from fastapi import APIRouter, Body, Path, Query
from pydantic import BaseModel, ConfigDict, Field

from taskwell.api.answers import BODY, OWN_ROWS, refuses
from taskwell.api.dependencies import Db, RowsToRead, RowsToWrite, TagsOfRows
from taskwell.api.documents import NOT_MODIFIED, PAGE, WITH_ETAG, LabelPage, created, found_same
from taskwell.api.records import (
    DeletionQuery,
    IfMatch,
    IfNoneMatch,
    IfNothingThere,
    created_at,
    created_reply,
    page_reply,
    read_reply,
    record_reply,
)
from taskwell.errors import InvalidInput, LabelChanged, LabelExists, LabelIdTaken, LabelNameTaken, LabelNotFound, TooManyLabels
from taskwell.labels.requests import LabelChanges, NewLabel, WholeLabel
from taskwell.labels.tables import LabelView
from taskwell.records import limited, store
from taskwell.records.paging import CreationOrder
from taskwell.tasks.labels.statements import LIST_LABELS
from taskwell.tasks.labels.store import LABELS
from taskwell.tasks.labels.store import change_label as change
from taskwell.tasks.trash.store import delete_label_for_good
from taskwell.types import Cursor, Id, PageLimit, QueryFlag
from taskwell.web.conditions import must_create
from taskwell.web.declaration import BodyLimit
from taskwell.web.reply import Reply, no_content
from taskwell.web.request import ApiRequest, address

router = APIRouter(tags=["labels"])

LabelId = Annotated[Id, Path()]


class LabelQuery(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    limit: Annotated[PageLimit, Field(description="How many labels a page holds")] = 20
    cursor: Annotated[Cursor, Field(description="`next_cursor` of the page before")] = None
    order: Annotated[CreationOrder, Field(description="By creation")] = "newest"


class MergeQuery(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    merge: Annotated[QueryFlag, Field(description="Where another label has the new name: make one of the two")] = False


_READ = BodyLimit(16 * 1024)


@router.post(
    "/labels",
    status_code=201,
    response_model=LabelView,
    responses=refuses(*OWN_ROWS, *BODY, LabelIdTaken, LabelNameTaken, TooManyLabels)
    | {201: created(LabelView), 200: found_same(LabelView)},
)
async def create_label(request: ApiRequest, owner: RowsToWrite, db: Db, new: Annotated[NewLabel, Body(), _READ]) -> Reply:
    """Create a label. With an `id` of your own the request is safe to repeat."""
    made, is_new = await limited.create(LABELS, db, owner, new, new.id)
    return created_reply(201 if is_new else 200, made, created_at(request, made))


@router.get("/labels", response_model=LabelPage, responses=refuses(*OWN_ROWS) | {200: PAGE, 304: NOT_MODIFIED})
async def list_labels(
    request: ApiRequest,
    owner: RowsToRead,
    db: Db,
    tags: TagsOfRows,
    query: Annotated[LabelQuery, Query()],
    if_none_match: IfNoneMatch = None,
) -> Reply:
    """List the labels with how many tasks carry each, a page at a time."""
    known = tags.if_none_match(if_none_match, owner.id)
    page = await limited.list_page(
        LABELS, LIST_LABELS, db, owner, query.order, limit=query.limit, cursor=query.cursor, if_none_match=known
    )
    return page_reply(request, query, page)


@router.get(
    "/labels/{label_id}",
    response_model=LabelView,
    responses=refuses(*OWN_ROWS, LabelNotFound) | {200: WITH_ETAG, 304: NOT_MODIFIED},
)
async def read_label(owner: RowsToRead, db: Db, tags: TagsOfRows, label_id: LabelId, if_none_match: IfNoneMatch = None) -> Reply:
    """Read a label."""
    known = tags.if_none_match(if_none_match, owner.id)
    return read_reply(await store.read(LABELS, db, owner, label_id), known)


@router.put(
    "/labels/{label_id}",
    response_model=LabelView,
    responses=refuses(*OWN_ROWS, *BODY, LabelNotFound, LabelNameTaken, TooManyLabels, LabelChanged, LabelExists)
    | {200: WITH_ETAG, 201: created(LabelView)},
)
async def replace_label(
    request: ApiRequest,
    owner: RowsToWrite,
    db: Db,
    tags: TagsOfRows,
    label_id: LabelId,
    whole: Annotated[WholeLabel, Body(), _READ],
    query: Annotated[MergeQuery, Query()],
    if_match: IfMatch = None,
    if_none_match: IfNothingThere = None,
) -> Reply:
    """Replace a label; what is left out is cleared. Its tasks carry its new name. It creates only with `If-None-Match: *`."""
    if must_create(if_match, if_none_match):
        if query.merge:
            raise InvalidInput.of("merge", "not_here", "a label that is created has no tasks to merge")
        return created_reply(201, await limited.place(LABELS, db, owner, label_id, whole), address(request))
    condition, as_read = tags.if_match(if_match, owner.id), tags.as_read(whole.etag, whole.revision, owner.id)
    return record_reply(
        200,
        await change(db, owner, label_id, whole, is_merge=query.merge, if_match=condition, as_read=as_read),
    )


@router.patch(
    "/labels/{label_id}",
    response_model=LabelView,
    responses=refuses(*OWN_ROWS, *BODY, LabelNotFound, LabelNameTaken, LabelChanged) | {200: WITH_ETAG},
)
async def change_label(
    owner: RowsToWrite,
    db: Db,
    tags: TagsOfRows,
    label_id: LabelId,
    changes: Annotated[LabelChanges, Body(), _READ],
    query: Annotated[MergeQuery, Query()],
    if_match: IfMatch = None,
) -> Reply:
    """Change some fields of a label (JSON Merge Patch, RFC 7396): absent leaves alone, null clears.

    Its tasks carry its new name."""
    condition, as_read = tags.if_match(if_match, owner.id), tags.as_read(changes.etag, changes.revision, owner.id)
    return record_reply(
        200,
        await change(db, owner, label_id, changes, is_merge=query.merge, if_match=condition, as_read=as_read),
    )


@router.delete(
    "/labels/{label_id}", status_code=204, response_model=None, responses=refuses(*OWN_ROWS, LabelNotFound, LabelChanged)
)
async def delete_label(
    owner: RowsToWrite,
    db: Db,
    tags: TagsOfRows,
    label_id: LabelId,
    query: Annotated[DeletionQuery, Query()],
    if_match: IfMatch = None,
) -> Reply:
    """Delete a label, and take it away from all tasks."""
    condition = tags.if_match(if_match, owner.id)
    if query.permanent:
        await delete_label_for_good(db, owner, label_id, if_match=condition)
    else:
        await limited.delete(LABELS, db, owner, label_id, if_match=condition)
    return no_content()
