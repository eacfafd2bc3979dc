"""Sets of revisions, as a statement takes them: one text, with commas between the numbers.

An array would be the natural type, but asyncpg asks the server for the array types that it meets, and sets `jit` for the session
while it does, which a pooler hands to somebody else.
"""

from sqlalchemy import ColumnElement, String, any_, cast, func

from taskwell.types import Revisions

_EACH = "*"


def as_text(revisions: Revisions | None) -> str | None:
    """The value of an argument that `is_among` and `is_each` look at. None stays None: nothing is said of revisions."""
    if revisions is None:
        return None
    return ",".join(map(str, revisions)) if isinstance(revisions, frozenset) else _EACH


def is_stale(revision: int, *known: Revisions | None) -> bool:
    """The revision is not among the `known`, of which each may say nothing."""
    return any(each is not None and revision not in each for each in known)


def is_each(revisions: ColumnElement[str]) -> ColumnElement[bool]:
    """The text stands for every revision that there is."""
    return revisions == _EACH


def is_among(revision: ColumnElement[int], revisions: ColumnElement[str]) -> ColumnElement[bool]:
    """The revision is one of those that the text lists."""
    return cast(revision, String) == any_(func.string_to_array(revisions, ","))
