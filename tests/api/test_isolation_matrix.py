"""Every route, for whoever may ask, with whatever id they name: the third of the four proofs that your tasks are yours.

The routes come from the application itself, aliases included; one that no row below speaks for fails the build. What is
expected is said by rule and not cell by cell: see `expected`.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from enum import Enum
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fastapi.routing import iter_route_contexts

from taskwell.accounts.keys import SigningKey
from taskwell.accounts.tokens import Tokens
from taskwell.api import routes
from tests.support import postgres
from tests.support.cast import Person, person
from tests.support.errors import assert_error
from tests.support.mounts import MOUNTS
from tests.support.server import RunningServer

# ---- the rows ------------------------------------------------------------------------------------------------------

PUBLIC = {
    ("GET", "/"),
    ("GET", "/docs"),
    ("GET", "/docs/swagger-ui-bundle.js"),
    ("GET", "/docs/swagger-ui.css"),
    ("GET", "/docs/favicon-32x32.png"),
    ("GET", "/openapi.json"),
    ("GET", "/healthz"),
    ("GET", "/readyz"),
    ("POST", "/api/v1/auth/register"),
    ("POST", "/api/v1/auth/token"),
}
"""Open to everybody, and alike for everybody: nothing in them belongs to anybody."""

ONE_TASK = {"GET": 200, "PUT": 200, "PATCH": 200, "DELETE": 204}
ALL_TASKS = {"GET": 200, "POST": 201}

GUARDED = {("GET", "/api/v1/auth/me"): 200}
for _mount in MOUNTS:
    _collection = _mount.replace("{user}", "{user_id}")
    GUARDED |= {(_method, _collection): _status for _method, _status in ALL_TASKS.items()}
    GUARDED |= {(_method, f"{_collection}/{{task_id}}"): _status for _method, _status in ONE_TASK.items()}
"""What each answers to who may."""

BODIES: dict[str, Any] = {"POST": {"title": "x"}, "PUT": {"title": "x"}, "PATCH": {"title": "x"}}
ROUTES = sorted(GUARDED) + [("HEAD", path) for method, path in sorted(GUARDED) if method == "GET"]


def served() -> set[tuple[str, str]]:
    return {(method, route.path or "") for route in iter_route_contexts(routes().routes) for method in route.methods or ()}


def test_every_route_has_a_row_and_every_row_a_route() -> None:
    assert served() - {("HEAD", path) for _, path in served()} == PUBLIC | GUARDED.keys()


def test_every_described_operation_has_a_row(server: RunningServer) -> None:
    described = {(method.upper(), path) for path, operations in server.app.openapi()["paths"].items() for method in operations}
    assert described <= PUBLIC | GUARDED.keys()


def test_every_described_operation_says_whether_it_needs_a_token(server: RunningServer) -> None:
    for path, operations in server.app.openapi()["paths"].items():
        for method, operation in operations.items():
            assert bool(operation.get("security")) == ((method.upper(), path) in GUARDED), (method, path)


# ---- the columns ---------------------------------------------------------------------------------------------------


class Asks(Enum):
    """Whose token comes with the request."""

    NOBODY = "no token"
    MALFORMED = "a malformed token"
    FORGED = "a token signed by another key"
    EXPIRED = "Alice's, expired"
    SIGNED_OUT = "a user's, from before their sign-out"
    DISABLED = "a disabled user's"
    DELETED = "a deleted user's"
    OWNER = "Alice's"
    STRANGER = "Bob's"
    ADMINISTRATOR = "Carol's"


REFUSED = {
    Asks.NOBODY: "token_missing",
    Asks.MALFORMED: "token_invalid",
    Asks.FORGED: "token_invalid",
    Asks.EXPIRED: "token_invalid",
    Asks.SIGNED_OUT: "account_unusable",
    Asks.DISABLED: "account_unusable",
    Asks.DELETED: "account_unusable",
}


class Named(Enum):
    """Which id the request names, as Alice sees it."""

    OWN = "Alice's"
    ANOTHERS = "Dora's"
    UNKNOWN = "nobody's"


@dataclass
class World:
    """Alice and Dora keep tasks; the others come and ask."""

    alice: Person
    dora: Person
    askers: dict[Asks, tuple[UUID | None, dict[str, str]]]  # who it is, and the headers that say so
    browser: httpx.Client

    def user(self, named: Named) -> UUID:
        return {Named.OWN: self.alice.id, Named.ANOTHERS: self.dora.id, Named.UNKNOWN: uuid4()}[named]

    def owner_of(self, named: Named) -> UUID | None:
        return {Named.OWN: self.alice.id, Named.ANOTHERS: self.dora.id, Named.UNKNOWN: None}[named]

    def ask(self, asks: Asks, method: str, path: str) -> httpx.Response:
        # One request id for all, so that answers can be compared to the byte.
        headers = self.askers[asks][1] | {"X-Request-Id": "matrix"}
        return self.browser.request(method, path, headers=headers, json=BODIES.get(method))

    def tasks(self) -> dict[Named, str]:
        """New ones, by whose they are."""
        return {Named.OWN: self.alice.creates()["id"], Named.ANOTHERS: self.dora.creates()["id"], Named.UNKNOWN: str(uuid4())}

    def revisions(self) -> tuple[str, str]:
        """They change with whatever is written."""
        first, second = (owner.head("/api/v1/tasks?limit=1").headers["etag"] for owner in (self.alice, self.dora))
        return first, second


@pytest.fixture(scope="module")
def world(server: RunningServer, shared_database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    tokens = server.app.state.tokens
    other_key = SigningKey.of(Ed25519PrivateKey.generate())
    with ExitStack() as stack:

        def enter(name: str, *, is_admin: bool = False) -> Person:
            return stack.enter_context(person(server, shared_database, name, is_admin=is_admin))

        alice, bob, carol, dora, gone, disabled, out = (
            enter(name, is_admin=name == "carol") for name in ("alice", "bob", "carol", "dora", "gone", "disabled", "out")
        )
        for somebody in (gone, disabled, out):
            somebody.creates()
        postgres.query(shared_database, "DELETE FROM users WHERE id = $1", gone.id)
        postgres.query(shared_database, "UPDATE users SET disabled_at = now() WHERE id = $1", disabled.id)
        postgres.query(shared_database, "UPDATE users SET tokens_valid_after = clock_timestamp() WHERE id = $1", out.id)
        forged = Tokens(SigningKey(other_key.private, other_key.public, tokens._key.kid), issuer="taskwell", lifetime_seconds=60)
        bearer: Callable[[str], dict[str, str]] = lambda token: {"Authorization": f"Bearer {token}"}  # noqa: E731
        browser = stack.enter_context(
            httpx.Client(base_url=server.base_url, timeout=30, trust_env=False, event_hooks={"response": [server.contract.hook]})
        )
        yield World(
            alice,
            dora,
            {
                Asks.NOBODY: (None, {}),
                Asks.MALFORMED: (None, bearer("not.a.token")),
                Asks.FORGED: (alice.id, bearer(forged.make(alice.id))),
                Asks.EXPIRED: (alice.id, bearer(tokens.make(alice.id, lifetime_seconds=-1))),
                Asks.SIGNED_OUT: (out.id, bearer(out.token)),
                Asks.DISABLED: (disabled.id, bearer(disabled.token)),
                Asks.DELETED: (gone.id, bearer(gone.token)),
                Asks.OWNER: (alice.id, bearer(alice.token)),
                Asks.STRANGER: (bob.id, bearer(bob.token)),
                Asks.ADMINISTRATOR: (carol.id, bearer(carol.token)),
            },
            browser,
        )


# ---- the rule ------------------------------------------------------------------------------------------------------


def expected(world: World, asks: Asks, route: tuple[str, str], user: Named | None, task: Named | None) -> tuple[int, str]:
    """401 to who is nobody; 404 to who names a user that is not them, unless they administrate and there is such a user;
    404 for a task that is not that user's; otherwise what the route answers."""
    if asks in REFUSED:
        return 401, REFUSED[asks]
    asker = world.askers[asks][0]
    owner = asker
    if user is not None:
        owner = world.owner_of(user)
        if owner is None or (owner != asker and asks is not Asks.ADMINISTRATOR):
            return 404, "user_not_found"
    if task is not None and (owner is None or world.owner_of(task) != owner):
        return 404, "task_not_found"
    method, path = route
    return GUARDED["GET" if method == "HEAD" else method, path], ""


def ids_in(path: str) -> list[tuple[Named | None, Named | None]]:
    users: list[Named | None] = [*Named] if "{user_id}" in path else [None]
    tasks: list[Named | None] = [*Named] if "{task_id}" in path else [None]
    return [(user, task) for user in users for task in tasks]


@pytest.mark.parametrize("asks", Asks, ids=lambda asks: asks.value)
@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route[0]} {route[1]}")
def test_everybody_gets_what_is_theirs_and_nothing_else(world: World, route: tuple[str, str], asks: Asks) -> None:
    method, template = route
    refusals: dict[str, set[tuple[bytes, tuple[tuple[str, str], ...]]]] = {}
    tasks = world.tasks()
    for user, task in ids_in(template):
        path = template
        if user is not None:
            path = path.replace("{user_id}", str(world.user(user)))
        if task is not None:
            path = path.replace("{task_id}", tasks[task])
        status, code = expected(world, asks, route, user, task)
        before = world.revisions()
        answer = world.ask(asks, method, path)
        cell = f"{method} {path} (user: {user}, task: {task}) with {asks.value}"
        assert answer.status_code == status, f"{cell}: {answer.status_code} {answer.text}"
        if status >= 400:
            if method == "HEAD":
                assert answer.content == b""
            else:
                assert_error(answer, status, code)
            assert world.revisions() == before, cell
            headers = tuple(sorted(item for item in answer.headers.items() if item[0] != "date"))
            refusals.setdefault(code, set()).add((answer.content, headers))
        elif status == 204:
            tasks = world.tasks()
        elif method != "HEAD" and task is not None:
            assert answer.json()["id"] == tasks[task]
    # Whether it is another's or nobody's cannot be told, byte for byte.
    for code, answers in refusals.items():
        assert len(answers) == 1, (code, answers)


@pytest.mark.parametrize(("method", "path"), sorted(PUBLIC), ids=str)
def test_what_is_open_is_alike_for_everybody(world: World, method: str, path: str) -> None:
    answers = [world.ask(asks, method, path) for asks in Asks]
    assert {answer.content for answer in answers} == {answers[0].content}
    assert {answer.status_code for answer in answers} <= ({200} if method == "GET" else {400, 415})


def test_the_collection_of_a_stranger_is_never_shown_or_counted(world: World) -> None:
    """The conditional forms: a tag that is right for the owner tells nobody else anything."""
    tag = world.alice.get("/api/v1/tasks").headers["etag"]
    task = world.alice.creates()
    own = world.alice.get(f"/api/v1/tasks/{task['id']}").headers["etag"]
    stranger = world.askers[Asks.STRANGER][1] | {"X-Request-Id": "matrix"}
    for condition in (tag, own, "*"):
        for user in (world.alice.id, uuid4()):
            for path in (f"/api/v1/users/{user}/tasks", f"/api/v1/users/{user}/tasks/{task['id']}"):
                answer = world.browser.get(path, headers=stranger | {"If-None-Match": condition})
                assert_error(answer, 404, "user_not_found")
                assert "etag" not in answer.headers
        for task_id in (task["id"], str(uuid4())):
            path = f"/api/v1/tasks/{task_id}"
            headers = stranger | {"If-Match": condition}
            for answer in (
                world.browser.get(path, headers=stranger | {"If-None-Match": condition}),
                world.browser.put(path, headers=headers, json={"title": "x"}),
                world.browser.patch(path, headers=headers, json={"title": "x"}),
                world.browser.delete(path, headers=headers),
            ):
                assert_error(answer, 404, "task_not_found")


def test_a_user_who_is_disabled_keeps_what_an_administrator_can_see(world: World) -> None:
    disabled = world.askers[Asks.DISABLED][0]
    administrator = world.askers[Asks.ADMINISTRATOR][1]
    assert len(world.browser.get(f"/api/v1/users/{disabled}/tasks", headers=administrator).json()["items"]) == 1


def test_an_administrator_who_is_disabled_is_nobody(server: RunningServer, shared_database: str, world: World) -> None:
    with person(server, shared_database, "carlos", is_admin=True) as carlos:
        path = f"/api/v1/users/{world.alice.id}/tasks"
        assert carlos.get(path).status_code == 200
        postgres.query(shared_database, "UPDATE users SET disabled_at = now() WHERE id = $1", carlos.id)
        assert_error(carlos.get(path), 401, "account_unusable")
        postgres.query(shared_database, "UPDATE users SET disabled_at = NULL, is_admin = false WHERE id = $1", carlos.id)
        assert_error(carlos.get(path), 404, "user_not_found")
