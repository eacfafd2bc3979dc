"""The operations of many tasks at once."""

import json
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Body
from pydantic import BaseModel, Field

from taskwell.api.answers import BODY, OWN_ROWS, refuses
from taskwell.api.dependencies import Db, RowsToWrite
from taskwell.errors import TooManyLabels, UnknownReference
from taskwell.tasks.many import store
from taskwell.tasks.many.requests import ManyTasks, ManyToChange, ManyToComplete
from taskwell.tasks.many.store import Done
from taskwell.web.declaration import BodyLimit
from taskwell.web.reply import Reply, json_reply

router = APIRouter(tags=["tasks"])

_READ = BodyLimit(64 * 1024)


class ChangedTasks(BaseModel):
    """What was done with many tasks. All of it has one revision."""

    count: Annotated[int, Field(description="How many tasks were changed")]
    ids: Annotated[list[UUID], Field(description="Those that were changed; what was so already is none of them")]
    unknown: Annotated[list[UUID], Field(description="Those of the `ids` of the request that are no tasks of yours")]
    recurring: Annotated[list[UUID], Field(description="Those that recur, and were not completed: each by itself")]
    next_after: Annotated[UUID | None, Field(description="`after` of a request that goes on; null: the filter means no more")]


def _reply(done: Done) -> Reply:
    return json_reply(200, json.dumps({"count": len(done.ids), **done._asdict()}))


@router.post("/tasks/complete", response_model=ChangedTasks, responses=refuses(*OWN_ROWS, *BODY, UnknownReference))
async def complete_tasks(owner: RowsToWrite, db: Db, meant: Annotated[ManyToComplete, Body(), _READ]) -> Reply:
    """Complete many tasks at once, by their ids or by a filter."""
    return _reply(await store.complete_tasks(db, owner, meant))


@router.post("/tasks/delete", response_model=ChangedTasks, responses=refuses(*OWN_ROWS, *BODY, UnknownReference))
async def delete_tasks(owner: RowsToWrite, db: Db, meant: Annotated[ManyTasks, Body(), _READ]) -> Reply:
    """Delete many tasks at once, with what is below them, by their ids or by a filter."""
    return _reply(await store.delete_tasks(db, owner, meant))


@router.post("/tasks/change", response_model=ChangedTasks, responses=refuses(*OWN_ROWS, *BODY, TooManyLabels, UnknownReference))
async def change_tasks(owner: RowsToWrite, db: Db, meant: Annotated[ManyToChange, Body(), _READ]) -> Reply:
    """Change the same fields of many tasks at once, by their ids or by a filter."""
    return _reply(await store.change_tasks(db, owner, meant))
