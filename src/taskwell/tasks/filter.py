"""Which tasks a list shows, and in which order."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, Literal, NamedTuple, get_args
from uuid import UUID

from sqlalchemy import Boolean, ColumnElement, DateTime, String, Uuid, or_

from taskwell.database.statement import argument
from taskwell.lists.statements import LIST
from taskwell.records.kinds import Kind
from taskwell.records.paging import BY_CREATION, CreationOrder
from taskwell.tasks.orders import ORDERS, Order
from taskwell.tasks.search import is_found, patterns_of
from taskwell.tasks.tables import tasks
from taskwell.types import Inbox, Priority

Where = Literal["anywhere", "inbox", "list"]


class TaskShape(NamedTuple):
    """What chooses an index, and so a statement of its own. In one place `completed` chooses none, and is an argument there."""

    completed: bool | None
    where: Where
    order: CreationOrder
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
    for order in get_args(CreationOrder)
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
_FILTERS = (
    or_(_updated_since.is_(None), tasks.c.updated_at >= _updated_since),
    or_(_priority.is_(None), tasks.c.priority == _priority),
    is_found(),
)


@dataclass(frozen=True)
class TaskFilter:
    """What a client asks of a list. A cursor of one filter means nothing to another, whichever field differs."""

    completed: bool | None = None
    order: Order | None = None
    list_id: UUID | Inbox | None = None
    updated_since: datetime | None = None
    priority: Priority | None = None
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

    @cached_property
    def is_plain(self) -> bool:
        """It asks for no more than what has a statement of its own (TaskShape)."""
        return self == TaskFilter(self.completed, self.order, self.list_id) and self.ordered_by in BY_CREATION

    def arguments(self, shape: "TaskShape | FilteredShape") -> dict[str, Any]:
        """Those of the shape's statement that are of this filter alone."""
        named = {"list_id": self.list_id} if self.where == "list" else {}
        if isinstance(shape, FilteredShape):
            given = {name: getattr(self, name) for name in ("completed", "updated_since", "priority")}
            return {**given, **named, **patterns_of(self.q, is_ranked=shape.order == "rank")}
        return {} if self.where == "anywhere" else {"completed": self.completed, **named}

    def shape(self, *, is_resumed: bool, is_tailored: bool = False) -> "TaskShape | FilteredShape":
        if is_tailored or not self.is_plain:
            return FilteredShape(self.where, self.ordered_by, is_resumed)
        order: CreationOrder = "oldest" if self.ordered_by == "oldest" else "newest"
        return TaskShape(self.completed if self.where == "anywhere" else None, self.where, order, is_resumed)
