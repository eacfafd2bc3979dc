"""The operations that put a task or a list at another place among its siblings."""

from typing import Annotated

from fastapi import APIRouter, Body

from taskwell.api.answers import BODY, OWN_ROWS, refuses
from taskwell.api.dependencies import Db, RowsToWrite, TagsOfRows
from taskwell.api.documents import WITH_ETAG
from taskwell.api.lists import ListId
from taskwell.api.records import IfMatch, record_reply
from taskwell.api.tasks import IN_TREE, TaskId
from taskwell.errors import ListChanged, ListNotFound, TaskChanged, TaskNotFound, UnknownReference
from taskwell.lists.tables import ListView
from taskwell.records.moving import Move
from taskwell.tasks import lists
from taskwell.tasks.move import TaskMove
from taskwell.tasks.move import move_task as move_a_task
from taskwell.tasks.progress import TaskView
from taskwell.web.declaration import BodyLimit
from taskwell.web.reply import Reply

router = APIRouter()

_READ = BodyLimit(16 * 1024)


@router.post(
    "/tasks/{task_id}/move",
    tags=["tasks"],
    response_model=TaskView,
    responses=refuses(*OWN_ROWS, *BODY, TaskNotFound, TaskChanged, UnknownReference, *IN_TREE) | {200: WITH_ETAG},
)
async def move_task(
    owner: RowsToWrite,
    db: Db,
    tags: TagsOfRows,
    task_id: TaskId,
    move: Annotated[TaskMove, Body(), _READ],
    if_match: IfMatch = None,
) -> Reply:
    """Move a task before or after another one, into a list, or below another task. With an empty object it goes to the end."""
    return record_reply(200, await move_a_task(db, owner, task_id, move, if_match=tags.if_match(if_match, owner.id)))


@router.post(
    "/lists/{list_id}/move",
    tags=["lists"],
    response_model=ListView,
    responses=refuses(*OWN_ROWS, *BODY, ListNotFound, ListChanged, UnknownReference) | {200: WITH_ETAG},
)
async def move_list(
    owner: RowsToWrite,
    db: Db,
    tags: TagsOfRows,
    list_id: ListId,
    move: Annotated[Move, Body(), _READ],
    if_match: IfMatch = None,
) -> Reply:
    """Move a list before or after another one. With an empty object it goes to the end."""
    return record_reply(200, await lists.move_list(db, owner, list_id, move, if_match=tags.if_match(if_match, owner.id)))
