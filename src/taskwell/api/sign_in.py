"""The operations to sign up, in and out. The forms are those of OAuth 2."""

import json
from typing import Annotated, Any, ClassVar, Literal, Self

from fastapi import APIRouter, Body, Form
from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator

from taskwell.accounts import store
from taskwell.accounts.api_tokens.secret import API_TOKEN_PREFIX
from taskwell.accounts.api_tokens.store import revoke_api_token
from taskwell.accounts.requests import NewAccount, Password
from taskwell.accounts.sessions.store import SignedIn, end_session, refresh_session
from taskwell.accounts.tables import UserView
from taskwell.api.answers import BODY, PASSWORD, WRITES, refuses
from taskwell.api.dependencies import Db, SignInServices
from taskwell.api.documents import AccessToken, Nothing
from taskwell.errors import (
    AccountUnusable,
    EmailTaken,
    InvalidInput,
    RefreshTokenInvalid,
    RegistrationClosed,
    TooManySignUps,
    WrongCredentials,
)
from taskwell.identity import scopes
from taskwell.types import TypedAddress
from taskwell.web.client_address import client_address
from taskwell.web.declaration import BodyLimit
from taskwell.web.reply import Reply, json_reply, unstored
from taskwell.web.request import ApiRequest
from taskwell.web.services import SignIn

router = APIRouter(prefix="/auth", tags=["sign-in"])

# This is room for an access token of 8 KiB, in percent-encoding where it needs that.
FORM_LIMIT = BodyLimit(16 * 1024)


class TokenRequest(BaseModel):
    """The forms of OAuth 2 (RFC 6749 4.3.2 and 6): `username` is the e-mail address. The client's own fields are ignored."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    needs_scope: ClassVar = False
    """Whether a token for nothing is an error, where none of the scopes that are asked for can be had."""

    grant_type: Annotated[Literal["password", "refresh_token"], Field(description="By default `password`")] = "password"
    username: TypedAddress | None = None
    password: Password | None = None
    refresh_token: Annotated[str, Field(max_length=200)] | None = None
    scope: Annotated[
        str, Field(max_length=200, description="Fewer than you could have, with spaces between them; by default all")
    ] = ""
    client_id: str | None = None
    client_secret: SecretStr | None = None

    @model_validator(mode="after")
    def _complete(self) -> Self:
        needed = ("username", "password") if self.grant_type == "password" else ("refresh_token",)
        lacking = [name for name in needed if getattr(self, name) is None]
        if lacking:
            field = {"code": "missing", "message": f"Field required for grant_type={self.grant_type}"}
            raise InvalidInput(fields=[field | {"field": name} for name in lacking])
        if not set(self.scope.split()) <= set(scopes.SCOPES):
            raise InvalidInput.of("scope", "scope_unknown", f"must be of: {' '.join(scopes.SCOPES)}")
        return self


class TokenEnd(BaseModel):
    """RFC 7009 2.1."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    token: Annotated[str, Field(max_length=8192)]
    token_type_hint: str | None = None
    client_id: str | None = None
    client_secret: SecretStr | None = None


@router.post(
    "/register",
    status_code=201,
    response_model=UserView,
    responses=refuses(*WRITES, *BODY, *PASSWORD, RegistrationClosed, EmailTaken, TooManySignUps),
)
async def register(request: ApiRequest, sign_in: SignInServices, new: Annotated[NewAccount, Body(), FORM_LIMIT]) -> Reply:
    """Sign up."""
    if not sign_in.is_registration_open:
        raise RegistrationClosed
    return json_reply(201, await store.register(sign_in.by_password, new, client_address(request, sign_in.trusted_proxies)))


@router.post(
    "/token",
    response_model=AccessToken,
    responses=refuses(*WRITES, *BODY, *PASSWORD, WrongCredentials, RefreshTokenInvalid, AccountUnusable),
)
async def make_token(
    request: ApiRequest, sign_in: SignInServices, db: Db, form: Annotated[TokenRequest, Form(), FORM_LIMIT]
) -> Reply:
    """Sign in with an e-mail address (`username`) and a password, or go on with a `refresh_token`.

    A refresh token is good once: the answer brings the next. For 20 seconds the same request gets the same answer again, in case
    the first one was lost; later, a token that was used before ends its session.
    """
    asked = form.scope.split() or None
    if form.grant_type == "refresh_token":
        assert form.refresh_token is not None
        needed = asked if form.needs_scope else None
        session = await refresh_session(db, form.refresh_token, needed, seconds=sign_in.by_password.session_seconds)
        return signed_in(sign_in, session, asked)
    assert form.username is not None
    assert form.password is not None
    address = client_address(request, sign_in.trusted_proxies)
    password = form.password.get_secret_value()
    session = await store.sign_in(sign_in.by_password, form.username, password, asked, address, needs_scope=form.needs_scope)
    return signed_in(sign_in, session, None)


@router.post("/revoke", response_model=Nothing, responses=refuses(*WRITES, *BODY))
async def revoke_token(db: Db, form: Annotated[TokenEnd, Form(), FORM_LIMIT]) -> Reply:
    """Sign out (RFC 7009): ends the session of a refresh token, or deletes an API token. An access token ends by itself."""
    await (revoke_api_token if form.token.startswith(API_TOKEN_PREFIX) else end_session)(db, form.token)
    return unstored(200, "{}")


def signed_in(sign_in: SignIn, session: SignedIn, asked: list[str] | None) -> Reply:
    """Makes the answer of RFC 6749 5.1.

    `asked` are the scopes that the client wants for this access token, if it wants fewer than the session has (RFC 6749 6).
    """
    tokens = sign_in.tokens
    tokens.learn_keys(session.kids)
    allowed = session.scopes if asked is None else session.scopes.intersection(asked)
    body: dict[str, Any] = {
        "access_token": tokens.make(session.user_id, allowed, issued_at=session.at, session_id=session.session_id),
        "token_type": "bearer",
        "expires_in": tokens.lifetime_seconds,
        "refresh_token": session.refresh_token,
        "scope": scopes.joined(allowed),
    }
    return unstored(200, json.dumps(body, separators=(",", ":")))
