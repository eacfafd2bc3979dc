"""The SQL of the finished occurrences of a task that recurs.

What decides is Python, in a unit of work, in which the owner is locked already.
"""

from typing import Any

from sqlalchemy import Date, Integer, Select, String, Text, Uuid, cast, func, select, true, update
from sqlalchemy.dialects.postgresql import JSONB, insert

from taskwell.accounts.locking import locked_owner, stamped
from taskwell.accounts.may_act import owner, owner_may_act, users
from taskwell.database.statement import Statement, argument
from taskwell.database.view import as_json, shown_of
from taskwell.records.paging import BETWEEN_ITEMS
from taskwell.tasks.statements import TASK
from taskwell.tasks.tables import OccurrenceView, occurrences, tasks

_occurrence = cast(argument("occurrence", String()), Date())
_recurrence = cast(argument("recurrence", String()), JSONB())
_of_the_task = (occurrences.c.user_id == owner, occurrences.c.task_id == argument("task_id", Uuid()))
_finished_one = select(occurrences.c.occurrence).where(*_of_the_task, occurrences.c.occurrence == _occurrence)
_task = select(tasks).where(TASK.live, tasks.c.id == TASK.id).subquery("task")

FIND_OCCURRENCE = Statement(
    "find_occurrence",
    lambda: (
        select(
            users.c.time_zone,
            _task.c.revision,
            _task.c.is_completed,
            *(cast(_task.c[name], Text).label(name) for name in ("due", "start", "recurrence")),
            _finished_one.scalar_subquery().is_not(None).label("is_finished"),
        )
        .select_from(users.outerjoin(_task, true()))
        .where(owner_may_act())
    ),
)
"""A task that may recur, and whether an occurrence of it is finished already."""

COUNT_OCCURRENCES = Statement(
    "count_occurrences",
    lambda: select(func.count().label("finished")).where(
        *_of_the_task, occurrences.c.recurrence == _recurrence, occurrences.c.occurrence != _occurrence
    ),
)
"""How many of a rule are finished, but for this one: the rule may have a COUNT."""


def _finished() -> Select[Any]:
    me = stamped(locked_owner())
    row = {
        "user_id": owner,
        "task_id": TASK.id,
        "occurrence": _occurrence,
        "due": cast(argument("due", String()), JSONB()),
        "start": cast(argument("start", String()), JSONB()),
        "recurrence": _recurrence,
        "completed_at": me.c.at,
        "revision": me.c.revision,
    }
    new = insert(occurrences).from_select([*row], select(*row.values()).select_from(me))
    kept = new.on_conflict_do_update(
        index_elements=[occurrences.c.user_id, occurrences.c.task_id, occurrences.c.occurrence],
        set_={name: new.excluded[name] for name in ("due", "start", "recurrence", "completed_at", "revision")},
        where=occurrences.c.user_id == owner,
    ).cte("kept")
    noted = (
        update(tasks)
        .values(completed_occurrence=_occurrence)
        .where(TASK.live, tasks.c.user_id == me.c.id, tasks.c.id == TASK.id)
        .returning(tasks.c.id)
        .cte("noted")
    )
    return select(noted.c.id).add_cte(kept)


FINISH_OCCURRENCE = Statement("finish_occurrence", _finished)
"""What was finished is kept, under the revision that the task has just got."""


def _listed(*, is_resumed: bool) -> Select[Any]:
    limit = argument("limit", Integer())
    first = [occurrences.c.occurrence <= cast(argument("first_occurrence", String()), Date())] if is_resumed else []
    item = (
        select(*shown_of(OccurrenceView, occurrences))
        .where(*_of_the_task, *first)
        .order_by(occurrences.c.occurrence.desc())
        .limit(limit + 1)
        .subquery("item")
    )
    following = func.array_agg(cast(item.c.occurrence, Text))[limit + 1].label("next_occurrence")
    page = select(func.string_agg(cast(as_json(item), Text), BETWEEN_ITEMS).label("items"), following).select_from(item)
    cut = page.lateral("page")
    is_there = select(tasks.c.id).where(TASK.live, tasks.c.id == TASK.id).scalar_subquery().is_not(None).label("is_there")
    return select(users.c.revision, is_there, *cut.c).select_from(users.outerjoin(cut, true())).where(owner_may_act())


LIST_OCCURRENCES = Statement("list_occurrences", lambda: _listed(is_resumed=False))
"""The finished occurrences of a task, the last one first."""

LIST_OCCURRENCES_RESUMED = Statement("list_occurrences_resumed", lambda: _listed(is_resumed=True))
"""Likewise, from a place on."""
