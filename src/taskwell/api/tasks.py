"""The operations of tasks."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Body, Path, Query
from pydantic import BaseModel, ConfigDict, Field

from taskwell.api.answers import BODY, OWN_ROWS, refuses
from taskwell.api.dependencies import Db, RowsToRead, RowsToWrite, TagsOfRows
from taskwell.api.documents import NOT_MODIFIED, PAGE, WITH_ETAG, TaskPage, created, found_same
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
from taskwell.api.task_query import TaskQuery
from taskwell.errors import (
    BelowItself,
    TaskChanged,
    TaskExists,
    TaskIdTaken,
    TaskNotFound,
    TooManyLabels,
    TooManyLevels,
    UnknownReference,
)
from taskwell.records import store
from taskwell.tasks import store as of_tasks
from taskwell.tasks import subtasks, writing
from taskwell.tasks.progress import TaskView, read_with_progress
from taskwell.tasks.requests import NewTask, TaskChanges, WholeTask
from taskwell.tasks.trash.store import delete_task_for_good
from taskwell.types import DESCRIPTION_LENGTH, LABEL_LENGTH, LABELS_PER_TASK, TITLE_LENGTH, Id, QueryFlag
from taskwell.web.conditions import has_page, must_create
from taskwell.web.declaration import BodyLimit
from taskwell.web.reply import Reply, no_content, not_modified
from taskwell.web.request import ApiRequest, address

router = APIRouter(tags=["tasks"])

TaskId = Annotated[Id, Path()]
IN_TREE = (TooManyLevels, BelowItself)


class ExpandQuery(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    expand: Annotated[Literal["progress"], Field(default=None, description="Adds how far the direct subtasks are")]


class AlongQuery(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    subtasks: Annotated[QueryFlag | None, Field(description="Where it completes the task, also what is below the task")] = None


# This is room for all texts, with every character written as two escapes, as in \ud83e\udd5b, and for the rest of the task.
_READ = BodyLimit(12 * (TITLE_LENGTH + DESCRIPTION_LENGTH + LABELS_PER_TASK * LABEL_LENGTH) + 4 * 1024)


@router.post(
    "/tasks",
    status_code=201,
    response_model=TaskView,
    responses=refuses(*OWN_ROWS, *BODY, TaskIdTaken, TooManyLabels, UnknownReference, *IN_TREE)
    | {201: created(TaskView), 200: found_same(TaskView)},
)
async def create_task(request: ApiRequest, owner: RowsToWrite, db: Db, new: Annotated[NewTask, Body(), _READ]) -> Reply:
    """Create a task. With an `id` of your own the request is safe to repeat."""
    task, is_new = await writing.create_task(db, owner, new)
    return created_reply(201 if is_new else 200, task, created_at(request, task))


@router.get("/tasks", response_model=TaskPage, responses=refuses(*OWN_ROWS, UnknownReference) | {200: PAGE, 304: NOT_MODIFIED})
async def list_tasks(
    request: ApiRequest,
    owner: RowsToRead,
    db: Db,
    tags: TagsOfRows,
    query: Annotated[TaskQuery, Query()],
    if_none_match: IfNoneMatch = None,
) -> Reply:
    """List the tasks, a page at a time. Nothing is skipped or repeated while others write."""
    known, asked = tags.if_none_match(if_none_match, owner.id), query.filter
    how: dict[str, Any] = {"limit": query.limit, "cursor": query.cursor, "if_none_match": known, "tailored": query.tailored}
    return page_reply(request, query, await of_tasks.list_tasks_page(db, owner, asked, **how))


@router.get(
    "/tasks/{task_id}",
    response_model=TaskView,
    responses=refuses(*OWN_ROWS, TaskNotFound) | {200: WITH_ETAG, 304: NOT_MODIFIED},
)
async def read_task(
    owner: RowsToRead,
    db: Db,
    tags: TagsOfRows,
    task_id: TaskId,
    query: Annotated[ExpandQuery, Query()],
    if_none_match: IfNoneMatch = None,
) -> Reply:
    """Read a task. With `expand=progress` its tag changes with its subtasks as well."""
    known = tags.if_none_match(if_none_match, owner.id)
    if query.expand is not None:
        task = await read_with_progress(db, owner, task_id)
        return not_modified((b"etag", task.etag.encode())) if has_page(if_none_match, task.etag) else record_reply(200, task)
    return read_reply(await store.read(of_tasks.TASKS, db, owner, task_id), known)


@router.put(
    "/tasks/{task_id}",
    response_model=TaskView,
    responses=refuses(*OWN_ROWS, *BODY, TaskNotFound, TaskChanged, TaskExists, TooManyLabels, UnknownReference, *IN_TREE)
    | {200: WITH_ETAG, 201: created(TaskView)},
)
async def replace_task(
    request: ApiRequest,
    owner: RowsToWrite,
    db: Db,
    tags: TagsOfRows,
    task_id: TaskId,
    whole: Annotated[WholeTask, Body(), _READ],
    along: Annotated[AlongQuery, Query()],
    if_match: IfMatch = None,
    if_none_match: IfNothingThere = None,
) -> Reply:
    """Replace a task; what is left out is cleared, but for `list_id`. It creates only with `If-None-Match: *`, so that a
    stale device cannot bring a deleted task back by accident."""
    if must_create(if_match, if_none_match):
        return created_reply(201, await writing.place_task(db, owner, task_id, whole), address(request))
    condition, as_read = tags.if_match(if_match, owner.id), tags.as_read(whole.etag, whole.revision, owner.id)
    task = await writing.change_task(
        db, owner, task_id, whole, if_match=condition, as_read=as_read, with_subtasks=bool(along.subtasks)
    )
    return record_reply(200, task)


@router.patch(
    "/tasks/{task_id}",
    response_model=TaskView,
    responses=refuses(*OWN_ROWS, *BODY, TaskNotFound, TaskChanged, TooManyLabels, UnknownReference, *IN_TREE) | {200: WITH_ETAG},
)
async def change_task(
    owner: RowsToWrite,
    db: Db,
    tags: TagsOfRows,
    task_id: TaskId,
    changes: Annotated[TaskChanges, Body(), _READ],
    along: Annotated[AlongQuery, Query()],
    if_match: IfMatch = None,
) -> Reply:
    """Change some fields of a task (JSON Merge Patch, RFC 7396): absent leaves alone, null clears."""
    condition, as_read = tags.if_match(if_match, owner.id), tags.as_read(changes.etag, changes.revision, owner.id)
    task = await writing.change_task(
        db, owner, task_id, changes, if_match=condition, as_read=as_read, with_subtasks=bool(along.subtasks)
    )
    return record_reply(200, task)


@router.delete("/tasks/{task_id}", status_code=204, response_model=None, responses=refuses(*OWN_ROWS, TaskNotFound, TaskChanged))
async def delete_task(
    owner: RowsToWrite,
    db: Db,
    tags: TagsOfRows,
    task_id: TaskId,
    query: Annotated[DeletionQuery, Query()],
    if_match: IfMatch = None,
) -> Reply:
    """Delete a task, and its subtasks."""
    condition = tags.if_match(if_match, owner.id)
    if query.permanent:
        await delete_task_for_good(db, owner, task_id, if_match=condition)
    else:
        await subtasks.delete_task(db, owner, task_id, if_match=condition)
    return no_content()
