"""Where the keys of an issuer may come from: by http from one host that the row names, and from a secret beside a key set."""

import json
import socket
from typing import Any

import pytest

from taskwell.errors import TokenInvalid
from taskwell.identity.issuers import key_source
from tests.support.issuer_rows import P256, SECRET, generic, key_of, nothing, only, pem, refusal
from tests.support.provider import Key, KeyServer


@pytest.mark.parametrize(
    ("address", "host"),
    [
        ("http://keycloak:8080/realms/acme/certs", "keycloak"),
        ("http://Keycloak:8080/certs", "KEYCLOAK"),
        ("http://my_sso/certs", "my_sso"),
        ("http://10.0.0.1/certs", "10.0.0.1"),
        ("http://[fd00::1]:8080/certs", "[fd00::1]"),
        ("http://[fd00::1]:8080/certs", "fd00::1"),
        ("http://[FD00::1]:8080/certs", "[FD00::1]"),
        ("http://[fd00:0:0::1]/certs", "fd00::1"),
        ("http://[fd00::1]/certs", "fd00:0::1"),
        ("http://xn--bcher-kva/certs", "XN--bcher-kva"),
        ("https://sso.example/certs", "keycloak"),
    ],
)
def test_a_row_may_allow_http_to_the_one_host_that_it_names(address: str, host: str) -> None:
    assert only(generic(jwks_url=address, allow_http_to=host)).jwks_url == address


@pytest.mark.parametrize(
    ("host", "named"),
    [("keycloak:8080", "keycloak"), ("KeyCloak", "keycloak"), ("[FD00:0::1]", "fd00::1"), ("b\u00fccher", "xn--bcher-kva")],
)
def test_the_refusal_of_http_says_the_word_that_allows_it(host: str, named: str) -> None:
    row = generic(jwks_url=f"http://{host}/certs")
    told = refusal([row])
    word = told[told.index("add ") + 4 : told.index(" to the row")]
    assert word == f'"allow_http_to": "{named}"'
    assert only(row | json.loads("{" + word + "}"))


def test_a_preset_may_be_at_such_a_host_or_only_its_keys() -> None:
    inside = {"preset": "keycloak", "address": "http://keycloak:8080/realms/acme", "allow_http_to": "keycloak"}
    assert only(inside).issuer == "http://keycloak:8080/realms/acme"
    keys = "http://keycloak:8080/realms/acme/protocol/openid-connect/certs"
    outside = inside | {"address": "https://sso.example/realms/acme", "jwks_url": keys}
    assert (only(outside).issuer, only(outside).jwks_url) == ("https://sso.example/realms/acme", keys)


def test_keys_are_fetched_by_http_from_the_host_that_is_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    key = Key.new("RS256")
    real = socket.getaddrinfo

    def as_in_a_container(host: Any, *more: Any, **named: Any) -> Any:
        return real("127.0.0.1" if host in ("keycloak", b"keycloak") else host, *more, **named)

    with KeyServer() as server:
        server.serves(key.jwk)
        monkeypatch.setattr(socket, "getaddrinfo", as_in_a_container)
        row = generic(jwks_url=server.url.replace("127.0.0.1", "keycloak"), allow_http_to="keycloak")
        assert key_of(key_source(only(row), nothing), key.kid, "RS256")


def test_a_secret_and_public_keys_stand_side_by_side() -> None:
    row = {"preset": "supabase", "address": "https://t.example", "algorithms": ["ES256", "HS256"], "secret": SECRET}
    assert only(row).jwks_url == "https://t.example/auth/v1/.well-known/jwks.json"
    source = key_source(only(generic(jwks_url=None, secret=SECRET, public_key=pem(P256), algorithms=["HS256", "ES256"])), nothing)
    assert key_of(source, "any", "HS256") == SECRET.encode()
    assert key_of(source, "any", "ES256") == P256.public_key()
    for other in ("HS384", "HS512", "ES384", "RS256", "EdDSA", "none"):
        with pytest.raises(TokenInvalid):
            key_of(source, None, other)
