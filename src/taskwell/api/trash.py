"""The operations of the trash: what was deleted comes back."""

from fastapi import APIRouter

from taskwell.api.answers import OWN_ROWS, refuses
from taskwell.api.dependencies import Db, RowsToWrite, TagsOfRows
from taskwell.api.documents import WITH_ETAG
from taskwell.api.labels import LabelId
from taskwell.api.lists import ListId
from taskwell.api.records import IfMatch, record_reply
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
from taskwell.web.reply import Reply

router = APIRouter()


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
