"""What every answer carries, whatever the route, the method and the outcome: the routes come from the application itself."""

from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import httpx
import pytest
from fastapi.routing import iter_route_contexts

from taskwell.api import routes
from tests.conftest import settings_for
from tests.support.broken_requests import BAD_HOSTS
from tests.support.server import RunningServer, serve
from tests.support.signed_in import SignedIn, signed_in
from tests.support.wire import exchange, message

ORIGIN = "https://app.example.com"
PATHS = sorted({(route.path or "").replace("{task_id}", str(UUID(int=1))) for route in iter_route_contexts(routes().routes)})
OUT = "/api/v1/auth/sign-out-everywhere"
# Streams, which do not end: tests/web/test_stream_served.py and tests/api/test_events.py read these.
ENDLESS = {("GET", path) for path in PATHS if path.endswith("/events")}
METHODS = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE", "BREW")

# The Fetch standard lets every page read the first ones; the others speak to the browser itself, or to a proxy.
NEED_NOT_BE_EXPOSED = {
    *("cache-control", "content-language", "content-length", "content-type", "expires", "last-modified", "pragma"),
    *("access-control-allow-origin", "access-control-expose-headers", "connection", "content-security-policy", "referrer-policy"),
    *("transfer-encoding", "x-accel-buffering", "x-content-type-options"),
}


@pytest.fixture(scope="module")
def open_server(shared_database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """Open to one origin."""
    folder: Path = tmp_path_factory.mktemp("data")
    with serve(settings_for(shared_database, folder, cors_origins=ORIGIN)) as running:
        yield running


def answers(server: RunningServer, who: SignedIn) -> Iterator[httpx.Response]:
    task = who.post("/api/v1/tasks", json={"title": "x"})
    yield task
    there = f"/api/v1/tasks/{task.json()['id']}"
    for path in ["/nowhere", there, *PATHS]:
        for method in METHODS:
            for headers in ({"Origin": ORIGIN}, {"Origin": "https://elsewhere.example"}, {"Authorization": "Bearer x"}, {}):
                if (method, path) not in {("DELETE", there), ("POST", OUT), *ENDLESS}:
                    yield who.request(method, path.replace("{user_id}", str(who.id)), headers=headers)
        for origin in (ORIGIN, "https://elsewhere.example"):
            preflight = {"Origin": origin, "Access-Control-Request-Method": "POST"}
            yield who.options(path, headers=preflight)
        if ("GET", path) in ENDLESS:
            continue
        first = who.get(path)
        if first.is_success and "etag" in first.headers:
            unchanged = who.get(path, headers={"If-None-Match": first.headers["etag"]})
            assert unchanged.status_code == 304, path
            yield unchanged
    yield who.delete(there)
    yield who.post("/api/v1/tasks", content=b"{", headers={"Content-Type": "application/json"})
    yield who.post("/api/v1/tasks", content=b"{", headers={"Content-Type": "text/plain"})
    yield who.post(OUT)
    yield exchange(server, message("POST", "/api/v1/auth/revoke", ("Content-Type", "application/json"), length=10**9))


def test_no_answer_leaves_its_type_to_guess_or_has_no_name(server: RunningServer, open_server: RunningServer) -> None:
    for one in (server, open_server):
        with signed_in(one) as somebody:
            seen = set()
            for answer in answers(one, somebody):
                asked = f"{answer.status_code} {answer.headers} {answer._request}"
                assert answer.headers["x-content-type-options"] == "nosniff", asked
                assert answer.status_code < 500, asked
                if answer.content:
                    assert "content-type" in answer.headers, asked
                if answer.status_code >= 400:
                    kept = "no-store" if answer._request and "/oauth/" in answer._request.url.path else "private, no-cache"
                    assert answer.headers["cache-control"] == kept, asked
                seen.add(answer.status_code)
        assert {200, 201, 204, 304, 400, 401, 404, 405, 415} <= seen


def test_no_header_is_hidden_from_a_page_that_may_read_the_answer(open_server: RunningServer) -> None:
    with signed_in(open_server) as somebody:
        read = [answer for answer in answers(open_server, somebody) if "access-control-expose-headers" in answer.headers]
    assert {answer.request.url.path for answer in read} >= {"/api/v1/export", "/api/v1/tasks", "/docs"}
    for answer in read:
        exposed = answer.headers["access-control-expose-headers"].lower().split(", ")
        if "access-control-max-age" not in answer.headers:  # a preflight's answer is the browser's
            assert answer.headers.keys() - {*exposed, *NEED_NOT_BE_EXPOSED} == set(), answer.request


def test_a_request_without_one_host_is_refused_before_a_browsers_question_is_answered(open_server: RunningServer) -> None:
    for name, request in BAD_HOSTS.items():
        question = request.replace(b"GET /healthz", b"OPTIONS /api/v1/tasks").replace(
            b"\r\n\r\n", f"\r\nOrigin: {ORIGIN}\r\nAccess-Control-Request-Method: GET\r\n\r\n".encode()
        )
        assert exchange(open_server, question, method="OPTIONS").status_code == 400, name
