"""ETags: opaque to clients; to us the database's epoch, the view's version, whose rows they are, and the revision.

With the epoch in it, a tag from before a restore never matches, although the counters run through the same numbers again. With
the owner in it, nobody's tag is ever another's, although each account counts 1, 2, 3: a browser sends the tag that it has for
an address by itself, whoever is signed in now. It is the owner of the rows and not who reads them, so that an administrator and
the owner have the same tag; and it is hashed with a key, so that a tag tells nobody whose it is.
"""

import re
from typing import Final
from uuid import UUID

from taskwell.database.connection import Database
from taskwell.errors import InvalidInput

_VIEW: Final = "1"
"""Raised when a task or a list is rendered differently, so that no cache keeps the old form."""

HEADER_LENGTH = 4_096
"""Some eighty tags; more would have to be taken apart while everybody waits."""

# RFC 9110 5.6.1.2: empty elements of a list are passed over.
_TAGS = re.compile(r'[\s,]*(W/)?"([\x21\x23-\x7e\x80-\xff]*)"\s*(?:,[\s,]*|$)')


def etag(db: Database, owner: UUID, revision: int) -> bytes:
    return f'"{_ours(db, owner)}{revision}"'.encode("ascii")


def if_match(header: str | None, db: Database, owner: UUID) -> str | None:
    """The revisions that the client would accept, in one string with commas; None: any. Raises InvalidInput."""
    if header is None or header.strip() == "*":
        return None
    # RFC 9110 13.1.1: If-Match compares strongly, so a weak tag matches nothing.
    return _revisions([tag for weak, tag in _parse(header, "if-match") if not weak], _ours(db, owner))


def if_none_match(header: str | None, db: Database, owner: UUID) -> str | None:
    """The revisions that the client has, in one string with commas; `*`: whatever there is; None: none. Raises InvalidInput."""
    if header is None or header.strip() == "*":
        return header and "*"
    return _revisions([tag for _, tag in _parse(header, "if-none-match")], _ours(db, owner))


def is_current(revisions: str | None, revision: int) -> bool:
    """`revisions` comes from `if_none_match`."""
    return revisions is not None and (revisions == "*" or str(revision) in revisions.split(","))


def _ours(db: Database, owner: UUID) -> str:
    """What each tag of this owner's begins with."""
    return f"{db.epoch}.{_VIEW}.{db.keyed_hash.of(b'etag' + owner.bytes).hexdigest()}."


def _revisions(tags: list[str], ours: str) -> str:
    return ",".join(tag.removeprefix(ours) for tag in tags if tag.startswith(ours) and tag.removeprefix(ours).isdigit())


def _parse(header: str, name: str) -> list[tuple[bool, str]]:
    if len(header) > HEADER_LENGTH:
        raise InvalidInput.of("header", name, "etag_invalid", f"is longer than {HEADER_LENGTH} characters")
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
