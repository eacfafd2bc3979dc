"""ETags: opaque to clients; to us the database's epoch, the view's version and the revision.

With the epoch in it, a tag from before a restore never matches, although the counters run through the same numbers again.
"""

import re
from typing import Final

from taskwell.errors import InvalidInput

_VIEW: Final = "1"
"""Raised when a task or a list is rendered differently, so that no cache keeps the old form."""

_TAGS = re.compile(r'\s*(?:(W/)?"([\x21\x23-\x7e\x80-\xff]*)"\s*(?:,\s*|$))')

NO_REVISION: Final = -1


def etag(epoch: str, revision: int) -> bytes:
    return f'"{epoch}.{_VIEW}.{revision}"'.encode("ascii")


def if_match(header: str | None, epoch: str) -> list[int] | None:
    """The revisions that the client would accept; None: any. Raises InvalidInput."""
    if header is None or header.strip() == "*":
        return None
    # RFC 9110 13.1.1: If-Match compares strongly, so a weak tag matches nothing.
    return [NO_REVISION if weak else _revision(tag, epoch) for weak, tag in _parse(header, "if-match")]


def is_current(header: str | None, epoch: str, revision: int) -> bool:
    """If-None-Match on a read: does the client have this revision already? Raises InvalidInput."""
    if header is None:
        return False
    if header.strip() == "*":
        return True
    return any(_revision(tag, epoch) == revision for _, tag in _parse(header, "if-none-match"))


def known_revision(header: str | None, epoch: str) -> int | None:
    """The newest revision that the client has. Raises InvalidInput."""
    if header is None or header.strip() == "*":
        return None
    newest = max((_revision(tag, epoch) for _, tag in _parse(header, "if-none-match")), default=NO_REVISION)
    return None if newest == NO_REVISION else newest


def _revision(tag: str, epoch: str) -> int:
    head, _, revision = tag.rpartition(".")
    if head != f"{epoch}.{_VIEW}" or not (revision.isascii() and revision.isdigit()) or len(revision) > 18:
        return NO_REVISION
    return int(revision)


def _parse(header: str, name: str) -> list[tuple[bool, str]]:
    tags: list[tuple[bool, str]] = []
    position = 0
    while position < len(header):
        found = _TAGS.match(header, position)
        if found is None:
            raise InvalidInput.of("header", name, "etag_invalid", 'must be *, or ETags in double quotes, as in "abc"')
        tags.append((found[1] is not None, found[2]))
        position = found.end()
    if not tags:
        raise InvalidInput.of("header", name, "etag_invalid", "must not be empty")
    return tags
