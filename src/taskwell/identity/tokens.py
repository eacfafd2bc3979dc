"""Access tokens are signed JWTs, of our own and of other issuers. They are verified without a look-up in the database.

PyJWT checks the signature. This module checks what RFC 8725 asks for beyond that and PyJWT lets pass: a payload that names a
claim twice, any `typ`, no `exp` at all, a `sub` that PostgreSQL cannot store.
"""

import asyncio
import hashlib
import math
import re
import secrets
import time
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any, Final, NamedTuple
from uuid import UUID, uuid5

import jwt

from taskwell.encoding import strict_decoder
from taskwell.errors import TokenInvalid
from taskwell.identity import scopes
from taskwell.identity.issuers import Issuer, KeySource, key_source
from taskwell.identity.keys import SigningKeys

TOKEN_BYTES: Final = 8 * 1024
TOKENS_REMEMBERED: Final = 100_000
"""A process keeps so many verified tokens: each takes some 500 bytes, so all take 50 MB at most."""

REFUSED_REMEMBERED: Final = 10_000
REFUSED_FOR_SECONDS: Final = 900
"""A process keeps so many tokens for so long that it has refused and that can never be valid: 2 MB at most."""

LIFETIME_SECONDS: Final = 24 * 3600
LEEWAY_SECONDS: Final = 60

AHEAD_SECONDS: Final = 1
"""How far ahead of our clock another issuer may date a token. A request with one that is dated later waits (HELD_SECONDS)."""

HELD_SECONDS: Final = 5
DOUBT_SECONDS: Final = 2
"""A token of another issuer may have been made, and used, so long before the time that it says (docs/decisions/0012)."""

NAMESPACE: Final = UUID("8c2ee2ef-02a4-4a5c-9d4f-4c1b3f6f0a57")
"""The ids of users of other issuers are made with it. It never changes, because their tasks are found by these ids."""

ALWAYS: Final = datetime(9999, 1, 1, tzinfo=UTC)
"""The time of issue of a credential that ends in another way than by `tokens_valid_after`."""

_COMPACT = re.compile(rb"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")
_TYPES = frozenset({"jwt", "at+jwt", "application/at+jwt"})
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_OF_OURS = frozenset({"EdDSA"})
_JSON = strict_decoder()


class Claims(NamedTuple):
    """Who a verified credential speaks for, and what it may be used for.

    `issued_at` is the earliest moment at which it can have been made, by the clock of the database.
    """

    user_id: UUID
    issued_at: datetime
    expires_at: float  # seconds since 1970
    scopes: frozenset[str]
    kind: str = "own"  # own | outside (another issuer's) | api (an API token) | none (no sign-in at all)
    token_id: UUID | None = None  # of an API token
    session_id: UUID | None = None  # of the sign-in that an access token of our own was made for


def user_id_of(issuer: str, subject: str) -> UUID:
    """The id of a user of another issuer. `issuer` is the name that the operator gave it."""
    return uuid5(uuid5(NAMESPACE, issuer), subject)


async def until_new_tokens_count() -> None:
    """After all tokens of a user of another issuer were ended: wait until a token that is made from now on counts as later.

    So a user who was told that they are signed out can sign in again at once.
    """
    now = time.time()
    # Most write `iat` in whole seconds. A timer may fire a millisecond early, when a new token says the second before.
    await asyncio.sleep(math.ceil(now + DOUBT_SECONDS) - now + 0.01)


class Tokens:
    """Makes our own access tokens, and verifies the tokens of every issuer that this deployment trusts.

    A verified token is remembered, so that a client's second request costs a digest and a look into a dictionary, and not
    the 105 microseconds of a signature. It is remembered by its digest, because its sender chooses how long a token is.
    """

    def __init__(self, keys: SigningKeys, *, issuer: str, lifetime_seconds: int, outside: Iterable[Issuer] = ()) -> None:
        self.keys = keys
        self.lifetime_seconds = lifetime_seconds
        self._issuer = issuer
        # Beside the claims it is by whose key of another issuer, and for which algorithm.
        self._verified: dict[bytes, tuple[Claims, KeySource | None, str]] = {}
        self._refused: dict[bytes, float] = {}  # and until when that is remembered
        forget = self._verified.clear  # after a key was withdrawn: the tokens of other keys are verified once more
        self._outside: dict[str, tuple[Issuer, KeySource]] = {one.issuer: (one, key_source(one, forget)) for one in outside}

    async def close(self) -> None:
        for _, source in self._outside.values():
            await source.close()

    def make(
        self,
        user_id: UUID,
        allowed: Iterable[str] = scopes.EVERYDAY,
        *,
        issued_at: datetime | None = None,
        lifetime_seconds: int | None = None,
        session_id: UUID | None = None,
    ) -> str:
        """`issued_at` is a time of the database's clock, since the database will compare it."""
        # With its fraction, so that a token made in the second of a sign-out, after it, is told from those before it.
        issued = time.time() if issued_at is None else issued_at.timestamp()
        payload = {
            "iss": self._issuer,
            "sub": str(user_id),
            "aud": self._issuer,
            "iat": issued,
            "exp": int(issued) + (lifetime_seconds or self.lifetime_seconds),
            "jti": secrets.token_urlsafe(12),
            "scope": scopes.joined(allowed),
        }
        if session_id is not None:
            payload["sid"] = str(session_id)
        key = self.keys.current
        return jwt.encode(payload, key.private, algorithm="EdDSA", headers={"typ": "at+jwt", "kid": key.kid})

    def learn_keys(self, kids: str | None) -> None:
        """Take the names of our keys from the database. Tokens of a withdrawn key are forgotten."""
        if self.keys.learn(kids):
            self._verified.clear()

    def recall(self, token: bytes) -> Claims | None:
        """The claims of a token that was verified before, or None. Raises TokenInvalid if it was refused, or has expired."""
        digest = hashlib.sha256(token).digest()
        remembered = self._verified.get(digest)
        if remembered is None:
            if self._refused.get(digest, 0.0) > time.time():
                raise TokenInvalid
            return None
        claims, source, algorithm = remembered
        if claims.expires_at <= time.time():
            del self._verified[digest]
            raise TokenInvalid
        # Where no new token comes, nothing else has old keys fetched anew, and what they signed is believed no longer than they.
        return claims if source is None or source.is_believed(algorithm) else None

    def _refuse_again(self, token: bytes) -> None:
        """Remember a token that no key and no time can make valid, so that its sender costs us a signature once alone."""
        _make_room(self._refused, REFUSED_REMEMBERED)
        self._refused[hashlib.sha256(token).digest()] = time.time() + REFUSED_FOR_SECONDS

    async def verify(self, token: bytes) -> Claims:
        """Raises TokenInvalid without a reason, which would help attackers alone, and KeysUnavailable."""
        if len(token) > TOKEN_BYTES or not _COMPACT.fullmatch(token):
            raise TokenInvalid
        try:
            header, unverified = (_decoded_segment(segment) for segment in token.split(b".")[:2])
            if header.get("typ", "jwt").lower() not in _TYPES or "crit" in header:
                raise TokenInvalid
            source = None
            if unverified["iss"] == self._issuer:
                claims = self._own(token, header)
            else:
                issuer, source = self._outside[unverified["iss"]]
                claims = await self._of_another(token, header, issuer, source)
        except (jwt.PyJWTError, ValueError, TypeError, KeyError, AttributeError, RecursionError, OverflowError) as error:
            raise TokenInvalid from error
        if claims.expires_at <= time.time():
            self._refuse_again(token)
            raise TokenInvalid
        _make_room(self._verified, TOKENS_REMEMBERED)
        self._verified[hashlib.sha256(token).digest()] = (claims, source, header["alg"])
        return claims

    def _own(self, token: bytes, header: dict[str, Any]) -> Claims:
        key = self.keys.public(header.get("kid"))
        if key is None or header.get("alg") not in _OF_OURS:
            raise TokenInvalid
        try:
            payload = _decoded(token, key, "EdDSA", self._issuer, [self._issuer])
        except jwt.InvalidSignatureError:
            # The name of a key of ours says which key it is. Another issuer may give a name to another key.
            self._refuse_again(token)
            raise
        ids = {"sub", "sid"} & payload.keys()  # a token that `taskwell token` made has no session
        if not all(_UUID.fullmatch(payload[name]) for name in ids) or not isinstance(payload["jti"], str):
            raise TokenInvalid
        claims = _claims(payload, UUID(payload["sub"]), _one_set(scopes.named(payload["scope"])), "own")
        return claims._replace(session_id=UUID(payload["sid"])) if "sid" in ids else claims

    async def _of_another(self, token: bytes, header: dict[str, Any], issuer: Issuer, source: KeySource) -> Claims:
        algorithm = header.get("alg")
        if algorithm not in issuer.algorithms:
            raise TokenInvalid
        kid = header.get("kid")
        if kid is not None and not isinstance(kid, str):
            raise TokenInvalid
        key = await source.key(kid, algorithm)
        payload = _decoded(token, key, algorithm, issuer.issuer, issuer.audience)
        if issuer.authorized_parties and payload.get("azp") not in issuer.authorized_parties:
            raise TokenInvalid
        for name, allowed in issuer.required_claims.items():
            # Types are compared as well, because True equals 1 in Python and not in JSON.
            if not any(type(payload.get(name)) is type(one) and payload.get(name) == one for one in allowed):
                raise TokenInvalid
        claims = _claims(payload, user_id_of(issuer.name, payload["sub"]), _one_set(scopes.granted(payload)), "outside")
        # Only here, where the token is known to be signed: no other client can make the server wait.
        ahead = payload["iat"] - time.time() - AHEAD_SECONDS
        if ahead > HELD_SECONDS:
            raise TokenInvalid("The access token is dated ahead: its issuer's clock, or this server's, is wrong.")
        if ahead > 0:
            await asyncio.sleep(ahead)
            return await self._of_another(token, header, issuer, source)  # the key may have been withdrawn meanwhile
        return claims._replace(issued_at=claims.issued_at - timedelta(seconds=DOUBT_SECONDS))


def _make_room(remembered: dict[bytes, Any], most: int) -> None:
    if len(remembered) >= most:
        # A thousand of the oldest at a time: a dictionary finds its first entry by walking over all that were deleted.
        for old in list(islice(remembered, 1000)):
            del remembered[old]


_SETS: dict[frozenset[str], frozenset[str]] = {}


def _one_set(names: frozenset[str]) -> frozenset[str]:
    """All remembered tokens of the same scopes share one set."""
    return _SETS.setdefault(names, names)


def _decoded(token: bytes, key: Any, algorithm: str, issuer: str, audience: Iterable[str]) -> dict[str, Any]:
    """The claims of a token whose signature, times, issuer, audience and subject are right. Raises jwt's and Python's errors."""
    accepted = list(audience)
    payload: dict[str, Any] = jwt.decode(
        token,
        key,
        algorithms=[algorithm],
        audience=accepted or None,
        issuer=issuer,
        leeway=LEEWAY_SECONDS,
        options={
            "require": ["exp", "iat", "sub", "iss", *(["aud"] if accepted else [])],
            "verify_exp": False,  # below, without a leeway
            "verify_aud": bool(accepted),
            "enforce_minimum_key_length": True,
        },
    )
    issued_at, expires_at, subject = payload["iat"], payload["exp"], payload["sub"]
    for number in (issued_at, expires_at, payload.get("nbf", issued_at)):
        if type(number) not in (int, float) or not 0 < number < 253_402_300_800:  # up to the year 9999
            raise TokenInvalid
    if expires_at - issued_at > LIFETIME_SECONDS:
        raise TokenInvalid
    if not isinstance(subject, str) or not 1 <= len(subject) <= 255 or not subject.isprintable():
        raise TokenInvalid
    return payload


def _claims(payload: dict[str, Any], user_id: UUID, allowed: frozenset[str], kind: str) -> Claims:
    return Claims(user_id, datetime.fromtimestamp(payload["iat"], UTC), float(payload["exp"]), allowed, kind)


def _decoded_segment(segment: bytes) -> dict[str, Any]:
    value = _JSON.decode(jwt.utils.base64url_decode(segment).decode())
    if not isinstance(value, dict):
        raise TypeError
    return value
