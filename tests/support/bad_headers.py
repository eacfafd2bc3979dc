"""Access tokens whose header is wrong in something else than the algorithm, by what is wrong with it."""

import hashlib
import json
import zlib
from base64 import b64encode
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from tests.support.forge import (
    CLAIMS,
    GONE,
    GOOD,
    HEADER,
    KID,
    OURS,
    THEIR_EC,
    THEIRS,
    b64,
    es256,
    json_of,
    keyed_hash,
    sealed,
    token,
    twice,
    with_header,
)

_THEIR_JWK = {"kty": "OKP", "crv": "Ed25519", "x": b64(THEIRS.public_key().public_bytes_raw()).decode()}
_THEIR_KID = b64(hashlib.sha256(json.dumps(_THEIR_JWK, separators=(",", ":"), sort_keys=True).encode()).digest()).decode()
_POINT = THEIR_EC.public_key().public_numbers()
_THEIR_EC_JWK = {"kty": "EC", "crv": "P-256", "x": b64(_POINT.x.to_bytes(32)).decode(), "y": b64(_POINT.y.to_bytes(32)).decode()}

_TYPES = ["", "JWE", "refresh+jwt", "id_token", "logout+jwt", "dpop+jwt", "at+jwt\0", "at+jwt ", "at+jwt\n", "at"]
_NO_TEXTS: list[Any] = [0, 1.5, True, [], {}, ["at+jwt"]]
_CRITS: list[Any] = [["x"], [], ["exp"], ["alg"], "", "exp", {}, 0, True, [""], [1]]
_KIDS: dict[str, Any] = {
    "missing": GONE,
    "null": None,
    "a number": 0,
    "true": True,
    "a list": [KID],
    "an object": {"kid": KID},
    "NaN": b"NaN",
    "empty": "",
    "unknown": "unknown",
    "another key's": _THEIR_KID,
    "in capitals": KID.upper(),
    "cut short": KID[:-1],
    "with a newline": KID + "\n",
    "with a NUL": KID + "\0",
    "with a space": " " + KID,
    "padded": KID + "=",
    "a lone surrogate": b'"\\ud800"',
    "a path": "../../../../dev/null",
    "a path with a NUL": "../../dev/null\0" + KID,
    "SQL": "' UNION SELECT 'key' --",
    "a shell command": "$(sleep 10)",
    "a URL": "https://attacker.example/jwks.json",
    "a file URL": "file:///dev/null",
    "very long": "k" * 5000,
    "a method's name": "__class__",
    "of a rotation that never was": "ffffffffffff-00000000",
    "of a rotation before the first key": "000000000001-00000000",
}


def _kids() -> dict[str, bytes]:
    ours = {f"kid {name}": with_header(kid=value) for name, value in _KIDS.items()}
    # The file that a path leads to is empty, and so is the key.
    theirs = {
        f"kid {name}, HS256 with nothing": with_header(keyed_hash(256, b""), alg="HS256", kid=_KIDS[name])
        for name in ("missing", "null", "empty", "a path", "a file URL", "SQL")
    }
    repeated = {
        "kid twice, alike": token(header=twice(HEADER, "kid", KID)),
        "kid twice, ours last": token(header=twice(HEADER | {"kid": _THEIR_KID}, "kid", KID)),
        "kid twice, escaped": token(header=json_of(HEADER)[:-1] + b',"\\u006bid":"unknown"}'),
    }
    signed = {f"kid {name}, signed by another key": with_header(THEIRS.sign, kid=kid) for name, kid in _KIDS.items()}
    return ours | theirs | repeated | signed


def _own_keys() -> dict[str, bytes]:
    """The attacker brings the key, or says where it is."""
    der = _certificate()
    brought: dict[str, Any] = {
        "jwk": _THEIR_JWK,
        "jku": "https://attacker.example/jwks.json",
        "x5u": "https://attacker.example/chain.pem",
        "x5c": [b64encode(der).decode()],
        "x5t": b64(hashlib.sha1(der).digest()).decode(),
        "x5t#S256": b64(hashlib.sha256(der).digest()).decode(),
        "epk": _THEIR_JWK,
    }
    kids = {"our kid": KID, "their kid": _THEIR_KID, "no kid": GONE}
    signed = {
        f"{name} with {which}": with_header(THEIRS.sign, kid=kid, **{name: value})
        for name, value in brought.items()
        for which, kid in kids.items()
    }
    es = {
        f"jwk of a P-256 key with {which}": with_header(es256, alg="ES256", kid=kid, jwk=_THEIR_EC_JWK)
        for which, kid in kids.items()
    }
    symmetric = {"kty": "oct", "k": b64(b"secret").decode()}
    oct_ = {"jwk of a secret": with_header(keyed_hash(256, b"secret"), alg="HS256", jwk=symmetric)}
    return signed | es | oct_


def _certificate() -> bytes:
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "taskwell")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(name, name, THEIRS.public_key(), 1, now, now + timedelta(days=1))
    return builder.sign(THEIRS, None).public_bytes(Encoding.DER)


def _headers() -> dict[str, bytes]:
    claims = json_of(CLAIMS)
    changed: dict[str, Any] = {
        **{f"crit {value!r}": {"crit": value} for value in _CRITS},
        "crit null": {"crit": None},
        "crit of what is there": {"crit": ["x"], "x": 1},
        "crit b64": {"crit": ["b64"], "b64": True},
        "b64 false": {"crit": ["b64"], "b64": False},
        "b64 false, not critical": {"b64": False},
        **{f"typ {value!r}": {"typ": value} for value in [*_TYPES, *_NO_TEXTS]},
        "typ null": {"typ": None},
    }
    signed = {name: with_header(**members) for name, members in changed.items()}
    unencoded = b64(json_of(HEADER | {"crit": ["b64"], "b64": False}))
    deflate = zlib.compressobj(wbits=-15)
    return signed | {
        "b64 false, payload as it is": sealed(unencoded + b"." + claims),
        "b64 false, detached": unencoded + b".." + b64(OURS.sign(unencoded + b"." + claims)),
        "zip": token(HEADER | {"zip": "DEF"}, deflate.compress(claims) + deflate.flush()),
        "cty, a token within": token(HEADER | {"cty": "JWT"}, GOOD),
        "typ twice": token(header=twice(HEADER | {"typ": "refresh+jwt"}, "typ", "at+jwt")),
    }


def _headers_that_are_none() -> dict[str, bytes]:
    deep = {
        "5,500 lists": b"[" * 5500,
        "2,500 lists, closed": b"[" * 2500 + b"]" * 2500,
        "800 objects": b'{"a":' * 800 + b"1" + b"}" * 800,
    }
    good = json_of(HEADER)
    texts = {
        "a list": b"[" + good + b"]",
        "a text": json.dumps(good.decode()).encode(),
        "a number": b"1",
        "null": b"null",
        "true": b"true",
        "an empty object": b"{}",
        "NaN": b"NaN",
        "no JSON": b"alg=EdDSA",
        "cut short": good[:-1],
        "two objects": good + good,
        "with a comment": good + b"//",
        "in single quotes": good.replace(b'"', b"'"),
        "a number of 5,000 digits": good[:-1] + b',"x":' + b"9" * 5000 + b"}",
        "not UTF-8": good[:-1] + b',"x":"\xff"}',
        "an encoded surrogate": good[:-1] + b',"x":"\xed\xa0\x80"}',
        "NaN beside": good[:-1] + b',"x":NaN}',
        "Infinity beside": good[:-1] + b',"x":-Infinity}',
        "after a byte order mark": b"\xef\xbb\xbf" + good,
        "UTF-16": good.decode().encode("utf-16"),
        "UTF-32, little-endian": good.decode().encode("utf-32-le"),
        "after a NUL": b"\0" + good,
        **deep,
    }
    signed = {f"header: {name}": token(header=text) for name, text in texts.items()}
    # By another key: whether so many levels are too many is Python's to say, but not with a traceback.
    return signed | {
        f"header: {name} beside, another key's": token(header=good[:-1] + b',"x":' + text + b"}", sign=THEIRS.sign)
        for name, text in deep.items()
    }


BAD_HEADERS = _kids() | _own_keys() | _headers() | _headers_that_are_none()
