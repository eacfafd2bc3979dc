"""Rows of TASKWELL_ISSUERS, and what is made of them."""

import asyncio
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from pydantic import ValidationError

from taskwell.identity.issuers import Issuer, KeySource, parse_issuers

SECRET = "hunter2-Ohb0eiPh4ahfeiNg9aexah7eeKie3thooGh1aeJ7Iechohk9pahgh3ie"
ED25519 = Ed25519PrivateKey.generate()
RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
WEAK_RSA = rsa.generate_private_key(public_exponent=65537, key_size=1024)
P256 = ec.generate_private_key(ec.SECP256R1())


def nothing() -> None:
    """To be called when a key is withdrawn."""


def pem(key: Ed25519PrivateKey | rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> str:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


PRIVATE_PEM = RSA.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def generic(**more: Any) -> dict[str, Any]:
    """A row without a preset; None leaves a field out."""
    row = {
        "name": "acme",
        "issuer": "https://login.acme.example",
        "audience": "taskwell",
        "algorithms": ["RS256"],
        "jwks_url": "https://login.acme.example/jwks",
    } | more
    return {field: value for field, value in row.items() if value is not None}


def with_secret(**more: Any) -> dict[str, Any]:
    return generic(**({"jwks_url": None, "secret": SECRET, "algorithms": ["HS256"]} | more))


def with_key(key: str, *algorithms: str) -> dict[str, Any]:
    return generic(jwks_url=None, public_key=key, algorithms=algorithms)


def only(row: dict[str, Any]) -> Issuer:
    (issuer,) = parse_issuers(json.dumps([row]))
    return issuer


def refusal(rows: object) -> str:
    with pytest.raises(ValueError, match=r".") as refused:
        parse_issuers(rows if isinstance(rows, str) else json.dumps(rows))
    assert not isinstance(refused.value, ValidationError)
    assert refused.value.__cause__ is None, "a traceback would show the row"
    assert refused.value.__context__ is None or refused.value.__suppress_context__
    sentence = str(refused.value)
    assert "hunter2" not in sentence
    assert "\n" not in sentence
    return sentence


def key_of(source: KeySource, kid: str | None, algorithm: str) -> Any:
    async def ask() -> Any:
        try:
            return await source.key(kid, algorithm)
        finally:
            await source.close()

    return asyncio.run(ask())
