"""Which tasks a list shows, and in which order."""

from dataclasses import dataclass
from typing import Literal, NamedTuple, get_args

from sqlalchemy import ColumnElement

from taskwell.records.paging import Sort, SortKey
from taskwell.tasks.tables import tasks

Order = Literal["newest", "oldest"]

SORTS: dict[Order, Sort] = {
    "newest": (SortKey("created_at", is_descending=True), SortKey("id", is_descending=True)),
    "oldest": (SortKey("created_at"), SortKey("id")),
}


class TaskShape(NamedTuple):
    """What chooses an index, and so a statement of its own."""

    completed: bool | None
    order: Order
    is_resumed: bool

    @property
    def conditions(self) -> list[ColumnElement[bool]]:
        return [] if self.completed is None else [tasks.c.is_completed.is_(self.completed)]


SHAPES = tuple(
    TaskShape(completed, order, is_resumed)
    for completed in (None, True, False)
    for order in get_args(Order)
    for is_resumed in (False, True)
)


@dataclass(frozen=True)
class TaskFilter:
    """What a client asks of a list. A cursor of one filter means nothing to another, whichever field differs."""

    completed: bool | None = None
    order: Order = "newest"

    @property
    def name(self) -> str:
        """What a cursor is bound to, besides its owner."""
        return repr(self)

    def shape(self, *, is_resumed: bool) -> TaskShape:
        return TaskShape(self.completed, self.order, is_resumed)
