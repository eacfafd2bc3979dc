"""Refuses at start what FastAPI can do for an endpoint and an operation cannot. The error names the endpoint and the parameter.

An operation runs without FastAPI's machinery (operation.py). A signature that asks for something of that machinery would fail
at its first request, or would be given something else.
"""

from collections.abc import Callable, Iterator
from functools import partial
from inspect import Parameter, isasyncgenfunction, isclass, iscoroutinefunction, isgeneratorfunction, signature, unwrap
from typing import Annotated, Any, NamedTuple, get_args, get_origin

from fastapi import params
from fastapi.datastructures import DefaultPlaceholder
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute, RouteContext
from pydantic import BaseModel, ValidationError

from taskwell.web.request import ApiRequest
from taskwell.web.stream import AnyReply

_NOT_HERE = {
    "response_param_name": "a handler returns its Reply, and is given none",
    "background_tasks_param_name": "nothing runs after an answer",
    "security_scopes_param_name": "name the scope where the dependency is made",
    "websocket_param_name": "only HTTP is spoken here",
    "http_connection_param_name": "ask for the ApiRequest",
}
_RENDERING = {
    "response_model_include": None,
    "response_model_exclude": None,
    "response_model_by_alias": True,
    "response_model_exclude_unset": False,
    "response_model_exclude_defaults": False,
    "response_model_exclude_none": False,
}
"""FastAPI would render by these options what a handler returns. A handler renders its Reply itself, so only defaults pass."""


class BodyLimit(NamedTuple):
    """It limits how much of a body is read. It stands beside the model in the signature of the operation."""

    size: int
    structure: int = 2_048
    """So many bytes may stand outside of strings: braces, brackets, commas, numbers. One record needs a few hundred."""


class NotSupported(TypeError):
    """An endpoint asks for something that an operation does not do."""


def check_route(route: RouteContext) -> None:
    """Raises NotSupported if this route asks for something that an operation cannot do."""
    if not isinstance(route.original_route, APIRoute):
        raise NotSupported(f"{route.path}: only endpoints that FastAPI declares are served, and not a {_name(type(route.route))}")
    for segment in (route.path or "").split("/"):
        if ("{" in segment or "}" in segment) and not (segment[1:-1].isidentifier() and segment[0] + segment[-1] == "{}"):
            raise NotSupported(f"{route.path}: a parameter of a path is a whole segment, without a converter")
    dependant: Dependant = route.dependant
    call = dependant.call
    assert call is not None
    where = f"{_name(call)} ({route.path})"
    if not isinstance(route.response_class, DefaultPlaceholder):
        raise NotSupported(f"{where}: response_class: a handler makes its Reply itself")
    for name, default in _RENDERING.items():
        if getattr(route, name) != default:
            raise NotSupported(f"{where}: {name}: a handler renders its Reply itself")
    if not iscoroutinefunction(_innermost(call)):
        raise NotSupported(f"{where}: an endpoint is an `async def` without `yield`")
    returned = signature(call, eval_str=True).return_annotation
    if not (isclass(returned) and issubclass(returned, AnyReply)):
        raise NotSupported(f"{where}: an endpoint says that it returns a Reply or a StreamedReply")
    _check_parameters(dependant, where)
    _check_query(dependant, where)
    _check_body(dependant, where)
    seen: set[Any] = set()
    for dependency in dependant.dependencies:
        _check_dependency(dependency, where, seen)


def _check_dependency(dependant: Dependant, where: str, seen: set[Any]) -> None:
    call = dependant.call
    assert call is not None
    where = f"{where}: its dependency {_name(call)}"
    innermost = _innermost(call)
    if isgeneratorfunction(innermost) or isasyncgenfunction(innermost):
        raise NotSupported(f"{where}: nothing runs after the `yield` of a dependency")
    if iscoroutinefunction(innermost) != is_awaited(call):
        raise NotSupported(f"{where}: what it is wrapped in hides whether it is to be awaited")
    if call in seen and dependant.use_cache:
        raise NotSupported(f"{where} is asked for twice, and would run twice: its value is kept for nobody")
    seen.add(call)
    for kind, fields in (("query", dependant.query_params), ("body", dependant.body_params)):
        for field in fields:
            raise NotSupported(f"{where}: parameter {field.name}: the endpoint itself declares its {kind}")
    _check_parameters(dependant, where)
    for below in dependant.dependencies:
        _check_dependency(below, where, seen)


def _check_parameters(dependant: Dependant, where: str) -> None:
    """Checks what an endpoint and a dependency may both have in their signatures."""
    for kind, why in _NOT_HERE.items():
        name = getattr(dependant, kind)
        if name is not None:
            raise NotSupported(f"{where}: parameter {name}: {why}")
    for field in dependant.cookie_params:
        raise NotSupported(f"{where}: parameter {field.name}: cookies are read by nobody here")
    for field in dependant.header_params:
        info = field.field_info
        if info.annotation != str | None or info.metadata or info.is_required() or info.get_default() is not None:
            raise NotSupported(
                f"{where}: parameter {field.name}: a header is `str | None` and by default None; its reader checks it"
            )
    _check_signature(dependant, where)


def _check_signature(dependant: Dependant, where: str) -> None:
    """Checks that each parameter is given a value, and that the request is declared as what it is."""
    assert dependant.call is not None
    given = {field.name for field in _fields(dependant)} | {below.name for below in dependant.dependencies}
    for name, parameter in signature(dependant.call, eval_str=True).parameters.items():
        if parameter.kind is Parameter.POSITIONAL_ONLY:
            raise NotSupported(f"{where}: parameter {name}: each is handed over by its name")
        if name == dependant.request_param_name:
            if not issubclass(ApiRequest, _bare(parameter.annotation)):
                raise NotSupported(f"{where}: parameter {name}: the request is an ApiRequest")
        elif name not in given:
            raise NotSupported(f"{where}: parameter {name}: it would be given nothing")


def _check_query(dependant: Dependant, where: str) -> None:
    for number, field in enumerate(dependant.query_params):
        model = field.field_info.annotation
        if number or not _is_model(model) or not field.field_info.is_required():
            raise NotSupported(f"{where}: parameter {field.name}: the query is one model, without a default")
        try:
            model.model_validate({})  # type: ignore[union-attr]
        except ValidationError:
            raise NotSupported(f"{where}: parameter {field.name}: each field of a query has a default") from None


def _check_body(dependant: Dependant, where: str) -> None:
    for number, field in enumerate(dependant.body_params):
        info: Any = field.field_info
        complaint = f"{where}: parameter {field.name}: "
        if isinstance(info, params.File):
            raise NotSupported(complaint + "files are not read here")
        if number or not _is_model(info.annotation) or info.embed:
            raise NotSupported(complaint + "the body is one model, whole")
        if not info.is_required() and info.default != info.annotation.model_construct():
            raise NotSupported(complaint + "a body that may be left out is what an empty object is")
        usual = "application/x-www-form-urlencoded" if isinstance(info, params.Form) else "application/json"
        if info.media_type != usual:
            raise NotSupported(complaint + f"its media type is {usual}")
        if sum(isinstance(entry, BodyLimit) for entry in info.metadata) != 1:
            raise NotSupported(complaint + "a body has one BodyLimit")


def is_awaited(call: Callable[..., Any]) -> bool:
    """Says whether a call has to be awaited, as far as its outermost layer shows."""
    return iscoroutinefunction(call) or iscoroutinefunction(type(call).__call__)


def _innermost(call: Any) -> Any:
    """Returns the function that runs in the end, behind functools.partial, functools.wraps and the `__call__` of an object."""
    while True:
        inner = unwrap(call.func if isinstance(call, partial) else call)
        if inner is call:
            break
        call = inner
    return call if isclass(call) or hasattr(call, "__code__") else type(call).__call__


def _fields(dependant: Dependant) -> Iterator[Any]:
    yield from dependant.path_params
    yield from dependant.query_params
    yield from dependant.header_params
    yield from dependant.body_params


def _bare(annotation: Any) -> Any:
    return get_args(annotation)[0] if get_origin(annotation) is Annotated else annotation


def _is_model(annotation: Any) -> bool:
    return isclass(annotation) and issubclass(annotation, BaseModel)


def _name(call: Any) -> str:
    return getattr(_innermost(call), "__qualname__", type(call).__name__)
