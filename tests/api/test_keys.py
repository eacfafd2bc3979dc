"""GET /.well-known/jwks.json, and the rotation of the keys that are published there."""

import asyncio
import base64
import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from taskwell.accounts.store import rotate_keys
from taskwell.api.keys import PublishedKeys
from taskwell.database.connection import Database
from taskwell.identity.keys import SigningKeys
from taskwell.identity.tokens import Tokens
from tests.conftest import settings_for
from tests.database.wire import Tap
from tests.support import postgres
from tests.support.cast import person
from tests.support.errors import assert_error, invalid_fields
from tests.support.forge import KID, OURS, THEIRS, with_header
from tests.support.keys import SIGNING_KEY
from tests.support.server import RunningServer, serve
from tests.support.signed_in import ME, TASKS, SignedIn, bearer, browser, refresh, sign_in, sign_up, signed_in
from tests.support.stored import rows_as_text

JWKS = "/.well-known/jwks.json"


class Pair(NamedTuple):
    """Two servers on one database, with the same first key."""

    servers: list[RunningServer]
    clients: list[httpx.Client]
    database_url: str
    folder: Path

    def rotate(self, times: int = 1, pause: float = 0.0) -> list[str]:
        """As `taskwell keys rotate` does it, in a process that neither server hears of."""
        return asyncio.run(self._rotate(times, pause))

    async def _rotate(self, times: int, pause: float) -> list[str]:
        tokens = Tokens(SigningKeys(OURS), issuer="taskwell", lifetime_seconds=900)
        db = Database.at(self.database_url, pool_size=1, prepared_statements="off")
        try:
            kids = []
            for _ in range(times):
                kids.append(await rotate_keys(db, tokens))
                await asyncio.sleep(pause)
            return kids
        finally:
            await db.close()

    def withdraw(self, kid: str) -> None:
        """As it is a day after the key was retired: none of its tokens lives that long."""
        sql = "UPDATE signing_keys SET retired_at = now() - interval '26 hours' WHERE kid = $1 RETURNING 1"
        assert postgres.query(self.database_url, sql, kid)

    def published(self, which: int = 0) -> list[dict[str, str]]:
        self.servers[which].app.services.of_face(PublishedKeys).until = 0.0  # it asks the database every ten seconds
        keys: list[dict[str, str]] = self.clients[which].get(JWKS).json()["keys"]
        return keys


@pytest.fixture
def pair(own_database: str, tmp_path: Path) -> Iterator[Pair]:
    with ExitStack() as stack:
        servers = [stack.enter_context(serve(settings_for(own_database, tmp_path))) for _ in range(2)]
        clients = [stack.enter_context(browser(server)) for server in servers]
        yield Pair(servers, clients, own_database, tmp_path)


def kid_of(token: str) -> str:
    kid: str = jwt.get_unverified_header(token)["kid"]
    return kid


# ---- what is published -------------------------------------------------------------------------------------------------


def test_anybody_can_verify_our_tokens_by_it(server: RunningServer, anonymous: httpx.Client) -> None:
    answer = anonymous.get(JWKS)
    assert answer.headers["cache-control"] == "public, max-age=60"
    with signed_in(server) as dora:
        key = jwt.PyJWKSet.from_dict(answer.json())[kid_of(dora.token)]
        claims = jwt.decode(dora.token, key, algorithms=["EdDSA"], audience="taskwell", issuer="taskwell")
        assert claims["sub"] == str(dora.id)
        with pytest.raises(jwt.InvalidSignatureError):
            jwt.decode(dora.token[:-8] + "AAAAAAAA", key, algorithms=["EdDSA"], audience="taskwell")


def test_a_key_is_published_with_what_it_is_for_and_never_with_its_secret(pair: Pair) -> None:
    pair.rotate(2)
    for key in pair.published():
        assert key.keys() == {"kty", "crv", "x", "kid", "use", "alg"}
        assert (key["kty"], key["crv"], key["use"], key["alg"]) == ("OKP", "Ed25519", "sig", "EdDSA")
        assert len(base64.urlsafe_b64decode(key["x"] + "=")) == 32


def test_before_the_first_rotation_it_is_the_operators_own(anonymous: httpx.Client, pair: Pair) -> None:
    (key,) = pair.published()
    assert key["kid"] == KID  # RFC 8037, A.3
    assert key["x"] == "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"


def test_it_may_be_asked_for_by_head_and_not_with_a_query(anonymous: httpx.Client) -> None:
    assert anonymous.head(JWKS).headers["content-length"] == str(len(anonymous.get(JWKS).content))
    assert invalid_fields(anonymous.get(f"{JWKS}?kid=x")) == ["kid"]


# ---- rotation ----------------------------------------------------------------------------------------------------------


def test_new_tokens_take_the_new_key_and_old_ones_stay_good(pair: Pair) -> None:
    account = sign_up(pair.servers[0])
    with sign_in(pair.servers[0], account) as before:
        (kid,) = pair.rotate()
        assert [key["kid"] for key in pair.published()] == [kid, KID]
        for server in pair.servers:
            with sign_in(server, account) as after:
                assert kid_of(after.token) == kid
                for client in pair.clients:
                    assert client.get(ME, headers=bearer(after.token)).status_code == 200
                    assert client.get(ME, headers=bearer(before.token)).status_code == 200


def test_a_server_that_has_not_heard_of_it_takes_the_new_tokens(pair: Pair) -> None:
    """It sees a name that is newer than all it knows, and makes the key from it."""
    with signed_in(pair.servers[0]) as dora:
        pair.rotate(3)
        token = refresh(pair.clients[0], dora.refresh_token).json()["access_token"]
        assert kid_of(token) != KID
        assert pair.clients[1].get(ME, headers=bearer(token)).status_code == 200
        assert pair.servers[1].sign_in.tokens.keys.current.kid == KID


def test_a_server_that_starts_knows_them_all(pair: Pair) -> None:
    kids = pair.rotate(3)
    with serve(settings_for(pair.database_url, pair.folder)) as server, browser(server) as client:
        assert [key["kid"] for key in client.get(JWKS).json()["keys"]] == [*reversed(kids), KID]
        with person(server, pair.database_url, "alice") as alice:
            assert kid_of(alice.token) == kids[-1]
            assert pair.clients[0].get(ME, headers=alice.headers).status_code == 200


def test_in_a_hundred_rotations_no_good_token_is_refused(pair: Pair) -> None:
    done = threading.Event()

    def work(dora: SignedIn, own: httpx.Client, other: httpx.Client) -> tuple[set[str], int]:
        """Refreshes at one server, and is let in at both: with the newest token, and with each tenth of the older ones."""
        kids, kept, requests = {kid_of(dora.token)}, [dora.token], 0
        refresh_token = dora.refresh_token
        while not done.is_set():
            answer = refresh(own, refresh_token)
            assert answer.status_code == 200, answer.text
            token, refresh_token = answer.json()["access_token"], answer.json()["refresh_token"]
            kids.add(kid_of(token))
            kept = [*kept[-10:], token] if requests % 10 == 0 else kept
            for client in (own, other):
                for one in (token, kept[0]):
                    asked = client.get(TASKS, headers=bearer(one))
                    assert asked.status_code == 200, (asked.text, kid_of(one))
                    requests += 1
        return kids, requests

    with ExitStack() as stack, ThreadPoolExecutor(4) as threads:
        workers = []
        for number in range(4):
            own, other = pair.servers[number % 2], pair.servers[1 - number % 2]
            dora = stack.enter_context(signed_in(own))
            clients = [stack.enter_context(browser(server)) for server in (own, other)]
            workers.append(threads.submit(work, dora, *clients))
        try:
            rotated = pair.rotate(100, pause=0.03)
        finally:
            done.set()
        seen = [worker.result(30) for worker in workers]
    assert len(set(rotated)) == 100
    assert len(set[str]().union(*(kids for kids, _ in seen))) > 20
    assert sum(requests for _, requests in seen) > 200
    assert len(pair.published()) == 101


def test_two_rotations_at_once_leave_one_key_that_signs(pair: Pair) -> None:
    with ThreadPoolExecutor(2) as threads:
        kids = [kid for both in threads.map(lambda _: pair.rotate(10), range(2)) for kid in both]
    assert {key["kid"] for key in pair.published(0)} == {*kids, KID}
    assert pair.published(0)[0]["kid"] == pair.published(1)[0]["kid"] == max(kids)
    (kid,) = pair.rotate()
    assert kid > max(kids)


def test_of_two_keys_of_one_moment_every_server_signs_by_the_same(pair: Pair) -> None:
    twins = [f"{int(time.time() * 1000) + 60_000:012x}-{end * 8}" for end in "0f"]
    for kid in twins:
        postgres.query(pair.database_url, "INSERT INTO signing_keys (kid) VALUES ($1)", kid)
        pair.published(0)
        with person(pair.servers[0], pair.database_url, "alice") as alice:
            assert kid_of(alice.token) == kid
            assert pair.clients[1].get(ME, headers=alice.headers).status_code == 200
        pair.published(1)
    assert pair.servers[1].sign_in.tokens.keys.current.kid == twins[1]


# ---- withdrawal --------------------------------------------------------------------------------------------------------


def test_tokens_of_a_withdrawn_key_are_refused(pair: Pair) -> None:
    with person(pair.servers[0], pair.database_url, "alice") as alice:
        (middle,) = pair.rotate()
        pair.published()
        with person(pair.servers[0], pair.database_url, "bob") as bob:
            assert kid_of(bob.token) == middle
            pair.rotate()
            for somebody in (alice, bob):
                assert pair.clients[0].get(ME, headers=somebody.headers).status_code == 200  # and is remembered
            pair.withdraw(KID)
            assert KID not in [key["kid"] for key in pair.published()]
            assert_error(pair.clients[0].get(ME, headers=alice.headers), 401, "token_invalid")
            assert pair.clients[0].get(ME, headers=bob.headers).status_code == 200
            with serve(settings_for(pair.database_url, pair.folder)) as server, browser(server) as client:
                assert_error(client.get(ME, headers=alice.headers), 401, "token_invalid")
                assert client.get(ME, headers=bob.headers).status_code == 200
                pair.withdraw(middle)
                server.app.services.of_face(PublishedKeys).until = 0.0
                client.get(JWKS)
                assert_error(client.get(ME, headers=bob.headers), 401, "token_invalid")


def test_the_next_rotation_forgets_withdrawn_keys(pair: Pair) -> None:
    (first,) = pair.rotate()
    (second,) = pair.rotate()
    pair.withdraw(first)
    (third,) = pair.rotate()
    rows = postgres.query(pair.database_url, "SELECT kid FROM signing_keys ORDER BY created_at")
    assert [row["kid"] for row in rows] == [KID, second, third]


# ---- secrets -----------------------------------------------------------------------------------------------------------


def test_no_private_key_is_in_any_table(pair: Pair) -> None:
    kids = pair.rotate(3)
    pair.published()
    dump = "\n".join(rows_as_text(pair.database_url))
    assert all(kid in dump for kid in kids)
    keys = pair.servers[0].sign_in.tokens.keys
    assert keys._made.keys() >= {*kids, KID}
    for key in keys._made.values():
        raw = key.private.private_bytes_raw()
        for spelling in (
            raw.hex(),
            base64.b64encode(raw).decode()[:-1],
            base64.urlsafe_b64encode(raw).decode()[:-1],
            str(raw)[2:-1],
        ):
            assert spelling not in dump
    assert SIGNING_KEY not in dump
    assert "PRIVATE KEY" not in dump


def test_another_secret_makes_other_keys_of_the_same_names(pair: Pair, tmp_path: Path) -> None:
    """Or a copy of the database would be a copy of the keys."""
    (kid,) = pair.rotate()
    other = SigningKeys(THEIRS)
    other.learn(kid)
    forged = Tokens(other, issuer="taskwell", lifetime_seconds=900)
    with person(pair.servers[0], pair.database_url, "alice") as alice:
        assert kid_of(forged.make(alice.id)) == kid
        for client in pair.clients:
            assert_error(client.get(ME, headers=bearer(forged.make(alice.id))), 401, "token_invalid")


# ---- what is no key ----------------------------------------------------------------------------------------------------


def named(milliseconds: int) -> str:
    return f"{milliseconds:012x}-0123abcd"


NOW = int(time.time() * 1000)
UNKNOWN: dict[str, Any] = {
    "newer than all": named(NOW + 3_600_000),
    "as new as can be": "f" * 12 + "-" + "f" * 8,
    "older than all rotations": named(1),
    "of the year 2020": named(1_577_836_800_000),
    "a thumbprint of no key of ours": "x" * 43,
    "in capitals": named(NOW + 3_600_000).upper(),
    "with a line feed": named(NOW + 3_600_000) + "\n",
    "a name of other digits": "٠" * 12 + "-" + "٠" * 8,
    "empty": "",
    "none": None,
    "a number": 1,
    "a list": [KID],
}


@pytest.mark.parametrize("name", UNKNOWN)
def test_a_key_that_never_was_is_refused_and_costs_no_statement(tap: Tap, name: str) -> None:
    assert tap.client.get(JWKS).status_code == 200
    mark = tap.wire.mark()
    for sign in (OURS.sign, THEIRS.sign):
        forged = with_header(sign=sign, kid=UNKNOWN[name])
        assert_error(tap.client.get(TASKS, headers=[(b"Authorization", b"Bearer " + forged)]), 401, "token_invalid")
    assert tap.wire.since(mark) == ""


def test_a_flood_of_names_does_not_fill_the_memory(tap: Tap) -> None:
    keys = tap.server.sign_in.tokens.keys
    for number in range(600):
        assert keys.public(named(NOW + 3_600_000 + number)) is not None
    assert len(keys._made) <= 256
    assert keys.first.kid in keys._made
    assert tap.client.get(JWKS).json()["keys"][-1]["kid"] == KID


def test_however_often_it_is_asked_for_the_database_hears_of_it_once(tap: Tap) -> None:
    tap.server.app.services.of_face(PublishedKeys).until = 0.0
    mark = tap.wire.mark()
    for _ in range(50):
        assert tap.client.get(JWKS).status_code == 200
    assert tap.wire.since(mark).count("S") <= 2  # the statement, and once to prepare it


def test_an_ed25519_key_of_our_own_name_is_still_not_ours(tap: Tap) -> None:
    forged = with_header(sign=Ed25519PrivateKey.generate().sign)
    assert json.loads(base64.urlsafe_b64decode(forged.split(b".")[0] + b"=="))["kid"] == KID
    assert_error(tap.client.get(TASKS, headers=[(b"Authorization", b"Bearer " + forged)]), 401, "token_invalid")
