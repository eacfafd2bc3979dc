"""An ETag is opaque to clients. It consists of the database's epoch, the view's version, the owner of the rows, and the revision.

The epoch keeps a tag from before a restore from matching, although the counters run through the same numbers again. The owner
keeps the tags of two users apart, although each account counts 1, 2, 3. That matters because a browser sends the tag that it
has for an address, also after another user has signed in.

The owner is the user whose rows they are, and not the user who reads them, so that an administrator and the owner have the same
tag. The owner is hashed with a key, so that a tag does not show whose it is.

All but the revision is the tag's head. A statement takes it as an argument, and PostgreSQL writes the tag of each record.
"""

from functools import cache, lru_cache
from typing import Final
from uuid import UUID

from taskwell.database.keyed_hash import KeyedHash
from taskwell.database.rows import Rows
from taskwell.records.kinds import view_version

OWNERS_REMEMBERED: Final = 10_000
"""A process keeps the hashes of so many owners: 3 MB at most."""

_version = cache(view_version)


@lru_cache(OWNERS_REMEMBERED)
def _hash_of(keyed_hash: KeyedHash, owner: UUID) -> str:
    return keyed_hash.of(b"etag" + owner.bytes).hexdigest()


def tag_head(rows: Rows, owner: UUID) -> str:
    """The beginning of every tag of this owner's rows, with the quote that opens it."""
    return f'"{rows.epoch}.{_version()}.{_hash_of(rows.keyed_hash, owner)}.'


def tag_of(head: str, revision: int) -> str:
    """The same as `Kind.tag` in SQL."""
    return f'{head}{revision}"'
