"""Tasks and the account, with each single scope: the one that a route needs is enough, and any other is not.

That each other route has its scope, and says so, is held in test_isolation_matrix.py, which no route escapes.
"""

from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from taskwell.identity.scopes import SCOPES
from tests.support import postgres
from tests.support.cast import PASSWORD, Person
from tests.support.errors import assert_error
from tests.support.mounts import MOUNTS
from tests.support.server import RunningServer
from tests.support.signed_in import AUTH, bearer, make_api_token

Route = tuple[str, str]  # method and template

PASSWORDS = {"current_password": PASSWORD, "new_password": "another password"}
NEW_TOKEN = {"name": "x", "scopes": ["account"], "expires_in_days": 1}

ACCOUNT: dict[Route, Any] = {
    ("GET", f"{AUTH}/me"): None,
    ("PATCH", f"{AUTH}/me"): {"display_name": "x"},
    ("DELETE", f"{AUTH}/me"): {"password": PASSWORD},
    ("POST", f"{AUTH}/password"): PASSWORDS,
    ("POST", f"{AUTH}/sign-out-everywhere"): None,
    ("GET", f"{AUTH}/tokens"): None,
    ("POST", f"{AUTH}/tokens"): NEW_TOKEN,
    ("DELETE", f"{AUTH}/tokens/{{token_id}}"): None,
}
"""And a body with which it is done."""

BY_SIGN_IN_ALONE = {
    ("DELETE", f"{AUTH}/me"),
    ("POST", f"{AUTH}/password"),
    ("POST", f"{AUTH}/sign-out-everywhere"),
    ("POST", f"{AUTH}/tokens"),
}

TASKS: dict[Route, Any] = {}
NEEDS: dict[Route, str] = dict.fromkeys(ACCOUNT, "account")
for _mount in MOUNTS:
    _collection = _mount.replace("{user}", "{user_id}")
    for _method, _path, _scope, _body in (
        ("GET", _collection, "tasks:read", None),
        ("HEAD", _collection, "tasks:read", None),
        ("POST", _collection, "tasks:write", {"title": "x"}),
        ("GET", f"{_collection}/{{task_id}}", "tasks:read", None),
        ("PUT", f"{_collection}/{{task_id}}", "tasks:write", {"title": "x"}),
        ("PATCH", f"{_collection}/{{task_id}}", "tasks:write", {"title": "x"}),
        ("DELETE", f"{_collection}/{{task_id}}", "tasks:write", None),
    ):
        NEEDS[_method, _path] = _scope
        TASKS[_method, _path] = _body
NAMED = [route for route in TASKS if "{user_id}" in route[1]]

every_scope = pytest.mark.parametrize("scope", SCOPES)
every_route = pytest.mark.parametrize("route", NEEDS, ids=" ".join)
every_named_route = pytest.mark.parametrize("route", NAMED, ids=" ".join)


def ask(client: httpx.Client, token: str, route: Route, owner: Person, user: UUID | None = None) -> httpx.Response:
    """With a task or an API token of the owner's; `user` is whom the path names, where it names somebody."""
    method, path = route
    if "{task_id}" in path:
        path = path.replace("{task_id}", owner.creates()["id"])
    if "{token_id}" in path:
        path = path.replace("{token_id}", make_api_token(owner, "account")["id"])
    path = path.replace("{user_id}", str(user or owner.id))
    return client.request(method, path, headers=bearer(token), json=(ACCOUNT | TASKS)[route])


def assert_lacks(answer: httpx.Response, scope: str) -> None:
    if answer.request.method == "HEAD":
        assert answer.status_code == 403
    else:
        assert assert_error(answer, 403, "insufficient_scope") == {"scope": scope}
    challenge = f'Bearer realm="taskwell", error="insufficient_scope", scope="{scope}"'
    assert answer.headers["www-authenticate"] == challenge


@pytest.fixture
def tokens(server: RunningServer, alice: Person, shared_database: str) -> dict[str, str]:
    """An API token of Alice's for each scope; she was an administrator once, and so has one for that too."""
    postgres.query(shared_database, "UPDATE users SET is_admin = true WHERE id = $1", alice.id)
    token = bearer(server.sign_in.tokens.make(alice.id, SCOPES))
    with httpx.Client(base_url=server.base_url, headers=token, trust_env=False, timeout=30) as client:
        made = {}
        for scope in SCOPES:
            answer = client.post(f"{AUTH}/tokens", json={"name": scope, "scopes": [scope], "expires_in_days": 1})
            made[str(scope)] = answer.json()["token"]
    postgres.query(shared_database, "UPDATE users SET is_admin = false WHERE id = $1", alice.id)
    return made


@every_scope
@every_route
def test_of_access_tokens_the_one_scope_is_enough(
    server: RunningServer, anonymous: httpx.Client, alice: Person, route: Route, scope: str
) -> None:
    answer = ask(anonymous, server.sign_in.tokens.make(alice.id, {scope}), route, alice)
    if scope == NEEDS[route]:
        assert answer.status_code in (200, 201, 204), answer.text
    else:
        assert_lacks(answer, NEEDS[route])


@every_route
def test_of_api_tokens_likewise_where_one_is_enough(
    anonymous: httpx.Client, alice: Person, tokens: dict[str, str], route: Route
) -> None:
    for scope, token in tokens.items():
        answer = ask(anonymous, token, route, alice)
        if scope != NEEDS[route]:
            assert_lacks(answer, NEEDS[route])
        elif route in BY_SIGN_IN_ALONE:
            assert_error(answer, 403, "sign_in_required")
        else:
            assert answer.status_code in (200, 201, 204), answer.text


@every_route
def test_all_but_the_one_are_not_enough(server: RunningServer, anonymous: httpx.Client, alice: Person, route: Route) -> None:
    others = set(SCOPES) - {NEEDS[route]}
    assert_lacks(ask(anonymous, server.sign_in.tokens.make(alice.id, others), route, alice), NEEDS[route])
    assert_lacks(ask(anonymous, server.sign_in.tokens.make(alice.id, ()), route, alice), NEEDS[route])


@every_scope
@every_named_route
def test_a_stranger_gets_the_404_whatever_their_scopes(
    server: RunningServer, anonymous: httpx.Client, alice: Person, bob: Person, route: Route, scope: str
) -> None:
    """And so learns nothing, not even what a route needs."""
    for user in (bob.id, uuid4()):
        answer = ask(anonymous, server.sign_in.tokens.make(alice.id, {scope}), route, bob, user)
        assert answer.status_code == 404
        if answer.request.method != "HEAD":
            assert_error(answer, 404, "user_not_found")
        assert "www-authenticate" not in answer.headers


@every_named_route
def test_a_strangers_api_tokens_likewise(anonymous: httpx.Client, bob: Person, tokens: dict[str, str], route: Route) -> None:
    for token in tokens.values():
        assert ask(anonymous, token, route, bob, bob.id).status_code == 404


@every_named_route
def test_an_administrators_admin_is_enough_for_anybodys(
    server: RunningServer, anonymous: httpx.Client, alice: Person, carol: Person, route: Route
) -> None:
    by_access_token = server.sign_in.tokens.make(carol.id, {"admin"})
    by_api_token = make_api_token(carol, "admin")["token"]
    for token in (by_access_token, by_api_token):
        for owner in (alice, carol):
            assert ask(anonymous, token, route, owner).status_code in (200, 201, 204)


@every_named_route
def test_without_it_an_administrator_is_a_user_like_any_other(
    server: RunningServer, anonymous: httpx.Client, alice: Person, carol: Person, route: Route
) -> None:
    everyday = server.sign_in.tokens.make(carol.id)
    assert ask(anonymous, everyday, route, alice).status_code == 404
    assert ask(anonymous, everyday, route, carol).status_code in (200, 201, 204)


def test_the_page_offers_every_scope(anonymous: httpx.Client) -> None:
    schemes = anonymous.get("/openapi.json").json()["components"]["securitySchemes"]
    scopes = schemes["Sign-in"]["flows"]["password"]["scopes"]
    assert scopes.keys() == set(SCOPES)
    assert all(scopes.values())


def test_the_page_takes_an_api_token_wherever_one_is_enough(anonymous: httpx.Client) -> None:
    document = anonymous.get("/openapi.json").json()
    schemes = document["components"]["securitySchemes"]
    assert {name: scheme["type"] for name, scheme in schemes.items()} == {"Sign-in": "oauth2", "API-token": "http"}
    assert schemes["API-token"]["scheme"] == "bearer"
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            ways = [name for way in operation.get("security", ()) for name in way]
            if "sign_in_required" in operation["responses"].get("403", {}).get("description", ""):
                assert ways == ["Sign-in"], (method, path)
            else:
                assert ways in ([], ["Sign-in", "API-token"]), (method, path)
