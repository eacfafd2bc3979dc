"""These dependencies find the user who sends a request, and the owner of the rows that it is about.

They use the parameters of the matched route, and never the text of the path. Each route names the one scope that it needs, and
OpenAPI shows it.
"""

import time
from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import Depends, Path, Security
from fastapi import Header as HeaderParameter
from fastapi.security import OAuth2PasswordBearer
from pydantic import ValidationError

from taskwell.accounts.owner import Owner
from taskwell.accounts.store import read_account
from taskwell.api.openapi import EITHER_WAY_IN, SIGN_IN
from taskwell.database.connection import Database
from taskwell.database.schema import SCHEMA_STATE
from taskwell.database.unit_of_work import Writable
from taskwell.errors import InsufficientScope, SignInRequired, TokenInvalid, UserNotFound
from taskwell.identity.scopes import DESCRIPTIONS, Scope
from taskwell.identity.tokens import Claims
from taskwell.types import Id, read_id
from taskwell.web.conditions import Tags
from taskwell.web.exactly_once import HEADER
from taskwell.web.request import ApiRequest
from taskwell.web.services import SignIn

IdempotencyKey = Annotated[
    str | None,
    HeaderParameter(
        alias=HEADER,
        description="1 to 255 visible characters: do it once, however often it is sent with this key. Kept for 24 hours",
    ),
]


async def database(request: ApiRequest) -> Database:
    """Raises DatabaseUnavailable where the database was away at the start, and still is."""
    db = request.services.database
    if not db.epoch:
        await db.row(SCHEMA_STATE)  # without what its first row says, every tag, cursor and refresh token would be a wrong one
    return db


def tags(request: ApiRequest) -> Tags:
    return request.services.tags


def sign_in(request: ApiRequest) -> SignIn:
    found = request.services.sign_in
    assert found is not None, "what needs it is mounted only where people sign in"
    return found


class _AccessToken(OAuth2PasswordBearer):
    """Finds the user who signed in, in the way that this deployment is set to."""

    async def __call__(self, request: ApiRequest) -> Claims:  # type: ignore[override]
        return _noted(request, await request.services.authenticate(request))


class _TokenOrTicket(_AccessToken):
    """Also takes `?ticket=...`, from a browser that can send no header."""

    async def __call__(self, request: ApiRequest) -> Claims:  # type: ignore[override]
        given = request.query_params.get("ticket")
        if given is None or request.services.sign_in is None or b"authorization" in request.fields:
            return await super().__call__(request)
        ticket = request.services.sign_in.tickets.read(given)
        # It is for a minute, but for who comes back to their own stream, of which only they can say where it was.
        if ticket.connects_until < time.time() and not request.fields.get(b"last-event-id"):
            raise TokenInvalid
        return _noted(request, ticket.claims)


def _noted(request: ApiRequest, claims: Claims) -> Claims:
    request.user_id, request.scopes, request.claims = claims.user_id, claims.scopes, claims  # the log shows the user
    return claims


def _scheme(name: str, kind: type[_AccessToken] = _AccessToken) -> _AccessToken:
    return kind(
        scheme_name=name,
        tokenUrl="/api/v1/oauth/token",
        refreshUrl="/api/v1/oauth/token",
        scopes={str(scope): text for scope, text in DESCRIPTIONS.items()},
        description="With your e-mail address as the `username`. Leave `client_id` and `client_secret` empty.",
    )


_by_sign_in = _scheme(SIGN_IN)
_by_either = _scheme(EITHER_WAY_IN)
_by_ticket = _scheme(EITHER_WAY_IN, _TokenOrTicket)
Db = Annotated[Writable, Depends(database)]
"""What writes gets a unit of work in its place where there is an idempotency key (web/exactly_once.py)."""
DatabaseItself = Annotated[Database, Depends(database)]
"""For what takes no key: it opens units of work of its own, or looks at the connections."""
TagsOfRows = Annotated[Tags, Depends(tags)]
SignInServices = Annotated[SignIn, Depends(sign_in)]


def own_rows(claims: Claims) -> Owner:
    return Owner(claims.user_id, claims.issued_at, claims.kind in ("outside", "none"))


def _rows_of(scope: Scope, scheme: _AccessToken = _by_either) -> Callable[..., Awaitable[Owner]]:
    """Gives the rows of the signed-in user or, under `/users/{user_id}`, the rows of that user.

    Only an administrator gets the rows of another user.
    """

    async def rows_of(request: ApiRequest, claims: Annotated[Claims, Security(scheme, scopes=[scope])]) -> Owner:
        named = request.path_params.get("user_id")
        if named is None:
            user_id = claims.user_id
        else:
            try:
                user_id = read_id(named)
            except ValidationError:
                raise UserNotFound from None
        if user_id == claims.user_id and scope in claims.scopes:
            return own_rows(claims)
        if named is not None:
            # The administrator's right is looked up each time. A user who may not act at all hears that, and not "no such user".
            account = await read_account(request.services.database, own_rows(claims))
            if account.is_admin and "admin" in claims.scopes:
                return Owner(user_id, None)
        if user_id == claims.user_id:
            raise InsufficientScope(scope=scope)
        raise UserNotFound

    return rows_of


_rows_to_write = _rows_of("tasks:write")


async def rows_to_write(
    request: ApiRequest,
    claims: Annotated[Claims, Security(_by_either, scopes=["tasks:write"])],
    _idempotency_key: IdempotencyKey = None,
) -> Owner:
    """The same, for what takes an idempotency key: an operation that has this is done once for each (web/exactly_once.py)."""
    return await _rows_to_write(request, claims)


def _account(*, by_api_token: bool) -> Callable[..., Claims]:
    scheme = _by_either if by_api_token else _by_sign_in

    def account(claims: Annotated[Claims, Security(scheme, scopes=["account"])]) -> Claims:
        """Raises InsufficientScope, and SignInRequired where an API token, which may lie in a script, must not be enough."""
        if "account" not in claims.scopes:
            raise InsufficientScope(scope="account")
        if claims.kind == "api" and not by_api_token:
            raise SignInRequired
        return claims

    return account


RowsToRead = Annotated[Owner, Depends(_rows_of("tasks:read"))]
RowsToWatch = Annotated[Owner, Depends(_rows_of("tasks:read", _by_ticket))]
RowsToWrite = Annotated[Owner, Depends(rows_to_write)]
RowsToImport = Annotated[Owner, Depends(_rows_to_write)]
"""An import takes no idempotency key."""
Account = Annotated[Claims, Depends(_account(by_api_token=True))]
SignedIn = Annotated[Claims, Depends(_account(by_api_token=False))]


def named_user(user_id: Annotated[Id, Path(description="Yours, or anybody's if you are an administrator")]) -> Id:
    """Describes the parameter for OpenAPI. `rows_of` reads it, as soon as it knows the user who sends the request."""
    return user_id
