"""A ticket opens a stream of events for a browser's EventSource, which can send no header.

It stands in an address, so it is good for little: to connect within a minute, to read that there is something new, and to come
back to its own stream for as long as the sign-in that asked for it stands: the session of an access token, an API token, or an
access token that has no session here. It is signed by our own key, and stored nowhere.
"""

import secrets
import time
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

import jwt

from taskwell.errors import TokenInvalid
from taskwell.identity import scopes
from taskwell.identity.keys import SigningKeys
from taskwell.identity.tokens import ALWAYS, LIFETIME_SECONDS, Claims

TICKET_SECONDS: Final = 60
_TYPE: Final = "ticket+jwt"
_SCOPES: Final = frozenset({"tasks:read", "admin"})


class Ticket(NamedTuple):
    """What the token that asked for it could say, and until when it is good for a stream of its own.

    Claims with a session or an API token are good only while that stands, and have no end of their own.
    """

    claims: Claims
    connects_until: float


class Tickets:
    def __init__(self, keys: SigningKeys, *, issuer: str) -> None:
        self._keys = keys
        self._issuer = issuer

    def make(self, claims: Claims) -> str:
        now = time.time()
        key = self._keys.current
        payload: dict[str, Any] = {
            "iss": self._issuer,
            "aud": f"{self._issuer} events",
            "sub": str(claims.user_id),
            "iat": now,
            "jti": secrets.token_urlsafe(12),
            "scope": scopes.joined(claims.scopes & _SCOPES),
            "kind": claims.kind,
        }
        if claims.session_id is not None:
            payload["sid"] = str(claims.session_id)
        elif claims.token_id is not None:
            payload["token_id"] = str(claims.token_id)
        else:
            payload["exp"] = min(claims.expires_at, now + LIFETIME_SECONDS)
            payload["issued_at"] = claims.issued_at.timestamp()
        return jwt.encode(payload, key.private, algorithm="EdDSA", headers={"typ": _TYPE, "kid": key.kid})

    def read(self, text: str) -> Ticket:
        """Raises TokenInvalid for whatever `make` did not make, and for what has ended."""
        try:
            header = jwt.get_unverified_header(text)
            key = self._keys.public(header.get("kid"))
            if key is None or header.get("typ") != _TYPE:
                raise TokenInvalid
            payload = jwt.decode(
                text,
                key,
                algorithms=["EdDSA"],
                audience=f"{self._issuer} events",
                issuer=self._issuer,
                options={"verify_iat": False},
            )
        except (jwt.PyJWTError, ValueError, RecursionError) as error:
            raise TokenInvalid from error
        return Ticket(_claims(payload), payload["iat"] + TICKET_SECONDS)


def _claims(payload: dict[str, Any]) -> Claims:
    """Of our own words: the signature says so."""
    session_id, token_id = (UUID(payload[name]) if name in payload else None for name in ("sid", "token_id"))
    issued_at = datetime.fromtimestamp(payload["issued_at"], UTC) if "issued_at" in payload else ALWAYS
    ends = payload.get("exp", float("inf"))
    allowed = scopes.named(payload["scope"])
    return Claims(UUID(payload["sub"]), issued_at, ends, allowed, payload["kind"], token_id, session_id)
