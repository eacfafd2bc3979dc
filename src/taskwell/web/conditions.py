"""What a client says of the tags that it has (RFC 9110 13): in If-Match, in If-None-Match, and of a page.

records/tags.py says what a tag consists of.
"""

import re
from collections.abc import Callable
from uuid import UUID

from taskwell.types import EVERY_REVISION, Revisions
from taskwell.web.refusals import invalid

HEADER_LENGTH = 4_096
"""This is room for some eighty tags. To parse more would delay all other requests."""

# Empty elements of a list are skipped (RFC 9110 5.6.1.2).
_TAGS = re.compile(r'[\s,]*(?:W/)?("[\x21\x23-\x7e\x80-\xff]*)"\s*(?:,[\s,]*|$)')

# A revision as `tag_of` writes it, as a bigint at most: `int` alone would also read digits of other scripts, and thousands of
# them. After it may stand what a proxy that compresses appends to a tag: Apache, Caddy and lighttpd write -gzip, Jetty --gzip,
# LiteSpeed ;gz. The revision in it is exact all the same. And a read of a task with its progress appends what its subtasks are.
_REVISION = re.compile("(0|[1-9][0-9]{0,18})(?:[+][0-9.]+p)?(?:(?:--?|[;:])(?:gzip|x-gzip|gz|br|zstd|deflate|compress|bzip2))*")


class Tags:
    """Reads the tags of one database's rows. `head` gives the beginning of every tag of an owner's, up to the revision."""

    def __init__(self, head: Callable[[UUID], str]) -> None:
        self._head = head

    def if_match(self, header: str | None, owner: UUID) -> frozenset[int] | None:
        """Returns the revisions that the client would accept, or None if there is no condition. Raises InvalidInput."""
        if header is None or header.strip() == "*":
            return None
        # If-Match compares strongly (RFC 9110 13.1.1), but we never give a weak tag. Where ours comes back as one, a proxy that
        # compresses has made it weak (nginx, Cloudflare), and nothing has changed.
        return _revisions(_parse(header, "if-match"), self._head(owner))

    def if_none_match(self, header: str | None, owner: UUID) -> Revisions | None:
        """Returns the revisions that the client has, or None if there is no condition. Raises InvalidInput."""
        if header is None:
            return None
        if header.strip() == "*":
            return EVERY_REVISION
        return _revisions(_parse(header, "if-none-match"), self._head(owner))

    def as_read(self, etag: str | None, revision: int | None, owner: UUID) -> frozenset[int] | None:
        """Returns the revisions that a body names by the `etag` and the `revision` in it, or None if it names none."""
        named = None if revision is None else frozenset({revision})
        if etag is None:
            return named
        found = _TAGS.fullmatch(etag)
        own = _revisions([found[1]] if found else [], self._head(owner))
        return own if named is None else own & named


def must_create(if_match: str | None, if_none_match: str | None) -> bool:
    """Says whether a PUT has to create (`If-None-Match: *`) and not to replace. Raises InvalidInput if it cannot be told."""
    if if_none_match is None:
        return False
    if if_none_match.strip() != "*" or if_match is not None:
        raise invalid("header", "if-none-match", "condition_invalid", "only * has a meaning here, and only by itself")
    return True


def has_page(header: str | None, tag: str) -> bool:
    """Says whether the client has the page with this tag. The page is the same for all users, and its tag holds no revision."""
    # Without the quote that closes the tag: a proxy that compresses writes into it.
    return header is not None and (tag.removesuffix('"') in header or header.strip() == "*")


def _revisions(tags: list[str], head: str) -> frozenset[int]:
    numbers = (_REVISION.fullmatch(tag, len(head)) for tag in tags if tag.startswith(head))
    return frozenset(int(number[1]) for number in numbers if number)


def _parse(header: str, name: str) -> list[str]:
    """Returns the tags without the quotes that close them, and without W/."""
    if len(header) > HEADER_LENGTH:
        raise invalid("header", name, "etag_invalid", f"is longer than {HEADER_LENGTH} characters")
    tags: list[str] = []
    position = 0
    while position < len(header):
        found = _TAGS.match(header, position)
        if found is None:
            raise invalid("header", name, "etag_invalid", 'must be *, or ETags in double quotes, as in "abc"')
        tags.append(found[1])
        position = found.end()
    if not tags:
        raise invalid("header", name, "etag_invalid", "must not be empty")
    return tags
