"""Where a record stands among its siblings, in the SQL of its noun: `position`, a key of a fractional index (positions.py)."""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, FromClause, Text, and_, case, func, literal, or_

from taskwell.records.writing import Values


def at_the_end(revision: ColumnElement[int]) -> ColumnElement[str]:
    """The position of what a write puts behind all others, from the revision that it takes: no sibling is read for it.

    It is the revision in digits, behind a letter that says how many they are, so that a longer number sorts behind a shorter
    one. All are behind `h`, where the rows are that were there before the first position.
    """
    digits = func.to_hex(revision, type_=Text)
    return func.chr(ord("h") + func.length(digits), type_=Text) + digits + literal("h")


def placed(content: Values, stamp: FromClause, before: FromClause | None, among: Sequence[str] = ()) -> Values:
    """The position, as it is derived (records/writing.py): a new record is the last, and so is what comes among others.

    `among` are the fields that say whose sibling it is. A position that is given holds in any case.
    """
    last = at_the_end(stamp.c.revision)
    given = content.get("position")
    if given is None:
        return {"position": last} if before is None else {}
    position: ColumnElement[str] = func.coalesce(given, last)
    if before is not None and among:
        comes = or_(*(content[name].is_distinct_from(before.c[name]) for name in among))
        position = case((and_(comes, given == before.c.position), last), else_=position)
    return {"position": position}
