"""The public keys of an outside issuer (RFC 7517), which are fetched when a request needs them, and then kept.

A request waits for a fetch only where it cannot be answered otherwise: when there are no keys yet, when the keys are too old to
be believed, and at most every 30 seconds for a `kid` that is not among them. Nothing runs while no request comes.
"""

import asyncio
import contextlib
import functools
import json
import math
import ssl
import time
from collections.abc import Callable
from typing import Any, Final, NamedTuple

import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from taskwell.errors import CannotStart, KeysUnavailable, TokenInvalid
from taskwell.identity import late_httpx as httpx
from taskwell.log import log

FETCH_SECONDS = 3.0
"""The limit of a whole fetch: the name, the connection, and the answer to its last byte."""

KEYS_FRESH_SECONDS: Final = 600.0
"""Older keys are still used, while they are fetched anew."""

KEYS_BELIEVED_SECONDS: Final = 24 * 3600.0
"""Older keys are not used: the provider may have withdrawn one of them for a reason."""

ASK_AGAIN_SECONDS: Final = 30.0
"""Any client can send an unknown `kid`. It must not be able to make us flood the provider."""

FETCH_PAUSE_SECONDS: Final = 5.0
"""How long no fetch begins after one that failed."""

KEY_SET_BYTES: Final = 256 * 1024
KEYS_OF_A_SET: Final = 100
RSA_BITS: Final = 2048


EDWARDS: Final = frozenset({"EdDSA", "Ed25519"})
CURVES: Final[dict[str, type[ec.EllipticCurve]]] = {"ES256": ec.SECP256R1, "ES384": ec.SECP384R1, "ES512": ec.SECP521R1}
RSA: Final = frozenset({"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"})

with contextlib.suppress(ValueError):  # a later PyJWT may know this name of RFC 9864 by itself
    jwt.register_algorithm("Ed25519", OKPAlgorithm())

# Not `oct`: that is a secret, and a secret that every client can fetch is none.
_READERS: Final[dict[object, Callable[[dict[str, Any]], object]]] = {
    "RSA": RSAAlgorithm.from_jwk,
    "EC": ECAlgorithm.from_jwk,
    "OKP": OKPAlgorithm.from_jwk,
}
_BROKEN_KEY: Final = (jwt.PyJWTError, UnsupportedAlgorithm, ValueError, TypeError, KeyError, AttributeError, OverflowError)


def fits(key: object, algorithm: str) -> bool:
    """Whether this is a public key for that algorithm, and strong enough."""
    if algorithm in EDWARDS:
        return isinstance(key, Ed25519PublicKey)
    if algorithm in CURVES:
        return isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, CURVES[algorithm])
    return algorithm in RSA and isinstance(key, RSAPublicKey) and key.key_size >= RSA_BITS


class RemoteKeys:
    """A KeySource (identity/issuers.py) of one issuer, for one event loop."""

    def __init__(self, url: str, *, name: str, on_withdrawal: Callable[[], None]) -> None:
        """`on_withdrawal` is called when a key is no longer among those of the provider."""
        self._on_withdrawal = on_withdrawal
        self.clock: Callable[[], float] = time.monotonic
        self._url = url
        self._name = name
        self._tls = _trusted_authorities()
        self._keys: tuple[_Key, ...] = ()
        self._fetched_at = -math.inf
        self._failed_at: float | None = None  # None: the last fetch went well, or there was none
        self._asked_again_at = -math.inf
        self._fetching: asyncio.Task[None] | None = None

    async def key(self, kid: str | None, algorithm: str) -> Any:
        """Raises TokenInvalid where there is no such key, and KeysUnavailable where that cannot be known."""
        if not self.is_believed(algorithm):
            await self._fetch()
            if not self.is_believed(algorithm):
                raise KeysUnavailable
            found = self._find(kid, algorithm)
        else:
            found = self._find(kid, algorithm)
            if found is None and self._may_ask_again():
                await self._fetch()
                found = self._find(kid, algorithm)
        if found is None:
            # While the provider is out of reach, it may have a new key: a 401 would make clients sign their users out.
            raise TokenInvalid if self._failed_at is None else KeysUnavailable
        return found

    def is_believed(self, algorithm: str) -> bool:  # noqa: ARG002  KeySource says so
        """Whether the keys are not too old. From some age on they are fetched anew meanwhile."""
        age = self.clock() - self._fetched_at
        if age > KEYS_FRESH_SECONDS:
            self._begin()
        return age <= KEYS_BELIEVED_SECONDS

    async def close(self) -> None:
        fetching, self._fetching = self._fetching, None
        if fetching is not None:
            fetching.cancel()
            await asyncio.wait([fetching])

    def _find(self, kid: str | None, algorithm: str) -> object | None:
        fitting = [key for key in self._keys if key.algorithm in (None, algorithm) and fits(key.public, algorithm)]
        if kid is None:
            return fitting[0].public if len(fitting) == 1 else None
        return next((key.public for key in fitting if key.kid == kid), None)

    def _may_ask_again(self) -> bool:
        if self._fetching is not None:
            return True
        now = self.clock()
        if now - self._asked_again_at < ASK_AGAIN_SECONDS:
            return False
        self._asked_again_at = now
        return True

    def _begin(self) -> None:
        is_pausing = self._failed_at is not None and self.clock() - self._failed_at < FETCH_PAUSE_SECONDS
        if self._fetching is None and not is_pausing:
            self._fetching = asyncio.create_task(self._run())

    async def _fetch(self) -> None:
        """Wait for the fetch that is running, or for a new one."""
        self._begin()
        if self._fetching is not None:
            # When a client goes away, its own request is cancelled, and not the fetch that other requests wait for.
            await asyncio.shield(self._fetching)

    async def _run(self) -> None:
        try:
            async with asyncio.timeout(FETCH_SECONDS):
                keys = _keys_of(await self._body())
            # Whole keys are compared: another one may come under the old one's name, or have none as well.
            if any(key not in keys for key in self._keys):
                self._on_withdrawal()
            self._keys, self._fetched_at, self._failed_at = keys, self.clock(), None
        # OSError: TimeoutError and ssl.SSLError are kinds of it. ValueError: the answer is no key set.
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, OSError, ValueError, RecursionError) as error:
            self._failed_at = self.clock()
            # Not its repr: that of a UnicodeDecodeError has the whole answer in it. And h11 quotes a header that is none.
            log.warning("keys_not_fetched", issuer=self._name, error=f"{type(error).__name__}: {str(error)[:200]}")
        finally:
            self._fetching = None

    async def _body(self) -> bytes:
        body = bytearray()
        # Not compressed, since a small body could unpack to any size. A new client each time, so that no connection stays open.
        async with (
            httpx.AsyncClient(verify=self._tls, trust_env=False, timeout=FETCH_SECONDS, follow_redirects=False) as client,
            client.stream("GET", self._url, headers={"Accept-Encoding": "identity"}) as answer,
        ):
            if not answer.is_success:
                raise ValueError(f"answered {answer.status_code}")
            async for part in answer.aiter_raw():
                body += part
                if len(body) > KEY_SET_BYTES:
                    raise ValueError(f"more than {KEY_SET_BYTES} bytes")
        return bytes(body)


class _Key(NamedTuple):
    kid: object
    algorithm: object  # the only algorithm that this key is for; None: every algorithm that fits the key
    public: object


def _keys_of(body: bytes) -> tuple[_Key, ...]:
    """Raises ValueError where the body is no key set. Keys of unknown kinds are left out."""
    document = json.loads(body)
    entries = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(entries, list):
        raise ValueError("no list of keys")  # noqa: TRY004  what was sent is wrong, not how this was called
    return tuple(key for entry in entries[:KEYS_OF_A_SET] if (key := _key_of(entry)) is not None)


def _key_of(entry: object) -> _Key | None:
    if not isinstance(entry, dict):
        return None
    entry = {name: value for name, value in entry.items() if value is not None}  # as some write what is not there
    if not isinstance(entry.get("kid", ""), str):
        return None
    if entry.get("use", "sig") != "sig" or "d" in entry:  # "d": the private half was published with it
        return None
    try:
        if "verify" not in entry.get("key_ops", ["verify"]):
            return None
        return _Key(entry.get("kid"), entry.get("alg"), _READERS[entry.get("kty")](entry))
    except _BROKEN_KEY:
        return None


@functools.cache
def _trusted_authorities() -> ssl.SSLContext:
    """The public authorities, and those that this machine trusts: a company's own provider often has such a certificate."""
    try:
        context = httpx.create_ssl_context(trust_env=False)
    except OSError as error:  # Python heeds this variable all the same
        raise CannotStart(f"SSLKEYLOGFILE names a file that cannot be written ({error.strerror}): unset it") from None
    context.load_default_certs()
    return context
