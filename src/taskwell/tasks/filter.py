"""Which tasks a list shows, and in which order."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, Final, Literal, NamedTuple, cast, get_args
from uuid import UUID

from sqlalchemy import ARRAY, Boolean, ColumnElement, DateTime, String, Text, Uuid, not_, or_

from taskwell.database.statement import argument
from taskwell.lists.statements import LIST
from taskwell.records.kinds import Kind
from taskwell.tasks.due_filter import are_due, bounds, present
from taskwell.tasks.labels.filter import carries_each, is_unknown
from taskwell.tasks.orders import ORDERS, Order
from taskwell.tasks.search import is_found, patterns_of
from taskwell.tasks.tables import tasks
from taskwell.types import DayOrTime, Inbox, NoParent, Priority, name_key

Where = Literal["anywhere", "inbox", "list"]
PlainOrder = Literal["newest", "oldest", "due"]
"""Those that have an index, and that everybody asks for."""


class TaskShape(NamedTuple):
    """What chooses an index, and so a statement of its own. In one place `completed` chooses none, and is an argument there."""

    completed: bool | None
    where: Where
    order: PlainOrder
    is_resumed: bool

    @property
    def conditions(self) -> list[ColumnElement[bool]]:
        if self.where == "anywhere":
            return [] if self.completed is None else [tasks.c.is_completed.is_(self.completed)]
        return [*_is_there(self.where), _is_completed]

    @property
    def named(self) -> Mapping[str, Kind]:
        """The arguments that name another record."""
        return {"list_id": LIST} if self.where == "list" else {}


class FilteredShape(NamedTuple):
    """The same for any other filter or order, or where the request chooses what is shown. Each filter is an argument."""

    where: Where
    order: str
    is_resumed: bool

    @property
    def conditions(self) -> list[ColumnElement[bool]]:
        return [*_is_there(self.where), _is_completed, *_FILTERS]

    @property
    def named(self) -> Mapping[str, Kind]:
        return {"list_id": LIST} if self.where == "list" else {}


SHAPES = tuple(
    TaskShape(completed, where, order, is_resumed)
    for where in get_args(Where)
    for completed in ((None, True, False) if where == "anywhere" else (None,))
    for order in get_args(PlainOrder)
    for is_resumed in (False, True)
)
FILTERED_SHAPES = tuple(
    FilteredShape(where, order, is_resumed) for where in get_args(Where) for order in ORDERS for is_resumed in (False, True)
)


def _is_there(where: Where) -> list[ColumnElement[bool]]:
    if where == "anywhere":
        return []
    return [tasks.c.list_id.is_(None) if where == "inbox" else tasks.c.list_id == argument("list_id", Uuid())]


_completed = argument("completed", Boolean())
_is_completed = or_(_completed.is_(None), tasks.c.is_completed == _completed)
_updated_since = argument("updated_since", DateTime(timezone=True))
_priority = argument("priority", String())
_parent_id = argument("parent_id", Uuid())
_is_top = argument("is_top", Boolean())
_label_keys = argument("label_keys", ARRAY(Text()))
_FILTERS = (
    or_(_updated_since.is_(None), tasks.c.updated_at >= _updated_since),
    or_(_priority.is_(None), tasks.c.priority == _priority),
    or_(_parent_id.is_(None), tasks.c.parent_id == _parent_id),
    or_(not_(_is_top), tasks.c.parent_id.is_(None)),
    carries_each(_label_keys),
    *are_due(),
    is_found(),
)
UNKNOWN_LABEL: Final = {"label": is_unknown(_label_keys)}
"""The filter that names records by their names, and whether one of them is not there."""


@dataclass(frozen=True)
class TaskFilter:
    """What a client asks of a list. A cursor of one filter means nothing to another, whichever field differs."""

    completed: bool | None = None
    order: Order | None = None
    list_id: UUID | Inbox | None = None
    updated_since: datetime | None = None
    priority: Priority | None = None
    parent_id: UUID | NoParent | None = None
    labels: tuple[str, ...] = ()
    due_before: DayOrTime | None = None
    due_after: DayOrTime | None = None
    is_overdue: bool | None = None
    is_due_today: bool | None = None
    upcoming_days: int | None = None
    q: str | None = None

    @cached_property
    def name(self) -> str:
        """What a cursor is bound to, besides its owner."""
        return repr(self)

    @property
    def ordered_by(self) -> str:
        """The name of its order (ORDERS)."""
        return self.order or ("newest" if self.q is None else "rank")

    @property
    def where(self) -> Where:
        return "anywhere" if self.list_id is None else "list" if isinstance(self.list_id, UUID) else "inbox"

    @property
    def named(self) -> list[str]:
        """The names of its filters that name a record of the owner's."""
        ids = [name for name in ("list_id", "parent_id") if isinstance(getattr(self, name), UUID)]
        return [*ids, *(["label"] if self.labels else [])]

    @property
    def is_of_the_present(self) -> bool:
        """What it shows becomes another list as time goes by, without a write."""
        return (self.is_overdue, self.is_due_today, self.upcoming_days) != (None, None, None)

    @cached_property
    def is_plain(self) -> bool:
        """It asks for no more than what has a statement of its own (TaskShape)."""
        return self == TaskFilter(self.completed, self.order, self.list_id) and self.ordered_by in get_args(PlainOrder)

    def arguments(self, shape: "TaskShape | FilteredShape") -> dict[str, Any]:
        """Those of the shape's statement that are of this filter alone."""
        named = {"list_id": self.list_id} if self.where == "list" else {}
        if isinstance(shape, TaskShape):
            return {} if self.where == "anywhere" else {"completed": self.completed, **named}
        return {
            **named,
            "completed": self.completed,
            "updated_since": self.updated_since,
            "priority": self.priority,
            "parent_id": self.parent_id if isinstance(self.parent_id, UUID) else None,
            "is_top": self.parent_id == "none",
            "label_keys": [name_key(name) for name in self.labels] or None,
            **bounds(self.due_before, self.due_after),
            **present(is_overdue=self.is_overdue, is_due_today=self.is_due_today, days=self.upcoming_days),
            **patterns_of(self.q, is_ranked=shape.order == "rank"),
        }

    def shape(self, *, is_resumed: bool, is_tailored: bool = False) -> "TaskShape | FilteredShape":
        order = self.ordered_by
        if is_tailored or not self.is_plain:
            return FilteredShape(self.where, order, is_resumed)
        return TaskShape(self.completed if self.where == "anywhere" else None, self.where, cast(PlainOrder, order), is_resumed)
