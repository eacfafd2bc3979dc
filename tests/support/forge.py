"""JWTs made by hand, as no library would make them: whatever header, whatever payload, whatever signature.

What is not asked for is as in one of Taskwell's own tokens, so that each forgery is wrong in one thing alone.
"""

import base64
import hmac
import itertools
import json
import time
from collections.abc import Callable, Mapping
from typing import Any, Final
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from tests.support.keys import SIGNING_KEY

Members = Mapping[str, Any]
"""Of a JSON object. A value in bytes stands as it is, so that it need not be JSON; GONE is none at all."""

Signer = Callable[[bytes], bytes]

GONE: Final = object()
NOW: Final = int(time.time())
DAY: Final = 24 * 3600
VICTIM: Final = UUID("01930000-0000-7000-8000-0123456789ab")
KID: Final = "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"
"""RFC 8037, A.3: the thumbprint of the key that the tests sign with."""

OURS: Final = Ed25519PrivateKey.from_private_bytes(base64.urlsafe_b64decode(SIGNING_KEY + "="))
THEIRS: Final = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
THEIR_EC: Final = ec.derive_private_key(2**200 + 1, ec.SECP256R1())

HEADER: Final[dict[str, Any]] = {"typ": "at+jwt", "alg": "EdDSA", "kid": KID}
CLAIMS: Final[dict[str, Any]] = {
    "iss": "taskwell",
    "aud": "taskwell",
    "sub": str(VICTIM),
    "iat": NOW - 1,
    "exp": NOW + DAY // 2,
    "jti": "by-hand",
    "scope": "tasks:read tasks:write account",
}


def b64(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def json_of(members: Members) -> bytes:
    pairs = [
        json.dumps(name).encode() + b":" + (value if isinstance(value, bytes) else json.dumps(value).encode())
        for name, value in members.items()
        if value is not GONE
    ]
    return b"{" + b",".join(pairs) + b"}"


def twice(members: Members, name: str, value: object) -> bytes:
    """The object with one name once more, at its end: where most parsers believe it."""
    return json_of(members)[:-1] + b"," + json_of({name: value})[1:]


def token(header: bytes | Members = HEADER, payload: bytes | Members = CLAIMS, sign: Signer = OURS.sign) -> bytes:
    head, body = (part if isinstance(part, bytes) else json_of(part) for part in (header, payload))
    return sealed(b64(head) + b"." + b64(body), sign)


def sealed(text: bytes, sign: Signer = OURS.sign) -> bytes:
    """What stands before the last dot, and its signature."""
    return text + b"." + b64(sign(text))


def with_header(sign: Signer = OURS.sign, **changed: Any) -> bytes:
    return token(header=HEADER | changed, sign=sign)


def with_claims(**changed: Any) -> bytes:
    return token(payload=CLAIMS | changed)


def of_length(least: int) -> bytes:
    """Ours, blown up to so many letters or one more."""
    start = (least - len(with_claims(name=""))) * 3 // 4 - 3
    return next(one for more in itertools.count(start) if len(one := with_claims(name="x" * more)) >= least)


def keyed_hash(bits: int, key: bytes) -> Signer:
    return lambda text: hmac.digest(key, text, f"sha{bits}")


def always(signature: bytes) -> Signer:
    return lambda _: signature


def es256(text: bytes) -> bytes:
    """By the attacker's key, as RFC 7518 3.4 has it: two numbers of 32 bytes."""
    r, s = decode_dss_signature(THEIR_EC.sign(text, ec.ECDSA(SHA256())))
    return r.to_bytes(32) + s.to_bytes(32)


GOOD: Final = token()
HEAD, BODY, SEAL = GOOD.split(b".")
SIGNED: Final = HEAD + b"." + BODY
