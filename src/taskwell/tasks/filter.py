"""Which tasks a list shows, and in which order."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, get_args
from uuid import UUID

from sqlalchemy import Boolean, ColumnElement, Uuid, or_

from taskwell.database.statement import argument
from taskwell.lists.statements import LIST
from taskwell.records.kinds import Kind
from taskwell.records.paging import CreationOrder
from taskwell.tasks.tables import tasks
from taskwell.types import Inbox

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
        is_there = tasks.c.list_id.is_(None) if self.where == "inbox" else tasks.c.list_id == argument("list_id", Uuid())
        completed = argument("completed", Boolean())
        return [is_there, or_(completed.is_(None), tasks.c.is_completed == completed)]

    @property
    def named(self) -> Mapping[str, Kind]:
        """The arguments that name another record."""
        return {"list_id": LIST} if self.where == "list" else {}


SHAPES = tuple(
    TaskShape(completed, where, order, is_resumed)
    for where in get_args(Where)
    for completed in ((None, True, False) if where == "anywhere" else (None,))
    for order in get_args(CreationOrder)
    for is_resumed in (False, True)
)


@dataclass(frozen=True)
class TaskFilter:
    """What a client asks of a list. A cursor of one filter means nothing to another, whichever field differs."""

    completed: bool | None = None
    order: CreationOrder = "newest"
    list_id: UUID | Inbox | None = None

    @property
    def name(self) -> str:
        """What a cursor is bound to, besides its owner."""
        return repr(self)

    @property
    def where(self) -> Where:
        return "anywhere" if self.list_id is None else "list" if isinstance(self.list_id, UUID) else "inbox"

    @property
    def arguments(self) -> dict[str, Any]:
        """Those of the shape's statement that are of this filter alone."""
        named = {"list_id": self.list_id} if self.where == "list" else {}
        return {} if self.where == "anywhere" else {"completed": self.completed, **named}

    def shape(self, *, is_resumed: bool) -> TaskShape:
        return TaskShape(self.completed if self.where == "anywhere" else None, self.where, self.order, is_resumed)
