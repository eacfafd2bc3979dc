"""What lists and labels share, of which a user may have so many: a count has to be exact, so each write is a unit of work.

They are shown by creation, and by no filter.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Final, NamedTuple, get_args
from uuid import UUID

from pydantic import BaseModel

from taskwell.accounts.owner import Owner, unit_for
from taskwell.database.rows import Rows
from taskwell.database.shapes import Shapes
from taskwell.database.unit_of_work import Writable
from taskwell.records import store
from taskwell.records.paging import BY_CREATION, CreationOrder
from taskwell.records.store import Noun, Rendered, RenderedPage
from taskwell.types import Revisions


class CreationShape(NamedTuple):
    """What chooses an index, and so a statement of its own."""

    order: CreationOrder
    is_resumed: bool


CREATION_SHAPES: Final = tuple(
    CreationShape(order, is_resumed) for order in get_args(CreationOrder) for is_resumed in (False, True)
)


@dataclass(frozen=True)
class ByCreation:
    """What a client asks of a page. A cursor of one noun or order means nothing to another."""

    kind: str
    order: CreationOrder

    @cached_property
    def name(self) -> str:
        """What a cursor is bound to, besides its owner."""
        return repr(self)


async def list_page(
    noun: Noun,
    pages: Shapes[CreationShape],
    rows: Rows,
    owner: Owner,
    order: CreationOrder,
    *,
    limit: int,
    cursor: str | None,
    if_none_match: Revisions | None,
) -> RenderedPage:
    statement, asked = pages[CreationShape(order, cursor is not None)], ByCreation(noun.kind.name, order)
    return await store.list_page(
        statement, BY_CREATION[order], rows, owner, asked, limit=limit, cursor=cursor, if_none_match=if_none_match
    )


async def create(noun: Noun, db: Writable, owner: Owner, new: BaseModel, own_id: UUID | None) -> tuple[Rendered, bool]:
    """Raises what `store.create` raises, and what a taken name is."""
    async with unit_for(db, owner) as unit:
        return await store.create(noun, unit, owner, new, own_id)


async def place(noun: Noun, db: Writable, owner: Owner, record_id: UUID, new: BaseModel) -> Rendered:
    """Likewise, of `store.place`."""
    async with unit_for(db, owner) as unit:
        return await store.place(noun, unit, owner, record_id, new)


async def delete(noun: Noun, db: Writable, owner: Owner, record_id: UUID, *, if_match: Revisions | None) -> None:
    """Delete it with what goes along at that moment. One statement sees all of that, once the owner is locked."""
    async with unit_for(db, owner) as unit:
        await store.delete(noun, unit, owner, record_id, if_match=if_match)
