"""The text of an API token: `tw_`, 256 random bits, and a checksum, so that a scanner of leaked secrets needs no look-up."""

import secrets
import zlib

from taskwell.encoding import sha256_text, to_base64url

API_TOKEN_PREFIX = "tw_"  # noqa: S105  a secret begins with it

CHARACTERS_SHOWN = 6
"""The end of a token that a list of tokens shows, so that its owner tells one from another."""

_SECRET_CHARACTERS, _CHECK_CHARACTERS = 43, 6


def new_token() -> str:
    secret = secrets.token_urlsafe(32)
    return API_TOKEN_PREFIX + secret + _check(secret)


def is_token(text: str) -> bool:
    """Whether it can be one: a mistyped one costs the database nothing."""
    if not text.startswith(API_TOKEN_PREFIX):
        return False
    secret, check = text[len(API_TOKEN_PREFIX) : -_CHECK_CHARACTERS], text[-_CHECK_CHARACTERS:]
    return len(secret) == _SECRET_CHARACTERS and secret.isascii() and check == _check(secret)


def hash_of(text: str) -> str:
    return sha256_text(text.encode())


def _check(secret: str) -> str:
    """CRC-32 in base64url, as GitHub's tokens carry one. It protects from slips of the pen, not from anybody."""
    return to_base64url(zlib.crc32(secret.encode()).to_bytes(4, "big"))
