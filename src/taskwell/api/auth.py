"""Signing up, in and out over REST, and what a person does with their account."""

import json
from typing import Annotated, Any

from fastapi import APIRouter, Body, Form, Path, Request

from taskwell.accounts import store
from taskwell.accounts.api_tokens.requests import NewApiToken
from taskwell.accounts.api_tokens.secret import PREFIX
from taskwell.accounts.api_tokens.store import create_api_token, delete_api_token, list_api_tokens, revoke_api_token
from taskwell.accounts.requests import AccountChanges, AccountEnd, NewAccount, PasswordChange, TokenEnd, TokenRequest
from taskwell.accounts.sessions.store import Session, end_session, refresh_session
from taskwell.accounts.tables import UserView
from taskwell.api.dependencies import Account, Db, SignedIn, own_rows
from taskwell.api.documents import (
    BAD_REQUEST,
    CLOSED,
    EMAIL_TAKEN,
    FORBIDDEN,
    NO_PASSWORD,
    NO_SUCH_TOKEN,
    THROTTLED,
    TOO_MANY_SIGN_UPS,
    TOO_MANY_TOKENS,
    UNAVAILABLE,
    UNSIGNED,
    WITH_BODY,
    WRONG_CREDENTIALS,
    AccessToken,
    Answers,
    ApiTokenList,
    NewToken,
    Nothing,
)
from taskwell.errors import InsufficientScope, RegistrationClosed
from taskwell.identity import scopes
from taskwell.types import Id
from taskwell.web.client_address import client_address
from taskwell.web.operation import BodyLimit
from taskwell.web.reply import VARY, Reply, json_reply, no_content

router = APIRouter(prefix="/auth", tags=["sign-in"], responses={400: BAD_REQUEST, 503: UNAVAILABLE})

# Two passwords of 1,024 bytes, each written as \u00XX, or an access token of 8 KiB.
_READ = BodyLimit(16 * 1024)
_SIGNED: Answers = {401: UNSIGNED, 403: FORBIDDEN}
# RFC 6749 5.1: a token is in nobody's cache.
_NO_STORE = ((b"content-type", b"application/json"), (b"cache-control", b"no-store"), VARY)


@router.post(
    "/register",
    status_code=201,
    response_model=UserView,
    responses=WITH_BODY | CLOSED | {409: EMAIL_TAKEN, 429: TOO_MANY_SIGN_UPS},
)
async def register(request: Request, new: Annotated[NewAccount, Body(), _READ]) -> Reply:
    """Sign up."""
    state = request.scope["app"].state
    if not state.is_open:
        raise RegistrationClosed
    return json_reply(201, await store.register(state.door, new, _address(request)))


@router.post("/token", response_model=AccessToken, responses=WITH_BODY | {401: WRONG_CREDENTIALS, 429: THROTTLED})
async def make_token(request: Request, db: Db, form: Annotated[TokenRequest, Form(), _READ]) -> Reply:
    """Sign in with an e-mail address (`username`) and a password, or go on with a `refresh_token`.

    A refresh token is good once: the answer brings the next. For 20 seconds the same request gets the same answer again, in case
    the first one was lost; later, a token that was used before ends its session.
    """
    door: store.PasswordSignIn = request.scope["app"].state.door
    asked = form.scope.split() or None
    if form.grant_type == "refresh_token":
        assert form.refresh_token is not None
        session = await refresh_session(db, form.refresh_token, seconds=door.session_seconds)
        return _signed_in(request, session, asked)
    assert form.username is not None
    assert form.password is not None
    session = await store.sign_in(door, form.username, form.password.get_secret_value(), asked, _address(request))
    return _signed_in(request, session, None)


@router.post("/revoke", response_model=Nothing, responses=WITH_BODY)
async def revoke(db: Db, form: Annotated[TokenEnd, Form(), _READ]) -> Reply:
    """Sign out (RFC 7009): ends the session of a refresh token, or deletes an API token. An access token ends by itself."""
    await (revoke_api_token if form.token.startswith(PREFIX) else end_session)(db, form.token)
    return Reply(200, b"{}", _NO_STORE)


@router.get("/me", response_model=UserView, responses=_SIGNED)
async def read_me(claims: Account, db: Db) -> Reply:
    """Who you are."""
    return json_reply(200, (await store.read_account(db, own_rows(claims))).json)


@router.patch("/me", response_model=UserView, responses=WITH_BODY | _SIGNED | {409: EMAIL_TAKEN, 429: THROTTLED})
async def change_me(request: Request, claims: Account, changes: Annotated[AccountChanges, Body(), _READ]) -> Reply:
    """Change your name, your time zone or, with your password, your e-mail address; that one ends every sign-in."""
    return json_reply(200, await store.change_account(request.scope["app"].state.door, own_rows(claims), changes))


@router.delete("/me", status_code=204, response_model=None, responses=WITH_BODY | _SIGNED | {429: THROTTLED})
async def delete_me(request: Request, claims: SignedIn, end: Annotated[AccountEnd, Body(), _READ]) -> Reply:
    """Delete your account and everything in it. There is no way back."""
    password = None if end.password is None else end.password.get_secret_value()
    await store.delete_account(request.scope["app"].state.door, own_rows(claims), password)
    return no_content()


@router.post("/password", response_model=AccessToken, responses=WITH_BODY | _SIGNED | {409: NO_PASSWORD, 429: THROTTLED})
async def change_password(request: Request, claims: SignedIn, change: Annotated[PasswordChange, Body(), _READ]) -> Reply:
    """Change your password. Every other sign-in ends, API tokens too; the answer is a new one for you."""
    old, new = change.current_password.get_secret_value(), change.new_password.get_secret_value()
    session = await store.change_password(request.scope["app"].state.door, own_rows(claims), old, new, claims.scopes)
    return _signed_in(request, session, None)


@router.post("/sign-out-everywhere", status_code=204, response_model=None, responses=_SIGNED)
async def sign_out_everywhere(claims: SignedIn, db: Db) -> Reply:
    """End every sign-in of yours, this one and API tokens too."""
    await store.sign_out_everywhere(db, own_rows(claims))
    return no_content()


@router.get("/tokens", response_model=ApiTokenList, responses=_SIGNED)
async def list_tokens(claims: Account, db: Db) -> Reply:
    """Your API tokens, the newest first; never the tokens themselves."""
    return json_reply(200, f'{{"items":[{await list_api_tokens(db, own_rows(claims))}]}}')


@router.post("/tokens", status_code=201, response_model=NewToken, responses=WITH_BODY | _SIGNED | {409: TOO_MANY_TOKENS})
async def make_api_token(claims: SignedIn, db: Db, new: Annotated[NewApiToken, Body(), _READ]) -> Reply:
    """Make an API token for a script or an assistant. It is shown this one time."""
    owner = own_rows(claims)
    for scope in new.scopes:
        if scope not in claims.scopes or (scope == "admin" and not (await store.read_account(db, owner)).is_admin):
            raise InsufficientScope(scope)
    return Reply(201, (await create_api_token(db, owner, new.name, new.scopes, days=new.expires_in_days)).encode(), _NO_STORE)


@router.delete("/tokens/{token_id}", status_code=204, response_model=None, responses=_SIGNED | {404: NO_SUCH_TOKEN})
async def delete_token(claims: Account, db: Db, token_id: Annotated[Id, Path()]) -> Reply:
    """Delete an API token. The very next request with it is refused."""
    await delete_api_token(db, own_rows(claims), token_id)
    return no_content()


def _signed_in(request: Request, session: Session, asked: list[str] | None) -> Reply:
    """RFC 6749 5.1. `asked`: fewer scopes for this access token than the session has (RFC 6749 6)."""
    tokens = request.scope["app"].state.tokens
    tokens.learn_keys(session.kids)
    allowed = session.scopes if asked is None else session.scopes.intersection(asked)
    body: dict[str, Any] = {
        "access_token": tokens.make(session.user_id, allowed, issued_at=session.at),
        "token_type": "bearer",
        "expires_in": tokens.lifetime_seconds,
        "refresh_token": session.refresh_token,
        "scope": scopes.joined(allowed),
    }
    return Reply(200, json.dumps(body, separators=(",", ":")).encode(), _NO_STORE)


def _address(request: Request) -> str:
    return client_address(request, request.scope["app"].state.trusted_proxies)  # type: ignore[arg-type]
