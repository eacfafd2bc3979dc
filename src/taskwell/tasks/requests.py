"""What a client may say of a task. A field that is not listed here is refused, never ignored."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from taskwell.records.as_read import AsRead, NotLookedAt
from taskwell.tasks.due import Date, RemindersOrNull, When
from taskwell.tasks.recurrence import Recurrence
from taskwell.types import Description, Flag, Id, LabelNamesOrNull, PositionOrNull, PriorityOrNull, Time, Title

_STRICT = ConfigDict(extra="forbid", strict=True, frozen=True)


class NewTask(BaseModel):
    """POST. An `id` of the client's own makes the request safe to repeat. A task starts open, in the inbox, and as the
    last there."""

    model_config = _STRICT | ConfigDict(json_schema_extra={"examples": [{"title": "Buy milk", "description": "Two litres"}]})

    title: Title
    description: Description | None = None
    is_completed: Flag = False
    list_id: Id | None = None
    parent_id: Id | None = None
    position: PositionOrNull = None
    priority: PriorityOrNull = "none"
    labels: LabelNamesOrNull = Field(default_factory=list)
    due: When | None = None
    start: When | None = None
    reminders: RemindersOrNull = Field(default_factory=list)
    recurrence: Recurrence | None = None
    id: Id | None = None


class TaskAsRead(AsRead):
    """What of a task only Taskwell sets. It may come back as it was read. `progress`, which changes without the task, and
    `completed_occurrence` are not compared, and may be anything: many clients write null for what they were not shown."""

    progress: NotLookedAt
    completed_at: Annotated[Time | None, Field(default=None)]
    completed_occurrence: NotLookedAt


class WholeTask(TaskAsRead):
    """PUT: the whole of what a client may say. `description` and `is_completed` are cleared when they are left out; all
    others stay, and null clears them."""

    model_config = _STRICT | ConfigDict(
        json_schema_extra={"examples": [{"title": "Buy milk", "description": "Two litres", "is_completed": False}]}
    )

    title: Title
    description: Description | None = None
    is_completed: Flag = False
    list_id: Id | None = None
    parent_id: Id | None = None
    position: PositionOrNull = None
    priority: PriorityOrNull = "none"
    labels: LabelNamesOrNull = Field(default_factory=list)
    due: When | None = None
    start: When | None = None
    reminders: RemindersOrNull = Field(default_factory=list)
    recurrence: Recurrence | None = None


class TaskChanges(TaskAsRead):
    """PATCH, a JSON Merge Patch (RFC 7396): absent leaves alone, null clears."""

    model_config = _STRICT | ConfigDict(json_schema_extra={"examples": [{"is_completed": True}]})

    title: Annotated[Title, Field(default=None)]
    description: Annotated[Description | None, Field(default=None)]
    is_completed: Annotated[Flag, Field(default=None)]
    list_id: Annotated[Id | None, Field(default=None)]
    parent_id: Annotated[Id | None, Field(default=None)]
    position: Annotated[PositionOrNull, Field(default=None)]
    priority: Annotated[PriorityOrNull, Field(default=None)]
    labels: Annotated[LabelNamesOrNull, Field(default=None)]
    due: Annotated[When | None, Field(default=None)]
    start: Annotated[When | None, Field(default=None)]
    reminders: Annotated[RemindersOrNull, Field(default=None)]
    recurrence: Annotated[Recurrence | None, Field(default=None)]


class Completion(BaseModel):
    """POST `complete`. The `occurrence` of a task that recurs is the day on which it is due."""

    model_config = _STRICT | ConfigDict(json_schema_extra={"examples": [{}]})

    occurrence: Date | None = None
