"""Moving a task: before or after another one, into a list, below another task, or several of these at once."""

import json
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field

from taskwell.accounts.owner import Owner, unit_for
from taskwell.database.unit_of_work import Writable
from taskwell.errors import TaskChanged
from taskwell.records import store
from taskwell.records.moving import Move, Row, position_for
from taskwell.records.store import Rendered
from taskwell.tasks.requests import TaskChanges
from taskwell.tasks.store import TASKS
from taskwell.tasks.subtasks import Place, change_in_tree, look, wanted
from taskwell.tasks.tree import NEIGHBOURS, SPREAD
from taskwell.types import Id, Revisions


class TaskMove(Move):
    """POST /tasks/{task_id}/move. Where neither `list_id` nor `parent_id` is named, the task stays among its siblings."""

    list_id: Annotated[Id | None, Field(default=None)]
    parent_id: Annotated[Id | None, Field(default=None)]


async def move_task(db: Writable, owner: Owner, task_id: UUID, move: TaskMove, *, if_match: Revisions | None) -> Rendered:
    """Raises what a change raises, and UnknownReference also where the neighbour is no sibling there."""
    move.check()
    async with unit_for(db, owner) as unit:
        task = await store.read(TASKS, unit, owner, task_id)
        as_it_is = json.loads(task.json)
        if if_match is not None and task.revision not in if_match:
            raise TaskChanged(current=as_it_is)
        named: dict[str, Any] = {name: getattr(move, name) for name in ("list_id", "parent_id") if name in move.model_fields_set}
        changes = TaskChanges.model_validate(named)
        seen = await look(unit, owner, task_id, changes.parent_id)
        assert seen.place is not None  # it was just read
        place = wanted(seen, seen.place, changes)
        # A parent that is not there has no subtasks: the change says so.
        if place.parent_id is None or place == seen.place or seen.has_parent:
            record, now = {"task_id": task_id}, as_it_is["position"]
            named["position"] = await position_for(unit, owner, _row(place), record, move, now, is_there=place == seen.place)
        return await change_in_tree(unit, owner, task_id, TaskChanges.model_validate(named))


def _row(place: Place) -> Row:
    name = "below_a_task" if place.parent_id is not None else "in_the_inbox" if place.list_id is None else "in_a_list"
    named = {"below_a_task": {"parent_id": place.parent_id}, "in_a_list": {"list_id": place.list_id}, "in_the_inbox": {}}
    return Row(NEIGHBOURS[name], SPREAD[name], named[name])
