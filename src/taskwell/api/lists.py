"""The operations of lists."""

from typing import Annotated

from fastapi import APIRouter, Body, Path, Query
from pydantic import BaseModel, ConfigDict, Field

from taskwell.api.answers import BODY, OWN_ROWS, refuses
from taskwell.api.dependencies import Db, RowsToRead, RowsToWrite, TagsOfRows
from taskwell.api.documents import NOT_MODIFIED, PAGE, WITH_ETAG, ListPage, created, found_same
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
from taskwell.errors import ListChanged, ListExists, ListIdTaken, ListNotFound, TooManyLists
from taskwell.lists.requests import ListChanges, NewList, WholeList
from taskwell.lists.statements import LIST_LISTS
from taskwell.lists.tables import ListView
from taskwell.records import limited, store
from taskwell.records.paging import CreationOrder
from taskwell.tasks.lists import LISTS
from taskwell.tasks.trash.store import delete_list_for_good
from taskwell.types import Cursor, Id, PageLimit
from taskwell.web.conditions import must_create
from taskwell.web.declaration import BodyLimit
from taskwell.web.reply import Reply, no_content
from taskwell.web.request import ApiRequest, address

router = APIRouter(tags=["lists"])

ListId = Annotated[Id, Path()]


class ListQuery(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    limit: Annotated[PageLimit, Field(description="How many lists a page holds")] = 20
    cursor: Annotated[Cursor, Field(description="`next_cursor` of the page before")] = None
    order: Annotated[CreationOrder, Field(description="By creation")] = "newest"


_READ = BodyLimit(16 * 1024)


@router.post(
    "/lists",
    status_code=201,
    response_model=ListView,
    responses=refuses(*OWN_ROWS, *BODY, ListIdTaken, TooManyLists) | {201: created(ListView), 200: found_same(ListView)},
)
async def create_list(request: ApiRequest, owner: RowsToWrite, db: Db, new: Annotated[NewList, Body(), _READ]) -> Reply:
    """Create a list. With an `id` of your own the request is safe to repeat."""
    made, is_new = await limited.create(LISTS, db, owner, new, new.id)
    return created_reply(201 if is_new else 200, made, created_at(request, made))


@router.get("/lists", response_model=ListPage, responses=refuses(*OWN_ROWS) | {200: PAGE, 304: NOT_MODIFIED})
async def list_lists(
    request: ApiRequest,
    owner: RowsToRead,
    db: Db,
    tags: TagsOfRows,
    query: Annotated[ListQuery, Query()],
    if_none_match: IfNoneMatch = None,
) -> Reply:
    """List the lists, a page at a time. The inbox is none of them."""
    known = tags.if_none_match(if_none_match, owner.id)
    page = await limited.list_page(
        LISTS, LIST_LISTS, db, owner, query.order, limit=query.limit, cursor=query.cursor, if_none_match=known
    )
    return page_reply(request, query, page)


@router.get(
    "/lists/{list_id}", response_model=ListView, responses=refuses(*OWN_ROWS, ListNotFound) | {200: WITH_ETAG, 304: NOT_MODIFIED}
)
async def read_list(owner: RowsToRead, db: Db, tags: TagsOfRows, list_id: ListId, if_none_match: IfNoneMatch = None) -> Reply:
    """Read a list."""
    known = tags.if_none_match(if_none_match, owner.id)
    return read_reply(await store.read(LISTS, db, owner, list_id), known)


@router.put(
    "/lists/{list_id}",
    response_model=ListView,
    responses=refuses(*OWN_ROWS, *BODY, ListNotFound, TooManyLists, ListChanged, ListExists)
    | {200: WITH_ETAG, 201: created(ListView)},
)
async def replace_list(
    request: ApiRequest,
    owner: RowsToWrite,
    db: Db,
    tags: TagsOfRows,
    list_id: ListId,
    whole: Annotated[WholeList, Body(), _READ],
    if_match: IfMatch = None,
    if_none_match: IfNothingThere = None,
) -> Reply:
    """Replace a list; what is left out is cleared. It creates only with `If-None-Match: *`."""
    if must_create(if_match, if_none_match):
        return created_reply(201, await limited.place(LISTS, db, owner, list_id, whole), address(request))
    condition, as_read = tags.if_match(if_match, owner.id), tags.as_read(whole.etag, whole.revision, owner.id)
    return record_reply(200, await store.change(LISTS, db, owner, list_id, whole, if_match=condition, as_read=as_read))


@router.patch(
    "/lists/{list_id}", response_model=ListView, responses=refuses(*OWN_ROWS, *BODY, ListNotFound, ListChanged) | {200: WITH_ETAG}
)
async def change_list(
    owner: RowsToWrite,
    db: Db,
    tags: TagsOfRows,
    list_id: ListId,
    changes: Annotated[ListChanges, Body(), _READ],
    if_match: IfMatch = None,
) -> Reply:
    """Change some fields of a list (JSON Merge Patch, RFC 7396): absent leaves alone, null clears."""
    condition, as_read = tags.if_match(if_match, owner.id), tags.as_read(changes.etag, changes.revision, owner.id)
    return record_reply(200, await store.change(LISTS, db, owner, list_id, changes, if_match=condition, as_read=as_read))


@router.delete("/lists/{list_id}", status_code=204, response_model=None, responses=refuses(*OWN_ROWS, ListNotFound, ListChanged))
async def delete_list(
    owner: RowsToWrite,
    db: Db,
    tags: TagsOfRows,
    list_id: ListId,
    query: Annotated[DeletionQuery, Query()],
    if_match: IfMatch = None,
) -> Reply:
    """Delete a list, and the tasks that are in it."""
    condition = tags.if_match(if_match, owner.id)
    if query.permanent:
        await delete_list_for_good(db, owner, list_id, if_match=condition)
    else:
        await limited.delete(LISTS, db, owner, list_id, if_match=condition)
    return no_content()
