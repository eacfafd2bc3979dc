"""CORS: which pages of other origins may use the API from a browser."""

from collections.abc import Iterator

import httpx
import pytest

from tests.conftest import settings_for
from tests.support.cast import Person, person
from tests.support.errors import assert_error
from tests.support.server import RunningServer, serve

ORIGIN = "https://app.example.com"
TASKS = "/api/v1/tasks"


@pytest.fixture(scope="module")
def open_server(shared_database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """Open to one origin."""
    with serve(settings_for(shared_database, tmp_path_factory.mktemp("data"), cors_origins=ORIGIN)) as running:
        yield running


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
    refused = preflight(dora, "POST", origin="https://evil.example")
    assert_error(refused, 400, "invalid_input")
    assert {"origin", "authorization"} <= names(refused.headers["vary"])


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
