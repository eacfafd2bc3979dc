"""The SQL of the finished occurrences of a task that recurs.

What decides is Python, in a unit of work, in which the owner is locked already.
"""

from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import (
    ARRAY,
    Date,
    DateTime,
    Integer,
    Select,
    String,
    Text,
    Uuid,
    cast,
    func,
    select,
    true,
    tuple_,
    union_all,
    update,
)
from sqlalchemy.dialects.postgresql import JSONB, insert

from taskwell.accounts.locking import locked_owner, turn
from taskwell.accounts.may_act import owner, owner_may_act, users
from taskwell.database.statement import Statement, argument
from taskwell.database.statement_of_set import rows
from taskwell.database.view import as_json, shown_column, shown_of
from taskwell.records.asked import ONE
from taskwell.records.many import is_one_of
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
            *(cast(_task.c[name], Text).label(name) for name in ("due", "start", "reminders", "recurrence")),
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
    me = locked_owner()
    stamp = turn(me, argument("more", Integer()))
    row = {
        "user_id": owner,
        "task_id": TASK.id,
        "occurrence": _occurrence,
        "due": cast(argument("due", String()), JSONB()),
        "start": cast(argument("start", String()), JSONB()),
        "recurrence": _recurrence,
        "completed_at": stamp.c.at,
        "revision": stamp.c.revision,
    }
    new = insert(occurrences).from_select([*row], select(*row.values()).select_from(stamp))
    kept = new.on_conflict_do_update(
        index_elements=[occurrences.c.user_id, occurrences.c.task_id, occurrences.c.occurrence],
        set_={name: new.excluded[name] for name in ("due", "start", "recurrence", "completed_at", "revision")},
        where=occurrences.c.user_id == owner,
    ).cte("kept")
    noted = (
        update(tasks)
        .values(completed_occurrence=_occurrence, updated_at=stamp.c.at, revision=stamp.c.revision)
        .where(TASK.live, tasks.c.user_id == stamp.c.user_id, tasks.c.id == TASK.id)
        .returning(tasks.c.id, tasks.c.user_id, tasks.c.revision)
        .cte("noted")
    )
    return select(noted.c.id).add_cte(kept, ONE.counted(me, noted))


FINISH_OCCURRENCE = Statement("finish_occurrence", _finished)
"""What was finished is kept: under the revision that the task has just got (`more` 0), or under one more, which it gets too."""


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

# ---- out and in --------------------------------------------------------------------------------------------------------

_EXPORTED: Final = ("task_id", "occurrence", "due", "start", "recurrence", "completed_at")


def _exported() -> Select[Any]:
    after = (argument("after_task_id", Uuid()), argument("after_occurrence", Date()))
    step = (
        select(*(occurrences.c[name] for name in _EXPORTED))
        .where(
            occurrences.c.user_id == owner,
            is_one_of(occurrences.c.task_id, argument("ids", ARRAY(Text()))),
            tuple_(occurrences.c.task_id, occurrences.c.occurrence) > tuple_(*after),
        )
        .order_by(occurrences.c.task_id, occurrences.c.occurrence)
        .limit(argument("limit", Integer()))
        .lateral("step")
    )
    shown = select(*(shown_column(column).label(column.name) for column in step.c)).where(step.c.task_id.is_not(None))
    record = select(as_json(shown.correlate(step).subquery("shown"))).scalar_subquery().label("record")
    return (
        select(record, step.c.task_id, step.c.occurrence)
        .select_from(users.outerjoin(step, true()))
        .where(owner_may_act())
        .order_by(step.c.task_id, step.c.occurrence)
    )


EXPORT_OCCURRENCES = Statement("export_occurrences", _exported)
"""The next finished occurrences of some tasks, after a place. No row: no such user. One row of NULLs: there are no more."""

IMPORTED: Final[Mapping[str, Any]] = {
    "task_id": Uuid(),
    "occurrence": Date(),
    "due": String(),
    "start": String(),
    "recurrence": String(),
    "completed_at": DateTime(timezone=True),
}
"""What each row of IMPORT_OCCURRENCES has."""


def _imported() -> Select[Any]:
    me = locked_owner()
    stamp = turn(me)
    given = rows(IMPORTED).cte("given_rows")
    row = {
        "user_id": owner,
        "task_id": given.c.task_id,
        "occurrence": given.c.occurrence,
        **{name: cast(given.c[name], JSONB()) for name in ("due", "start", "recurrence")},
        "completed_at": func.least(func.coalesce(given.c.completed_at, stamp.c.at), stamp.c.at),
        "revision": stamp.c.revision,
    }
    key = (occurrences.c.user_id, occurrences.c.task_id, occurrences.c.occurrence)
    made = (
        insert(occurrences)
        .from_select([*row], select(*row.values()).select_from(given.join(stamp, true())))
        .on_conflict_do_nothing(index_elements=[*key])
        .returning(*key, occurrences.c.completed_at, occurrences.c.revision)
        .cte("made")
    )
    own = select(occurrences.c.task_id, occurrences.c.occurrence, occurrences.c.completed_at)
    there = own.where(occurrences.c.user_id == owner, occurrences.c.task_id.in_(select(made.c.task_id)))
    new = select(made.c.task_id, made.c.occurrence, made.c.completed_at)
    all_of_them = union_all(new, there).subquery("all_of_them")
    newest_first = (all_of_them.c.completed_at.desc(), all_of_them.c.occurrence.desc())
    place = func.row_number().over(partition_by=all_of_them.c.task_id, order_by=newest_first).label("place")
    last = select(all_of_them.c.task_id, all_of_them.c.occurrence, place).cte("last")
    noted = (
        update(tasks)
        .values(completed_occurrence=last.c.occurrence, updated_at=stamp.c.at, revision=stamp.c.revision)
        .where(TASK.live, tasks.c.user_id == stamp.c.user_id, tasks.c.id == last.c.task_id, last.c.place == 1)
        .cte("noted")
    )
    return select(made.c.task_id, made.c.occurrence).add_cte(noted, ONE.counted(me, made))


IMPORT_OCCURRENCES = Statement("import_occurrences", _imported)
"""Finished occurrences of tasks that are there, under one revision, which the tasks get too. Those that are there stay."""
