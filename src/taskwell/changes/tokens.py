"""How far a client has read, as an opaque string: the database's epoch, and a place that is bound to the owner and the feed.

The epoch stands outside, so that a token from before a restore is told from one that is somebody else's.
"""

import re
from typing import Final, NamedTuple
from uuid import UUID

from taskwell.database.rows import Rows
from taskwell.errors import InvalidInput, ResyncRequired
from taskwell.records.cursors import decode_cursor, encode_cursor

_WRITTEN: Final = re.compile(r"([A-Za-z0-9_-]{8})\.([A-Za-z0-9_-]{30,})")

NEVER: Final = -1
"""The revision of a client that has read nothing, and of somebody who has no account yet."""


class FeedPlace(NamedTuple):
    """All up to `revision` was read or, where `kind` says so, of that revision only what comes up to that record.

    Of what was gone at the revision `begun` the client never heard: a snapshot began there.
    """

    revision: int
    begun: int
    kind: str | None = None
    id: UUID | None = None

    @property
    def whole(self) -> int:
        """The revision of which everything was read."""
        return self.revision if self.kind is None else self.revision - 1

    def is_behind(self, purged: int) -> bool:
        """Traces of what is gone were removed that the client still needs."""
        return max(self.begun, self.whole) < purged


def encode(place: FeedPlace, rows: Rows, owner: UUID, list_id: UUID | None) -> str:
    return f"{rows.epoch}.{encode_cursor(place._asdict(), rows.keyed_hash, owner, _feed(list_id))}"


def decode(token: str, rows: Rows, owner: UUID, list_id: UUID | None, *, field: str) -> FeedPlace:
    """`field` is where the client sent it. Raises InvalidInput, and ResyncRequired for a token of another epoch."""
    written = _WRITTEN.fullmatch(token)
    if written is not None and written[1] != rows.epoch:
        raise ResyncRequired
    try:
        place = decode_cursor("" if written is None else written[2], rows.keyed_hash, owner, _feed(list_id))
    except InvalidInput:
        raise InvalidInput.of(field, "token_invalid", "this token is not from this feed") from None
    return FeedPlace(**place)


def _feed(list_id: UUID | None) -> str:
    return f"changes of {list_id or 'all'}"
