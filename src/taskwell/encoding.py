"""Spellings that more than one part reads and writes: bytes in base64url without padding, JSON without ambiguity, UTF-8."""

import base64
import hashlib
import json
from typing import Any, NoReturn


def is_utf8(given: str) -> bool:
    """Whether a word of the command line or the environment was UTF-8. Python makes lone surrogates of other bytes (PEP 383)."""
    return not any("\udc80" <= sign <= "\udcff" for sign in given)


def to_base64url(raw: bytes) -> str:
    """Without padding (RFC 7515, section 2)."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


def from_base64url(text: str) -> bytes:
    """Raises ValueError for any other spelling than that of `to_base64url`: one value has one text."""
    raw = base64.b64decode(text.encode("ascii") + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)
    if to_base64url(raw) != text:
        raise ValueError("not base64url without padding")
    return raw


def sha256_text(data: bytes) -> str:
    """The SHA-256 digest in base64url, 43 characters."""
    return to_base64url(hashlib.sha256(data).digest())


class AmbiguousJson(ValueError):
    """JSON that parsers disagree on. The sentence lacks its subject."""


def strict_decoder(most_names: int | None = None) -> json.JSONDecoder:
    """Its `decode` raises AmbiguousJson, also for an object of more than `most_names` fields, and else what `json.loads` raises.

    It is made once, at import: `json.loads` would make one for each text.
    """

    def unique_names(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if most_names is not None and len(pairs) > most_names:
            raise AmbiguousJson("has an object of too many fields")
        names = dict(pairs)
        if len(names) != len(pairs):
            raise AmbiguousJson("names a field twice")
        return names

    def refuse_constant(_: str) -> NoReturn:
        raise AmbiguousJson("holds NaN or Infinity, which are not JSON")

    return json.JSONDecoder(object_pairs_hook=unique_names, parse_constant=refuse_constant)
