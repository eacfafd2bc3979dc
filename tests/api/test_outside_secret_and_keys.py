"""An issuer that moves from a shared secret to public keys: both are good at once, and neither in the place of the other."""

import base64
import json
from collections.abc import Iterator
from typing import NamedTuple

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.conftest import settings_for
from tests.support.errors import assert_error
from tests.support.forge import b64, keyed_hash, sealed
from tests.support.provider import Provider
from tests.support.server import serve
from tests.support.signed_in import TASKS, bearer, browser

SUBJECT = "moved-to-keys"  # of these tests alone: other tests have the same database, and tasks of the usual subject
SECRET = "Ohb0eiPh4ahfeiNg9aexah7eeKie3thooGh1aeJ7Iechohk9pahgh3ie"


class Stage(NamedTuple):
    provider: Provider
    client: httpx.Client

    def ask(self, token: str | bytes) -> httpx.Response:
        return self.client.get(TASKS, headers=bearer(token if isinstance(token, str) else token.decode()))

    def claims(self) -> dict[str, object]:
        claims: dict[str, object] = jwt.decode(self.provider.token(SUBJECT), options={"verify_signature": False})
        return claims

    def by_secret(self, secret: str | bytes = SECRET, algorithm: str = "HS256", kid: str | None = None) -> bytes:
        header = {"alg": algorithm, "typ": "JWT"} | ({} if kid is None else {"kid": kid})
        text = b64(json.dumps(header).encode()) + b"." + b64(json.dumps(self.claims()).encode())
        return sealed(text, keyed_hash(int(algorithm[2:]), secret.encode() if isinstance(secret, str) else secret))


@pytest.fixture(scope="module")
def stage(shared_database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with Provider("supabase") as provider:
        row = provider.row(algorithms=["ES256", "HS256"], secret=SECRET)
        settings = settings_for(shared_database, tmp_path_factory.mktemp("data"), issuers=json.dumps([row]))
        with serve(settings) as server, browser(server) as client:
            yield Stage(provider, client)


def test_both_are_the_same_person(stage: Stage) -> None:
    made = stage.client.post(TASKS, json={"title": "moved"}, headers=bearer(stage.by_secret().decode()))
    assert made.status_code == 201, made.text
    for token in (stage.by_secret(), stage.by_secret(kid=stage.provider.key.kid), stage.provider.token(SUBJECT).encode()):
        answer = stage.ask(token)
        assert [task["id"] for task in answer.json()["items"]] == [made.json()["id"]]


def public_forms(provider: Provider) -> Iterator[bytes]:
    """All that a client can fetch, and might be taken for the secret (CVE-2022-29217)."""
    public = provider.key.private.public_key()
    assert isinstance(public, EllipticCurvePublicKey)
    for encoding, kind in (
        (Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
        (Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
        (Encoding.X962, PublicFormat.UncompressedPoint),
        (Encoding.X962, PublicFormat.CompressedPoint),
    ):
        encoded = public.public_bytes(encoding, kind)
        yield encoded
        yield encoded.strip()
    jwk = provider.key.jwk
    yield json.dumps(jwk).encode()
    yield json.dumps(jwk, separators=(",", ":")).encode()
    yield json.dumps({"keys": [jwk]}).encode()
    for part in ("x", "y"):
        yield jwk[part].encode()
        yield base64.urlsafe_b64decode(jwk[part] + "==")
    yield jwk["kid"].encode()
    yield b""


def test_no_published_key_is_the_secret(stage: Stage) -> None:
    for kid in (None, stage.provider.key.kid):
        for key in public_forms(stage.provider):
            assert_error(stage.ask(stage.by_secret(key, kid=kid)), 401, "token_invalid")


def test_the_secret_signs_for_no_other_algorithm(stage: Stage) -> None:
    for algorithm in ("HS384", "HS512"):  # which the row does not have
        assert_error(stage.ask(stage.by_secret(SECRET * 2, algorithm)), 401, "token_invalid")
    signature = stage.by_secret().rpartition(b".")[2]
    for algorithm in ("ES256", "RS256", "none", "hs256", "HS256 "):
        header = b64(json.dumps({"alg": algorithm, "typ": "JWT", "kid": stage.provider.key.kid}).encode())
        text = header + b"." + b64(json.dumps(stage.claims()).encode())
        for end in (signature, keyed_hash(256, SECRET.encode())(text), b""):
            raw = end if end == signature else b64(end)
            assert_error(stage.ask(text + b"." + raw), 401, "token_invalid")


def test_tokens_by_the_secret_need_no_key_set(stage: Stage) -> None:
    before = stage.provider.requests
    assert stage.ask(stage.by_secret()).status_code == 200
    assert stage.provider.requests == before
