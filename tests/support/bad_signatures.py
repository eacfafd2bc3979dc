"""Access tokens whose algorithm or signature is wrong, by what is wrong with them."""

import itertools
import json
from base64 import b64encode

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.support.forge import (
    BODY,
    CLAIMS,
    GONE,
    GOOD,
    HEAD,
    HEADER,
    KID,
    OURS,
    SEAL,
    SIGNED,
    THEIRS,
    always,
    b64,
    es256,
    json_of,
    keyed_hash,
    token,
    twice,
    with_claims,
    with_header,
)

_SIGNATURE = OURS.sign(SIGNED)
_PUBLIC = OURS.public_key()
_RAW = _PUBLIC.public_bytes_raw()
_PEM = _PUBLIC.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
_DER = _PUBLIC.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
_JWK = {"kty": "OKP", "crv": "Ed25519", "x": b64(_RAW).decode()}

# ---- the algorithm -------------------------------------------------------------------------------------------------

# What an HMAC could be keyed with that everybody knows.
_SECRETS = {
    "PEM": _PEM,
    "PEM without its last newline": _PEM.rstrip(),
    "PEM without its frame": b"".join(_PEM.splitlines()[1:-1]),
    "DER": _DER,
    "raw": _RAW,
    "raw in hex": _RAW.hex().encode(),
    "raw in base64": b64encode(_RAW),
    "raw in base64url": b64(_RAW),
    "OpenSSH": _PUBLIC.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH),
    "JWK": json.dumps(_JWK).encode(),
    "JWK without spaces, sorted": json.dumps(_JWK, separators=(",", ":"), sort_keys=True).encode(),
    "JWKS": json.dumps({"keys": [_JWK | {"kid": KID, "use": "sig", "alg": "EdDSA"}]}).encode(),
    "kid": KID.encode(),
    "issuer": b"taskwell",
    "empty": b"",
}
_OTHERS = [f"{family}{bits}" for family in ("RS", "PS", "ES", "HS") for bits in (256, 384, 512)]
_OTHERS += ["ES256K", "Ed448", "RSA-OAEP", "dir", "A128KW"]
_MISSPELT = ["", " ", "eddsa", "EDDSA", "EdDSA ", " EdDSA", "EdDSA\0", "EdDSA\n", "EdDSA,none", "ed25519", "*", "null"]
_PSYCHIC = {"EdDSA": 64, "ES256": 64, "ES384": 96, "ES512": 132, "ES256K": 64, "HS256": 32}
_NO_TEXTS = {
    "missing": GONE,
    "null": None,
    "true": True,
    "0": 0,
    "a list": ["EdDSA"],
    "an object": {"EdDSA": 1},
    "NaN": b"NaN",
}


def _algorithms() -> dict[str, bytes]:
    confused = {
        f"HS{bits} with the public key: {name}": with_header(keyed_hash(bits, key), alg=f"HS{bits}")
        for bits in (256, 384, 512)
        for name, key in _SECRETS.items()
    }
    # Signed with the right key, so that whoever does not look at the name takes them.
    misnamed = {f"alg {name!r}, signed as ever": with_header(alg=name) for name in _OTHERS + _MISSPELT}
    no_texts = {f"alg {name}": with_header(alg=value) for name, value in _NO_TEXTS.items()}
    psychic = {f"{name}, signed with zeros": with_header(always(bytes(size)), alg=name) for name, size in _PSYCHIC.items()}
    repeated = {
        f"alg twice, {first} and {second}": token(header=twice(HEADER | {"alg": first}, "alg", second))
        for first, second in [("EdDSA", "EdDSA"), ("none", "EdDSA"), ("EdDSA", "none"), ("HS256", "EdDSA")]
    }
    return confused | misnamed | no_texts | psychic | repeated | {"ES256, by another key": with_header(es256, alg="ES256")}


def _none() -> dict[str, bytes]:
    spellings = ["".join(letters) for letters in itertools.product("nN", "oO", "nN", "eE")]
    signed = {f"alg {name}, signed as ever": with_header(alg=name) for name in spellings}
    bare = {f"alg {name}, unsigned": with_header(always(b""), alg=name) for name in spellings}
    dotless = {f"alg {name}, unsigned, no second dot": with_header(always(b""), alg=name)[:-1] for name in ("none", "None")}
    return signed | bare | dotless


# ---- the signature -------------------------------------------------------------------------------------------------


def _signatures() -> dict[str, bytes]:
    order = 2**252 + 27742317777372353535851937790883648493
    s = int.from_bytes(_SIGNATURE[32:], "little")
    wrong: dict[str, bytes] = {
        "another key's": THEIRS.sign(SIGNED),
        "another token's": OURS.sign(with_claims(jti="another").rpartition(b".")[0]),
        "of the payload alone": OURS.sign(BODY),
        "of the payload before its encoding": OURS.sign(json_of(CLAIMS)),
        "of both without the dot": OURS.sign(HEAD + BODY),
        "of the whole token": OURS.sign(GOOD),
        "twice": _SIGNATURE * 2,
        "turned round": _SIGNATURE[::-1],
        "its halves exchanged": _SIGNATURE[32:] + _SIGNATURE[:32],
        "in hex": _SIGNATURE.hex().encode(),
        "in base64 once more": SEAL,
        "the same number, greater by the order of the curve": _SIGNATURE[:32] + (s + order).to_bytes(32, "little"),
        "the neutral element and zero": b"\1" + bytes(63),
        "a byte more": _SIGNATURE + b"\0",
        "ones": b"\xff" * 64,
    }
    wrong |= {f"only {size} bytes": _SIGNATURE[:size] for size in (1, 31, 32, 33, 62, 63)}
    for place in range(64):
        flipped = bytearray(_SIGNATURE)
        flipped[place] ^= 1 << place % 8
        wrong[f"a bit of byte {place}"] = bytes(flipped)
    return {f"signature: {name}": SIGNED + b"." + b64(value) for name, value in wrong.items()}


def _changed_after_signing() -> dict[str, bytes]:
    """Also by bits that say nothing: of the last sextet of a signature only two bits count (RFC 4648 3.5)."""
    alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    last = alphabet.index(GOOD[-1])
    idle = {f"idle bits of the signature, {bits}": GOOD[:-1] + alphabet[last ^ bits :][:1] for bits in (1, 2, 8, 15)}
    steps = {}
    for place in range(20):
        at = len(SIGNED) * place // 20
        other = b"B" if GOOD[at : at + 1] == b"A" else b"A"
        steps[f"the letter at {place} of 20 parts"] = GOOD[:at] + other + GOOD[at + 1 :]
    others = {
        "another payload": HEAD + b"." + with_claims(scope="admin").split(b".")[1] + b"." + SEAL,
        "another header": b64(json_of(HEADER | {"typ": "JWT"})) + b"." + BODY + b"." + SEAL,
        "the header with a space": b64(json_of(HEADER) + b" ") + b"." + BODY + b"." + SEAL,
    }
    return {f"changed after signing: {name}": value for name, value in (idle | steps | others).items()}


BAD_SIGNATURES = _algorithms() | _none() | _signatures() | _changed_after_signing()
