"""People whom another issuer has signed in: of each kind that has a preset, over HTTP, with keys over a real socket."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4, uuid5

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from taskwell.identity import jwks
from taskwell.identity.tokens import NAMESPACE
from tests.conftest import settings_for
from tests.support import postgres
from tests.support.errors import assert_error
from tests.support.plain_http import PLAIN_HTTP
from tests.support.provider import ABSENT, KINDS, Key, Provider
from tests.support.server import RunningServer, serve

TASKS = "/api/v1/tasks"
SECRET = "Ohb0eiPh4ahfeiNg9aexah7eeKie3thooGh1aeJ7Iechohk9pahgh3ie"
APP = "https://app.example.com"


class Stage(NamedTuple):
    """An application that trusts one provider of each kind, and one that shares a secret with it."""

    server: RunningServer
    providers: dict[str, Provider]
    database_url: str

    def client(self, token: str) -> httpx.Client:
        return client_of(self.server, token)

    def ask(self, token: str) -> httpx.Response:
        with self.client(token) as client:
            return client.get(TASKS)

    def users(self) -> int:
        (row,) = postgres.query(self.database_url, "SELECT count(*) FROM users")
        users: int = row[0]
        return users


def client_of(server: RunningServer, token: str) -> httpx.Client:
    return httpx.Client(
        base_url=server.base_url,
        headers={"Authorization": f"Bearer {token}"},
        timeout=30,
        trust_env=False,
        verify=PLAIN_HTTP,
        event_hooks={"response": [server.contract.hook]},
    )


def rows(providers: dict[str, Provider]) -> list[dict[str, Any]]:
    given = {"clerk": {"authorized_parties": APP}, "any-clerk": {"name": "any-clerk"}}
    shared = {"name": "acme", "issuer": "acme", "audience": "taskwell", "algorithms": ["HS256"], "secret": SECRET}
    return [*(provider.row(**given.get(name, {})) for name, provider in providers.items()), shared]


@pytest.fixture(scope="module")
def stage(shared_database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with ExitStack() as stack:
        providers = {kind: stack.enter_context(Provider(kind)) for kind in KINDS}
        providers["any-clerk"] = stack.enter_context(Provider("clerk"))
        settings = settings_for(shared_database, tmp_path_factory.mktemp("data"), issuers=json.dumps(rows(providers)))
        yield Stage(stack.enter_context(serve(settings)), providers, shared_database)


def subject() -> str:
    return f"user_{uuid4().hex}"


EVERY_KIND = pytest.mark.parametrize("kind", [*KINDS, "any-clerk"])


@EVERY_KIND
def test_the_first_write_makes_the_user(stage: Stage, kind: str) -> None:
    provider, sub, before = stage.providers[kind], subject(), stage.users()
    with stage.client(provider.token(sub)) as client:
        answer = client.get(TASKS)
        assert (answer.status_code, answer.json()) == (200, {"items": [], "next_cursor": None})
        assert client.get(f"{TASKS}/{uuid4()}").status_code == 404
        assert stage.users() == before
        task = client.post(TASKS, json={"title": "buy milk"}).json()
    assert stage.users() == before + 1
    assert stage.ask(provider.token(sub)).json()["items"] == [task]
    user_id = uuid5(uuid5(NAMESPACE, kind), sub)
    assert len(postgres.query(stage.database_url, "SELECT FROM tasks WHERE user_id = $1", user_id)) == 1


@pytest.mark.parametrize("kind", KINDS)
def test_the_subject_of_each_provider_is_one(stage: Stage, kind: str) -> None:
    """As it is documented: a UUID with some, never with others."""
    with stage.client(stage.providers[kind].token()) as client:
        assert client.post(TASKS, json={"title": "buy milk"}).status_code == 201


def test_the_same_subject_of_another_issuer_is_another_person(stage: Stage) -> None:
    sub = subject()
    for kind, provider in stage.providers.items():
        with stage.client(provider.token(sub)) as client:
            assert client.get(TASKS).json()["items"] == []
            assert client.post(TASKS, json={"title": kind}).status_code == 201
    for kind, provider in stage.providers.items():
        with stage.client(provider.token(sub)) as client:
            assert [task["title"] for task in client.get(TASKS).json()["items"]] == [kind]
            others = [uuid5(uuid5(NAMESPACE, name), sub) for name in stage.providers if name != kind]
            for other in others:
                assert_error(client.get(f"/api/v1/users/{other}/tasks"), 404, "user_not_found")


HOUR_AGO = time.time() - 3600
FOR_ALL: list[dict[str, Any]] = [
    {"exp": HOUR_AGO + 60, "iat": HOUR_AGO},
    {"exp": ABSENT},
    {"iat": ABSENT},
    {"iat": time.time() + 7200, "exp": time.time() + 7260},
    {"nbf": time.time() + 7200},
    {"exp": time.time() + 100_000},  # for more than a day
    {"sub": ABSENT},
    {"sub": ""},
    {"sub": "a\x00b"},
    {"sub": "a" * 256},
    {"iss": ABSENT},
    {"iss": "https://elsewhere.example"},
    {"iss": "taskwell"},  # our own
]
WRONG: list[tuple[str, dict[str, Any]]] = [
    *[(kind, claims) for kind in KINDS for claims in FOR_ALL],
    *[
        (kind, {"aud": aud})
        for kind in KINDS
        if kind != "clerk"
        for aud in ("other", ["other"], [], ABSENT, "taskwel", {"taskwell": 1})
    ],
    ("clerk", {"azp": "https://evil.example"}),
    ("clerk", {"azp": ABSENT}),
    ("clerk", {"azp": [APP]}),
    ("clerk", {"azp": f"{APP}/"}),
    ("clerk", {"sts": "pending"}),
    ("any-clerk", {"sts": "pending"}),
    ("supabase", {"role": "anon"}),
    ("supabase", {"role": "service_role"}),
    ("supabase", {"role": ["authenticated"]}),
    ("supabase", {"role": ABSENT}),
    ("supabase", {"aud": "anon"}),
    ("better-auth", {"banned": True}),
    ("neon-auth", {"banned": True}),
    ("neon-auth", {"banned": 0}),
    ("neon-auth", {"banned": "false"}),
    ("keycloak", {"typ": "ID"}),
    ("keycloak", {"typ": "Refresh"}),
    ("keycloak", {"typ": "bearer"}),
    ("keycloak", {"typ": ABSENT}),
]


@pytest.mark.parametrize(("kind", "claims"), WRONG, ids=lambda value: value if isinstance(value, str) else None)
def test_a_token_that_is_for_somebody_or_something_else_is_refused(stage: Stage, kind: str, claims: dict[str, Any]) -> None:
    before = stage.users()
    with stage.client(stage.providers[kind].token(**claims)) as client:
        assert_error(client.get(TASKS), 401, "token_invalid")
        assert_error(client.post(TASKS, json={"title": "buy milk"}), 401, "token_invalid")
    assert stage.users() == before


RIGHT: list[tuple[str, dict[str, Any]]] = [
    ("better-auth", {"banned": ABSENT}),
    ("better-auth", {"banned": None}),
    ("better-auth", {"aud": ["x", "{base}"]}),
    ("neon-auth", {"banned": ABSENT}),
    ("clerk", {"sts": ABSENT}),
    ("any-clerk", {"azp": ABSENT}),
    ("any-clerk", {"aud": "https://whatever.example"}),
    ("auth0", {"aud": "taskwell"}),
    ("auth0", {"sub": "google-oauth2|1234"}),
    ("supabase", {"aud": ["authenticated"]}),
    ("keycloak", {"aud": "taskwell"}),
]


@pytest.mark.parametrize(("kind", "claims"), RIGHT)
def test_what_a_provider_may_leave_out_or_add_does_not_matter(stage: Stage, kind: str, claims: dict[str, Any]) -> None:
    provider = stage.providers[kind]
    filled = json.loads(
        json.dumps({name: value for name, value in claims.items() if value is not ABSENT}).replace("{base}", provider.base)
    )
    token = provider.token(**(claims | filled))
    assert stage.ask(token).status_code == 200


def test_no_provider_speaks_for_another(stage: Stage) -> None:
    for provider in stage.providers.values():
        for other in stage.providers.values():
            if other is not provider:
                assert_error(stage.ask(provider.token(iss=other.issuer, aud=other.issuer)), 401, "token_invalid")
        assert stage.ask(provider.token()).status_code == 200
    with Provider("clerk") as unknown:
        assert_error(stage.ask(unknown.token()), 401, "token_invalid")
        assert unknown.requests == 0


def test_the_key_of_a_token_is_not_the_token_s_to_choose(stage: Stage) -> None:
    provider = stage.providers["auth0"]
    forged = Key.new("RS256")
    claims = jwt.decode(provider.token(), options={"verify_signature": False})
    asked = provider.requests
    with Provider("auth0") as elsewhere:
        elsewhere.serves(forged.jwk)
        for header in ({"jku": elsewhere.url}, {"x5u": elsewhere.url}, {"jwk": forged.jwk}, {"kid": elsewhere.url}):
            token = jwt.encode(claims, forged.private, "RS256", headers={"kid": provider.key.kid} | header)
            assert_error(stage.ask(token), 401, "token_invalid")
        assert elsewhere.requests == 0
    assert provider.requests <= asked + 1


def test_a_published_key_is_no_secret(stage: Stage) -> None:
    provider = stage.providers["auth0"]
    head, body = provider.token().split(".")[:2]
    header = json.loads(base64.urlsafe_b64decode(head + "==")) | {"alg": "HS256"}
    head = base64.urlsafe_b64encode(json.dumps(header).encode()).rstrip(b"=").decode()
    pem = provider.key.private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    mac = hmac.new(pem, f"{head}.{body}".encode(), hashlib.sha256).digest()
    forged = f"{head}.{body}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"
    assert_error(stage.ask(forged), 401, "token_invalid")


def test_a_shared_secret_signs_somebody_in(stage: Stage) -> None:
    now = int(time.time())
    claims = {"iss": "acme", "aud": "taskwell", "sub": "alice", "iat": now, "exp": now + 60}
    assert stage.ask(jwt.encode(claims, SECRET, "HS256")).status_code == 200
    assert_error(stage.ask(jwt.encode(claims, SECRET.upper(), "HS256")), 401, "token_invalid")
    assert_error(stage.ask(jwt.encode(claims, SECRET * 2, "HS512")), 401, "token_invalid")
    assert_error(stage.ask(jwt.encode(claims, "", "none")), 401, "token_invalid")


# ---- over time: each with an application of its own --------------------------------------------------------------------


@pytest.fixture
def providers() -> Iterator[dict[str, Provider]]:
    with ExitStack() as stack:
        yield {kind: stack.enter_context(Provider(kind)) for kind in KINDS}


def test_the_first_requests_of_somebody_new_may_come_all_at_once(stage: Stage) -> None:
    """A page loads its lists while it saves a task: what makes the user's row must not look like somebody who is refused."""
    with ThreadPoolExecutor(8) as threads:
        for _ in range(10):
            token = stage.providers["clerk"].token(subject(), azp=APP)

            def asks(number: int, token: str = token) -> int:
                with client_of(stage.server, token) as client:
                    return (client.post(TASKS, json={"title": "x"}) if number % 2 else client.get(TASKS)).status_code

            assert set(threads.map(asks, range(8))) == {200, 201}


def test_a_new_key_is_found_when_the_first_token_names_it(
    providers: dict[str, Provider], shared_database: str, tmp_path: Path
) -> None:
    with serve(settings_for(shared_database, tmp_path, issuers=json.dumps(rows(providers)))) as server:
        assert [provider.requests for provider in providers.values()] == [0] * len(providers)
        for provider in providers.values():
            old = provider.token(subject())
            with client_of(server, old) as client:
                assert client.get(TASKS).status_code == 200
            provider.rotate()
            with client_of(server, provider.token()) as client:
                assert client.get(TASKS).status_code == 200
                assert client.get(TASKS).status_code == 200
            assert provider.requests == 2
            # And the old key is gone, with it the token that was good a moment ago.
            with client_of(server, old) as client:
                assert_error(client.get(TASKS), 401, "token_invalid")


def test_a_provider_that_is_down_from_the_start_is_a_503_for_its_own_people_alone(
    providers: dict[str, Provider], shared_database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for provider in providers.values():
        provider.stop()
    with serve(settings_for(shared_database, tmp_path, issuers=json.dumps(rows(providers)))) as server:
        for provider in providers.values():
            with client_of(server, provider.token()) as client:
                answer = client.get(TASKS)
                assert_error(answer, 503, "keys_unavailable")
                assert answer.headers["retry-after"] == "5"
                assert_error(client.post(TASKS, json={"title": "buy milk"}), 503, "keys_unavailable")
        assert httpx.get(f"{server.base_url}/readyz", trust_env=False).status_code == 200
        monkeypatch.setattr(jwks, "FETCH_PAUSE_SECONDS", 0)
        for provider in providers.values():
            provider.start()
            with client_of(server, provider.token()) as client:
                assert client.get(TASKS).status_code == 200


def test_a_provider_that_goes_down_later_signs_nobody_out(
    providers: dict[str, Provider], shared_database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serve(settings_for(shared_database, tmp_path, issuers=json.dumps(rows(providers)))) as server:
        for provider in providers.values():
            with client_of(server, provider.token()) as client:
                assert client.get(TASKS).status_code == 200
            provider.stop()
        monkeypatch.setattr(jwks, "KEYS_FRESH_SECONDS", 0)  # as if ten minutes had gone
        for provider in providers.values():
            for _ in range(3):
                with client_of(server, provider.token(subject())) as client:
                    assert client.get(TASKS).status_code == 200


def test_a_provider_s_new_address_changes_nobody(shared_database: str, tmp_path: Path) -> None:
    sub, name = subject(), f"acme-{uuid4().hex[:8]}"
    for titles in (["first"], ["first", "second"]):
        with Provider("clerk") as provider:
            settings = settings_for(shared_database, tmp_path, issuers=json.dumps([provider.row(name=name)]))
            with serve(settings) as server, client_of(server, provider.token(sub)) as client:
                assert client.post(TASKS, json={"title": titles[-1]}).status_code == 201
                assert sorted(task["title"] for task in client.get(TASKS).json()["items"]) == titles
