"""Which keys of a key set are for us, and which of them a token means."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from taskwell.errors import TokenInvalid
from tests.support.provider import Key, KeyServer, Reply, oct_jwk
from tests.support.remote_keys import Asked, run

RSA_KEY, EC_KEY, ED_KEY = Key.new("RS256"), Key.new("ES256"), Key.new("EdDSA")


@pytest.fixture
def server() -> Iterator[KeyServer]:
    with KeyServer() as one:
        one.serves(RSA_KEY.jwk, EC_KEY.jwk, ED_KEY.jwk)
        yield one


def shown(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey, kid: str) -> dict[str, Any]:
    public = key.public_key()
    if isinstance(public, rsa.RSAPublicKey):
        return RSAAlgorithm.to_jwk(public, as_dict=True) | {"kid": kid}
    return ECAlgorithm.to_jwk(public, as_dict=True) | {"kid": kid}


WEAK = rsa.generate_private_key(public_exponent=65537, key_size=1024)
ED448 = {"kty": "OKP", "crv": "Ed448", "x": "X9dEm1m0Yf0s54fsYWrUah2hNCSFpw4fig6nXYDpZ3jt8SR2m0bHBhvWeD3x5Q9s0foavq_oJWGA"}
UNUSABLE: list[tuple[dict[str, Any], str]] = [
    (RSA_KEY.jwk | {"use": "enc"}, "RS256"),
    (RSA_KEY.jwk | {"use": 5}, "RS256"),
    (RSA_KEY.jwk | {"key_ops": ["encrypt"]}, "RS256"),
    (RSA_KEY.jwk | {"key_ops": ["sign"]}, "RS256"),
    (RSA_KEY.jwk | {"key_ops": 5}, "RS256"),
    (RSA_KEY.jwk | {"alg": "RSA-OAEP"}, "RS256"),
    (RSA_KEY.jwk | {"alg": "RS512"}, "RS256"),
    (RSA_KEY.jwk | {"alg": 5}, "RS256"),
    (RSA_KEY.jwk | {"kid": 5}, "RS256"),
    (RSA_KEY.jwk | {"kty": "oct"}, "RS256"),
    (RSA_KEY.jwk | {"kty": ["RSA"]}, "RS256"),
    (RSA_KEY.jwk | {"kty": "EC"}, "RS256"),
    (RSA_KEY.jwk | {"n": ""}, "RS256"),
    (RSA_KEY.jwk | {"n": 5}, "RS256"),
    (RSA_KEY.jwk | {"e": "AA"}, "RS256"),
    ({name: value for name, value in RSA_KEY.jwk.items() if name != "n"}, "RS256"),
    (RSA_KEY.jwk | {"d": "AQAB"}, "RS256"),
    (shown(WEAK, "weak"), "RS256"),
    (EC_KEY.jwk | {"crv": "P-384"}, "ES256"),
    (EC_KEY.jwk | {"crv": "secp256k1"}, "ES256"),
    (EC_KEY.jwk | {"y": EC_KEY.jwk["x"]}, "ES256"),  # not a point of the curve
    (shown(ec.generate_private_key(ec.SECP384R1()), "p384"), "ES256"),
    (shown(ec.generate_private_key(ec.SECP256R1()), "p256"), "ES512"),
    (ED_KEY.jwk | {"crv": "X25519"}, "EdDSA"),
    (ED_KEY.jwk | {"x": "AA"}, "EdDSA"),
    (ED448 | {"kid": "ed448"}, "EdDSA"),
    (oct_jwk(b"s" * 64, "oct"), "HS256"),
    ({"kty": "AKP", "kid": "ml-dsa", "alg": "ML-DSA-44", "pub": "AA"}, "ML-DSA-44"),  # of tomorrow
    ({}, "RS256"),
]


@pytest.mark.parametrize(("unusable", "algorithm"), UNUSABLE)
def test_a_key_that_is_not_for_us_is_left_out_and_the_others_are_not(
    server: KeyServer, unusable: dict[str, Any], algorithm: str
) -> None:
    sound = Key.new("EdDSA")
    server.serves(unusable, sound.jwk)

    async def scene(keys: Asked) -> None:
        assert await keys.has(sound)
        kid = unusable.get("kid")
        with pytest.raises(TokenInvalid):
            await keys.key(kid if isinstance(kid, str) else RSA_KEY.kid, algorithm)

    run(server, scene)


def test_entries_that_are_no_keys_at_all_are_left_out(server: KeyServer) -> None:
    server.reply = Reply((json.dumps({"keys": [5, None, "key", [], RSA_KEY.jwk]}).encode(),))

    async def scene(keys: Asked) -> None:
        assert await keys.has(RSA_KEY)

    run(server, scene)


def test_of_two_keys_of_one_name_the_one_that_fits_is_meant(server: KeyServer) -> None:
    other = Key.new("RS256")
    server.serves(EC_KEY.jwk | {"kid": "same"}, RSA_KEY.jwk | {"kid": "same"}, other.jwk | {"kid": "same"})

    async def scene(keys: Asked) -> None:
        assert await keys.key("same", "RS256") == RSA_KEY.private.public_key()
        assert await keys.key("same", "ES256") == EC_KEY.private.public_key()

    run(server, scene)


def test_a_token_that_names_no_key_is_accepted_where_only_one_could_be_meant(server: KeyServer) -> None:
    unnamed = {name: value for name, value in Key.new("EdDSA").jwk.items() if name not in ("kid", "alg", "use")}

    async def scene(keys: Asked) -> None:
        assert await keys.key(None, "RS256") == RSA_KEY.private.public_key()
        server.serves(RSA_KEY.jwk, Key.new("RS256").jwk, unnamed)
        keys.later(601)
        await keys.key(None, "RS256")
        await keys.settled()
        with pytest.raises(TokenInvalid):
            await keys.key(None, "RS256")
        assert await keys.key(None, "EdDSA") is not None

    run(server, scene)


def test_a_member_of_a_key_that_is_null_is_not_there(server: KeyServer) -> None:
    server.serves(RSA_KEY.jwk | dict.fromkeys(("use", "alg", "key_ops", "d", "x5c")), EC_KEY.jwk | {"kid": None})

    async def scene(keys: Asked) -> None:
        assert await keys.key(RSA_KEY.jwk["kid"], "RS256") == RSA_KEY.private.public_key()
        assert await keys.key(None, "ES256") == EC_KEY.private.public_key()

    run(server, scene)


def test_a_key_without_an_algorithm_serves_its_whole_family(server: KeyServer) -> None:
    server.serves({name: value for name, value in RSA_KEY.jwk.items() if name != "alg"})

    async def scene(keys: Asked) -> None:
        for algorithm in ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"):
            assert await keys.key(RSA_KEY.kid, algorithm) == RSA_KEY.private.public_key()
        for algorithm in ("HS256", "ES256", "EdDSA", "none", "RSA-OAEP"):
            with pytest.raises(TokenInvalid):
                await keys.key(RSA_KEY.kid, algorithm)

    run(server, scene)


def test_a_hundred_keys_are_enough_for_anybody(server: KeyServer) -> None:
    server.serves(*[ED_KEY.jwk | {"kid": f"key {number}"} for number in range(101)])

    async def scene(keys: Asked) -> None:
        assert await keys.key("key 99", "EdDSA") == ED_KEY.private.public_key()
        with pytest.raises(TokenInvalid):
            await keys.key("key 100", "EdDSA")

    run(server, scene)


def test_a_key_set_without_keys_withdraws_them_all(server: KeyServer) -> None:
    async def scene(keys: Asked) -> None:
        assert await keys.has(RSA_KEY)
        server.serves()
        keys.later(601)
        await keys.has(RSA_KEY)
        await keys.settled()
        assert not await keys.has(RSA_KEY)

    run(server, scene)
