"""An ETag is opaque to clients. It consists of the database's epoch, the view's version, the owner of the rows, and the revision.

The epoch keeps a tag from before a restore from matching, although the counters run through the same numbers again. The owner
keeps the tags of two users apart, although each account counts 1, 2, 3. That matters because a browser sends the tag that it
has for an address, also after another user has signed in.

The owner is the user whose rows they are, and not the user who reads them, so that an administrator and the owner have the same
tag. The owner is hashed with a key, so that a tag does not show whose it is.
"""

import re
from uuid import UUID

from taskwell.database.connection import Database
from taskwell.types import EVERY_REVISION, Revisions
from taskwell.web.refusals import invalid

HEADER_LENGTH = 4_096
"""This is room for some eighty tags. To parse more would delay all other requests."""

# Empty elements of a list are skipped (RFC 9110 5.6.1.2).
_TAGS = re.compile(r'[\s,]*(W/)?"([\x21\x23-\x7e\x80-\xff]*)"\s*(?:,[\s,]*|$)')

# `etag` writes a revision like this, as a bigint at most. `int` alone would also read digits of other scripts, and thousands of
# them.
_REVISION = re.compile("0|[1-9][0-9]{0,18}")


class Tags:
    """Makes and reads the tags of one database's rows. `version` changes when a record is rendered differently."""

    def __init__(self, db: Database, version: str) -> None:
        self._db = db
        self._version = version

    def etag(self, owner: UUID, revision: int) -> bytes:
        return f'"{self._ours(owner)}{revision}"'.encode("ascii")

    def if_match(self, header: str | None, owner: UUID) -> frozenset[int] | None:
        """Returns the revisions that the client would accept, or None if there is no condition. Raises InvalidInput."""
        if header is None or header.strip() == "*":
            return None
        # If-Match compares strongly (RFC 9110 13.1.1), so a weak tag matches nothing.
        return _revisions([tag for weak, tag in _parse(header, "if-match") if not weak], self._ours(owner))

    def if_none_match(self, header: str | None, owner: UUID) -> Revisions | None:
        """Returns the revisions that the client has, or None if there is no condition. Raises InvalidInput."""
        if header is None:
            return None
        if header.strip() == "*":
            return EVERY_REVISION
        return _revisions([tag for _, tag in _parse(header, "if-none-match")], self._ours(owner))

    def _ours(self, owner: UUID) -> str:
        """Returns the beginning of every tag of this owner."""
        return f"{self._db.epoch}.{self._version}.{self._db.keyed_hash.of(b'etag' + owner.bytes).hexdigest()}."


def must_create(if_match: str | None, if_none_match: str | None) -> bool:
    """Says whether a PUT has to create (`If-None-Match: *`) and not to replace. Raises InvalidInput if it cannot be told."""
    if if_none_match is None:
        return False
    if if_none_match.strip() != "*" or if_match is not None:
        raise invalid("header", "if-none-match", "condition_invalid", "only * has a meaning here, and only by itself")
    return True


def has_page(header: str | None, tag: str) -> bool:
    """Says whether the client has the page with this tag. The page is the same for all users, and its tag holds no revision."""
    return header is not None and (tag in header or header.strip() == "*")


def _revisions(tags: list[str], ours: str) -> frozenset[int]:
    numbers = (tag.removeprefix(ours) for tag in tags if tag.startswith(ours))
    return frozenset(int(number) for number in numbers if _REVISION.fullmatch(number))


def _parse(header: str, name: str) -> list[tuple[bool, str]]:
    if len(header) > HEADER_LENGTH:
        raise invalid("header", name, "etag_invalid", f"is longer than {HEADER_LENGTH} characters")
    tags: list[tuple[bool, str]] = []
    position = 0
    while position < len(header):
        found = _TAGS.match(header, position)
        if found is None:
            raise invalid("header", name, "etag_invalid", 'must be *, or ETags in double quotes, as in "abc"')
        tags.append((found[1] is not None, found[2]))
        position = found.end()
    if not tags:
        raise invalid("header", name, "etag_invalid", "must not be empty")
    return tags
