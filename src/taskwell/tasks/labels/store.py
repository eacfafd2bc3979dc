"""What can be done with labels. It stands beside the tasks, since what renames, merges or deletes a label changes them."""

from uuid import UUID

from taskwell.accounts.owner import Owner, unit_for
from taskwell.database.connection import Database
from taskwell.database.rows import Rows
from taskwell.errors import LabelChanged, LabelExists, LabelIdTaken, LabelNotFound, TooManyLabels
from taskwell.labels.filter import LabelFilter, LabelShape
from taskwell.labels.requests import LabelChanges, NewLabel, WholeLabel
from taskwell.labels.statements import CREATE_LABEL, CREATE_LABEL_AT, FIND_SAME_LABEL, LABEL, PLACE_LABEL, READ_LABEL
from taskwell.records.paging import BY_CREATION
from taskwell.records.store import Noun, Refusals, Rendered, RenderedPage, Writes, change, create, delete, list_page, place
from taskwell.tasks.labels.statements import CHANGE_LABEL, CHANGE_LABEL_AS_READ, DELETE_LABEL, LIST_LABELS, MERGE_LABEL
from taskwell.types import Revisions, name_key

LABELS = Noun(
    kind=LABEL,
    refusals=Refusals(LabelNotFound, LabelIdTaken, LabelChanged, LabelExists, TooManyLabels),
    read=READ_LABEL,
    find_same=FIND_SAME_LABEL,
    plain=Writes(CREATE_LABEL, CREATE_LABEL_AT, CHANGE_LABEL, CHANGE_LABEL_AS_READ),
    delete=DELETE_LABEL,
    place=PLACE_LABEL,
)


async def list_labels_page(
    rows: Rows, owner: Owner, asked: LabelFilter, *, limit: int, cursor: str | None, if_none_match: Revisions | None
) -> RenderedPage:
    statement = LIST_LABELS[LabelShape(asked.order, cursor is not None)]
    sort = BY_CREATION[asked.order]
    return await list_page(statement, sort, rows, owner, asked, limit=limit, cursor=cursor, if_none_match=if_none_match)


async def create_label(db: Database, owner: Owner, new: NewLabel) -> tuple[Rendered, bool]:
    """The label, and whether this request made it. In a unit of work, since a count has to be exact. Raises LabelNameTaken."""
    async with unit_for(db, owner) as unit:
        return await create(LABELS, unit, owner, new, new.id)


async def place_label(db: Database, owner: Owner, label_id: UUID, new: WholeLabel) -> Rendered:
    """Create the label at this id, likewise."""
    async with unit_for(db, owner) as unit:
        return await place(LABELS, unit, owner, label_id, new)


async def change_label(
    db: Database,
    owner: Owner,
    label_id: UUID,
    changes: WholeLabel | LabelChanges,
    *,
    is_merge: bool,
    if_match: Revisions | None,
    as_read: Revisions | None,
) -> Rendered:
    """PATCH and PUT, in all tasks that carry the label. `is_merge`: another label that has the new name becomes one with it.

    Raises LabelNameTaken.
    """
    async with unit_for(db, owner) as unit:
        if is_merge and "name" in changes.model_fields_set:
            # A change that is refused takes this back as well.
            await unit.row(MERGE_LABEL, owner=owner.id, issued_at=owner.issued_at, label_id=label_id, key=name_key(changes.name))
        return await change(LABELS, unit, owner, label_id, changes, if_match=if_match, as_read=as_read)


async def delete_label(db: Database, owner: Owner, label_id: UUID, *, if_match: Revisions | None) -> None:
    """Delete the label, and take it away from all tasks."""
    async with unit_for(db, owner) as unit:
        await delete(LABELS, unit, owner, label_id, if_match=if_match)
