"""Signing in and out for the libraries of OAuth 2: the operations of sign_in.py, with the errors of RFC 6749 and RFC 7009.

Such a library reads `error` as a string at 400, takes `invalid_grant` for the end of a sign-in, and stumbles over a challenge
beside it. Nobody registers a client here, so each is a public one: `client_id`, `client_secret` and an `Authorization` header,
which libraries send by themselves, mean nothing.
"""

import json
import re
from typing import Annotated, ClassVar, Final, Literal

from fastapi import APIRouter, Form
from fastapi.routing import APIRoute
from pydantic import ConfigDict, Field, model_validator

from taskwell.api import sign_in
from taskwell.api.answers import BODY, PASSWORD, WRITES, Errors, by_status, refusal
from taskwell.api.dependencies import Db, SignInServices
from taskwell.api.documents import AccessToken, Answers, Nothing, OAuthError
from taskwell.api.sign_in import FORM_LIMIT, TokenEnd, TokenRequest
from taskwell.errors import (
    AccountUnusable,
    InternalError,
    InvalidInput,
    RefreshTokenInvalid,
    TaskwellError,
    Throttled,
    Unauthenticated,
    Unavailable,
    WrongCredentials,
)
from taskwell.web.refusals import status_of
from taskwell.web.reply import Header, Reply, headers_of, unstored
from taskwell.web.request import ApiRequest

_CODES: Final[dict[type[TaskwellError], str]] = {
    Unauthenticated: "invalid_grant",
    Throttled: "temporarily_unavailable",
    Unavailable: "temporarily_unavailable",
    InternalError: "server_error",
}
_OF_FIELDS: Final = {
    ("grant_type", "literal_error"): "unsupported_grant_type",
    ("scope", "scope_unknown"): "invalid_scope",
    ("scope", "scope_not_granted"): "invalid_scope",
    ("scope", "string_too_long"): "invalid_scope",
}
_MEANS: Final[dict[type[TaskwellError], str]] = {InvalidInput: "The form is not valid. `error_description` says where and why."}
_NOT_TEXT: Final = re.compile(r"[^\x20\x21\x23-\x5b\x5d-\x7e]")  # RFC 6749 5.2


def oauth_error_reply(error: TaskwellError, request_id: bytes, *headers: Header) -> Reply:  # noqa: ARG001  ErrorReply says so
    """Makes the error of RFC 6749 5.2, which RFC 7009 2.2.1 shares. The request's id is in its header, as in every answer."""
    code, description = _code_of(type(error)), error.message
    if isinstance(error, InvalidInput) and "fields" in error.details:
        fields = error.details["fields"]
        code = next((_OF_FIELDS[key] for field in fields if (key := (field["field"], field["code"])) in _OF_FIELDS), code)
        description = "; ".join(f"{field['field'] or field['location']}: {field['message']}" for field in fields)
    body = {"error": code, "error_description": _NOT_TEXT.sub("'", description)}
    return unstored(_status_of(type(error)), json.dumps(body, separators=(",", ":")), *headers_of(error), *headers)


def _code_of(error: type[TaskwellError]) -> str:
    return next((_CODES[kind] for kind in error.__mro__ if kind in _CODES), "invalid_request")


def _status_of(error: type[TaskwellError]) -> int:
    # 401 would be for a client that does not prove who it is, and no client has to.
    return 400 if issubclass(error, Unauthenticated) else status_of(error)


class OAuthRoute(APIRoute):
    """A route whose errors are those of OAuth 2."""

    error_reply = staticmethod(oauth_error_reply)


router = APIRouter(prefix="/oauth", tags=["sign-in"], route_class=OAuthRoute)


def _refuses(*errors: type[TaskwellError], **more: str) -> Answers:
    """Lists the errors by status, as `refuses` does. `more` are the codes that only an InvalidInput's field tells apart."""
    answers: Answers = {}
    for status, those in by_status(errors, _status_of).items():
        lines = [f"- `{_code_of(error)}`: {_MEANS.get(error, error.__doc__)}" for error in those]
        if status == 400:
            lines += [f"- `{code}`: {text}" for code, text in more.items()]
        answers[status] = refusal(those, lines, OAuthError)
    return answers


def _without_empty(given: dict[str, str]) -> dict[str, str]:
    """Leaves out the parameters without a value, as RFC 6749 3.2 has it."""
    return {name: value for name, value in given.items() if value}


class OAuthTokenRequest(TokenRequest):
    """RFC 6749 4.3.2 and 6. Parameters that are not known are ignored (3.2)."""

    model_config = ConfigDict(extra="ignore", frozen=True)
    needs_scope: ClassVar = True  # 5.2: "exceeds the scope granted by the resource owner"

    grant_type: Literal["password", "refresh_token"]
    refresh_token: str | None = None  # of any length: one that cannot be a token is the end of a grant as well

    _without_empty = model_validator(mode="before")(_without_empty)


class OAuthTokenEnd(TokenEnd):
    """RFC 7009 2.1."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    # Of any other length: what cannot be a token is one that is not valid, which is 200 (2.2).
    token: Annotated[str, Field(min_length=1)]

    _without_empty = model_validator(mode="before")(_without_empty)


_SIGN_IN: Final[Errors] = (*WRITES, *BODY, *PASSWORD, WrongCredentials, RefreshTokenInvalid, AccountUnusable)


@router.post(
    "/token",
    response_model=AccessToken,
    responses=_refuses(
        *_SIGN_IN,
        unsupported_grant_type="`grant_type` is neither `password` nor `refresh_token`.",
        invalid_scope="`scope` names one that does not exist, or none that you can have.",
    ),
)
async def make_oauth_token(
    request: ApiRequest, services: SignInServices, db: Db, form: Annotated[OAuthTokenRequest, Form(), FORM_LIMIT]
) -> Reply:
    """The token endpoint for OAuth libraries: as `POST /auth/token`, with the errors of RFC 6749.

    `invalid_grant` says that a refresh token, or a password, is not good: sign in again. Every client is a public one.
    """
    return await sign_in.make_token(request, services, db, form)


@router.post("/revoke", response_model=Nothing, responses=_refuses(*WRITES, *BODY))
async def revoke_oauth_token(db: Db, form: Annotated[OAuthTokenEnd, Form(), FORM_LIMIT]) -> Reply:
    """The revocation endpoint for OAuth libraries: as `POST /auth/revoke`, with the errors of RFC 7009."""
    return await sign_in.revoke_token(db, form)
