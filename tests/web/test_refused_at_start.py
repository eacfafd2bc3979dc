"""What FastAPI can be asked for and an operation cannot is refused before a server listens (docs/decisions/0006)."""

# What is refused at start is never run, so it needs no body.
# mypy: disable-error-code="empty-body"

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from functools import wraps
from typing import Annotated, Any

import pytest
from fastapi import (
    APIRouter,
    BackgroundTasks,
    Body,
    Cookie,
    Depends,
    File,
    Form,
    Header,
    Path,
    Query,
    Response,
    UploadFile,
    WebSocket,
)
from fastapi.requests import HTTPConnection, Request
from fastapi.responses import PlainTextResponse
from fastapi.security import SecurityScopes
from pydantic import BaseModel

from taskwell.web.declaration import BodyLimit, NotSupported
from taskwell.web.operation import declared
from taskwell.web.reply import Reply, no_content
from taskwell.web.request import ApiRequest
from tests.support.server import RunningServer

READ = BodyLimit(100)


class Given(BaseModel):
    title: str = ""


class Needed(BaseModel):
    title: str


class Another(Request):
    pass


def _generator() -> Iterator[int]:
    yield 1


async def _async_generator() -> AsyncIterator[int]:
    yield 1


async def _awaited() -> int:
    return 1


@wraps(_awaited)
def _hidden() -> Awaitable[int]:
    return _awaited()


def _with_a_query(query: Annotated[Given, Query()]) -> Given:
    return query


def _with_a_body(body: Annotated[Given, Body(), READ]) -> Given:
    return body


def _with_a_response(response: Response) -> Response:
    return response


def _deep(given: Annotated[Response, Depends(_with_a_response)]) -> Response:
    return given


async def response(given: Response) -> Reply: ...
async def background(given: BackgroundTasks) -> Reply: ...
async def security_scopes(given: SecurityScopes) -> Reply: ...
async def web_socket(given: WebSocket) -> Reply: ...
async def connection(given: HTTPConnection) -> Reply: ...
async def another_request(given: Another) -> Reply: ...
async def two_requests(given: ApiRequest, other: ApiRequest) -> Reply: ...
async def required_cookie(given: Annotated[str, Cookie()]) -> Reply: ...
async def cookie(given: Annotated[str | None, Cookie()] = None) -> Reply: ...
async def required_header(given: Annotated[str, Header()]) -> Reply: ...
async def number_header(given: Annotated[int | None, Header()] = None) -> Reply: ...
async def limited_header(given: Annotated[str | None, Header(max_length=3)] = None) -> Reply: ...
async def header_with_default(given: Annotated[str | None, Header()] = "x") -> Reply: ...
async def header_model(given: Annotated[Given, Header()]) -> Reply: ...
async def plain_query(given: str = "") -> Reply: ...
async def query_without_model(given: Annotated[int, Query()]) -> Reply: ...
async def query_that_needs(given: Annotated[Needed, Query()]) -> Reply: ...
async def two_queries(one: Annotated[int, Query()], given: Annotated[int, Query()]) -> Reply: ...
async def keywords(**given: str) -> Reply: ...
async def two_bodies(one: Annotated[Given, Body(), READ], given: Annotated[Given, Body(), READ]) -> Reply: ...
async def embedded(given: Annotated[Given, Body(embed=True), READ]) -> Reply: ...
async def optional_body(given: Annotated[Given | None, Body(), READ] = None) -> Reply: ...
async def body_with_default(given: Annotated[Given, Body(), READ] = Given(title="x")) -> Reply: ...  # noqa: B008
async def body_without_model(given: Annotated[dict[str, str], Body(), READ]) -> Reply: ...
async def body_without_limit(given: Annotated[Given, Body()]) -> Reply: ...
async def body_of_another_type(given: Annotated[Given, Body(media_type="text/xml"), READ]) -> Reply: ...
async def form_without_model(given: Annotated[str, Form(), READ]) -> Reply: ...
async def file(given: Annotated[bytes, File(), READ]) -> Reply: ...
async def upload(given: UploadFile) -> Reply: ...
async def generator(given: Annotated[int, Depends(_generator)]) -> Reply: ...
async def async_generator(given: Annotated[int, Depends(_async_generator)]) -> Reply: ...
async def hidden(given: Annotated[int, Depends(_hidden)]) -> Reply: ...
async def twice(one: Annotated[int, Depends(_awaited)], given: Annotated[int, Depends(_awaited)]) -> Reply: ...
async def query_below(given: Annotated[Given, Depends(_with_a_query)]) -> Reply: ...
async def body_below(given: Annotated[Given, Depends(_with_a_body)]) -> Reply: ...
async def deep(given: Annotated[Response, Depends(_deep)]) -> Reply: ...


def plain_function() -> Reply: ...


async def yields() -> AsyncIterator[Reply]:
    yield no_content()


async def returns_a_model() -> Given: ...


PARAMETERS: list[Callable[..., Any]] = [
    response, background, security_scopes, web_socket, connection, another_request, two_requests, required_cookie, cookie,
    required_header, number_header, limited_header, header_with_default, header_model, plain_query, query_without_model,
    query_that_needs, two_queries, keywords, two_bodies, embedded, optional_body, body_with_default, body_without_model,
    body_without_limit, body_of_another_type, form_without_model, file, upload,
]  # fmt: skip
DEPENDENCIES: list[Callable[..., Any]] = [generator, async_generator, hidden, twice, query_below, body_below, deep]
ENDPOINTS: list[Callable[..., Any]] = [plain_function, yields, returns_a_model]


def refusal(endpoint: Callable[..., Any], path: str = "/asked", **more: Any) -> str:
    router = APIRouter()
    router.add_api_route(path, endpoint, methods=["POST"], **{"response_model": None} | more)
    with pytest.raises(NotSupported) as refused:
        list(declared(router.routes))
    return str(refused.value)


@pytest.mark.parametrize("endpoint", PARAMETERS, ids=lambda one: one.__name__)
def test_a_parameter_is_refused_by_its_name(endpoint: Callable[..., Any]) -> None:
    message = refusal(endpoint)
    assert message.startswith(f"{endpoint.__qualname__} (/asked): parameter ")
    assert "given" in message or "one" in message


@pytest.mark.parametrize("endpoint", [*DEPENDENCIES, *ENDPOINTS], ids=lambda one: one.__name__)
def test_an_endpoint_and_a_dependency_are_refused_by_their_name(endpoint: Callable[..., Any]) -> None:
    message = refusal(endpoint)
    assert message.startswith(f"{endpoint.__qualname__} (/asked): ")
    assert ("its dependency _" in message) == (endpoint in DEPENDENCIES)


async def _bare() -> Reply:
    return no_content()


@pytest.mark.parametrize(
    "more", [{"response_class": PlainTextResponse}, {"response_model_exclude_none": True}, {"response_model_include": {"title"}}]
)
def test_a_rendering_by_fastapi_is_refused(more: dict[str, Any]) -> None:
    assert next(iter(more)) in refusal(_bare, **more)


async def _number(number: Annotated[int, Path()]) -> Reply: ...


@pytest.mark.parametrize("path", ["/a/{number:int}", "/a/{number:path}", "/a/x{number}", "/a/{number}.json"])
def test_a_parameter_that_is_no_whole_segment_is_refused(path: str) -> None:
    assert path in refusal(_number, path)


def test_what_is_no_endpoint_of_fastapi_is_refused() -> None:
    router = APIRouter()
    router.mount("/below", APIRouter())
    with pytest.raises(NotSupported, match="/below"):
        list(declared(router.routes))
    router = APIRouter()
    router.add_route("/plain", lambda _: PlainTextResponse(""))
    with pytest.raises(NotSupported, match="/plain"):
        list(declared(router.routes))


def test_what_would_wrap_or_replace_is_refused(server: RunningServer) -> None:
    server.app.dependency_overrides[_bare] = _bare
    with pytest.raises(NotSupported, match="dependency_overrides"):
        server.app.build_middleware_stack()
    server.app.dependency_overrides.clear()
    server.app.build_middleware_stack()
