"""The keys of an outside issuer: fetched once for all who wait, kept, and never from an answer that is not plainly a key set."""

import asyncio
import gzip
import ipaddress
import json
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import jwt
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from taskwell.errors import KeysUnavailable, TokenInvalid
from taskwell.identity import jwks
from tests.support.logged import logged
from tests.support.provider import Key, KeyServer, Reply
from tests.support.remote_keys import Asked, run

RSA_KEY, EC_KEY, ED_KEY = Key.new("RS256"), Key.new("ES256"), Key.new("EdDSA")
TWO = EC_KEY, Key.new("ES256")


@pytest.fixture
def server() -> Iterator[KeyServer]:
    with KeyServer() as one:
        one.serves(RSA_KEY.jwk, EC_KEY.jwk, ED_KEY.jwk)
        yield one


def test_the_key_that_a_token_names_verifies_it(server: KeyServer) -> None:
    renamed = Key.new("Ed25519")  # RFC 9864
    server.serves(RSA_KEY.jwk, EC_KEY.jwk, ED_KEY.jwk, renamed.jwk)

    async def scene(keys: Asked) -> None:
        for key in (RSA_KEY, EC_KEY, ED_KEY, renamed):
            token = jwt.encode({"sub": "alice"}, key.private, algorithm=key.algorithm)
            assert jwt.decode(token, await keys.key(key.kid, key.algorithm), algorithms=[key.algorithm]) == {"sub": "alice"}

    run(server, scene)
    assert server.requests == 1


def test_fifty_who_wait_are_one_fetch(server: KeyServer) -> None:
    server.reply.pause = 0.1

    async def scene(keys: Asked) -> None:
        assert all(await asyncio.gather(*[keys.has(RSA_KEY) for _ in range(50)]))

    run(server, scene)
    assert server.requests == 1


def test_who_goes_away_takes_the_fetch_of_nobody_else_along(server: KeyServer) -> None:
    server.reply.pause = 0.2

    async def scene(keys: Asked) -> None:
        first, second = (asyncio.create_task(keys.has(RSA_KEY)) for _ in range(2))
        await asyncio.sleep(0.05)
        first.cancel()
        assert await second
        assert first.cancelled()

    run(server, scene)
    assert server.requests == 1


def test_nothing_is_fetched_until_somebody_asks_or_again_while_the_keys_are_fresh(server: KeyServer) -> None:
    async def scene(keys: Asked) -> None:
        await asyncio.sleep(0.05)
        assert server.requests == 0
        assert await keys.has(RSA_KEY)
        keys.later(599)
        assert await keys.has(RSA_KEY)
        await keys.settled()
        assert server.requests == 1

    run(server, scene)


def test_old_keys_are_used_while_they_are_fetched_anew(server: KeyServer) -> None:
    new = Key.new("EdDSA")

    async def scene(keys: Asked) -> None:
        assert await keys.has(ED_KEY)
        server.serves(new.jwk)
        server.reply.pause = 0.1
        keys.later(601)
        async with asyncio.timeout(0.05):  # without waiting for the provider
            assert await keys.has(ED_KEY)
            assert await keys.has(ED_KEY)
        await keys.settled()
        assert server.requests == 2
        assert await keys.has(new)
        assert not await keys.has(ED_KEY)

    run(server, scene)


@pytest.mark.parametrize("name", [{}, {"kid": "1"}])
def test_a_key_in_the_place_of_another_of_its_name_withdraws_it(server: KeyServer, name: dict[str, str]) -> None:
    first, second = ({"alg": "ES256"} | {field: key.jwk[field] for field in ("kty", "crv", "x", "y")} | name for key in TWO)

    async def scene(keys: Asked) -> None:
        for shown, withdrawals in ((first, 0), (first, 0), (second, 1)):
            server.serves(shown)
            await keys.key(name.get("kid"), "ES256")
            await keys.settled()
            assert keys.withdrawals == withdrawals
            keys.later(601)

    run(server, scene)


def test_a_provider_that_is_down_costs_nobody_a_sign_in_for_a_day(server: KeyServer) -> None:
    async def scene(keys: Asked) -> None:
        assert await keys.has(RSA_KEY)
        server.stop()
        for _ in range(24):
            keys.later(3599)
            assert await keys.has(RSA_KEY)
            await keys.settled()
        keys.later(25)  # a day and one second
        with pytest.raises(KeysUnavailable):
            await keys.has(RSA_KEY)
        server.start()
        keys.later(5)
        assert await keys.has(RSA_KEY)

    run(server, scene)


def test_without_any_keys_the_answer_is_that_we_cannot_know(server: KeyServer) -> None:
    server.stop()

    async def scene(keys: Asked) -> None:
        with pytest.raises(KeysUnavailable):
            await keys.has(RSA_KEY)
        server.start()
        with pytest.raises(KeysUnavailable):  # not at once again
            await keys.has(RSA_KEY)
        assert server.requests == 0
        keys.later(5)
        assert await keys.has(RSA_KEY)

    run(server, scene)


def test_a_key_that_is_new_is_found_at_once(server: KeyServer) -> None:
    new = Key.new("ES256")

    async def scene(keys: Asked) -> None:
        assert await keys.has(EC_KEY)
        server.serves(new.jwk)
        server.reply.pause = 0.05
        assert all(await asyncio.gather(*[keys.has(new) for _ in range(10)]))
        assert not await keys.has(EC_KEY)

    run(server, scene)
    assert server.requests == 2


def test_a_flood_of_unknown_keys_asks_the_provider_once_in_half_a_minute(server: KeyServer) -> None:
    async def scene(keys: Asked) -> None:
        assert await keys.has(RSA_KEY)
        server.reply.pause = 0.05
        for _ in range(3):
            unknown = [keys.key(f"unknown-{number}", "RS256") for number in range(100)]
            answers = await asyncio.gather(*unknown, return_exceptions=True)
            assert {type(answer) for answer in answers} == {TokenInvalid}
        assert server.requests == 2
        keys.later(29)
        assert not await keys.has(Key(RSA_KEY.private, "RS256", "unknown"))
        assert server.requests == 2
        keys.later(1)
        assert not await keys.has(Key(RSA_KEY.private, "RS256", "unknown"))
        assert server.requests == 3
        assert await keys.has(RSA_KEY)

    run(server, scene)


def test_a_question_that_could_not_be_asked_does_not_count(server: KeyServer) -> None:
    new = Key.new("ES256")

    async def scene(keys: Asked) -> None:
        assert await keys.has(EC_KEY)
        server.stop()
        keys.later(601)
        assert await keys.has(EC_KEY)
        await keys.settled()
        with pytest.raises(KeysUnavailable):
            await keys.has(new)
        server.serves(new.jwk)
        server.start()
        keys.later(5)
        assert await keys.has(new)

    run(server, scene)


def test_the_fetch_is_plain_and_goes_past_any_proxy(server: KeyServer, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")

    async def scene(keys: Asked) -> None:
        assert await keys.has(RSA_KEY)

    run(server, scene)
    assert server.accepted == "identity"


def test_while_the_provider_is_down_nobody_says_of_an_unknown_key_that_it_is_wrong(server: KeyServer) -> None:
    async def scene(keys: Asked) -> None:
        assert await keys.has(RSA_KEY)
        server.stop()
        for _ in range(2):
            with pytest.raises(KeysUnavailable):
                await keys.key("new", "RS256")
        server.start()
        keys.later(30)
        with pytest.raises(TokenInvalid):
            await keys.key("new", "RS256")

    run(server, scene)


def certificate() -> bytes:
    """Of 127.0.0.1, signed by itself; its key comes along."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a provider")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(1)
    builder = builder.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
    host = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    signed = builder.add_extension(host, critical=False).sign(key, SHA256())
    return signed.public_bytes(Encoding.PEM) + key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def test_only_a_provider_with_a_certificate_that_we_trust_is_believed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pem = tmp_path / "provider.pem"
    pem.write_bytes(certificate())
    own = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    own.load_cert_chain(pem)

    async def distrustful(keys: Asked) -> None:
        with pytest.raises(KeysUnavailable):
            await keys.has(RSA_KEY)

    async def trusting(keys: Asked) -> None:
        assert await keys.has(RSA_KEY)

    with KeyServer(tls=own) as server:
        server.serves(RSA_KEY.jwk)
        run(server, distrustful)
        assert server.requests == 0
        # What a company's own authority is on its machines.
        monkeypatch.setenv("SSL_CERT_FILE", str(pem))
        jwks._trusted_authorities.cache_clear()
        try:
            run(server, trusting)
        finally:
            jwks._trusted_authorities.cache_clear()


# ---- answers that are not a key set ------------------------------------------------------------------------------------

GOOD = json.dumps({"keys": [RSA_KEY.jwk]}).encode()
BAD_REPLIES = {
    "redirect": Reply((GOOD,), status=302, headers={"Location": "/other"}),
    "redirect with a body": Reply((GOOD,), status=301),
    "not there": Reply((GOOD,), status=404),
    "defect": Reply((GOOD,), status=500),
    "too large": Reply((b'{"keys": [], "x": "', b"a" * (300 * 1024), b'"}')),
    "too large, after the keys": Reply((GOOD, b" " * (256 * 1024))),
    "not JSON": Reply((b"<html>",)),
    "half": Reply((GOOD[:-2],)),
    "empty": Reply(),
    "a list": Reply((b"[]",)),
    "no keys": Reply((b"{}",)),
    "keys that are no list": Reply((b'{"keys": {"a": 1}}',)),
    "not UTF-8": Reply((b'{"keys": ["\xff\xfe"]}',)),
    "deep": Reply((b"[" * 200_000,)),
    "compressed": Reply((gzip.compress(GOOD),), headers={"Content-Encoding": "gzip"}),
    "shorter than it says": Reply((GOOD,), headers={"Content-Length": "9999"}),
}


@pytest.mark.parametrize("name", BAD_REPLIES)
def test_an_answer_that_is_no_key_set_keeps_the_keys_that_there_are(server: KeyServer, name: str) -> None:
    good, bad = server.reply, BAD_REPLIES[name]
    with KeyServer("/other") as other:
        other.serves(RSA_KEY.jwk)
        if "Location" in bad.headers:
            bad = Reply(bad.pieces, bad.status, {"Location": other.url})

        async def scene(keys: Asked) -> None:
            server.reply = bad
            with pytest.raises(KeysUnavailable):
                await keys.has(RSA_KEY)
            server.reply = good
            keys.later(5)
            assert await keys.has(RSA_KEY)
            server.reply = bad
            keys.later(601)
            assert await keys.has(RSA_KEY)
            await keys.settled()
            assert await keys.has(RSA_KEY)
            assert server.requests == 3

        run(server, scene)
        assert other.requests == 0


QUOTED = {
    "not UTF-8": Reply((b'{"marker-7f3a": "' + b"\xff" * 100_000,)),
    "a header that is none": Reply(headers={"X-Filler": "a" * 1000 + "\0marker-7f3a" * 1000}),
}


@pytest.mark.parametrize("name", [*BAD_REPLIES, *QUOTED])
def test_the_log_says_what_was_wrong_and_not_all_that_was_answered(server: KeyServer, name: str) -> None:
    server.reply = (BAD_REPLIES | QUOTED)[name]

    async def scene(keys: Asked) -> None:
        with pytest.raises(KeysUnavailable):
            await keys.has(RSA_KEY)

    with logged() as events:
        run(server, scene)
    (event,) = events
    assert (event["event"], event["issuer"]) == ("keys_not_fetched", "acme")
    assert len(event["error"]) < 300
    assert "marker-7f3a" not in event["error"]


@pytest.mark.parametrize(
    "reply",
    [Reply((GOOD,), pause=10), Reply(tuple(bytes([one]) for one in GOOD), pause=0.05)],
    ids=["nothing for long", "a byte now and then"],
)
def test_a_slow_provider_is_not_waited_for(server: KeyServer, monkeypatch: pytest.MonkeyPatch, reply: Reply) -> None:
    assert jwks.FETCH_SECONDS == 3
    monkeypatch.setattr(jwks, "FETCH_SECONDS", 0.2)
    server.reply = reply

    async def scene(keys: Asked) -> None:
        async with asyncio.timeout(5):
            with pytest.raises(KeysUnavailable):
                await keys.has(RSA_KEY)

    run(server, scene)


def test_a_fetch_that_nobody_waits_for_any_more_ends_with_the_server(server: KeyServer) -> None:
    server.reply.pause = 0.3

    async def scene(keys: Asked) -> None:
        waiting = asyncio.create_task(keys.has(RSA_KEY))
        await asyncio.sleep(0.05)
        await keys.close()
        with pytest.raises(asyncio.CancelledError):
            await waiting

    run(server, scene)
