"""What can be asked of the list of tasks: which of them, in which order, and what is shown of each."""

from functools import cached_property
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, ValidationInfo

from taskwell.records.folding import fold
from taskwell.records.paging import Tailored
from taskwell.tasks.filter import TaskFilter
from taskwell.tasks.orders import Order
from taskwell.tasks.progress import TaskView
from taskwell.types import (
    LABELS_PER_TASK,
    SEARCH_LENGTH,
    Cursor,
    InboxOrId,
    LabelName,
    NoneOrId,
    PageLimit,
    Priority,
    QueryDay,
    QueryDays,
    QueryFlag,
    QueryTime,
)


def _typed(value: object) -> object:
    # A box for a search that is empty, or holds a blank, looks for nothing.
    return (value.strip() or None) if isinstance(value, str) else value


def _searchable(query: str) -> str:
    if not fold(query):
        raise ValueError("must have a letter, a digit or a symbol in it")
    return query


Search = Annotated[
    Annotated[str, StringConstraints(max_length=SEARCH_LENGTH), AfterValidator(_searchable)] | None, BeforeValidator(_typed)
]


def _shown(fields: str) -> str:
    if not set(fields.split(",")) <= TaskView.model_fields.keys():
        raise ValueError("must be names of fields of a task, with commas between them")
    return fields


def _expanded(expand: str | None, beside: ValidationInfo) -> str | None:
    # Without it a task has no such field, and one without any field would not be shown at all.
    if expand is None and "progress" in (beside.data.get("fields") or "").split(","):
        raise ValueError("must be progress where it is one of the fields")
    return expand


class TaskQuery(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    limit: Annotated[PageLimit, Field(description="How many tasks a page holds")] = 20
    cursor: Annotated[Cursor, Field(description="`next_cursor` of the page before")] = None
    completed: Annotated[QueryFlag | None, Field(description="Only the completed, or only the open ones")] = None
    list_id: Annotated[InboxOrId | None, Field(description="Only those of one list, or of the `inbox`: those in no list")] = None
    updated_since: Annotated[
        QueryTime | None, Field(description="Only those that were changed then or later. It is no sync token")
    ] = None
    priority: Annotated[Priority | None, Field(description="Only those of this priority")] = None
    parent_id: Annotated[NoneOrId | None, Field(description="Only those below this task, or, with `none`, below no other")] = None
    label: Annotated[
        tuple[LabelName, ...],
        Field(max_length=LABELS_PER_TASK, description="Only those that carry this label; given several times, each of them"),
    ] = ()
    due_before: Annotated[QueryDay | None, Field(description="Only those that are due before this day or time")] = None
    due_after: Annotated[QueryDay | None, Field(description="Only those that are due after this day or time")] = None
    overdue: Annotated[QueryFlag | None, Field(description="Only the open ones that were due, or only all others")] = None
    today: Annotated[QueryFlag | None, Field(description="Only those that are due today, or only all others")] = None
    upcoming: Annotated[
        QueryDays | None, Field(description="Only those that are due on one of so many days, of which today is the first")
    ] = None
    q: Annotated[Search, Field(description="Only those that have each of these words, or one that begins with it")] = None
    order: Annotated[
        Order | None, Field(description="`newest` first by default, and with `q` by default the best match first")
    ] = None
    count: Annotated[QueryFlag | None, Field(description="Also the `total` of all pages")] = None
    fields: Annotated[
        Annotated[str, StringConstraints(max_length=1_000), AfterValidator(_shown)] | None,
        Field(description="Of each task only these, as in `id,title`"),
    ] = None
    expand: Annotated[
        Literal["progress"] | None,
        AfterValidator(_expanded),
        Field(validate_default=True, description="Adds how far the direct subtasks of each are"),
    ] = None

    @cached_property  # all requests that ask for nothing have one query in common
    def filter(self) -> TaskFilter:
        return TaskFilter(
            completed=self.completed,
            order=self.order,
            list_id=self.list_id,
            updated_since=self.updated_since,
            priority=self.priority,
            parent_id=self.parent_id,
            labels=self.label,
            due_before=self.due_before,
            due_after=self.due_after,
            is_overdue=self.overdue,
            is_due_today=self.today,
            upcoming_days=self.upcoming,
            q=self.q,
        )

    @cached_property
    def tailored(self) -> Tailored:
        return Tailored(tuple(self.fields.split(",")) if self.fields else (), bool(self.count), self.expand is not None)
