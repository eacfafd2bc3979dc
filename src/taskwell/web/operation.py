"""An operation is an endpoint that is declared the FastAPI way, and runs without FastAPI's machinery.

FastAPI reads the signatures, and writes the OpenAPI description from them. What it would do with each request costs more than
all the rest of the request together (docs/decisions/0006-operations.md). It also parses a body before it knows who sent it, and
it does not notice a field that is named twice.

So the same signatures are compiled once into the few steps that they mean. The steps run in the order in which a refusal must
be found: first the user and the owner of the rows (401, 404), then the body's type and size (415, 413), then every wrong value
(400).
"""

import re
from collections.abc import Awaitable, Callable, Collection, Iterator, Sequence
from typing import Annotated, Any, NamedTuple, get_origin
from urllib.parse import parse_qsl

from fastapi import params
from fastapi.dependencies.models import Dependant
from fastapi.routing import RouteContext, iter_route_contexts
from pydantic import BaseModel, TypeAdapter, ValidationError
from starlette.routing import BaseRoute

from taskwell.errors import InvalidInput
from taskwell.types import message_of
from taskwell.web.declaration import BodyLimit, check_route, is_awaited
from taskwell.web.exactly_once import HEADER, exactly_once
from taskwell.web.refusals import invalid, located
from taskwell.web.reply import ErrorReply, error_reply
from taskwell.web.request import ApiRequest, check_json, is_flat, names_in_flat
from taskwell.web.stream import AnyReply

FIELDS_NAMED = 20
"""An answer names at most this many wrong fields, even if a body has ten thousand."""

QUERY_BYTES = 4_096
ESCAPES = 4_096
"""A form or a query has at most this many percent signs. Each takes as long to parse as a hundred letters."""

CACHE_BUSTER = "_"
"""jQuery and its like add this parameter to each query, so that no cache answers. It means nothing."""

_KEY = HEADER.encode()
_JSON = ("application/json",)
_MERGE_PATCH = ("application/json", "application/merge-patch+json")
_FORM = ("application/x-www-form-urlencoded",)


def declared(routes: Sequence[BaseRoute]) -> Iterator["Operation"]:
    """Makes the operations of the routes. Raises NotSupported if a route asks for something that an operation cannot do."""
    for route in iter_route_contexts(routes):
        check_route(route)
        for method in route.methods or ():
            yield Operation(route, method)


class Operation:
    """An operation is one method at one path. Calling it answers a request, or raises a TaskwellError."""

    def __init__(self, route: RouteContext, method: str) -> None:
        dependant: Dependant = route.dependant
        self.method = method
        self.template = route.path or ""
        self.error_reply: ErrorReply = getattr(route.original_route, "error_reply", error_reply)  # of a class of routes
        self._call: Callable[..., Awaitable[AnyReply]] = dependant.call  # type: ignore[assignment]
        steps = list(_steps(dependant))
        self._who = [step for step in steps if step.needs_only_request]
        self._what = [step for step in steps if not step.needs_only_request]
        self.body = _Body(dependant, method) if dependant.body_params else None
        if not dependant.query_params:
            self._what.append(_Step(None, _refuse_query, is_async=False, needs_only_request=False))
        self._locations = dict(_locations(dependant, self.body))
        unheeded = {b"if-match", b"if-none-match"} - {name.encode() for name in _headers(dependant)}
        if unheeded and method != "GET":
            self._what.append(_Step(None, _refuse_headers(unheeded), is_async=False, needs_only_request=False))
        self.takes_key = HEADER in _headers(dependant)

    async def __call__(self, request: ApiRequest) -> AnyReply:
        try:
            return await self._run(request)
        except InvalidInput as error:
            self._locate(error)
            raise

    def _locate(self, error: InvalidInput) -> None:
        located(error, self._locations, "query" if self.body is None else "body")

    async def _run(self, request: ApiRequest) -> AnyReply:
        values: dict[str, Any] = {}
        for name, source, is_async, _ in self._who:
            values[name] = await source(request) if is_async else source(request)
        raw = await self.body.receive(request) if self.body is not None else b""
        for name, source, is_async, _ in self._what:
            values[name] = await source(request) if is_async else source(request)
        if self.body is not None:
            values[self.body.name] = self.body.parse(raw)
        values.pop(None, None)  # type: ignore[call-overload]
        if self.takes_key and _KEY in request.fields:
            return await exactly_once(request, raw, self._kept_call, **values)
        return await self._call(**values)

    async def _kept_call(self, **values: Any) -> AnyReply:
        try:
            return await self._call(**values)
        except InvalidInput as error:
            self._locate(error)  # before the answer is kept
            raise


class _Step(NamedTuple):
    name: Any  # it is None if the step only refuses
    source: Callable[[ApiRequest], Any]
    is_async: bool
    needs_only_request: bool


def _steps(dependant: Dependant) -> Iterator[_Step]:
    for dependency in dependant.dependencies:
        yield _dependency(dependency)
    if dependant.request_param_name is not None:
        yield _Step(dependant.request_param_name, _the_request, is_async=False, needs_only_request=True)
    for field in dependant.path_params:
        bare: Any = field.field_info.annotation
        kind = Annotated[bare, *field.field_info.metadata] if field.field_info.metadata else bare
        yield _Step(field.name, _path(field.alias, kind), is_async=False, needs_only_request=False)
    for field in dependant.query_params:
        yield _Step(field.name, _query(_model(field.field_info.annotation)), is_async=False, needs_only_request=False)
    for field in dependant.header_params:
        yield _Step(field.name, _header(field.alias), is_async=False, needs_only_request=True)


def _locations(dependant: Dependant, body: "_Body | None") -> Iterator[tuple[str, str]]:
    """Says where each field of a request stands. The domain knows only the name of a wrong field."""
    for field in dependant.query_params:
        yield from ((name, "query") for name in _model(field.field_info.annotation).model_fields)
    yield from ((name, "body") for name in (body.model.model_fields if body is not None else ()))
    yield from ((field.alias, "path") for field in dependant.path_params)


def _headers(dependant: Dependant) -> Iterator[str]:
    yield from (field.alias for field in dependant.header_params)
    for dependency in dependant.dependencies:
        yield from _headers(dependency)


def _dependency(dependant: Dependant) -> _Step:
    call = dependant.call
    assert call is not None
    steps = list(_steps(dependant))
    is_async = is_awaited(call)
    only_request = all(step.needs_only_request for step in steps)
    if len(steps) == 1 and steps[0].source is _the_request:  # almost all dependencies are like this
        return _Step(dependant.name, call, is_async, only_request)

    async def resolve(request: ApiRequest) -> Any:
        values = {name: await source(request) if later else source(request) for name, source, later, _ in steps}
        return await call(**values) if is_async else call(**values)

    return _Step(dependant.name, resolve, is_async=True, needs_only_request=only_request)


def _the_request(request: ApiRequest) -> ApiRequest:
    return request


def _path(name: str, annotation: Any) -> Callable[[ApiRequest], Any]:
    validate = TypeAdapter(annotation).validator.validate_python

    def source(request: ApiRequest) -> Any:
        try:
            return validate(request.path_params[name])
        except ValidationError as error:
            raise invalid_by("path", error, name) from None

    return source


def _header(name: str) -> Callable[[ApiRequest], str | None]:
    key = name.encode("latin-1")

    def source(request: ApiRequest) -> str | None:
        value = request.fields.get(key)
        return None if value is None else value.decode("latin-1")

    return source


def _query(model: type[BaseModel]) -> Callable[[ApiRequest], BaseModel]:
    absent = model.model_validate({})
    repeatable = frozenset(name for name, field in model.model_fields.items() if get_origin(field.annotation) is tuple)

    def source(request: ApiRequest) -> BaseModel:
        if not request.scope["query_string"]:
            return absent
        try:
            return model.model_validate(_query_pairs(request, repeatable))
        except ValidationError as error:
            raise invalid_by("query", error) from None

    return source


def _refuse_headers(names: set[bytes]) -> Callable[[ApiRequest], None]:
    """Refuses a condition that would not be evaluated, because the write must not be done then (RFC 9110 13.1)."""

    def source(request: ApiRequest) -> None:
        for name in names & request.fields.keys():
            raise invalid("header", name.decode(), "condition_invalid", "this condition has no meaning here")

    return source


def _model(annotation: Any) -> type[BaseModel]:
    model: type[BaseModel] = annotation
    return model


def _refuse_query(request: ApiRequest) -> None:
    names = list(_query_pairs(request)) if request.scope["query_string"] else []
    if names:
        raise invalid("query", _shown(names[0]), "extra_forbidden", "there is no such parameter here")


class _Body:
    def __init__(self, dependant: Dependant, method: str) -> None:
        (field,) = dependant.body_params
        self.name = field.name
        self.model = _model(field.field_info.annotation)
        (self.limit,) = (entry for entry in field.field_info.metadata if isinstance(entry, BodyLimit))
        self.is_form = isinstance(field.field_info, params.Form)
        self._may_be_absent = not field.field_info.is_required()
        self._types = _FORM if self.is_form else _MERGE_PATCH if method == "PATCH" else _JSON

    async def receive(self, request: ApiRequest) -> bytes:
        if self._may_be_absent and b"content-type" not in request.fields and not (raw := await request.read(self.limit.size)):
            return raw
        request.require_media_type(*self._types)
        return await request.read(self.limit.size)

    def parse(self, raw: bytes) -> BaseModel:
        try:
            if self.is_form:
                return self.model.model_validate(pairs_of("body", raw))
            if self._may_be_absent and not raw:
                return self.model()
            if len(raw) <= self.limit.structure and is_flat(raw):
                found = self._read_once(raw)
                if found is not None:
                    return found
            check_json(raw, self.limit.structure)
            return self.model.model_validate_json(raw)
        except ValidationError as error:
            raise invalid_by("body", error) from None

    def _read_once(self, raw: bytes) -> BaseModel | None:
        """What a flat body says, if it is right and names nothing twice. None where it has to be looked at more closely."""
        try:
            found = self.model.model_validate_json(raw)
        except ValidationError:
            return None  # what JSON parsers disagree on is told before what is wrong with a value
        return found if names_in_flat(raw) == len(found.model_fields_set) else None


def _query_pairs(request: ApiRequest, repeatable: Collection[str] = ()) -> dict[str, Any]:
    text: bytes = request.scope["query_string"]
    if len(text) > QUERY_BYTES:
        raise invalid("query", None, "too_long", f"is longer than {QUERY_BYTES} bytes")
    return pairs_of("query", text, repeatable)


def pairs_of(location: str, text: bytes, repeatable: Collection[str] = ()) -> dict[str, Any]:
    """Reads a query or a form into a dictionary. Raises InvalidInput.

    Bytes that are not UTF-8, and a name that is given twice, are refused and not repaired. A name that is `repeatable` has a
    list of its values.
    """
    if text.count(b"%") > ESCAPES:
        raise invalid(location, None, "too_long", f"has more than {ESCAPES} characters in percent-encoding")
    try:
        pairs = parse_qsl(text.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=100)
    except ValueError:
        raise invalid(location, None, "encoding_invalid", "is not UTF-8 in percent-encoding, or is too long") from None
    if location == "query":
        pairs = [pair for pair in pairs if pair[0] != CACHE_BUSTER]
    lists = {name: [value for other, value in pairs if other == name] for name, _ in pairs if name in repeatable}
    pairs = [pair for pair in pairs if pair[0] not in lists]
    values: dict[str, Any] = dict(pairs)
    if len(values) != len(pairs):
        twice = next(name for index, (name, _) in enumerate(pairs) if any(name == other for other, _ in pairs[:index]))
        raise invalid(location, _shown(twice), "repeated", "is given twice")
    return values | lists


def invalid_by(location: str, error: ValidationError, field: str | None = None) -> InvalidInput:
    """What pydantic has found, without the values."""
    problems = error.errors(include_url=False, include_context=False, include_input=False)[:FIELDS_NAMED]
    return InvalidInput(
        fields=[
            {
                "location": location,
                "field": _shown(field or ".".join(str(part) for part in problem["loc"]) or None),
                "code": problem["type"],
                "message": message_of(problem),
            }
            for problem in problems
        ]
    )


def _shown(name: str | None) -> str | None:
    """Returns the name if it looks like one, and otherwise None.

    A client can send any name, and may put a value where a name belongs.
    """
    return name if name is not None and re.fullmatch(r"[A-Za-z0-9_.\[\] -]{1,64}", name) else None
