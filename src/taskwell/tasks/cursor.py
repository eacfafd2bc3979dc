"""Where a page begins, as an opaque string. It is bound to the owner and the filter: elsewhere it is refused.

The place is that of a row, not a count, so rows that come and go between two pages are neither repeated nor skipped.
"""

import base64
import struct
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from taskwell.database.keyed_hash import KeyedHash
from taskwell.errors import InvalidInput

_LAYOUT = struct.Struct(">q16s")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


_ID = len('{"id":"')
_CREATED_AT = ',"created_at":"'


class Place(NamedTuple):
    created_at: datetime
    id: UUID


def place_of(task: str) -> Place:
    """Where a task stands, from its JSON, whose first key is its id. To parse all of it takes as long as to cut the page."""
    # From the right: nothing after it is of the client's making. (In a title a quote would have a backslash before it.)
    at = task.rindex(_CREATED_AT) + len(_CREATED_AT)
    return Place(datetime.fromisoformat(task[at : task.index('"', at)]), UUID(task[_ID : _ID + 36]))


def encode(place: Place, keyed_hash: KeyedHash, owner: UUID, scope: str) -> str:
    """`scope` names the filter and the order that the list had."""
    body = _LAYOUT.pack((place.created_at - _EPOCH) // timedelta(microseconds=1), place.id.bytes)
    return base64.urlsafe_b64encode(body + _check(body, keyed_hash, owner, scope)).decode()


def decode(cursor: str, keyed_hash: KeyedHash, owner: UUID, scope: str) -> Place:
    """Raises InvalidInput for anything that `encode` did not make for this owner and scope."""
    try:
        raw = base64.b64decode(cursor.encode("ascii"), altchars=b"-_", validate=True)
        body, check = raw[: _LAYOUT.size], raw[_LAYOUT.size :]
        if check != _check(body, keyed_hash, owner, scope):
            raise ValueError
        microseconds, task_id = _LAYOUT.unpack(body)
        return Place(_EPOCH + timedelta(microseconds=microseconds), UUID(bytes=task_id))
    except (ValueError, struct.error, OverflowError):
        raise InvalidInput.of("query", "cursor", "cursor_invalid", "this cursor is not from a page of this list") from None


def _check(body: bytes, keyed_hash: KeyedHash, owner: UUID, scope: str) -> bytes:
    # A cursor opens nothing, since every statement is bound to the owner anyway. The check tells mistakes apart, and with its
    # key it tells nobody whose list this is: the id of somebody whom another issuer knows can be guessed from their name there.
    return keyed_hash.of(b"page" + owner.bytes + scope.encode() + body).digest()
