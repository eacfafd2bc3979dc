"""The frame of a write: lock, decide, change, count, answer. A noun's statements are made of these.

A write locks before it decides. In READ COMMITTED a CTE keeps the snapshot from before it waited for a lock, so what a
decision rests on comes from a row that this same statement has locked: `me` is the user's row `FOR NO KEY UPDATE`, then
`current` the record `FOR UPDATE`. Both give the newest version, whoever had the lock before. The time is taken by a SELECT after
the lock, so that times never run against the revision, and what changes rows takes it from there: nothing volatile stands in an
INSERT or an UPDATE (Citus refuses that).
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import (
    CTE,
    ColumnElement,
    FromClause,
    Select,
    String,
    and_,
    case,
    func,
    not_,
    null,
    or_,
    select,
)
from sqlalchemy.dialects.postgresql import insert

from taskwell.accounts.may_act import owner
from taskwell.database.statement import argument
from taskwell.database.view import as_json
from taskwell.records.asked import ONE, Asked
from taskwell.records.kinds import Kind
from taskwell.records.revisions import is_among

Values = Mapping[str, ColumnElement[Any]]
Derived = Callable[[Values, ColumnElement[Any], FromClause | None], Values]
"""The columns that follow from a record's content: of (its new content, the time of the change, the row as it was or None)."""

_if_match = argument("if_match", String())
_as_read = argument("as_read", String())


# ---- create --------------------------------------------------------------------------------------------------------------


def created(kind: Kind, derived: Derived, asked: Asked) -> Select[Any]:
    """The new record. No row: no such user. NULL in its place: the id is taken, by whatever stands there or once stood.

    The revision is counted once the record is there, since a taken id takes none.
    """
    me = asked.me()
    row, carrier = _new_row(kind, derived, asked, me)
    new = (
        insert(kind.table)
        .from_select(list(row), select(*row.values()).select_from(carrier))
        .on_conflict_do_nothing(index_elements=[kind.table.c.user_id, kind.table.c.id])
        .returning(*kind.stored)
        .cte("created")
    )
    columns = [_rendered(kind, new).label(kind.name), new.c.revision]
    return asked.answer(kind, columns, me, new).add_cte(asked.counted(me, new))


def placed(kind: Kind, derived: Derived) -> Select[Any]:
    """The new record, also where a deleted one was. No row: no such user. NULL in its place: a live one stands there."""
    me = ONE.me()
    row, carrier = _new_row(kind, derived, ONE, me)
    new = insert(kind.table).from_select(list(row), select(*row.values()).select_from(carrier))
    there = (
        new.on_conflict_do_update(
            index_elements=[kind.table.c.user_id, kind.table.c.id],
            set_={name: new.excluded[name] for name in row if name not in ("user_id", "id")} | {"deleted_at": null()},
            where=and_(kind.table.c.user_id == owner, kind.table.c.deleted_at.is_not(None)),
        )
        .returning(*kind.stored)
        .cte("placed")
    )
    columns = [_rendered(kind, there).label(kind.name), there.c.revision]
    return ONE.answer(kind, columns, me, there).add_cte(ONE.counted(me, there))


def _new_row(kind: Kind, derived: Derived, asked: Asked, me: CTE) -> tuple[dict[str, ColumnElement[Any]], FromClause]:
    """The columns of the new record, and what they are read from."""
    before = asked.of(me)
    time = func.clock_timestamp().label("at")
    stamped = select(*asked.carried(), (before.c.revision + 1).label("revision"), time).select_from(before).cte("stamped")
    carrier = asked.of(stamped)
    content, at = kind.content.arguments, carrier.c.at
    times = {"created_at": at, "updated_at": at, "revision": carrier.c.revision}
    return {"user_id": owner, "id": kind.id, **content, **derived(content, at, None), **times}, carrier


def _rendered(kind: Kind, rows: CTE) -> ColumnElement[Any]:
    """The record as JSON; NULL where there is none. It is a subquery, so that it is rendered only where it is shown."""
    shown = select(*kind.shown(rows)).where(rows.c.id.is_not(None)).correlate(rows).subquery("shown")
    return select(as_json(shown)).scalar_subquery()


# ---- change --------------------------------------------------------------------------------------------------------------


def changed(kind: Kind, derived: Derived, asked: Asked, *, is_sent_back: bool = False) -> Select[Any]:
    """PATCH and PUT: each field is kept or set by its `has_...`. When nothing would differ, nothing is counted.

    `is_sent_back` is for a request that also says what it has read. Where something would differ, or it says nothing else, the
    record has to have one of the revisions of `as_read`, and then what else was read has to be what is stored: `unlike` names
    what is not.
    """
    me = asked.me()
    current = asked.record(kind, me)
    new = kind.content.merged(current)
    differs = kind.content.differs(new, current)
    matches = _matches(current)
    conditions: list[ColumnElement[bool]] = []
    more: list[ColumnElement[Any]] = []
    if is_sent_back:
        is_current = or_(_as_read.is_(None), is_among(current.c.revision, _as_read))
        # A request that says nothing else has to be right in what it says: nobody believes that a time was set.
        is_looked_at = or_(differs, not_(kind.content.is_given()))
        matches = and_(matches, or_(not_(is_looked_at), is_current))
        conditions = [kind.compared.unlike(current) == ""]
        more = [case((is_looked_at, kind.compared.unlike(current)), else_="").label("unlike")]
    decided = _decision(asked, me, current, new, [matches, differs, *conditions])
    content = {name: decided.c[name] for name in kind.content.names}

    def values(before: FromClause) -> dict[str, ColumnElement[Any]]:
        return {**content, **derived(content, decided.c.at, before)}

    change = asked.changed(kind, current, decided, values)
    as_it_is = func.coalesce(_rendered(kind, change), _rendered(kind, current))
    return _told(kind, asked, me, current, change, as_it_is, [matches.label("matches"), *more])


def deleted(kind: Kind, asked: Asked) -> Select[Any]:
    """The record as it was."""
    me = asked.me()
    current = asked.record(kind, me)
    decided = _decision(asked, me, current, {}, [_matches(current)])
    change = asked.changed(kind, current, decided, lambda _: {"deleted_at": decided.c.at})
    return _told(kind, asked, me, current, change, _rendered(kind, current), [_matches(current).label("matches")])


def _decision(asked: Asked, me: CTE, current: CTE, new: Values, conditions: Sequence[ColumnElement[bool]]) -> FromClause:
    """The new content, the next revision and the time; no row where nothing is to be done."""
    before = asked.of(me)
    columns = [value.label(name) for name, value in new.items()]
    time = func.clock_timestamp().label("at")
    return asked.of(
        select(*asked.carried("owner"), *columns, (before.c.revision + 1).label("revision"), time)
        .select_from(before.join(current, asked.tied(current.c.user_id)))
        .where(*conditions)
        .cte("decided")
    )


def _matches(current: CTE) -> ColumnElement[bool]:
    return or_(_if_match.is_(None), is_among(current.c.revision, _if_match))


def _told(
    kind: Kind, asked: Asked, me: CTE, current: CTE, change: CTE, shown: ColumnElement[Any], said: Sequence[ColumnElement[Any]]
) -> Select[Any]:
    """What became of it.

    No row: no such user. `revision` NULL: no such record. `matches` false: it is not as the client expects. Else it is done, and
    the record is as shown.
    """
    revision = func.coalesce(change.c.revision, current.c.revision).label("revision")
    columns = [shown.label(kind.name), revision, *said]
    return asked.answer(kind, columns, me, current, change).add_cte(asked.counted(me, change))
