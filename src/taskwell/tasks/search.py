"""The search: which tasks have all the words that somebody typed, and which of them come first.

It reads what is stored folded (records/folding.py) of the user's own tasks, through an index that begins with the owner. A GIN
index would be read for everybody's tasks at once, since its columns have no order: docs/decisions/0018-search.md.
"""

from collections.abc import Sequence
from typing import Final

from sqlalchemy import ARRAY, ColumnElement, String, Text, all_, and_, case, cast, func, literal, select

from taskwell.database.statement import argument
from taskwell.records.folding import fold, is_without_spaces
from taskwell.records.searched import PART_END, part_of
from taskwell.tasks.tables import tasks

_BETWEEN: Final = "\x01"
_longest = argument("longest", String())
_others = argument("others", String())
_longest_word = argument("longest_word", String())
_other_words = argument("other_words", String())


def _lowered(text: ColumnElement[str]) -> ColumnElement[str]:
    return literal(" ") + func.lower(text) + literal(" " + PART_END)


# What a version wrote that had no search is searched as well as PostgreSQL can read it.
_folded = func.coalesce(tasks.c.folded, _lowered(tasks.c.title) + _lowered(func.coalesce(tasks.c.description, "")))
folded_title: Final = part_of(_folded, 0)


def _has_all(text: ColumnElement[str], longest: ColumnElement[str], others: ColumnElement[str]) -> ColumnElement[bool]:
    """`longest` is looked for first, since most tasks have it not: LIKE tries to match at every space, which takes twice as long.

    `others` are patterns of LIKE, or NULL where there is no other word.
    """
    # A subquery is taken apart once, and not for each task. Without the cast it would be ALL of the rows of the subquery.
    each = select(func.string_to_array(others, _BETWEEN)).scalar_subquery()
    return and_(func.strpos(text, longest) > 0, others.is_(None) | text.like(all_(cast(each, ARRAY(Text())))))


def is_found() -> ColumnElement[bool]:
    """Each word of the query begins a word of the task's; NULL: nothing is looked for."""
    return _longest.is_(None) | _has_all(_folded, _longest, _others)


RANK: Final[ColumnElement[int]] = case(
    (_has_all(folded_title, _longest_word, _other_words), 1),
    (_has_all(folded_title, _longest, _others), 2),
    (_has_all(_folded, _longest_word, _other_words), 3),
    else_=4,
)
"""Of a task that is found: the title before everything else, whole words before beginnings."""


def patterns_of(query: str | None, *, is_ranked: bool) -> dict[str, str | None]:
    """The arguments of a search. No word has a character that LIKE reads: folding leaves none."""
    words = sorted([] if query is None else fold(query).split(), key=len, reverse=True)
    found = _arguments("longest", "others", [word if is_without_spaces(word) else f" {word}" for word in words])
    if is_ranked:
        found |= _arguments("longest_word", "other_words", [f" {word} " for word in words])
    return found


def _arguments(longest: str, others: str, each: Sequence[str]) -> dict[str, str | None]:
    return {longest: next(iter(each), None), others: _BETWEEN.join(f"%{one}%" for one in each[1:]) or None}
