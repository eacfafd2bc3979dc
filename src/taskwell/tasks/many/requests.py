"""What a client may say of many tasks at once: which they are, and what becomes of them."""

from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from taskwell.tasks.due import When
from taskwell.tasks.requests import TaskChanges
from taskwell.types import Flag, Id, InboxOrId, LabelNamesOrNull, Priority, PriorityOrNull

IDS_AT_ONCE = 500
TASKS_AT_ONCE = 10_000
"""Of those that a filter means. More would hold up the user's other writes for seconds, and meet the time-out of a statement."""

_STRICT = ConfigDict(extra="forbid", strict=True, frozen=True)


class ManyFilter(BaseModel):
    """The tasks for which all of this is true. It has to say something, so that nobody means all tasks by mistake."""

    model_config = _STRICT

    list_id: Annotated[InboxOrId, Field(default=None)]
    parent_id: Annotated[Id, Field(default=None)]
    completed: Annotated[Flag, Field(default=None)]
    priority: Annotated[Priority, Field(default=None)]

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not self.model_fields_set:
            raise ValueError("must name at least one of list_id, parent_id, completed and priority")
        return self


class ManyTasks(BaseModel):
    """POST /tasks/delete. Either `ids` or a `filter`, which goes on behind the task `after`."""

    model_config = _STRICT | ConfigDict(json_schema_extra={"examples": [{"filter": {"list_id": "inbox", "completed": True}}]})

    ids: Annotated[list[Id], Field(default=None, min_length=1, max_length=IDS_AT_ONCE)]
    filter: Annotated[ManyFilter, Field(default=None)]
    after: Annotated[Id | None, Field(default=None, description="`next_after` of the answer before")]

    @model_validator(mode="after")
    def _is_one_of_them(self) -> Self:
        if (self.ids is None) == (self.filter is None):
            raise ValueError("must have either ids or a filter")
        if self.after is not None and self.filter is None:
            raise ValueError("after goes with a filter")
        return self


class ManyToComplete(ManyTasks):
    """POST /tasks/complete. `subtasks` completes what is below them as well."""

    model_config = _STRICT | ConfigDict(json_schema_extra={"examples": [{"filter": {"list_id": "inbox"}, "subtasks": True}]})

    subtasks: Flag = False


class ChangesOfMany(BaseModel):
    """Of a task what may be the same of many. Absent leaves alone; null clears `list_id` (the inbox), `priority` and `labels`."""

    model_config = _STRICT

    is_completed: Annotated[Flag, Field(default=None)]
    list_id: Annotated[Id | None, Field(default=None)]
    priority: Annotated[PriorityOrNull, Field(default=None)]
    labels: Annotated[LabelNamesOrNull, Field(default=None)]
    due: Annotated[When, Field(default=None)]

    @property
    def content(self) -> TaskChanges:
        """What is not the place, as a change of one task."""
        named = self.model_fields_set - {"list_id"}
        return TaskChanges.model_construct(named, **{name: getattr(self, name) for name in named})


class ManyToChange(ManyTasks):
    """POST /tasks/change."""

    model_config = _STRICT | ConfigDict(
        json_schema_extra={"examples": [{"filter": {"list_id": "inbox"}, "changes": {"priority": "low"}}]}
    )

    changes: ChangesOfMany
