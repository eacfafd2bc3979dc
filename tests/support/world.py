"""Whoever can ask for anything: each kind of credential that there is, and each way in which one is refused."""

import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID, uuid4

import httpx
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from taskwell.identity.keys import SigningKeys
from taskwell.identity.scopes import EVERYDAY, SCOPES
from taskwell.identity.tokens import Tokens, user_id_of
from tests.conftest import settings_for
from tests.support import postgres
from tests.support.cast import PASSWORD, Person, person
from tests.support.plain_http import PLAIN_HTTP
from tests.support.provider import KINDS, Provider
from tests.support.server import RunningServer, serve


class Named(Enum):
    """Which id the request names, as Alice sees it."""

    OWN = "Alice's"
    ANOTHERS = "Dora's"
    UNKNOWN = "nobody's"


class Asker(NamedTuple):
    """What comes with a request, and what it should be worth. `refused` is the code of the 401 that is all that it gets."""

    headers: dict[str, str]
    id: UUID | None = None
    scopes: frozenset[str] = EVERYDAY
    is_admin: bool = False  # in the user's row
    is_api_token: bool = False
    refused: str | None = None


PRESETS = tuple(KINDS)
KEPT = 50  # of the lists, and of the labels, of each owner

REFUSED = {
    "no token": "token_missing",
    "a malformed token": "token_invalid",
    "a token signed by another key": "token_invalid",
    "Alice's, expired": "token_invalid",
    "a user's, from before their sign-out": "account_unusable",
    "a disabled user's": "account_unusable",
    "a deleted user's": "account_unusable",
    "an API token that was deleted": "token_invalid",
    "an API token that has expired": "token_invalid",
    "an API token from before a sign-out": "token_invalid",
    "a disabled user's API token": "token_invalid",
    "a token of an issuer that nobody trusts": "token_invalid",
    "a disabled user of another issuer": "account_unusable",
    "a user of another issuer, from before a deletion": "account_unusable",
}
ASKERS = (
    *REFUSED,
    "Alice's",
    "Alice's, refreshed",
    "Bob's",
    "Bob's, with a scope that his row does not have",
    "Carol's",
    "Carol's, without the scope",
    *(f"Alice's API token for {scope}" for scope in sorted(EVERYDAY)),
    "Bob's API token for everything",
    "Carol's API token for admin",
    *(f"a user of {preset}" for preset in PRESETS),
    "a user of another issuer, who came back",
)
"""By name, so that a test's own name says who asked."""


@dataclass
class World:
    """Alice and Dora keep tasks and API tokens; the others come and ask."""

    alice: Person
    dora: Person
    askers: dict[str, Asker]
    browser: httpx.Client
    kept: defaultdict[tuple[str, Named], deque[str]] = field(default_factory=lambda: defaultdict(deque))

    def user(self, named: Named) -> UUID:
        return {Named.OWN: self.alice.id, Named.ANOTHERS: self.dora.id, Named.UNKNOWN: uuid4()}[named]

    def owner_of(self, named: Named) -> UUID | None:
        return {Named.OWN: self.alice.id, Named.ANOTHERS: self.dora.id, Named.UNKNOWN: None}[named]

    def ask(self, asks: str, method: str, path: str, body: Any) -> httpx.Response:
        # One request id for all, so that answers can be compared to the byte.
        headers = self.askers[asks].headers | {"X-Request-Id": "matrix"}
        if method == "GET" and path.endswith("/events"):  # which does not end by itself
            with self.browser.stream(method, path, headers=headers) as answer:
                if not answer.is_success:
                    answer.read()
                return answer
        return self.browser.request(method, path, headers=headers, json=body)

    def tasks(self) -> dict[Named, str]:
        """New ones, by whose they are."""
        return {Named.OWN: self.alice.creates()["id"], Named.ANOTHERS: self.dora.creates()["id"], Named.UNKNOWN: str(uuid4())}

    def lists(self) -> dict[Named, str]:
        """New ones, likewise."""
        return self._made("/api/v1/lists", {"name": "Groceries"})

    def labels(self) -> dict[Named, str]:
        """New ones, likewise."""
        return self._made("/api/v1/labels", {"name": uuid4().hex})

    def deleted(self, noun: str, make: Callable[[], dict[Named, str]]) -> dict[Named, str]:
        """Such that are in the trash of whoever they are of."""
        made = make()
        for named, of in _owners(self).items():
            assert of.delete(f"/api/v1/{noun}/{made[named]}").status_code == 204
        return made

    def _made(self, path: str, new: dict[str, str]) -> dict[Named, str]:
        """New ones. Old ones go, since there are more tests than lists that one user may have."""
        made = {Named.UNKNOWN: str(uuid4())}
        for named, of in _owners(self).items():
            kept = self.kept[path, named]
            if len(kept) == KEPT:
                of.delete(f"{path}/{kept.popleft()}")  # it may be in the trash already
            answer = of.post(path, json=new)
            assert answer.status_code == 201, answer.text
            made[named] = answer.json()["id"]
            kept.append(made[named])
        return made

    def api_tokens(self) -> dict[Named, str]:
        made = {named: _api_token(of, ["tasks:read"])["id"] for named, of in _owners(self).items()}
        return made | {Named.UNKNOWN: str(uuid4())}

    def revisions(self) -> tuple[str, str]:
        """They change with whatever is written."""
        first, second = (owner.head("/api/v1/tasks?limit=1").headers["etag"] for owner in (self.alice, self.dora))
        return first, second


def _owners(world: World) -> dict[Named, Person]:
    return {Named.OWN: world.alice, Named.ANOTHERS: world.dora}


def _api_token(of: Person, scopes: list[str]) -> dict[str, Any]:
    answer = of.post("/api/v1/auth/tokens", json={"name": "matrix", "scopes": scopes, "expires_in_days": 1})
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


@contextmanager
def make_world(database_url: str, folder: Path) -> Iterator[World]:
    """A server of its own, which trusts one issuer of each preset."""
    with ExitStack() as stack:
        providers = {preset: stack.enter_context(Provider(preset)) for preset in PRESETS}
        rows = [provider.row() for provider in providers.values()]
        server = stack.enter_context(serve(settings_for(database_url, folder, issuers=rows)))

        def enter(name: str, *, is_admin: bool = False) -> Person:
            return stack.enter_context(person(server, database_url, name, is_admin=is_admin))

        people = {name: enter(name, is_admin=name == "carol") for name in ("alice", "bob", "carol", "dora", "gone", "off", "out")}
        hooks = {"response": [server.contract.hook]}
        browser = stack.enter_context(
            httpx.Client(base_url=server.base_url, timeout=30, trust_env=False, verify=PLAIN_HTTP, event_hooks=hooks)
        )
        askers = _refused(server, database_url, browser, people, stack) | _admitted(server, browser, people)
        end = int(time.time()) + 3600  # Clerk's live for a minute, and all that is asked of this world may take longer
        for preset, provider in providers.items():
            name = rows[PRESETS.index(preset)].get("name", preset)
            askers[f"a user of {preset}"] = Asker(
                _bearer(provider.token(exp=end)), user_id_of(name, provider.kind.subject), frozenset(SCOPES)
            )
        # Several worlds may come after each other in one database, and what became of these two people stays.
        off, deleted = (f"user_{what}_{uuid4().hex}" for what in ("banned", "gone"))
        banned = providers["clerk"].token(off, exp=end)
        assert browser.post("/api/v1/tasks", headers=_bearer(banned), json={"title": "x"}).status_code == 201
        _sql(database_url, "UPDATE users SET disabled_at = now() WHERE id = $1", user_id_of("clerk", off))
        askers["a disabled user of another issuer"] = Asker(_bearer(banned), refused="account_unusable")
        gone = _bearer(providers["clerk"].token(deleted, exp=end))
        assert browser.request("DELETE", "/api/v1/auth/me", headers=gone, json={}).status_code == 204
        back = _bearer(providers["clerk"].token(deleted, exp=end))
        assert browser.post("/api/v1/tasks", headers=back, json={"title": "x"}).status_code == 201
        askers["a user of another issuer, from before a deletion"] = Asker(gone, refused="account_unusable")
        askers["a user of another issuer, who came back"] = Asker(back, user_id_of("clerk", deleted), frozenset(SCOPES))
        assert askers.keys() == set(ASKERS)
        yield World(people["alice"], people["dora"], askers, browser)


def _refused(
    server: RunningServer, database_url: str, browser: httpx.Client, people: dict[str, Person], stack: ExitStack
) -> dict[str, Asker]:
    tokens = server.sign_in.tokens
    alice = people["alice"]
    for somebody in (people["gone"], people["off"], people["out"]):
        somebody.creates()
    api_tokens = {name: _api_token(people[name], ["tasks:read", "tasks:write", "account"]) for name in ("alice", "off", "out")}
    old = _api_token(alice, ["tasks:read"])
    assert people["gone"].request("DELETE", "/api/v1/auth/me", json={"password": PASSWORD}).status_code == 204
    assert alice.delete(f"/api/v1/auth/tokens/{api_tokens['alice']['id']}").status_code == 204
    assert people["out"].post("/api/v1/auth/sign-out-everywhere").status_code == 204
    _sql(database_url, "UPDATE users SET disabled_at = now() WHERE id = $1", people["off"].id)
    _sql(database_url, "UPDATE api_tokens SET expires_at = now() WHERE id = $1", UUID(old["id"]))
    # With the right name of a key, and the wrong key behind it.
    other = Tokens(SigningKeys(Ed25519PrivateKey.generate()), issuer="taskwell", lifetime_seconds=60)
    object.__setattr__(other.keys.current, "kid", tokens.keys.current.kid)
    untrusted = stack.enter_context(Provider("keycloak"))
    headers = {
        "no token": {},
        "a malformed token": _bearer("not.a.token"),
        "a token signed by another key": _bearer(other.make(alice.id)),
        "Alice's, expired": _bearer(tokens.make(alice.id, lifetime_seconds=-1)),
        "a user's, from before their sign-out": _bearer(people["out"].token),
        "a disabled user's": _bearer(people["off"].token),
        "a deleted user's": _bearer(people["gone"].token),
        "an API token that was deleted": _bearer(api_tokens["alice"]["token"]),
        "an API token that has expired": _bearer(old["token"]),
        "an API token from before a sign-out": _bearer(api_tokens["out"]["token"]),
        "a disabled user's API token": _bearer(api_tokens["off"]["token"]),
        "a token of an issuer that nobody trusts": _bearer(untrusted.token(exp=int(time.time()) + 3600)),
    }
    return {name: Asker(sent, refused=REFUSED[name]) for name, sent in headers.items()}


def _admitted(server: RunningServer, browser: httpx.Client, people: dict[str, Person]) -> dict[str, Asker]:
    make: Callable[..., str] = server.sign_in.tokens.make
    alice, bob, carol = people["alice"], people["bob"], people["carol"]
    everything = frozenset(SCOPES)
    first = browser.post("/api/v1/auth/token", data={"username": alice.email, "password": PASSWORD}).json()
    second = browser.post(
        "/api/v1/auth/token", data={"grant_type": "refresh_token", "refresh_token": first["refresh_token"]}
    ).json()
    askers = {
        "Alice's": Asker(_bearer(first["access_token"]), alice.id),
        "Alice's, refreshed": Asker(_bearer(second["access_token"]), alice.id),
        "Bob's": Asker(_bearer(bob.token), bob.id),
        "Bob's, with a scope that his row does not have": Asker(_bearer(make(bob.id, SCOPES)), bob.id, everything),
        "Carol's": Asker(_bearer(carol.token), carol.id, everything, is_admin=True),
        "Carol's, without the scope": Asker(_bearer(make(carol.id)), carol.id, EVERYDAY, is_admin=True),
    }
    kinds = [(f"Alice's API token for {scope}", alice, [scope]) for scope in sorted(EVERYDAY)]
    kinds += [("Bob's API token for everything", bob, sorted(EVERYDAY)), ("Carol's API token for admin", carol, ["admin"])]
    for name, of, scopes in kinds:
        sent = _bearer(_api_token(of, scopes)["token"])
        askers[name] = Asker(sent, of.id, frozenset(scopes), is_admin=of is carol, is_api_token=True)
    return askers


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def _sql(database_url: str, statement: str, *arguments: object) -> None:
    postgres.query(database_url, statement, *arguments)
