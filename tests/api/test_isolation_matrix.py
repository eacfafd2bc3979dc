"""Every route, for whoever may ask, with whatever id they name: the third of the four proofs that your tasks are yours.

The routes come from the application itself, aliases included; one that no row below speaks for fails the build. What is
expected is said by rule and not cell by cell: see `expected`. Who asks is in tests/support/world.py.
"""

import re
from collections.abc import Iterator
from functools import partial
from itertools import product
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from fastapi.routing import iter_route_contexts

from taskwell.api import routes
from tests.support import postgres
from tests.support.cast import Person, person
from tests.support.errors import assert_error
from tests.support.labels import LABEL_MOUNTS
from tests.support.lists import LIST_MOUNTS, unknown_references
from tests.support.mounts import MOUNTS
from tests.support.server import RunningServer
from tests.support.world import ASKERS, REFUSED, Asker, Named, World, make_world

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
    ("GET", "/.well-known/jwks.json"),
    ("POST", "/api/v1/auth/register"),
    ("POST", "/api/v1/auth/token"),
    ("POST", "/api/v1/auth/revoke"),
    ("POST", "/api/v1/oauth/token"),
    ("POST", "/api/v1/oauth/revoke"),
}
"""Open to everybody, and alike for everybody: nothing in them belongs to anybody."""

MOUNTS_OF_TASKS = [mount.replace("{user}", "{user_id}") for mount in MOUNTS]
ONE_TASK = {"GET": 200, "PUT": 200, "PATCH": 200, "DELETE": 204}
ALL_TASKS = {"GET": 200, "POST": 201}
AUTH = "/api/v1/auth"

GUARDED = {
    ("GET", f"{AUTH}/me"): 200,
    ("PATCH", f"{AUTH}/me"): 200,
    ("DELETE", f"{AUTH}/me"): 403,  # with a wrong password, since they are still needed
    ("POST", f"{AUTH}/password"): 403,  # likewise
    ("POST", f"{AUTH}/sign-out-everywhere"): 204,
    ("GET", f"{AUTH}/tokens"): 200,
    ("POST", f"{AUTH}/tokens"): 201,
    ("DELETE", f"{AUTH}/tokens/{{token_id}}"): 204,
}
for _mount in MOUNTS:
    _collection = _mount.replace("{user}", "{user_id}")
    GUARDED |= {(_method, _collection): _status for _method, _status in ALL_TASKS.items()}
    GUARDED |= {(_method, f"{_collection}/{{task_id}}"): _status for _method, _status in ONE_TASK.items()}
for _mount in LIST_MOUNTS:
    _collection = _mount.replace("{user}", "{user_id}")
    GUARDED |= {(_method, _collection): _status for _method, _status in ALL_TASKS.items()}
    GUARDED |= {(_method, f"{_collection}/{{list_id}}"): _status for _method, _status in ONE_TASK.items()}
MOVES = [
    ("POST", f"/api/v1{of}{what}/move") for of in ("", "/users/{user_id}") for what in ("/tasks/{task_id}", "/lists/{list_id}")
]
MANY = [("POST", f"/api/v1{of}/tasks/{what}") for of in ("", "/users/{user_id}") for what in ("complete", "delete", "change")]
BATCHES = [("POST", f"/api/v1{of}/batch") for of in ("", "/users/{user_id}")]
GUARDED |= dict.fromkeys([*MOVES, *MANY, *BATCHES], 200)
GUARDED |= {("GET", f"/api/v1{of}/{what}"): 200 for of in ("", "/users/{user_id}") for what in ("overview", "changes", "events")}
GUARDED |= {("POST", f"/api/v1{of}/events/ticket"): 200 for of in ("", "/users/{user_id}")}
for _mount in LABEL_MOUNTS:
    _collection = _mount.replace("{user}", "{user_id}")
    GUARDED |= {(_method, _collection): _status for _method, _status in ALL_TASKS.items()}
    GUARDED |= {(_method, f"{_collection}/{{label_id}}"): _status for _method, _status in ONE_TASK.items()}
COMPLETIONS = [("POST", f"/api/v1{of}/tasks/{{task_id}}/complete") for of in ("", "/users/{user_id}")]
OCCURRENCES = [("GET", f"/api/v1{of}/tasks/{{task_id}}/occurrences") for of in ("", "/users/{user_id}")]
GUARDED |= dict.fromkeys([*COMPLETIONS, *OCCURRENCES], 200)
RESTORES = [
    ("POST", f"/api/v1{of}/{what}s/{{{what}_id}}/restore")
    for of in ("", "/users/{user_id}")
    for what in ("task", "list", "label")
]
GUARDED |= dict.fromkeys(RESTORES, 200)
for _of in ("/api/v1", "/api/v1/users/{user_id}"):
    GUARDED |= {("GET", f"{_of}/trash"): 200, ("DELETE", f"{_of}/trash"): 204}
GUARDED |= {("GET", f"{_of}/export"): 200 for _of in ("/api/v1", "/api/v1/users/{user_id}")}
GUARDED |= {("POST", f"{_of}/import"): 200 for _of in ("/api/v1", "/api/v1/users/{user_id}")}
"""What each answers to who may."""

BY_SIGN_IN_ALONE = {
    ("DELETE", f"{AUTH}/me"),
    ("POST", f"{AUTH}/password"),
    ("POST", f"{AUTH}/sign-out-everywhere"),
    ("POST", f"{AUTH}/tokens"),
}
"""What an API token is not enough for."""

BODIES: dict[tuple[str, str], Any] = {
    ("PATCH", f"{AUTH}/me"): {"time_zone": "Europe/Berlin"},
    ("DELETE", f"{AUTH}/me"): {"password": "wrong password"},
    ("POST", f"{AUTH}/password"): {"current_password": "wrong password", "new_password": "another password"},
    ("POST", f"{AUTH}/sign-out-everywhere"): None,
    ("POST", f"{AUTH}/tokens"): {"name": "matrix", "scopes": ["account"], "expires_in_days": 1},
}
ROUTES = sorted(GUARDED) + [("HEAD", path) for method, path in sorted(GUARDED) if method == "GET"]


NOT_FOUND = {
    "task_id": "task_not_found",
    "list_id": "list_not_found",
    "label_id": "label_not_found",
    "token_id": "api_token_not_found",
}


def body_of(route: tuple[str, str]) -> Any:
    if route in MOVES or route in COMPLETIONS:
        return {}
    if route in RESTORES:
        return None
    if route in BATCHES:
        return {"operations": [{"op": "delete", "kind": "task", "id": str(UUID(int=1))}]}
    if route in MANY:
        changes = {"changes": {"priority": "low"}} if route[1].endswith("/change") else {}
        return {"ids": [str(UUID(int=1))]} | changes
    if route[1].endswith("/import"):
        return {"kind": "task", "title": "x"}  # a file of one line
    new = {"name": "x"} if "/lists" in route[1] else {"name": uuid4().hex} if "/labels" in route[1] else {"title": "x"}
    return BODIES.get(route, new if route[0] in ("POST", "PUT", "PATCH") else None)


def scope_of(route: tuple[str, str]) -> str:
    method, path = route
    if path.startswith(AUTH):
        return "account"
    return "tasks:read" if method in ("GET", "HEAD") or path.endswith("/events/ticket") else "tasks:write"


def served() -> set[tuple[str, str]]:
    return {(method, route.path or "") for route in iter_route_contexts(routes().routes) for method in route.methods or ()}


def test_every_route_has_a_row_and_every_row_a_route() -> None:
    assert served() - {("HEAD", path) for _, path in served()} == PUBLIC | GUARDED.keys()


def test_every_described_operation_has_a_row(server: RunningServer) -> None:
    described = {(method.upper(), path) for path, operations in server.app.openapi()["paths"].items() for method in operations}
    assert described <= PUBLIC | GUARDED.keys()


def test_every_described_operation_says_which_scope_it_needs(server: RunningServer) -> None:
    for path, operations in server.app.openapi()["paths"].items():
        for method, operation in operations.items():
            route = (method.upper(), path)
            needed = [scopes for scheme in operation.get("security", ()) for scopes in scheme.values() if scopes]
            assert needed == ([[scope_of(route)]] if route in GUARDED else []), route


@pytest.fixture(scope="module")
def world(shared_database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with make_world(shared_database, tmp_path_factory.mktemp("world")) as made:
        yield made


# ---- the rule ------------------------------------------------------------------------------------------------------


def expected(world: World, asker: Asker, route: tuple[str, str], user: Named | None, thing: Named | None) -> tuple[int, str]:
    """401 to who is nobody; 404 to who names a user that is not them, unless they administrate, by scope and by their row, and
    there is such a user; 403 where the scope is missing, or an API token is not enough; 404 for what is not that user's."""
    if asker.refused is not None:
        return 401, asker.refused
    administrates = user is not None and "admin" in asker.scopes and asker.is_admin
    owner = asker.id if user is None else world.owner_of(user)
    if owner is None or (owner != asker.id and not administrates):
        return 404, "user_not_found"
    if scope_of(route) not in asker.scopes and not administrates:
        return 403, "insufficient_scope"
    if asker.is_api_token and route in BY_SIGN_IN_ALONE:
        return 403, "sign_in_required"
    if thing is not None and world.owner_of(thing) != owner:
        what = next(name for name in NOT_FOUND if f"{{{name}}}" in route[1])
        return 404, NOT_FOUND[what]
    method, path = route
    return GUARDED["GET" if method == "HEAD" else method, path], "wrong_password"


def ids_in(path: str) -> list[tuple[Named | None, Named | None]]:
    users: list[Named | None] = [*Named] if "{user_id}" in path else [None]
    things: list[Named | None] = [*Named] if re.search(r"\{(task|list|label|token)_id\}", path) else [None]
    return [(user, thing) for user in users for thing in things]


Refusal = tuple[bytes, tuple[tuple[str, str], ...]]


def refused(answer: httpx.Response, status: int, code: str) -> Refusal:
    """What is told to who is refused, but for the time."""
    if answer.request.method == "HEAD":
        assert answer.content == b""
    else:
        assert_error(answer, status, code)
    return answer.content, tuple(sorted(item for item in answer.headers.items() if item[0] != "date"))


class Unwritten:
    """That refused requests wrote nothing: looked at once for all those in a row, since looking takes longer than asking."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._before: tuple[str, str] | None = None

    def precedes(self, *, is_refused: bool) -> None:
        """Called before each request."""
        if is_refused:
            self._before = self._before or self._world.revisions()
        else:
            self.holds()

    def holds(self) -> None:
        assert self._before is None or self._world.revisions() == self._before
        self._before = None


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route[0]} {route[1]}")
def test_everybody_gets_what_is_theirs_and_nothing_else(world: World, route: tuple[str, str]) -> None:
    method, template = route
    makes = {"{token_id}": world.api_tokens, "{list_id}": world.lists, "{label_id}": world.labels}
    make = next((make for name, make in makes.items() if name in template), world.tasks)
    if route in RESTORES:
        make = partial(world.deleted, template.split("/")[-3], make)
    things = make() if "_id}" in template else {}
    unwritten = Unwritten(world)
    for asks, asker in world.askers.items():
        refusals: dict[str, set[Refusal]] = {}
        for user, thing in ids_in(template):
            path = template
            if user is not None:
                path = path.replace("{user_id}", str(world.user(user)))
            if thing is not None:
                path = re.sub(r"\{(task|list|label|token)_id\}", things[thing], path)
            status, code = expected(world, asker, route, user, thing)
            if "a user of" in asks and code == "wrong_password" and status == 403:
                status, code = (409, "no_password") if path.endswith("/password") else (0, "")
            if status == 0 or (status < 400 and path.endswith("/sign-out-everywhere")):
                continue  # it would be done, and they are still needed: tests/api/test_sign_out_everywhere.py, test_delete_me.py
            unwritten.precedes(is_refused=status >= 400)
            answer = world.ask(asks, method, path, body_of(route))
            cell = f"{method} {path} (user: {user}, of: {thing}) with {asks}"
            assert answer.status_code == status, f"{cell}: {answer.status_code} {answer.text}"
            if status >= 400:
                refusals.setdefault(code, set()).add(refused(answer, status, code))
            elif route in RESTORES or status == 204:
                assert status == 204 or answer.json()["id"] == things[thing or Named.OWN]
                things = make()
            elif method != "HEAD" and thing is not None and route not in OCCURRENCES:
                assert answer.json()["id"] == things[thing], cell
        # Whether it is another's or nobody's cannot be told, byte for byte.
        for code, answers in refusals.items():
            assert len(answers) == 1, (asks, code, answers)
    unwritten.holds()


NAMING = [((method, path), "list_id") for method, path in ROUTES if path in MOUNTS_OF_TASKS and method == "GET"]
for _field in ("list_id", "parent_id"):
    NAMING += [(("POST", path), _field) for path in MOUNTS_OF_TASKS]
    NAMING += [((method, f"{path}/{{task_id}}"), _field) for path in MOUNTS_OF_TASKS for method in ("PUT", "PATCH")]
NAMING += [(route, field) for route in MOVES if "/tasks" in route[1] for field in ("list_id", "parent_id", "before", "after")]
NAMING += [(route, field) for route in MOVES if "/lists" in route[1] for field in ("before", "after")]


@pytest.mark.parametrize(("route", "field"), NAMING, ids=lambda one: one if isinstance(one, str) else f"{one[0]} {one[1]}")
def test_a_record_is_named_by_its_owner_alone(world: World, route: tuple[str, str], field: str) -> None:
    """In a body or a query: another's is unknown as one that does not exist is, byte for byte."""
    method, template = route
    is_of_lists = "/lists" in template
    is_of_one = re.search(r"\{(task|list)_id\}", template) is not None
    things = world.lists() if is_of_lists else world.tasks()
    named_ids = world.lists() if is_of_lists or field == "list_id" else world.tasks()
    users: list[Named | None] = [*Named] if "{user_id}" in template else [None]
    unwritten = Unwritten(world)
    for asks, user in product([asks for asks in ASKERS if asks not in REFUSED], users):
        asker, refusals = world.askers[asks], set()
        owner = asker.id if user is None else world.owner_of(user)
        whose = Named.ANOTHERS if user is Named.ANOTHERS else Named.OWN
        path = re.sub(r"\{(task|list)_id\}", things[whose], template)
        path = path if user is None else path.replace("{user_id}", str(world.user(user)))
        status, code = expected(world, asker, route, user, whose if is_of_one else None)
        for named, named_id in named_ids.items():
            is_done = status < 400 and world.owner_of(named) == owner
            unwritten.precedes(is_refused=not is_done)
            if method == "GET":
                answer = world.ask(asks, method, f"{path}?{field}={named_id}", None)
            else:
                answer = world.ask(asks, method, path, (body_of(route) or {}) | {field: named_id})
            if status >= 400:
                assert_error(answer, status, code)
            elif is_done:
                assert answer.status_code == status, (asks, answer.text)
            else:
                assert unknown_references(answer) == [("query" if method == "GET" else "body", field)], asks
                refusals.add(answer.content)
        assert len(refusals) <= 1, asks
    unwritten.holds()


@pytest.mark.parametrize("asks", [asks for asks in ASKERS if asks not in REFUSED])
@pytest.mark.parametrize("route", BATCHES, ids=lambda route: route[1])
def test_an_operation_of_a_batch_finds_its_owners_records_alone(world: World, route: tuple[str, str], asks: str) -> None:
    """Another's record is not there, as one that does not exist is, in whatever operation."""
    makes = {"task": world.tasks, "list": world.lists, "label": world.labels}
    users: list[Named | None] = [*Named] if "{user_id}" in route[1] else [None]
    for user in users:
        status, code = expected(world, world.askers[asks], route, user, None)
        owner = world.askers[asks].id if user is None else world.owner_of(user)
        path = route[1] if user is None else route[1].replace("{user_id}", str(world.user(user)))
        for kind, value in (("task", {"title": "x"}), ("list", {"name": "x"}), ("label", {"name": "x"})):
            others = [one_id for named, one_id in makes[kind]().items() if world.owner_of(named) != owner]
            meant = [{"op": op, "kind": kind} for op in ("delete", "change", "replace", "restore")]
            meant += [{"op": "move", "kind": kind}] if kind != "label" else []
            meant += [{"op": "complete", "kind": kind}] if kind == "task" else []
            before = world.revisions()
            for one in meant:
                more = {"value": value} if one["op"] in ("change", "replace") else {}
                answer = world.ask(asks, "POST", path, {"operations": [one | more | {"id": one_id} for one_id in others]})
                if status >= 400:
                    assert_error(answer, status, code)
                else:
                    refusals = {str(result) for result in answer.json()["results"]}
                    assert len(refusals) == 1
                    assert NOT_FOUND[f"{kind}_id"] in refusals.pop()
            assert world.revisions() == before


@pytest.mark.parametrize(("method", "path"), sorted(PUBLIC), ids=str)
def test_what_is_open_is_alike_for_everybody(world: World, method: str, path: str) -> None:
    answers = [world.ask(asks, method, path, body_of((method, path))) for asks in ASKERS]
    assert {answer.content for answer in answers} == {answers[0].content}
    assert {answer.status_code for answer in answers} <= ({200} if method == "GET" else {400, 415})


def test_the_collection_of_a_stranger_is_never_shown_or_counted(world: World) -> None:
    """The conditional forms: a tag that is right for the owner tells nobody else anything."""
    tag = world.alice.get("/api/v1/tasks").headers["etag"]
    task = world.alice.creates()
    own = world.alice.get(f"/api/v1/tasks/{task['id']}").headers["etag"]
    stranger = world.askers["Bob's"].headers | {"X-Request-Id": "matrix"}
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


def test_a_user_who_is_disabled_keeps_what_an_administrator_can_see(
    server: RunningServer, shared_database: str, carol: Person
) -> None:
    with person(server, shared_database, "off") as off:
        off.creates()
        postgres.query(shared_database, "UPDATE users SET disabled_at = now() WHERE id = $1", off.id)
        assert_error(off.get("/api/v1/tasks"), 401, "account_unusable")
        assert len(carol.get(f"/api/v1/users/{off.id}/tasks").json()["items"]) == 1


def test_an_administrator_who_is_disabled_is_nobody(server: RunningServer, shared_database: str, world: World) -> None:
    with person(server, shared_database, "carlos", is_admin=True) as carlos:
        path = f"/api/v1/users/{world.alice.id}/tasks"
        assert carlos.get(path).status_code == 200
        postgres.query(shared_database, "UPDATE users SET disabled_at = now() WHERE id = $1", carlos.id)
        assert_error(carlos.get(path), 401, "account_unusable")
        postgres.query(shared_database, "UPDATE users SET disabled_at = NULL, is_admin = false WHERE id = $1", carlos.id)
        assert_error(carlos.get(path), 404, "user_not_found")
