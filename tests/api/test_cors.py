"""CORS: which pages of other origins may use the API from a browser."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.cli.command import serving
from tests.conftest import settings_for
from tests.support.cast import Person, person
from tests.support.errors import assert_error
from tests.support.plain_http import PLAIN_HTTP
from tests.support.server import RunningServer, serve

ORIGIN = "https://app.example.com"
TASKS = "/api/v1/tasks"


@pytest.fixture(scope="module")
def open_server(shared_database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """Open to one origin."""
    with opened(shared_database, tmp_path_factory.mktemp("data"), ORIGIN, cors_headers="X-App-Version") as running:
        yield running


@contextmanager
def opened(database: str, folder: Path, origins: str, **more: Any) -> Iterator[RunningServer]:
    with serve(settings_for(database, folder, cors_origins=origins, **more)) as running:
        yield running


def allows(server: RunningServer, origin: str) -> bool:
    """Whether a page of that origin may use the API; a preflight and the request itself agree."""
    with httpx.Client(base_url=server.base_url, trust_env=False, verify=PLAIN_HTTP) as page:
        asked, answer = preflight(page, "GET", origin=origin), page.get("/healthz", headers={"Origin": origin})
    given = {response.headers.get("access-control-allow-origin") for response in (asked, answer)}
    assert given in ({None}, {origin})
    assert (asked.status_code == 204) == (given == {origin})
    return given == {origin}


@pytest.fixture
def dora(open_server: RunningServer, shared_database: str) -> Iterator[Person]:
    with person(open_server, shared_database, "dora") as somebody:
        yield somebody


def names(header: str) -> set[str]:
    return {name.strip().lower() for name in header.split(",")}


def preflight(who: httpx.Client, method: str, *headers: str, origin: str = ORIGIN) -> httpx.Response:
    asked = {"Origin": origin, "Access-Control-Request-Method": method}
    if headers:
        asked["Access-Control-Request-Headers"] = ", ".join(headers)
    return who.options(TASKS, headers=asked)


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
def test_a_page_of_a_listed_origin_may_send_what_the_api_needs(dora: Person, method: str) -> None:
    answer = preflight(dora, method, "authorization", "content-type", "if-match", "if-none-match", "x-request-id")
    assert answer.status_code in (200, 204)
    assert answer.headers["access-control-allow-origin"] == ORIGIN
    assert method.lower() in names(answer.headers["access-control-allow-methods"])
    allowed = names(answer.headers["access-control-allow-headers"])
    assert {"authorization", "content-type", "if-match", "if-none-match", "x-request-id"} <= allowed
    assert int(answer.headers["access-control-max-age"]) >= 600
    assert "access-control-allow-credentials" not in answer.headers


def test_it_may_read_the_answer_and_the_headers_that_matter(dora: Person) -> None:
    answer = dora.post(TASKS, json={"title": "x"}, headers={"Origin": ORIGIN})
    assert answer.status_code == 201
    assert answer.headers["access-control-allow-origin"] == ORIGIN
    assert {"etag", "link", "location", "x-request-id"} <= names(answer.headers["access-control-expose-headers"])
    assert {"origin", "authorization"} <= names(answer.headers["vary"])


def test_it_may_read_an_error_too(dora: Person) -> None:
    answer = dora.post(TASKS, json={}, headers={"Origin": ORIGIN})
    assert_error(answer, 400, "invalid_input")
    assert answer.headers["access-control-allow-origin"] == ORIGIN


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example",
        "https://app.example.com.evil.example",
        "http://app.example.com",
        "null",
        "https://APP.example.com:444",
    ],
)
def test_a_page_of_another_origin_may_not(dora: Person, origin: str) -> None:
    answer = preflight(dora, "POST", "authorization", origin=origin)
    assert 400 <= answer.status_code < 500
    assert "access-control-allow-origin" not in answer.headers
    assert "access-control-allow-origin" not in dora.get(TASKS, headers={"Origin": origin}).headers


def test_a_refused_preflight_has_the_shape_of_every_error(dora: Person) -> None:
    answer = preflight(dora, "POST", origin="https://evil.example")
    assert_error(answer, 400, "invalid_input")
    assert {"origin", "authorization"} <= names(answer.headers["vary"])


@pytest.mark.parametrize(
    "header",
    [
        *("sentry-trace", "baggage", "traceparent", "tracestate", "X-Requested-With", "Cache-Control", "Pragma"),
        *("Idempotency-Key", "Last-Event-ID", "If-None-Match", "If-Match", "X-Request-Id", "Authorization", "Content-Type"),
        *("Accept", "Accept-Language", "Content-Language", "b3", "X-CSRF-Token", "X-App-Version", "x-app-version"),
    ],
)
def test_what_libraries_add_may_be_sent_and_so_may_what_is_set(dora: Person, header: str) -> None:
    answer = preflight(dora, "POST", header)
    assert answer.status_code == 204
    assert header.lower() in names(answer.headers["access-control-allow-headers"])


def test_every_header_that_the_api_describes_may_be_read(dora: Person, open_server: RunningServer) -> None:
    described = {
        name.lower()
        for path in open_server.app.openapi()["paths"].values()
        for operation in path.values()
        for response in operation["responses"].values()
        for name in response.get("headers", {})
    }
    readable = names(dora.get(TASKS, headers={"Origin": ORIGIN}).headers["access-control-expose-headers"])
    assert described | {"idempotency-replayed", "retry-after", "www-authenticate", "allow", "date"} <= readable


SUBDOMAINS = "https://*.example.com"


@pytest.mark.parametrize(
    ("origins", "may", "may_not"),
    [
        (
            SUBDOMAINS,
            ["https://app.example.com", "https://pr-12.example.com"],
            [
                "https://a.b.example.com",
                "https://evilexample.com",
                "https://example.com",
                "https://.example.com",
                "http://app.example.com",
                "https://app.example.com:8443",
                "https://app.example.com.evil.example",
                "https://app.exampleXcom",
                "https://evil.example#.example.com",
                "https://evil.example/.example.com",
                "https://u@app.example.com",
                "https://app.example.com, https://app.example.com",
                "null",
                SUBDOMAINS,
            ],
        ),
        ("https://*.example.com:8443", ["https://app.example.com:8443"], ["https://app.example.com"]),
        (
            "http://localhost:*",
            ["http://localhost:5173", "http://localhost"],
            [
                "https://localhost:5173",
                "http://localhost:",
                "http://localhost:x",
                "http://localhost:80@evil.example",
                "http://localhost.evil.example:80",
                "http://127.0.0.1:5173",
            ],
        ),
        ("http://127.0.0.1:*", ["http://127.0.0.1:5173"], ["http://127x0.0.1:5173"]),
        ("http://[::1]:*", ["http://[::1]:5173"], []),
        ("http://*.localhost:3000", ["http://tenant.localhost:3000"], []),
        (
            "https://a.example,http://localhost:*,https://*.b.example",
            ["https://x.b.example", "https://a.example"],
            ["https://x.a.example"],
        ),
    ],
)
def test_an_entry_means_whole_origins(
    shared_database: str, tmp_path: Path, origins: str, may: list[str], may_not: list[str]
) -> None:
    with opened(shared_database, tmp_path, origins) as server:
        assert [origin for origin in may if not allows(server, origin)] == []
        assert [origin for origin in may_not if allows(server, origin)] == []


@pytest.mark.parametrize("origin", [ORIGIN, "https://evil.example", None])
def test_every_answer_says_that_it_depends_on_the_origin(dora: Person, origin: str | None) -> None:
    headers = {} if origin is None else {"Origin": origin}
    task = dora.creates()
    path = f"{TASKS}/{task['id']}"
    tag = dora.get(path, headers=headers).headers["etag"]
    asked = headers | {"Access-Control-Request-Method": "PATCH"}
    answers = {
        "a record": dora.get(path, headers=headers),
        "not modified": dora.get(path, headers=headers | {"If-None-Match": tag}),
        "created": dora.post(TASKS, json={"title": "x"}, headers=headers),
        "invalid": dora.post(TASKS, json={}, headers=headers),
        "unauthorized": dora.get(TASKS, headers=headers | {"Authorization": "Bearer x"}),
        "not found": dora.get("/nowhere", headers=headers),
        "method not allowed": dora.patch(TASKS, headers=headers),
        "malformed": dora.get(TASKS, headers=headers | {"Host": "a b"}),
        "a page": dora.get("/docs", headers=headers),
        "a page not modified": dora.get("/docs", headers=headers | {"If-None-Match": dora.get("/docs").headers["etag"]}),
        "keys": dora.get("/.well-known/jwks.json", headers=headers),
        "health": dora.get("/healthz", headers=headers),
        "options": dora.options(path, headers=headers),
        "preflight": dora.options(path, headers=asked),
        "head": dora.head(path, headers=headers),
        "gone": dora.delete(path, headers=headers),
    }
    for what, answer in answers.items():
        (vary,) = answer.headers.get_list("vary")
        assert names(vary) - {"authorization"} == {"origin"}, what
        assert ("access-control-allow-origin" in answer.headers) == (origin == ORIGIN), what


def test_any_origin_may_where_that_is_set(shared_database: str, tmp_path: Path) -> None:
    with (
        opened(shared_database, tmp_path, "*") as server,
        httpx.Client(base_url=server.base_url, trust_env=False, verify=PLAIN_HTTP) as page,
    ):
        for origin in (ORIGIN, "null", "https://evil.example"):
            for answer in (page.get(TASKS, headers={"Origin": origin}), preflight(page, "PUT", "if-match", origin=origin)):
                assert answer.headers["access-control-allow-origin"] == "*"
                assert "origin" in names(answer.headers["vary"])
                assert "access-control-allow-credentials" not in answer.headers


def refused(answer: httpx.Response) -> list[tuple[str, str]]:
    assert_error(answer, 400, "invalid_input")
    assert {field["code"] for field in answer.json()["error"]["details"]["fields"]} == {"cors_refused"}
    return [(field["field"], field["message"]) for field in answer.json()["error"]["details"]["fields"]]


def test_a_refusal_names_what_was_refused(dora: Person) -> None:
    assert refused(preflight(dora, "GET", origin="https://evil.example:8443")) == [
        ("origin", "the origin https://evil.example:8443 is not in TASKWELL_CORS_ORIGINS")
    ]
    answer = preflight(dora, "TRACE", "authorization", "X-Other", "if-match", "x-more")
    assert refused(answer) == [
        ("access-control-request-method", "the method TRACE is not one of GET, HEAD, POST, PUT, PATCH, DELETE"),
        ("access-control-request-headers", "the header X-Other is not allowed: see TASKWELL_CORS_HEADERS"),
        ("access-control-request-headers", "the header x-more is not allowed: see TASKWELL_CORS_HEADERS"),
    ]
    assert answer.headers["access-control-allow-origin"] == ORIGIN
    assert [name for name, _ in refused(preflight(dora, "patch"))] == ["access-control-request-method"]
    assert len(refused(preflight(dora, "GET", *(f"x-{number}" for number in range(100))))) == 20


@pytest.mark.parametrize("text", ["<script>", "hunter2 hunter2", "x" * 300, "é", 'a"b', "https://u:hunter2@a"])
def test_a_refusal_repeats_nothing_that_it_has_not_checked(dora: Person, text: str) -> None:
    raw = text.encode()
    for asked in (
        {b"Origin": raw, b"Access-Control-Request-Method": b"GET"},
        {b"Origin": ORIGIN.encode(), b"Access-Control-Request-Method": raw},
        {b"Origin": ORIGIN.encode(), b"Access-Control-Request-Method": b"GET", b"Access-Control-Request-Headers": raw},
    ):
        answer = dora.options(TASKS, headers=asked)
        assert len(refused(answer)) == 1
        assert text not in answer.text
        assert not any(text in value for value in answer.headers.values())


def test_the_log_names_what_was_refused_too(own_database: str, tmp_path: Path) -> None:
    with serving(tmp_path, "--workers", "1", DATABASE_URL=own_database, TASKWELL_CORS_ORIGINS=ORIGIN) as server:
        with httpx.Client(base_url=server.url, trust_env=False, verify=PLAIN_HTTP) as page:
            answer = preflight(page, "GET", "x-other", origin="https://evil.example")
        said = server.complained
        assert "the origin https://evil.example is not in TASKWELL_CORS_ORIGINS" in said
        assert "the header x-other is not allowed" in said
        assert server.logged(answer.headers["x-request-id"])["status"] == 400


def test_a_page_of_the_internet_may_reach_a_private_address_if_its_origin_is_named(dora: Person) -> None:
    asked = {"Origin": ORIGIN, "Access-Control-Request-Method": "GET", "Access-Control-Request-Private-Network": "true"}
    assert dora.options(TASKS, headers=asked).headers["access-control-allow-private-network"] == "true"
    assert "access-control-allow-private-network" not in preflight(dora, "GET").headers
    elsewhere = dora.options(TASKS, headers=asked | {"Origin": "https://evil.example"})
    assert "access-control-allow-private-network" not in elsewhere.headers


def test_without_the_setting_no_other_origin_may(alice: Person) -> None:
    answer = preflight(alice, "POST", "authorization")
    assert answer.status_code == 204
    assert answer.headers["allow"] == "GET, HEAD, OPTIONS, POST"
    assert not any(name.startswith("access-control") for name in answer.headers)
    assert "access-control-allow-origin" not in alice.get(TASKS, headers={"Origin": ORIGIN}).headers


def test_options_by_itself_names_the_methods(anonymous: httpx.Client) -> None:
    answer = anonymous.options(f"{TASKS}/x")
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers["allow"] == "DELETE, GET, HEAD, OPTIONS, PATCH, PUT"
    assert_error(anonymous.options("/nowhere"), 404, "route_not_found")
