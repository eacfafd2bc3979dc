"""Makes the OpenAPI description. It is FastAPI's, corrected where Taskwell does otherwise."""

from collections.abc import Sequence
from typing import Any, Literal

from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema
from starlette.routing import BaseRoute

from taskwell import __version__
from taskwell.api.documents import (
    BatchErrorEnvelope,
    ErrorEnvelope,
    LabelErrorEnvelope,
    ListErrorEnvelope,
    OAuthError,
    header,
    shaped_as,
)
from taskwell.api.schemas import for_generators
from taskwell.web.exactly_once import HEADER
from taskwell.web.refusals import IdempotencyKeyInUse, IdempotencyKeyReused, status_of

DESCRIPTION = """\
Tasks of many users, strictly apart. {who}

Errors have one shape, `{{"error": {{"code", "message", "details", "request_id"}}}}` (under `/oauth`, that of RFC 6749); times are
RFC 3339 in UTC; unknown fields and parameters are refused.
"""

_WITH_SIGN_IN = """\
Sign up with `POST /api/v1/auth/register`, then press **Authorize** and sign in with
your e-mail address as the `username`, or give an API token. Programs renew their access token with the refresh token
that comes with it; scripts send an API token. Each operation needs one scope, which is named beside its lock: without it, the
answer is 403."""

_NO_SIGN_IN = """\
Nobody signs in here: `/tasks` is one local user's, and `/users/{user_id}/tasks` that
of whoever the path names."""

SIGN_IN = "Sign-in"
EITHER_WAY_IN = "Either-way-in"
"""It stands in the declarations alone: the description has the sign-in and the API token, either of which will do."""

_BEARER = "API-token"
_API_TOKEN = {
    "type": "http",
    "scheme": "bearer",
    "description": "An API token (`POST /api/v1/auth/tokens`). What takes one also takes an access token, of this server "
    "or of an issuer that it trusts.",
}

_TAGS = {
    "tasks": "Your tasks and, for an administrator, those of a user who is named in the path.",
    "lists": "What your tasks are sorted into, in the same way. A task without a list is in the inbox.",
    "labels": "What your tasks carry, in the same way. A task that uses a new one makes it.",
    "trash": "What was deleted, for a while.",
    "batch": "Many operations on these in one request.",
    "changes": "What has changed since you asked last, and that something has just changed.",
    "in and out": "Everything of yours as a file, and files of other programs into Taskwell.",
    "account": "Who you are.",
    "sign-in": "Sign up, in and out. The forms are those of OAuth 2.",
    "API tokens": "For scripts and assistants, which cannot sign in.",
    "keys": "For programs that verify access tokens themselves.",
    "health": "For whatever watches over the server.",
}
"""In the order in which the API page shows them."""

_REPLAYED = header("`true`: this is the answer to an earlier request with the same key")
_REFUSALS = (ErrorEnvelope, ListErrorEnvelope, LabelErrorEnvelope, BatchErrorEnvelope)

_NEVER_USED = ("HTTPValidationError", "ValidationError")


def describe(routes: Sequence[BaseRoute], *, with_sign_in: bool = True) -> dict[str, Any]:
    document = get_openapi(title="Taskwell", version=__version__, routes=routes)
    document["info"]["description"] = DESCRIPTION.format(who=_WITH_SIGN_IN if with_sign_in else _NO_SIGN_IN)
    for path in document["paths"].values():
        for operation in path.values():
            # Invalid input gets 400 here, and each operation declares that.
            operation["responses"].pop("422", None)
            for response in operation["responses"].values():
                if len(response.get("content", ())) > 1:  # FastAPI adds JSON, which is not sent where another type is named
                    del response["content"]["application/json"]
            if any(parameter["name"] == HEADER for parameter in operation.get("parameters", ())):
                _say_of_keys(operation["responses"])
            if not with_sign_in:
                operation.pop("security", None)
    # FastAPI knows no more than the name of them (`refusal` in api/answers.py).
    refusals: list[tuple[type[BaseModel], Literal["serialization"]]]
    refusals = [(model, "serialization") for model in (*_REFUSALS, *((OAuthError,) if with_sign_in else ()))]
    _, shapes = models_json_schema(refusals, ref_template="#/components/schemas/{model}")
    document["components"]["schemas"] = dict(sorted((document["components"]["schemas"] | shapes["$defs"]).items()))
    for name in _NEVER_USED:
        document["components"]["schemas"].pop(name, None)
    if not with_sign_in:
        document["components"].pop("securitySchemes", None)
    else:
        _show_both_ways_in(document)
    used = {tag for path in document["paths"].values() for operation in path.values() for tag in operation["tags"]}
    document["tags"] = [{"name": name, "description": text} for name, text in _TAGS.items() if name in used]
    for_generators(document)
    return document


def _say_of_keys(responses: dict[str, Any]) -> None:
    """Whatever takes an idempotency key can answer so. No operation has to name it."""
    for status, response in responses.items():
        if int(status) < 300:
            response["headers"] = response.get("headers", {}) | {"Idempotency-Replayed": _REPLAYED}
    for error in (IdempotencyKeyInUse, IdempotencyKeyReused):
        refusal = responses.setdefault(str(status_of(error)), {"description": "", "content": shaped_as(ErrorEnvelope)})
        refusal["description"] = f"{refusal['description']}\n- `{error.code}`: {error.__doc__}".strip()
    in_use = responses[str(status_of(IdempotencyKeyInUse))]
    in_use["headers"] = in_use.get("headers", {}) | {"Retry-After": header("In seconds, with `idempotency_key_in_use`")}


def _show_both_ways_in(document: dict[str, Any]) -> None:
    for path in document["paths"].values():
        for operation in path.values():
            for either in operation.get("security", ())[:]:
                if EITHER_WAY_IN in either:
                    either[SIGN_IN] = either.pop(EITHER_WAY_IN)
                    operation["security"].append({_BEARER: []})
    schemes = document["components"]["securitySchemes"]
    schemes.pop(EITHER_WAY_IN)
    schemes[_BEARER] = _API_TOKEN


def under_prefix(document: dict[str, Any], prefix: str) -> dict[str, Any]:
    """Returns the description as it is for a client that sees this server under `prefix`."""
    if not prefix:
        return document
    components = document["components"]
    schemes = {name: _scheme_under(prefix, scheme) for name, scheme in components.get("securitySchemes", {}).items()}
    return document | {"servers": [{"url": prefix}], "components": components | ({"securitySchemes": schemes} if schemes else {})}


def _scheme_under(prefix: str, scheme: dict[str, Any]) -> dict[str, Any]:
    flows = {
        kind: {name: prefix + value if name.endswith("Url") else value for name, value in flow.items()}
        for kind, flow in scheme.get("flows", {}).items()
    }
    return scheme | ({"flows": flows} if flows else {})
