"""An API token is `tw_`, 256 random bits and a checksum, by which a scanner of leaked secrets knows it without a look-up."""

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
    """Whether the text can be an API token, so that a mistyped token costs the database nothing."""
    if not text.startswith(API_TOKEN_PREFIX):
        return False
    secret, check = text[len(API_TOKEN_PREFIX) : -_CHECK_CHARACTERS], text[-_CHECK_CHARACTERS:]
    return len(secret) == _SECRET_CHARACTERS and secret.isascii() and check == _check(secret)


def hash_of(text: str) -> str:
    return sha256_text(text.encode())


def _check(secret: str) -> str:
    """CRC-32 in base64url, as in GitHub's tokens. It finds typing errors; it does not stop an attacker."""
    return to_base64url(zlib.crc32(secret.encode()).to_bytes(4, "big"))
