"""The frame of a write: lock, decide, change, count, answer. A noun's statements are made of these.

A write locks before it decides. In READ COMMITTED a CTE keeps the snapshot from before it waited for a lock, so what a
decision rests on comes from a row that this same statement has locked: `me` is the user's row `FOR NO KEY UPDATE`, then
`current` the record `FOR UPDATE`. Both give the newest version, whoever had the lock before. The time is taken by a SELECT after
the lock, so that times never run against the revision, and what changes rows takes it from there: nothing volatile stands in an
INSERT or an UPDATE (Citus refuses that).
"""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

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
    or_,
    select,
    true,
)
from sqlalchemy.dialects.postgresql import insert

from taskwell.accounts.may_act import owner
from taskwell.database.statement import argument
from taskwell.database.view import as_json
from taskwell.records.asked import ONE, Asked
from taskwell.records.kinds import Kind
from taskwell.records.references import References
from taskwell.records.revisions import is_among

Values = Mapping[str, ColumnElement[Any]]
Derived = Callable[[Values, FromClause, FromClause | None], Values]
"""The columns that follow from a record's content: of (its new content, the stamp of the write, the row as it was or None).

The stamp is a row that has the time of the change as `at`, its `revision`, and the owner's `time_zone`.
"""
Held = Callable[[CTE, Values], ColumnElement[bool]]
"""Whether a write has to be done in a unit of work, of (the row as it was, its new content): it decides on rows that it cannot
lock by itself."""
Beside = Callable[[CTE, FromClause], Sequence[CTE]]
"""What else one request writes: of (the row as it was, what is decided, which has the new content and `revision`)."""

_NOTHING: Final[Values] = MappingProxyType({})

_if_match = argument("if_match", String())
_as_read = argument("as_read", String())


# ---- create --------------------------------------------------------------------------------------------------------------


def created(kind: Kind, derived: Derived, asked: Asked, *, is_whole: bool = False, most: int | None = None) -> Select[Any]:
    """The new record. No row: no such user. NULL in its place: the id is taken, by whatever stands there or once stood.

    The revision is counted once the record is there, since a taken id takes none. `is_whole` is for one request that may say
    anything of the record, and name others: where `unknown` says that one is not there, nothing is created. Likewise where
    `is_full`: the owner has `most` already, which is exact in a unit of work.
    """
    me = asked.me()
    references, has_room = References(kind, me, is_whole=is_whole), _has_room(kind, most)
    stamped = _stamped(asked, me, references, has_room)
    row, carrier = new_row(kind, references.of_new(), derived, asked, stamped)
    new = (
        insert(kind.table)
        .from_select(list(row), select(*row.values()).select_from(carrier))
        .on_conflict_do_nothing(index_elements=[kind.table.c.user_id, kind.table.c.id])
        .returning(*kind.stored)
        .cte("created")
    )
    columns = [rendered(kind, new).label(kind.name), new.c.revision, *references.said, *_is_full(has_room)]
    return asked.answer(kind, columns, me, new, *references.found).add_cte(asked.counted(me, new))


def placed(kind: Kind, derived: Derived, *, most: int | None = None, beside: Beside | None = None) -> Select[Any]:
    """The new record, also where a deleted one was. No row: no such user. NULL in its place: a live one stands there.

    `unknown` and `is_full` are as in `created`.
    """
    me = ONE.me()
    references, has_room = References(kind, me, is_whole=True), _has_room(kind, most)
    before = (
        select(*kind.stored)
        .select_from(me.join(kind.table, kind.table.c.user_id == me.c.id))
        .where(kind.table.c.user_id == owner, kind.table.c.id == kind.id)
        .with_for_update(of=kind.table)
        .cte("before")
    )
    # It is read beside the time, so that it is locked first: what the statement has changed itself it could not lock any more.
    stamped = _stamped(ONE, me, references, has_room, *([] if beside is None else [before]))
    row, carrier = new_row(kind, references.of_new(), derived, ONE, stamped)
    new = insert(kind.table).from_select(list(row), select(*row.values()).select_from(carrier))
    there = (
        new.on_conflict_do_update(
            index_elements=[kind.table.c.user_id, kind.table.c.id],
            # Of the deleted one nothing stays: what is not said is what the column has by default.
            set_={column.name: new.excluded[column.name] for column in kind.table.c if not column.primary_key},
            where=and_(kind.table.c.user_id == owner, kind.table.c.deleted_at.is_not(None)),
        )
        .returning(*kind.stored)
        .cte("placed")
    )
    columns = [rendered(kind, there).label(kind.name), there.c.revision, *references.said, *_is_full(has_room)]
    answer = ONE.answer(kind, columns, me, there, *references.found).add_cte(ONE.counted(me, there))
    return answer if beside is None else answer.add_cte(*beside(before, there))


def _has_room(kind: Kind, most: int | None) -> list[ColumnElement[bool]]:
    if most is None:
        return []
    return [select(func.count()).select_from(kind.table).where(kind.live).scalar_subquery() < most]


def _is_full(has_room: list[ColumnElement[bool]]) -> list[ColumnElement[bool]]:
    return [not_(room).label("is_full") for room in has_room]


def _stamped(asked: Asked, me: CTE, references: References, conditions: Sequence[ColumnElement[bool]] = (), *beside: CTE) -> CTE:
    """The next revision and the time, if the conditions hold and what is named is there."""
    before = asked.of(me)
    source = references.beside(before)
    for one in beside:
        source = source.outerjoin(one, true())
    time = func.clock_timestamp().label("at")
    return (
        select(*asked.carried(), (before.c.revision + 1).label("revision"), before.c.time_zone, time)
        .select_from(source)
        .where(*references.are_known, *conditions)
        .cte("stamped")
    )


def new_row(
    kind: Kind, given: Values, derived: Derived, asked: Asked, stamped: CTE
) -> tuple[dict[str, ColumnElement[Any]], FromClause]:
    """The columns of the new record, and what they are read from."""
    carrier = asked.of(stamped)
    at = carrier.c.at
    times = {"created_at": at, "updated_at": at, "revision": carrier.c.revision}
    return {"user_id": owner, "id": kind.id, **given, **derived(given, carrier, None), **times}, carrier


def rendered(kind: Kind, rows: CTE) -> ColumnElement[Any]:
    """The record as JSON; NULL where there is none. It is a subquery, so that it is rendered only where it is shown."""
    shown = select(*kind.shown(rows)).where(rows.c.id.is_not(None)).correlate(rows).subquery("shown")
    return select(as_json(shown)).scalar_subquery()


# ---- change --------------------------------------------------------------------------------------------------------------


def changed(
    kind: Kind,
    derived: Derived,
    asked: Asked,
    *,
    is_sent_back: bool = False,
    is_whole: bool = False,
    held: Held | None = None,
    beside: Beside | None = None,
) -> Select[Any]:
    """PATCH and PUT: each field is kept or set by its `has_...`. When nothing would differ, nothing is counted.

    `is_sent_back` is for a request that also says what it has read. Where something would differ, or it says nothing else, the
    record has to have one of the revisions of `as_read`, and then what else was read has to be what is stored: `unlike` names
    what is not. `is_whole` is as in `created`. What is `held` is not done, and `is_held` says so.
    """
    me = asked.me()
    content = kind.content if is_whole else kind.plain
    references = References(kind, me, is_whole=is_whole, in_part=True)
    current = asked.record(kind, me)
    new = content.merged(current, references.meant)
    differs = content.differs(new, current)
    matches = _matches(current)
    conditions: list[ColumnElement[bool]] = []
    more: list[ColumnElement[Any]] = []
    if is_sent_back:
        is_current = or_(_as_read.is_(None), is_among(current.c.revision, _as_read))
        # A request that says nothing else has to be right in what it says: nobody believes that a time was set.
        is_looked_at = or_(differs, not_(content.is_given()))
        matches = and_(matches, or_(not_(is_looked_at), is_current))
        conditions = [kind.compared.unlike(current) == ""]
        more = [case((is_looked_at, kind.compared.unlike(current)), else_="").label("unlike")]
    is_held = _held(held, current, new)
    conditions = [matches, differs, *conditions, *references.are_known, *map(not_, is_held)]
    decided = _decision(asked, me, current, new, conditions, references)
    decided_content = {name: decided.c[name] for name in content.columns}

    def values(before: FromClause) -> dict[str, ColumnElement[Any]]:
        return {**decided_content, **derived(decided_content, decided, before)}

    change = asked.changed(kind, current, decided, values)
    as_it_is = func.coalesce(rendered(kind, change), rendered(kind, current))
    said = [matches.label("matches"), *more, *references.said, *_is_held(is_held)]
    answer = _told(kind, asked, me, current, change, as_it_is, said, *references.found)
    return answer if beside is None else answer.add_cte(*beside(current, decided))


def deleted(
    kind: Kind,
    asked: Asked,
    *,
    held: Held | None = None,
    beside: Beside | None = None,
    noted: Values = _NOTHING,
    more: Sequence[ColumnElement[Any]] = (),
) -> Select[Any]:
    """The record as it was. What is `held` is not done, and `is_held` says so.

    `noted` are columns that a restore needs, and `more` is what else is to be said.
    """
    me = asked.me()
    current = asked.record(kind, me)
    is_held = _held(held, current, {})
    decided = _decision(asked, me, current, {}, [_matches(current), *map(not_, is_held)])
    change = asked.changed(kind, current, decided, lambda _: {"deleted_at": decided.c.at, **noted})
    said = [_matches(current).label("matches"), *_is_held(is_held), *more]
    answer = _told(kind, asked, me, current, change, rendered(kind, current), said)
    return answer if beside is None else answer.add_cte(*beside(current, decided))


def _held(held: Held | None, current: CTE, new: Values) -> list[ColumnElement[bool]]:
    return [] if held is None else [held(current, new)]


def _is_held(held: list[ColumnElement[bool]]) -> list[ColumnElement[bool]]:
    return [is_held.label("is_held") for is_held in held]


def _decision(
    asked: Asked,
    me: CTE,
    current: CTE,
    new: Values,
    conditions: Sequence[ColumnElement[bool]],
    references: References | None = None,
) -> FromClause:
    """The new content, the next revision and the time; no row where nothing is to be done."""
    before = asked.of(me)
    columns = [value.label(name) for name, value in new.items()]
    time = func.clock_timestamp().label("at")
    found = before.join(current, asked.tied(current.c.user_id))
    return asked.of(
        select(*asked.carried("owner"), *columns, (before.c.revision + 1).label("revision"), before.c.time_zone, time)
        .select_from(found if references is None else references.beside(found))
        .where(*conditions)
        .cte("decided")
    )


def _matches(current: CTE) -> ColumnElement[bool]:
    return or_(_if_match.is_(None), is_among(current.c.revision, _if_match))


def _told(
    kind: Kind,
    asked: Asked,
    me: CTE,
    current: CTE,
    change: CTE,
    shown: ColumnElement[Any],
    said: Sequence[ColumnElement[Any]],
    *named: CTE,
) -> Select[Any]:
    """What became of it.

    No row: no such user. `revision` NULL: no such record. `matches` false: it is not as the client expects. Else it is done, and
    the record is as shown.
    """
    revision = func.coalesce(change.c.revision, current.c.revision).label("revision")
    columns = [shown.label(kind.name), revision, *said]
    return asked.answer(kind, columns, me, current, change, *named).add_cte(asked.counted(me, change))
