"""TASKWELL_ISSUERS: what a row may say, what a preset knows, and what is refused in words that an operator can act on."""

import json
from pathlib import Path
from typing import Any

import pytest
from dotenv import dotenv_values
from pydantic import SecretStr, ValidationError

from taskwell.errors import TokenInvalid
from taskwell.identity.issuers import Issuer, key_source, parse_issuers
from taskwell.identity.jwks import RemoteKeys
from taskwell.identity.presets import PRESETS
from tests.support.issuer_rows import (
    ED25519,
    P256,
    PRIVATE_PEM,
    RSA,
    SECRET,
    WEAK_RSA,
    generic,
    key_of,
    nothing,
    only,
    pem,
    refusal,
    with_key,
    with_secret,
)
from tests.support.provider import KINDS


def test_no_issuer_is_nothing_wrong() -> None:
    assert parse_issuers("[]") == ()


def test_a_row_says_it_all_by_itself() -> None:
    issuer = only(generic(audience=["taskwell", "other"], authorized_parties="web", required_claims={"a": 1, "b": [True, None]}))
    assert issuer.name == "acme"
    assert issuer.issuer == "https://login.acme.example"
    assert issuer.audience == ("taskwell", "other")
    assert issuer.authorized_parties == ("web",)
    assert issuer.algorithms == ("RS256",)
    assert issuer.required_claims == {"a": (1,), "b": (True, None)}
    assert type(issuer.required_claims["b"][0]) is bool


EXPECTED = {
    "better-auth": ("https://t.example", "https://t.example/api/auth/jwks", ("https://t.example",), {"banned": (None, False)}),
    "clerk": ("https://t.example", "https://t.example/.well-known/jwks.json", (), {"sts": ("active", None)}),
    "auth0": ("https://t.example/", "https://t.example/.well-known/jwks.json", ("taskwell",), {}),
    "supabase": (
        "https://t.example/auth/v1",
        "https://t.example/auth/v1/.well-known/jwks.json",
        ("authenticated",),
        {"role": ("authenticated",)},
    ),
    "neon-auth": (
        "https://t.example",
        "https://t.example/.well-known/jwks.json",
        ("https://t.example",),
        {"banned": (None, False)},
    ),
    "keycloak": ("https://t.example", "https://t.example/protocol/openid-connect/certs", ("taskwell",), {"typ": ("Bearer",)}),
}


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("address", ["https://t.example", "https://t.example/", "https://T.Example:443"])
def test_a_preset_needs_only_the_address(preset: str, address: str) -> None:
    issuer = only({"preset": preset, "address": address})
    assert issuer.name == preset
    assert (issuer.issuer, issuer.jwks_url, issuer.audience, issuer.required_claims) == EXPECTED[preset]
    assert all(algorithm[:2] != "HS" for algorithm in issuer.algorithms)


def test_every_preset_is_tried_against_a_provider() -> None:
    assert set(PRESETS) == KINDS.keys() == EXPECTED.keys()


@pytest.mark.parametrize(
    ("preset", "address", "issuer", "keys"),
    [
        # Better Auth takes the whole path of its baseURL in place of /api/auth, and names itself by its origin.
        ("better-auth", "https://a.example/login", "https://a.example", "https://a.example/login/jwks"),
        ("better-auth", "http://localhost:3000", "http://localhost:3000", "http://localhost:3000/api/auth/jwks"),
        (
            "neon-auth",
            "https://ep.example/neondb/auth",
            "https://ep.example",
            "https://ep.example/neondb/auth/.well-known/jwks.json",
        ),
        (
            "keycloak",
            "https://sso.example/realms/acme",
            "https://sso.example/realms/acme",
            "https://sso.example/realms/acme/protocol/openid-connect/certs",
        ),
    ],
)
def test_the_path_of_an_address_is_kept_where_the_provider_keeps_it(preset: str, address: str, issuer: str, keys: str) -> None:
    row = only({"preset": preset, "address": address})
    assert (row.issuer, row.jwks_url) == (issuer, keys)


def test_a_field_of_the_row_goes_before_that_of_the_preset() -> None:
    issuer = only({"preset": "auth0", "address": "https://t.example", "name": "acme", "audience": "https://api.acme.example"})
    assert (issuer.name, issuer.audience) == ("acme", ("https://api.acme.example",))
    assert issuer.issuer == "https://t.example/"


def test_one_more_required_claim_does_not_drop_those_of_the_preset() -> None:
    row = {"preset": "keycloak", "address": "https://t.example"}
    assert only(row | {"required_claims": {"email_verified": True}}).required_claims == {
        "typ": ("Bearer",),
        "email_verified": (True,),
    }
    assert only(row | {"required_claims": {"typ": ["Bearer", "DPoP"]}}).required_claims == {"typ": ("Bearer", "DPoP")}


def test_a_preset_takes_a_secret_in_place_of_its_key_set() -> None:
    issuer = only({"preset": "supabase", "address": "https://t.example", "secret": SECRET, "algorithms": "HS256"})
    assert issuer.jwks_url is None
    assert issuer.required_claims == {"role": ("authenticated",)}
    assert "hunter2" not in repr(issuer)


def test_two_tenants_of_one_provider_are_told_apart_by_their_names() -> None:
    rows = [{"preset": "clerk", "address": "https://a.example"}, {"preset": "clerk", "address": "https://b.example", "name": "b"}]
    assert [issuer.name for issuer in parse_issuers(json.dumps(rows))] == ["clerk", "b"]


def test_algorithms_that_fit_their_key() -> None:
    assert only(with_key(pem(RSA), "RS256", "PS512")).public_key
    assert only(with_key(pem(P256), "ES256")).public_key
    assert only(with_key(pem(ED25519), "EdDSA", "Ed25519")).public_key
    assert only(with_key(pem(ED25519).replace("\n", "\\n"), "EdDSA")).public_key
    assert only(with_secret(algorithms=["HS256", "HS384", "HS512"])).secret == SecretStr(SECRET)


@pytest.mark.parametrize(
    "address",
    ["http://127.0.0.1:9000/jwks", "http://localhost/jwks", "http://[::1]:9000/jwks", "https://sso.example/p?policy=sign-in"],
)
def test_a_key_set_may_be_at(address: str) -> None:
    assert only(generic(jwks_url=address)).jwks_url == address


TOO_LONG = "x" * 256
REFUSED: list[tuple[dict[str, Any], str]] = [
    # names
    (generic(name="Acme"), "name must be 1 to 64 of a-z 0-9 . _ -"),
    (generic(name=""), "name must be 1 to 64"),
    (generic(name="a" * 65), "name must be 1 to 64"),
    (generic(name="acme\n"), "name must be 1 to 64"),
    (generic(name=None), "name is missing"),
    (generic(issuer=None), "issuer is missing"),
    (generic(issuer="https://login acme"), "issuer must be 1 to 255 ASCII characters"),
    (generic(issuer=TOO_LONG), "issuer must be 1 to 255 ASCII characters"),
    (generic(issuer=5), "issuer should be a valid string"),
    (generic(audiance="x"), "audiance is not a field: did you mean audience?"),
    (generic(zzz="x"), "zzz is not a field (preset, address, name, "),
    (generic(**{"two\nlines": "x"}), "one of its names is not a field (preset, "),
    (generic(**{"\ud800": "x"}), "one of its names is not a field (preset, "),
    (generic(any_party=True), "any_party is not a field"),
    # for whom
    (generic(audience=None), "needs audience or authorized_parties"),
    (generic(audience=[]), "needs audience or authorized_parties"),
    (generic(audience=""), "audience.0 should have at least 1 character"),
    (generic(audience=["taskwell", 5]), "audience.1 should be a valid string"),
    (generic(audience={"taskwell": 1}), "audience should be a valid tuple"),
    (generic(authorized_parties=[""]), "authorized_parties.0 should have at least 1 character"),
    # algorithms
    (generic(algorithms=None), "algorithms is missing"),
    (generic(algorithms=[]), "algorithms should have at least 1 item"),
    (generic(algorithms=["none"]), "algorithms may hold only ES256, ES384"),
    (generic(algorithms=["RS256", "ES256K"]), "algorithms may hold only"),
    (with_secret(algorithms=["HS256", "RS256"]), "algorithms mixes HS256 with RS256, which also needs jwks_url or public_key"),
    (generic(algorithms=["EdDSA", "HS512"]), "algorithms mixes HS512 with EdDSA, which also needs secret"),
    # keys
    (generic(jwks_url=None), "needs exactly one of jwks_url, secret and public_key"),
    (generic(secret=SECRET), "needs exactly one of jwks_url and secret, or algorithms for both"),
    (generic(public_key=pem(RSA)), "needs exactly one of"),
    (generic(algorithms=["HS256"]), "HS256 needs a secret"),
    (generic(algorithms=["HS256"], secret=SECRET), "needs exactly one of"),
    (generic(algorithms=["HS256", "RS256"], secret="hunter2"), "secret must be at least 32 bytes long for HS256"),
    (generic(algorithms=["HS256", "RS256"], secret=pem(RSA)), "secret is a public key or a JSON key"),
    (generic(algorithms=["HS256", "RS256"], secret=SECRET, public_key=pem(RSA)), "needs exactly one of jwks_url and public_key"),
    (with_key(pem(RSA), "HS256"), "HS256 needs a secret"),
    (with_secret(algorithms=["RS256"]), "RS256 does not go with a secret"),
    (with_secret(secret="hunter2"), "secret must be at least 32 bytes long for HS256"),
    (with_secret(secret=SECRET[:47], algorithms=["HS256", "HS384"]), "secret must be at least 48 bytes long for HS384"),
    (with_secret(secret=SECRET[:63], algorithms=["HS512"]), "secret must be at least 64 bytes long for HS512"),
    (with_secret(secret="hunter2" * 12), "secret is not random"),
    (with_secret(secret=5), "secret should be a valid string"),
    (with_secret(secret=pem(RSA)), "secret is a public key or a JSON key"),
    (with_secret(secret=json.dumps({"kty": "oct", "k": SECRET})), "secret is a public key or a JSON key"),
    (with_key(SECRET, "RS256"), "public_key is not a public key in PEM"),
    (with_key(PRIVATE_PEM, "RS256"), "public_key is not a public key in PEM"),
    (with_key(pem(WEAK_RSA), "RS256"), "public_key must have at least 2048 bits"),
    (with_key(pem(RSA), "RS256", "ES256"), "public_key is not one for ES256"),
    (with_key(pem(P256), "ES384"), "public_key is not one for ES384"),
    (with_key(pem(P256), "EdDSA"), "public_key is not one for EdDSA"),
    (with_key(pem(ED25519), "RS256"), "public_key is not one for RS256"),
    # addresses
    (generic(jwks_url="http://login.acme.example/jwks"), "jwks_url must begin with https://"),
    (generic(jwks_url="http://127.0.0.1.acme.example/jwks"), "jwks_url must begin with https://"),
    (generic(jwks_url="http://10.0.0.1/jwks"), "jwks_url must begin with https://"),
    (generic(jwks_url="ftp://localhost/jwks"), "jwks_url must begin with https://"),
    (generic(jwks_url="file:///etc/passwd"), "jwks_url must be https://host/path"),
    (generic(jwks_url="/jwks"), "jwks_url must be https://host/path"),
    (generic(jwks_url="https://me:hunter2@login.acme.example/jwks"), "jwks_url must be https://host/path"),
    (generic(jwks_url="https://login.acme.example/jwks#a"), "jwks_url must be https://host/path"),
    (generic(jwks_url="https://login.acme.example/\x00"), "jwks_url is not a web address"),
    (
        generic(jwks_url="http://keycloak:8080/jwks"),
        "jwks_url must begin with https:// (http:// is for this machine alone; for a host",
    ),
    (generic(jwks_url="http://keycloak:8080/jwks", allow_http_to="other"), "jwks_url must begin with https://"),
    (generic(jwks_url="http://keycloak.evil.example/jwks", allow_http_to="keycloak"), "jwks_url must begin with https://"),
    (generic(jwks_url="ftp://keycloak/jwks", allow_http_to="keycloak"), "jwks_url must begin with https://"),
    (generic(jwks_url="http://me:hunter2@keycloak/jwks", allow_http_to="keycloak"), "jwks_url must be https://host/path"),
    (generic(allow_http_to="keycloak:8080"), "allow_http_to must be the name or the address of one host, without a port"),
    (generic(allow_http_to="http://keycloak"), "allow_http_to must be the name or the address of one host"),
    (generic(allow_http_to="*"), "allow_http_to must be the name or the address of one host"),
    (generic(allow_http_to=True), "allow_http_to should be a valid string"),
    ({"preset": "keycloak", "address": "http://keycloak:8080/realms/acme"}, "address must begin with https://"),
    # claims
    (generic(required_claims=["role"]), "required_claims should be a valid dictionary"),
    (generic(required_claims={"role": []}), "required_claims needs for 'role' a string, a whole number"),
    (generic(required_claims={"role": 1.5}), "required_claims needs for 'role' a string, a whole number"),
    (generic(required_claims={"role": [["a"]]}), "required_claims needs for 'role' a string, a whole number"),
    (generic(required_claims={"role": {"a": 1}}), "required_claims needs for 'role' a string, a whole number"),
    # presets
    ({"preset": "okta", "address": "https://t.example"}, "preset is none of better-auth, clerk"),
    ({"preset": ["clerk"], "address": "https://t.example"}, "preset is none of better-auth, clerk"),
    ({"preset": "clerk"}, "address is missing: where clerk is"),
    ({"preset": "clerk", "address": 5}, "address is missing: where clerk is"),
    ({"preset": "clerk", "address": "clerk.example"}, "address must be https://host/path"),
    ({"preset": "clerk", "address": "http://t.example"}, "address must begin with https://"),
    ({"preset": "clerk", "address": "https://t.example?a=hunter2"}, "address must be https://host/path, without a ?"),
    ({"address": "https://t.example"}, "address goes with a preset"),
    ({"preset": "auth0", "address": "https://t.example", "audience": []}, "needs audience or authorized_parties"),
    ({"preset": "supabase", "address": "https://t.example", "secret": SECRET}, "ES256 does not go with a secret"),
]


@pytest.mark.parametrize(("row", "sentence"), REFUSED)
def test_a_row_is_refused_by_its_place_and_its_field(row: dict[str, Any], sentence: str) -> None:
    told = refusal([{"preset": "clerk", "address": "https://other.example"}, row])
    assert told.startswith(f"row 2: {sentence}"), told


def test_all_that_is_wrong_with_a_row_is_said_at_once() -> None:
    told = refusal([generic(name="", algorithms=["none"], jwks_url="http://x.example")])
    assert told.startswith("row 1: name must")
    assert "; algorithms may hold only" in told
    assert "; jwks_url must begin" in told


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "is not JSON: see line 1, column 1"),
        ('[{"secret": "hunter2",}]', "is not JSON: see line 1"),
        ("{}", "must be a JSON list of issuers"),
        ('"clerk"', "must be a JSON list of issuers"),
        ('["hunter2"]', "row 1: is not a JSON object"),
        ('[{"name": "a", "name": "b"}]', "names a field twice in one row"),
        ("[" * 100_000, "is not a list of issuers"),
    ],
)
def test_what_is_no_list_of_rows_is_refused(text: str, sentence: str) -> None:
    assert refusal(text).startswith(sentence)


@pytest.mark.parametrize(
    ("second", "sentence"),
    [
        (generic(issuer="https://other.example"), "row 2: name is that of row 1: give each its own"),
        (generic(name="other"), "row 2: issuer is that of row 1"),
    ],
)
def test_no_two_rows_are_the_same(second: dict[str, Any], sentence: str) -> None:
    assert refusal([generic(), second]) == sentence


def test_a_row_cannot_be_made_past_its_rules() -> None:
    with pytest.raises(ValidationError, match="needs exactly one of") as refused:
        Issuer(name="acme", issuer="x", audience=("y",), algorithms=("HS256",))
    assert "acme" not in str(refused.value)
    issuer = only(generic())
    with pytest.raises(ValidationError):
        issuer.name = "other"  # type: ignore[misc]


def test_a_key_of_the_row_itself_serves_every_kid_and_no_other_algorithm() -> None:
    public = key_source(only(with_key(pem(P256).replace("\n", "\\n"), "ES256")), nothing)
    assert key_of(public, "any", "ES256") == key_of(public, None, "ES256") == P256.public_key()
    secret = key_source(only(with_secret()), nothing)
    assert key_of(secret, None, "HS256") == SECRET.encode()
    for source in (public, secret):
        with pytest.raises(TokenInvalid):
            key_of(source, None, "HS512")


def test_the_keys_of_a_key_set_are_fetched() -> None:
    assert isinstance(key_source(only(generic()), nothing), RemoteKeys)


def test_the_rows_of_the_documentation_are_accepted_as_they_stand_there(tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "sign-in.md").read_text(encoding="utf-8")
    lines = [line.strip() for line in page.splitlines() if line.startswith("    TASKWELL_ISSUERS=")]
    named = set()
    for line in lines:
        (tmp_path / ".env").write_text(line, encoding="utf-8")
        value = dotenv_values(tmp_path / ".env")["TASKWELL_ISSUERS"]
        assert value is not None
        named |= {issuer.name for issuer in parse_issuers(value)}
    assert named == {*PRESETS, "acme"}
