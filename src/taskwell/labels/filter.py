"""in which order labels are shown."""

from dataclasses import dataclass
from typing import NamedTuple, get_args

from taskwell.records.paging import CreationOrder


class LabelShape(NamedTuple):
    """What chooses an index, and so a statement of its own."""

    order: CreationOrder
    is_resumed: bool


LABEL_SHAPES = tuple(LabelShape(order, is_resumed) for order in get_args(CreationOrder) for is_resumed in (False, True))


@dataclass(frozen=True)
class LabelFilter:
    """What a client asks of its labels. A cursor of one filter means nothing to another, whichever field differs."""

    order: CreationOrder = "newest"

    @property
    def name(self) -> str:
        """What a cursor is bound to, besides its owner."""
        return repr(self)
