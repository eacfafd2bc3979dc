"""The SQL of what is deleted for good: a row remains, without content, which says that there was a record."""

from typing import Any

from sqlalchemy import CTE, Integer, Select, delete, func, select, update

from taskwell.accounts.locking import turn
from taskwell.accounts.may_act import owner
from taskwell.database.statement import Statement, argument
from taskwell.labels.statements import LABEL
from taskwell.lists.statements import LIST
from taskwell.records.asked import ONE
from taskwell.records.kinds import Kind
from taskwell.records.trash import emptied, in_trash, trashed
from taskwell.tasks.statements import TASK
from taskwell.tasks.tables import occurrences
from taskwell.tasks.trash.statements import tasks_with, with_it


def _emptied(kind: Kind, stamp: CTE, rows: CTE) -> CTE:
    """Those of the trash that are in `rows`."""
    table = kind.table
    gone = update(table).values(**emptied(kind, stamp)).where(in_trash(kind), table.c.user_id == stamp.c.user_id)
    return gone.where(table.c.user_id == rows.c.user_id, table.c.id == rows.c.id).cte(f"emptied_{table.name}")


def _emptied_tasks(stamp: CTE, rows: CTE) -> tuple[CTE, CTE]:
    return _emptied(TASK, stamp, rows), _finished(stamp, rows)


def _finished(stamp: CTE, rows: CTE) -> CTE:
    is_of_them = (occurrences.c.user_id == rows.c.user_id, occurrences.c.task_id == rows.c.id)
    in_turn = occurrences.c.user_id == stamp.c.user_id
    return delete(occurrences).where(occurrences.c.user_id == owner, in_turn, *is_of_them).cte("emptied_occurrences")


def _empty_task() -> Select[Any]:
    me = ONE.me()
    return select(me.c.id).add_cte(*_emptied_tasks(turn(me), with_it(trashed(TASK, me))))


EMPTY_TASK = Statement("empty_task", _empty_task)
"""A task in the trash, and what went with it."""


def _empty_list() -> Select[Any]:
    me = ONE.me()
    stamp, record = turn(me), trashed(LIST, me)
    return select(me.c.id).add_cte(_emptied(LIST, stamp, record), *_emptied_tasks(stamp, tasks_with(record)))


EMPTY_LIST = Statement("empty_list", _empty_list)
"""A list in the trash, and the tasks that went with it."""


def _empty_label() -> Select[Any]:
    me = ONE.me()
    return select(me.c.id).add_cte(_emptied(LABEL, turn(me), trashed(LABEL, me)))


EMPTY_LABEL = Statement("empty_label", _empty_label)
"""A label in the trash."""


def _empty_trash() -> Select[Any]:
    me = ONE.me()
    stamp = turn(me)
    steps = {}
    for kind in (TASK, LIST, LABEL):
        table = kind.table
        some = select(table.c.user_id, table.c.id).select_from(me.join(table, table.c.user_id == me.c.id)).where(in_trash(kind))
        steps[kind] = some.limit(argument("most", Integer())).cte(f"some_{table.name}")
    emptied_kinds = (_emptied(kind, stamp, some) for kind, some in steps.items())
    found = func.greatest(*(select(func.count()).select_from(some).scalar_subquery() for some in steps.values()))
    return select(found.label("found")).select_from(me).add_cte(*emptied_kinds, _finished(stamp, steps[TASK]))


EMPTY_TRASH = Statement("empty_trash", _empty_trash)
"""Of what is in the trash `most` of each kind. `found` is how many there were of one kind."""
