"""In which order lists are shown."""

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple, get_args

from taskwell.records.paging import CreationOrder


class ListShape(NamedTuple):
    """What chooses an index, and so a statement of its own."""

    order: CreationOrder
    is_resumed: bool


LIST_SHAPES = tuple(ListShape(order, is_resumed) for order in get_args(CreationOrder) for is_resumed in (False, True))


@dataclass(frozen=True)
class ListFilter:
    """What a client asks of its lists. A cursor of one filter means nothing to another, whichever field differs."""

    order: CreationOrder = "newest"

    @cached_property
    def name(self) -> str:
        """What a cursor is bound to, besides its owner."""
        return repr(self)
