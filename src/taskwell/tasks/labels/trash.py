"""The SQL of a label that comes back, and of the tasks that carried it. In units of work, like the rest of what changes both."""

from typing import Any

from sqlalchemy import CTE, Select, Text, any_, cast, func, not_, select, true, update
from sqlalchemy.sql.dml import Update

from taskwell.accounts.locking import turn
from taskwell.accounts.may_act import owner
from taskwell.database.statement import Statement
from taskwell.labels.statements import LABEL, LABELS_PER_USER
from taskwell.labels.tables import labels
from taskwell.records.asked import ONE
from taskwell.records.content import KEY
from taskwell.records.trash import back, emptied, found_in_trash, has_room, in_trash, trashed
from taskwell.records.writing import rendered
from taskwell.tasks.labels.statements import with_labels
from taskwell.tasks.tables import tasks
from taskwell.types import LABELS_PER_TASK


def _living(record: CTE) -> CTE:
    """The label that has the name of the deleted one by now."""
    other = labels.alias("other")
    is_it = (other.c.user_id == owner, other.c.user_id == record.c.user_id, other.c.deleted_at.is_(None))
    found = select(other.c.user_id, other.c.id, other.c.name, other.c.folded, record.c.carriers, record.c.deleted_at)
    return found.select_from(record.join(other, true())).where(*is_it, other.c[KEY] == record.c[KEY]).cte("living")


def _find() -> Select[Any]:
    record = trashed(LABEL)
    heir_id = select(_living(record).c.id).scalar_subquery().label("heir_id")
    return found_in_trash(LABEL, record, heir_id, has_room(LABEL, LABELS_PER_USER).label("has_room"))


FIND_TRASHED_LABEL = Statement("find_trashed_label", _find)
"""A label in the trash: whether another one has its name by now, and whether there is room for it."""


def _carried_again(label: CTE, stamp: CTE) -> Update:
    """The tasks that carried it carry this one, as their last. One that has as many as a task can have goes without, and so does
    one that was made since, at the id of one that carried it."""
    name = cast(label.c.name, Text()).label("name")
    task_id = func.unnest(label.c.carriers).label("task_id")
    each = select(label.c.user_id, name, label.c.folded, label.c.deleted_at, task_id).cte("each")
    return with_labels(each, stamp, func.array_append(tasks.c.labels, each.c.name), tasks.c.folded + each.c.folded).where(
        tasks.c.id == each.c.task_id,
        tasks.c.created_at <= each.c.deleted_at,
        tasks.c.emptied_at.is_(None),
        not_(each.c.name == any_(tasks.c.labels)),
        func.cardinality(tasks.c.labels) < LABELS_PER_TASK,
    )


def _restore() -> Select[Any]:
    me = ONE.me()
    stamp = turn(me)
    record = trashed(LABEL, me)
    restored = back(LABEL, stamp).cte("restored")
    answer = select(rendered(LABEL, restored).label("label"), restored.c.revision).select_from(me.outerjoin(restored, true()))
    return answer.add_cte(ONE.counted(me, restored), _carried_again(record, stamp).cte("carried_again"))


RESTORE_LABEL = Statement("restore_label", _restore)
"""A label comes back, and the tasks carry it again that carried it when it was deleted."""


def _merge() -> Select[Any]:
    me = ONE.me()
    stamp = turn(me)
    living = _living(trashed(LABEL, me))
    heir = (
        update(labels)
        .values(updated_at=stamp.c.at, revision=stamp.c.revision)
        .where(LABEL.live, labels.c.user_id == stamp.c.user_id, labels.c.id == living.c.id)
        .returning(*LABEL.stored)
        .cte("heir")
    )
    gone = update(labels).values(**emptied(LABEL, stamp)).where(in_trash(LABEL), labels.c.user_id == stamp.c.user_id)
    answer = select(rendered(LABEL, heir).label("label"), heir.c.revision).select_from(me.outerjoin(heir, true()))
    merged = gone.where(labels.c.id == LABEL.id).cte("merged")
    return answer.add_cte(ONE.counted(me, heir), _carried_again(living, stamp).cte("carried_again"), merged)


MERGE_TRASHED_LABEL = Statement("merge_trashed_label", _merge)
"""The label that has the name of one in the trash gets its tasks, and nothing of the other one can come back any more."""
