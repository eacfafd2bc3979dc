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
    true,
    update,
)
from sqlalchemy.dialects.postgresql import insert

from taskwell.accounts.locking import locked_owner
from taskwell.accounts.may_act import owner, users
from taskwell.database.statement import argument
from taskwell.database.view import as_json
from taskwell.records.kinds import Kind
from taskwell.records.revisions import is_among

Values = Mapping[str, ColumnElement[Any]]
Derived = Callable[[Values, ColumnElement[Any], FromClause | None], Values]
"""The columns that follow from a record's content: of (its new content, the time of the change, the row as it was or None)."""

_if_match = argument("if_match", String())
_as_read = argument("as_read", String())


# ---- lock ----------------------------------------------------------------------------------------------------------------


def locked_record(kind: Kind, me: CTE) -> CTE:
    """The live record that the statement names, as it is now."""
    return (
        select(*kind.stored)
        .select_from(me.join(kind.table, kind.table.c.user_id == me.c.id))
        .where(kind.live, kind.table.c.id == kind.id)
        .with_for_update(of=kind.table)
        .cte("current")
    )


# ---- create --------------------------------------------------------------------------------------------------------------


def created(kind: Kind, derived: Derived) -> Select[Any]:
    """The new record. No row: no such user. NULL in its place: the id is taken, by whatever stands there or once stood.

    The revision is counted once the record is there, since a taken id takes none.
    """
    me = locked_owner()
    stamped = select((me.c.revision + 1).label("revision"), func.clock_timestamp().label("at")).select_from(me).cte("stamped")
    row = _new_row(kind, derived, stamped)
    new = (
        insert(kind.table)
        .from_select(list(row), select(*row.values()).select_from(stamped))
        .on_conflict_do_nothing(index_elements=[kind.table.c.user_id, kind.table.c.id])
        .returning(*kind.shown(kind.table))
        .cte("created")
    )
    answer = select(as_json(new).label(kind.name), new.c.revision).select_from(me.outerjoin(new, true()))
    return answer.add_cte(_counted(new))


def placed(kind: Kind, derived: Derived) -> Select[Any]:
    """The new record, also where a deleted one was. No row: no such user. NULL in its place: a live one stands there."""
    me = locked_owner()
    stamped = select((me.c.revision + 1).label("revision"), func.clock_timestamp().label("at")).select_from(me).cte("stamped")
    row = _new_row(kind, derived, stamped)
    new = insert(kind.table).from_select(list(row), select(*row.values()).select_from(stamped))
    there = (
        new.on_conflict_do_update(
            index_elements=[kind.table.c.user_id, kind.table.c.id],
            set_={name: new.excluded[name] for name in row if name not in ("user_id", "id")} | {"deleted_at": null()},
            where=and_(kind.table.c.user_id == owner, kind.table.c.deleted_at.is_not(None)),
        )
        .returning(*kind.shown(kind.table))
        .cte("placed")
    )
    return (
        select(as_json(there).label(kind.name), there.c.revision)
        .select_from(me.outerjoin(there, true()))
        .add_cte(_counted(there))
    )


def _new_row(kind: Kind, derived: Derived, stamped: CTE) -> dict[str, ColumnElement[Any]]:
    content, at = kind.content.arguments, stamped.c.at
    times = {"created_at": at, "updated_at": at, "revision": stamped.c.revision}
    return {"user_id": owner, "id": kind.id, **content, **derived(content, at, None), **times}


# ---- change --------------------------------------------------------------------------------------------------------------


def changed(kind: Kind, derived: Derived, *, is_sent_back: bool = False) -> Select[Any]:
    """PATCH and PUT: each field is kept or set by its `has_...`. When nothing would differ, nothing is counted.

    `is_sent_back` is for a request that also says what it has read. Where something would differ, the record has to have one of
    the revisions of `as_read`, and then what else was read has to be what is stored: `unlike` names what is not.
    """
    me = locked_owner()
    current = locked_record(kind, me)
    new = kind.content.merged(current)
    differs = kind.content.differs(new, current)
    matches = _matches(current)
    conditions: list[ColumnElement[bool]] = []
    more: list[ColumnElement[Any]] = []
    if is_sent_back:
        is_current = or_(_as_read.is_(None), is_among(current.c.revision, _as_read))
        matches = and_(matches, or_(not_(differs), is_current))
        conditions = [kind.compared.unlike(current) == ""]
        more = [case((differs, kind.compared.unlike(current)), else_="").label("unlike")]
    wanted = (
        select(
            *(value.label(name) for name, value in new.items()),
            (me.c.revision + 1).label("revision"),
            func.clock_timestamp().label("at"),
        )
        .select_from(me.join(current, true()))
        .where(matches, differs, *conditions)
        .cte("wanted")
    )
    content = {name: wanted.c[name] for name in kind.content.names}
    values = {**content, **derived(content, wanted.c.at, kind.table)}
    return _decided(kind, me, current, wanted, values, [matches.label("matches"), *more])


def deleted(kind: Kind) -> Select[Any]:
    """The record as it was."""
    me = locked_owner()
    current = locked_record(kind, me)
    doomed = (
        select((me.c.revision + 1).label("revision"), func.clock_timestamp().label("at"))
        .select_from(me.join(current, true()))
        .where(_matches(current))
        .cte("doomed")
    )
    said = [_matches(current).label("matches")]
    return _decided(kind, me, current, doomed, {"deleted_at": doomed.c.at}, said, shows_change=False)


def _matches(current: CTE) -> ColumnElement[bool]:
    return or_(_if_match.is_(None), is_among(current.c.revision, _if_match))


def _decided(
    kind: Kind,
    me: CTE,
    current: CTE,
    decision: CTE,
    values: Values,
    said: Sequence[ColumnElement[Any]],
    *,
    shows_change: bool = True,
) -> Select[Any]:
    """Carry out the decision, if there is one, and say what became of it.

    No row: no such user. `revision` NULL: no such record. `matches` false: it is not as the client expects. Else it is done, and
    the record is as shown.
    """
    change = (
        update(kind.table)
        .values(**values, updated_at=decision.c.at, revision=decision.c.revision)
        .where(kind.live, kind.table.c.id == kind.id)
        .returning(*kind.shown(kind.table))
        .cte("changed")
    )
    # A subquery of its own, so that it is rendered only where it is shown.
    as_it_was = select(as_json(select(*kind.shown(current)).subquery("before"))).scalar_subquery()
    return (
        select(
            (func.coalesce(as_json(change), as_it_was) if shows_change else as_it_was).label(kind.name),
            func.coalesce(change.c.revision, current.c.revision).label("revision"),
            *said,
        )
        .select_from(me.outerjoin(current, true()).outerjoin(change, true()))
        .add_cte(_counted(change))
    )


def _counted(written: CTE) -> CTE:
    """The revision of what was written becomes the user's."""
    return (
        update(users)
        .values(revision=written.c.revision)
        .where(users.c.id == owner, users.c.id == written.c.user_id)
        .cte("counted")
    )
