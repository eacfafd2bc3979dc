"""ETags: opaque to clients; to us the database's epoch, the view's version and the revision.

With the epoch in it, a tag from before a restore never matches, although the counters run through the same numbers again.
"""

import re
from typing import Final

from taskwell.errors import InvalidInput

_VIEW: Final = "1"
"""Raised when a task or a list is rendered differently, so that no cache keeps the old form."""

# RFC 9110 5.6.1.2: empty elements of a list are passed over.
_TAGS = re.compile(r'[\s,]*(W/)?"([\x21\x23-\x7e\x80-\xff]*)"\s*(?:,[\s,]*|$)')


def etag(epoch: str, revision: int) -> bytes:
    return f'"{epoch}.{_VIEW}.{revision}"'.encode("ascii")


def if_match(header: str | None, epoch: str) -> str | None:
    """The revisions that the client would accept, in one string with commas; None: any. Raises InvalidInput."""
    if header is None or header.strip() == "*":
        return None
    # RFC 9110 13.1.1: If-Match compares strongly, so a weak tag matches nothing.
    return _revisions([tag for weak, tag in _parse(header, "if-match") if not weak], epoch)


def if_none_match(header: str | None, epoch: str) -> str | None:
    """The revisions that the client has, in one string with commas; `*`: whatever there is; None: none. Raises InvalidInput."""
    if header is None or header.strip() == "*":
        return header and "*"
    return _revisions([tag for _, tag in _parse(header, "if-none-match")], epoch)


def is_current(revisions: str | None, revision: int) -> bool:
    """`revisions` comes from `if_none_match`."""
    return revisions is not None and (revisions == "*" or str(revision) in revisions.split(","))


def _revisions(tags: list[str], epoch: str) -> str:
    ours = f"{epoch}.{_VIEW}."
    return ",".join(tag.removeprefix(ours) for tag in tags if tag.startswith(ours) and tag.removeprefix(ours).isdigit())


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
