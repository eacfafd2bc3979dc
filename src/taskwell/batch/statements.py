"""The SQL of a batch as a whole: what its operations have changed gets one revision."""

from typing import Any, Final

from sqlalchemy import ARRAY, BigInteger, ColumnElement, Select, Table, Text, and_, case, func, select, true, update

from taskwell.accounts.locking import locked_owner
from taskwell.accounts.may_act import owner, users
from taskwell.database.statement import Statement, argument
from taskwell.labels.statements import LABEL
from taskwell.lists.statements import LIST
from taskwell.records import many
from taskwell.records.many import is_one_of
from taskwell.records.ordering import at_the_end
from taskwell.tasks.statements import TASK
from taskwell.tasks.tables import departures, occurrences
from taskwell.types import POSITION_LENGTH

_before = argument("before", BigInteger())
_placed = argument("placed", ARRAY(Text()))


def _folded_into_one() -> Select[Any]:
    me = locked_owner()
    turn = (
        select(
            me.c.id,
            (_before + 1).label("revision"),
            at_the_end(_before + 1).label("first"),
            at_the_end(me.c.revision + 1).label("behind"),
        )
        .select_from(me)
        .where(me.c.revision > _before + 1)
        .cte("turn")
    )

    def again(table: Table) -> Any:
        values: dict[str, ColumnElement[Any]] = {"revision": turn.c.revision}
        if "position" in table.c:
            position = table.c.position
            is_put_there = and_(is_one_of(table.c.id, _placed), position >= turn.c.first, position < turn.c.behind)
            has_room = func.length(position) + func.length(turn.c.first) < POSITION_LENGTH
            values["position"] = case((and_(is_put_there, has_room), turn.c.first + position), else_=position)
        named = (table.c.user_id == owner, table.c.user_id == turn.c.id, table.c.revision >= turn.c.revision)
        return update(table).values(values).where(*named).cte(f"{table.name}_again")

    counted = update(users).values(revision=turn.c.revision).where(users.c.id == owner, users.c.id == turn.c.id).cte("counted")
    written = [again(table) for table in (TASK.table, LIST.table, LABEL.table, occurrences, departures)]
    return select(turn.c.revision).select_from(me.outerjoin(turn, true())).add_cte(*written, counted)


FOLD_INTO_ONE_REVISION = Statement("fold_into_one_revision", _folded_into_one)
"""All that has a greater revision than `before` gets the one behind it, and so does the owner. NULL: that is so already.

In a unit of work, whose own writes have these revisions. What they have put at the end (the `placed`) stays in its order, before
whatever is put there later: its position begins with that of the revision which it gets."""

SHOW_TASKS = Statement("show_tasks", lambda: many.shown(TASK))
"""Those of these tasks that are still there: in an atomic batch, a later operation may have changed what an earlier one has."""

SHOW_LISTS = Statement("show_lists", lambda: many.shown(LIST))
"""Likewise, of lists."""

SHOW_LABELS = Statement("show_labels", lambda: many.shown(LABEL))
"""Likewise, of labels."""

SHOW: Final = {TASK.name: SHOW_TASKS, LIST.name: SHOW_LISTS, LABEL.name: SHOW_LABELS}
