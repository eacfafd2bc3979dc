"""In which orders tasks are listed. Each ends with the id, so that no two tasks tie."""

from collections.abc import Mapping
from typing import Final, Literal, get_args

from sqlalchemy import case, collate, func

from taskwell.records.paging import BY_CREATION, Sort, SortKey
from taskwell.tasks.search import RANK, folded_title
from taskwell.tasks.tables import tasks
from taskwell.types import Priority

Order = Literal["newest", "oldest", "updated", "due", "priority", "position", "title"]

TITLE_KEY_LENGTH: Final = 64
"""Titles are ordered by so many characters, since what a page ends with stands in its cursor."""

# In the order of the code points, which no locale of the database and no upgrade of its C library changes.
_title_key = collate(func.left(folded_title, TITLE_KEY_LENGTH), "C")
_urgency = case({priority: number for number, priority in enumerate(get_args(Priority))}, value=tasks.c.priority)

ORDERS: Final[Mapping[str, Sort]] = {
    "newest": BY_CREATION["newest"],
    "oldest": BY_CREATION["oldest"],
    # The revision is the order of the changes, and has an index.
    "updated": (SortKey("revision", is_descending=True), SortKey("id", is_descending=True)),
    "due": (SortKey("due_sort"), SortKey("id")),
    "priority": (
        SortKey("urgency", is_descending=True, value=_urgency),
        SortKey("created_at", is_descending=True),
        SortKey("id", is_descending=True),
    ),
    "position": (SortKey("position"), SortKey("id")),
    "title": (SortKey("title_key", value=_title_key), SortKey("id")),
    "rank": (SortKey("rank", value=RANK), SortKey("created_at", is_descending=True), SortKey("id", is_descending=True)),
}
"""`rank` is the order of a search, where no other one is asked for."""
