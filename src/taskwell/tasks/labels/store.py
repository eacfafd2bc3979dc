"""What can be done with labels, beside what can be done with all that is limited (records/limited.py).

It stands beside the tasks, since what renames, merges or deletes a label changes them.
"""

from uuid import UUID

from taskwell.accounts.owner import Owner, unit_for
from taskwell.database.unit_of_work import Writable
from taskwell.errors import LabelChanged, LabelExists, LabelIdTaken, LabelNotFound, TooManyLabels
from taskwell.labels.requests import LabelChanges, WholeLabel
from taskwell.labels.statements import CREATE_LABEL, CREATE_LABEL_AT, FIND_SAME_LABEL, LABEL, PLACE_LABEL, READ_LABEL
from taskwell.records.store import Noun, Refusals, Rendered, Writes, change
from taskwell.tasks.labels.statements import CHANGE_LABEL, CHANGE_LABEL_AS_READ, DELETE_LABEL, MERGE_LABEL
from taskwell.tasks.trash.purging import PURGE
from taskwell.types import Revisions, name_key

LABELS = Noun(
    kind=LABEL,
    refusals=Refusals(LabelNotFound, LabelIdTaken, LabelChanged, LabelExists, TooManyLabels),
    read=READ_LABEL,
    find_same=FIND_SAME_LABEL,
    plain=Writes(CREATE_LABEL, CREATE_LABEL_AT, CHANGE_LABEL, CHANGE_LABEL_AS_READ),
    delete=DELETE_LABEL,
    purge=PURGE,
    place=PLACE_LABEL,
)


async def change_label(
    db: Writable,
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
