"""A face that is not REST: it answers one PROPFIND (RFC 4918), and imports nothing of taskwell.api."""

import ast
import base64
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from taskwell.accounts.owner import Owner
from taskwell.observability import AccessLog
from taskwell.tasks import store
from taskwell.tasks.filter import TaskFilter
from taskwell.web.operation import declared
from taskwell.web.reply import Reply
from taskwell.web.request import ApiRequest
from taskwell.web.router import Endpoint, Router
from tests.conftest import settings_for
from tests.support.cast import Person, person
from tests.support.server import RunningServer, serve

TASKS = "/api/v1/tasks"


class Propfind:
    """How many tasks there are on the first page, as WebDAV says it."""

    template = "/dav/{collection}"
    method = "PROPFIND"

    async def __call__(self, request: ApiRequest) -> Reply:
        claims = await request.services.authenticate(request, basic=True)
        request.user_id = claims.user_id
        owner = Owner(claims.user_id, claims.issued_at)
        page = await store.list_tasks_page(
            request.services.database, owner, TaskFilter(None, "newest"), limit=20, cursor=None, if_none_match=None
        )
        number = (page.items or "").count('"title"')
        name = request.path_params["collection"]
        body = f'<multistatus xmlns="DAV:"><response><href>{name}</href><status>{number} tasks</status></response></multistatus>'
        return Reply(207, body.encode(), ((b"content-type", b"application/xml"),))


@pytest.fixture
def dav(own_database: str, tmp_path: Path) -> Iterator[tuple[RunningServer, Person]]:
    with serve(settings_for(own_database, tmp_path)) as server:
        app = server.app
        endpoints: list[Endpoint] = [*declared(app.routes), Propfind()]
        app.middleware_stack = Router(endpoints, app.services, app.router, AccessLog("json", enabled=False))
        with person(server, own_database, "alice") as alice:
            yield server, alice


def basic(password: str, user: str = "anybody") -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


def ask(server: RunningServer, headers: dict[str, str]) -> httpx.Response:
    return httpx.request("PROPFIND", f"{server.base_url}/dav/tasks", headers=headers, timeout=30, trust_env=False)


def test_a_propfind_is_answered_beside_rest(dav: tuple[RunningServer, Person]) -> None:
    server, alice = dav
    alice.creates()
    made = alice.post("/api/v1/auth/tokens", json={"name": "phone", "scopes": ["tasks:read"], "expires_in_days": 9}).json()
    for headers in (basic(made["token"]), basic(made["token"], ""), {"Authorization": f"Bearer {alice.token}"}):
        answer = ask(server, headers)
        assert (answer.status_code, answer.headers["content-type"]) == (207, "application/xml")
        assert "1 tasks" in answer.text
    assert alice.delete(f"/api/v1/auth/tokens/{made['id']}").status_code == 204
    assert ask(server, basic(made["token"])).status_code == 401


def test_what_is_no_api_token_is_no_password_for_basic(dav: tuple[RunningServer, Person]) -> None:
    server, alice = dav
    none = {"Authorization": "Basic " + base64.b64encode(b"without a colon").decode()}
    for headers in (basic(alice.token), basic("correct horse battery", alice.email), none, {"Authorization": "Basic \x7f"}, {}):
        answer = ask(server, headers)
        assert answer.status_code == 401
        assert 'Basic realm="taskwell"' in answer.headers["www-authenticate"]


def test_rest_takes_no_basic(dav: tuple[RunningServer, Person]) -> None:
    server, alice = dav
    made = alice.post("/api/v1/auth/tokens", json={"name": "phone", "scopes": ["tasks:read"], "expires_in_days": 9}).json()
    answer = httpx.get(f"{server.base_url}{TASKS}", headers=basic(made["token"]), timeout=30, trust_env=False)
    assert answer.status_code == 401
    assert "Basic" not in answer.headers["www-authenticate"]


def test_another_method_is_refused_by_the_names_of_those_there_are(dav: tuple[RunningServer, Person]) -> None:
    server, _ = dav
    answer = httpx.get(f"{server.base_url}/dav/tasks", timeout=30, trust_env=False)
    assert (answer.status_code, answer.headers["allow"]) == (405, "OPTIONS, PROPFIND")


def test_this_face_imports_nothing_of_another() -> None:
    tree = ast.parse(Path(__file__).read_text(encoding="utf-8"))
    named = {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert not any(name.startswith("taskwell.api") for name in named)
