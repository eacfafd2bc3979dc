"""ETags: opaque to clients; to us the database's epoch, the view's version, whose rows they are, and the revision.

With the epoch in it, a tag from before a restore never matches, although the counters run through the same numbers again. With
the owner in it, nobody's tag is ever another's, although each account counts 1, 2, 3: a browser sends the tag that it has for
an address by itself, whoever is signed in now. It is the owner of the rows and not who reads them, so that an administrator and
the owner have the same tag; and it is hashed with a key, so that a tag tells nobody whose it is.
"""

import re
from uuid import UUID

from taskwell.database.connection import Database
from taskwell.types import EVERY_REVISION, Revisions
from taskwell.web.refusals import invalid

HEADER_LENGTH = 4_096
"""Some eighty tags. To parse more would delay all other requests."""

# RFC 9110 5.6.1.2: empty elements of a list are passed over.
_TAGS = re.compile(r'[\s,]*(W/)?"([\x21\x23-\x7e\x80-\xff]*)"\s*(?:,[\s,]*|$)')

# As `etag` writes it, so a bigint at most: `int` also reads the digits of other scripts and, after a while, thousands of them.
_REVISION = re.compile("0|[1-9][0-9]{0,18}")


class Tags:
    """The tags of one database's rows. `version` is that of the views: another one when a record is rendered differently."""

    def __init__(self, db: Database, version: str) -> None:
        self._db = db
        self._version = version

    def etag(self, owner: UUID, revision: int) -> bytes:
        return f'"{self._ours(owner)}{revision}"'.encode("ascii")

    def if_match(self, header: str | None, owner: UUID) -> frozenset[int] | None:
        """The revisions that the client would accept. None: there is no condition. Raises InvalidInput."""
        if header is None or header.strip() == "*":
            return None
        # RFC 9110 13.1.1: If-Match compares strongly, so a weak tag matches nothing.
        return _revisions([tag for weak, tag in _parse(header, "if-match") if not weak], self._ours(owner))

    def if_none_match(self, header: str | None, owner: UUID) -> Revisions | None:
        """The revisions that the client has. None: there is no condition. Raises InvalidInput."""
        if header is None:
            return None
        if header.strip() == "*":
            return EVERY_REVISION
        return _revisions([tag for _, tag in _parse(header, "if-none-match")], self._ours(owner))

    def _ours(self, owner: UUID) -> str:
        """What each tag of this owner's begins with."""
        return f"{self._db.epoch}.{self._version}.{self._db.keyed_hash.of(b'etag' + owner.bytes).hexdigest()}."


def must_create(if_match: str | None, if_none_match: str | None) -> bool:
    """Whether a PUT is to create (`If-None-Match: *`) and not to replace. Raises InvalidInput where that cannot be told."""
    if if_none_match is None:
        return False
    if if_none_match.strip() != "*" or if_match is not None:
        raise invalid("header", "if-none-match", "condition_invalid", "only * has a meaning here, and only by itself")
    return True


def has_page(header: str | None, tag: str) -> bool:
    """Whether the client has the page with this tag: one that is the same for everybody, and says nothing of revisions."""
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
