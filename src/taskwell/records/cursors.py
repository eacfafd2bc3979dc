"""Where a page begins, as an opaque string. It is bound to the owner and to the whole filter: elsewhere it is refused."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from pydantic_core import to_json

from taskwell.database.keyed_hash import KeyedHash
from taskwell.encoding import from_base64url, to_base64url
from taskwell.errors import InvalidInput

_CHECK_BYTES = 12
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_ON_CLOCKS = _EPOCH.replace(tzinfo=None)
_MICROSECOND = timedelta(microseconds=1)

Place = dict[str, Any]
"""A row's values of the sort keys, by their names: times, ids, texts, whole numbers, None."""


def encode_cursor(place: Place, keyed_hash: KeyedHash, owner: UUID, asked: str) -> str:
    """`asked` says all that the list was asked for: the noun, each filter and the order."""
    body = to_json({name: _written(value) for name, value in place.items()})  # in a tenth of the time of `json`
    return to_base64url(_check(body, keyed_hash, owner, asked) + body)


def decode_cursor(cursor: str, keyed_hash: KeyedHash, owner: UUID, asked: str) -> Place:
    """Raises InvalidInput for anything that `encode_cursor` did not make for this owner and list."""
    try:
        raw = from_base64url(cursor)
    except ValueError:
        raw = b""
    check, body = raw[:_CHECK_BYTES], raw[_CHECK_BYTES:]
    if not body or check != _check(body, keyed_hash, owner, asked):
        raise InvalidInput.of("cursor", "cursor_invalid", "this cursor is not from a page of this list")
    return {name: _read(value) for name, value in json.loads(body).items()}  # our own words: the check says so


def _written(value: Any) -> Any:
    if isinstance(value, datetime):
        kind, epoch = ("wall", _EPOCH_ON_CLOCKS) if value.tzinfo is None else ("time", _EPOCH)
        return [kind, (value - epoch) // _MICROSECOND]
    return ["id", value.hex] if isinstance(value, UUID) else value


def _read(value: Any) -> Any:
    if not isinstance(value, list):
        return value
    kind, written = value
    if kind == "id":
        return UUID(hex=written)
    time = _EPOCH + timedelta(microseconds=written)
    return time if kind == "time" else time.replace(tzinfo=None)


def _check(body: bytes, keyed_hash: KeyedHash, owner: UUID, asked: str) -> bytes:
    # A cursor opens nothing, since every statement is bound to the owner anyway. The check tells mistakes apart, and with its
    # key it tells nobody whose list this is: the id of somebody whom another issuer knows can be guessed from their name there.
    return keyed_hash.of(b"page" + owner.bytes + len(asked).to_bytes(4, "big") + asked.encode() + body).digest()
