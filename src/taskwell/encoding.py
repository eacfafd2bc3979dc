"""Spellings of bytes that more than one part reads and writes: base64url without padding, and JSON without ambiguity."""

import base64
import hashlib
import json
from typing import Any, NoReturn


def to_base64url(raw: bytes) -> str:
    """Without padding (RFC 7515, section 2)."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


def from_base64url(text: str | bytes) -> bytes:
    """Raises ValueError for any other spelling than that of `to_base64url`: one value has one text."""
    written = text.encode("ascii") if isinstance(text, str) else text
    raw = base64.b64decode(written + b"=" * (-len(written) % 4), altchars=b"-_", validate=True)
    if to_base64url(raw).encode("ascii") != written:
        raise ValueError("not base64url without padding")
    return raw


def sha256_text(data: bytes) -> str:
    """The SHA-256 digest in base64url, 43 characters."""
    return to_base64url(hashlib.sha256(data).digest())


def strict_json(text: str | bytes) -> Any:
    """Raises ValueError for what JSON parsers disagree on: a name that is given twice, NaN and Infinity, another encoding."""
    return _STRICT.decode(text if isinstance(text, str) else text.decode())


def unique_names(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object's pairs as a dictionary. Raises ValueError for a name that is given twice."""
    names = dict(pairs)
    if len(names) != len(pairs):
        raise ValueError("a name is given twice")
    return names


def refuse_constant(_: str) -> NoReturn:
    """For NaN and Infinity, which Python reads and JSON does not have."""
    raise ValueError("NaN and Infinity are not JSON")


# Made once: json.loads would make a decoder for each text.
_STRICT = json.JSONDecoder(object_pairs_hook=unique_names, parse_constant=refuse_constant)
