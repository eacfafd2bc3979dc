"""Access tokens: signed JWTs, verified without a look-up.

The library checks the signature; what RFC 8725 asks for beyond that, and what PyJWT lets pass (a payload that names a
claim twice, any `typ`, no `exp` at all, a `sub` that PostgreSQL cannot store), is checked here.
"""

import hashlib
import json
import re
import secrets
import time
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

import jwt

from taskwell.accounts.keys import SigningKey
from taskwell.errors import TokenInvalid

TOKEN_BYTES: Final = 8 * 1024
REMEMBERED: Final = 100_000
"""Verified tokens that a process keeps: some 380 bytes each, 38 MB at most."""

LIFETIME_SECONDS: Final = 24 * 3600
LEEWAY_SECONDS: Final = 60

_COMPACT = re.compile(rb"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")
_TYPES = frozenset({None, "JWT", "at+jwt"})


class Claims(NamedTuple):
    """Who a verified token speaks for."""

    user_id: UUID
    issued_at: datetime
    expires_at: float  # seconds since 1970


class Tokens:
    """Makes and verifies the tokens of one issuer, Taskwell's own.

    A verified token is remembered, so that a client's second request costs a digest and a look into a dictionary, and not
    the 105 microseconds of its signature. It is remembered by its digest: the length of a token is its sender's choice.
    """

    def __init__(self, key: SigningKey, *, issuer: str, lifetime_seconds: int) -> None:
        self.lifetime_seconds = lifetime_seconds
        self._key = key
        self._issuer = issuer
        self._verified: dict[bytes, Claims] = {}

    def make(self, user_id: UUID, *, lifetime_seconds: int | None = None) -> str:
        # With its fraction: a token made in the very second of a sign-out is told from those before it.
        issued_at = time.time()
        payload = {
            "iss": self._issuer,
            "aud": self._issuer,
            "sub": str(user_id),
            "iat": issued_at,
            "exp": int(issued_at) + (lifetime_seconds or self.lifetime_seconds),
            "jti": secrets.token_urlsafe(12),
        }
        return jwt.encode(payload, self._key.private, algorithm="EdDSA", headers={"typ": "at+jwt", "kid": self._key.kid})

    def verify(self, token: bytes) -> Claims:
        """Raises TokenInvalid, whatever is wrong: a reason would help nobody but who tries."""
        digest = hashlib.sha256(token).digest()
        claims = self._verified.get(digest)
        if claims is None:
            claims = self._verify(token)
            self._remember(digest, claims)
        if claims.expires_at <= time.time():
            self._verified.pop(digest, None)
            raise TokenInvalid
        return claims

    def _verify(self, token: bytes) -> Claims:
        if len(token) > TOKEN_BYTES or not _COMPACT.fullmatch(token):
            raise TokenInvalid
        try:
            header = _strict_json(token.partition(b".")[0])
            if header.get("typ") not in _TYPES or header.get("kid") != self._key.kid or "crit" in header:
                raise TokenInvalid
            _strict_json(token.split(b".")[1])
            payload = jwt.decode(
                token,
                self._key.public,
                algorithms=["EdDSA"],
                audience=self._issuer,
                issuer=self._issuer,
                leeway=LEEWAY_SECONDS,
                options={"require": ["exp", "iat", "sub", "iss", "aud"], "verify_exp": False},
            )
            issued_at, expires_at = payload["iat"], payload["exp"]
            for number in (issued_at, expires_at):
                if type(number) not in (int, float) or not 0 < number < 253_402_300_800:  # up to the year 9999
                    raise TokenInvalid
            if expires_at - issued_at > LIFETIME_SECONDS or not re.fullmatch(r"[0-9a-f-]{36}", payload["sub"]):
                raise TokenInvalid
            return Claims(UUID(payload["sub"]), datetime.fromtimestamp(issued_at, UTC), float(expires_at))
        except (jwt.PyJWTError, ValueError, TypeError, RecursionError, OverflowError) as error:
            raise TokenInvalid from error

    def _remember(self, digest: bytes, claims: Claims) -> None:
        if len(self._verified) >= REMEMBERED:
            del self._verified[next(iter(self._verified))]  # the oldest
        self._verified[digest] = claims


def _strict_json(segment: bytes) -> dict[str, Any]:
    value = json.loads(jwt.utils.base64url_decode(segment), object_pairs_hook=_unique)
    if not isinstance(value, dict):
        raise TypeError
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names = dict(pairs)
    if len(names) != len(pairs):
        raise ValueError
    return names
