"""Signing up and signing in over REST."""

import json
from typing import Annotated

from fastapi import APIRouter, Body, Form, Request

from taskwell.accounts import store
from taskwell.accounts.requests import NewAccount, SignIn
from taskwell.accounts.tables import UserView
from taskwell.api.access import Db, OwnRows
from taskwell.api.documents import (
    BAD_REQUEST,
    EMAIL_TAKEN,
    UNAVAILABLE,
    UNSIGNED,
    WITH_BODY,
    WRONG_CREDENTIALS,
    AccessToken,
)
from taskwell.api.replies import Reply, json_reply

router = APIRouter(prefix="/auth", tags=["sign-in"], responses={400: BAD_REQUEST, 503: UNAVAILABLE})


@router.post("/register", status_code=201, response_model=UserView, responses=WITH_BODY | {409: EMAIL_TAKEN})
async def register(request: Request, db: Db, new: Annotated[NewAccount, Body()]) -> Reply:
    """Sign up."""
    return json_reply(201, await store.register(db, request.scope["app"].state.passwords, new))


@router.post("/token", response_model=AccessToken, responses=WITH_BODY | {401: WRONG_CREDENTIALS})
async def make_token(request: Request, db: Db, form: Annotated[SignIn, Form()]) -> Reply:
    """Sign in: an access token for an e-mail address (`username`) and a password."""
    state = request.scope["app"].state
    user_id = await store.sign_in(db, state.passwords, form.username, form.password.get_secret_value())
    body = {
        "access_token": state.tokens.make(user_id),
        "token_type": "bearer",
        "expires_in": state.tokens.lifetime_seconds,
    }
    # RFC 6749 5.1: a token is in nobody's cache.
    return Reply(
        200,
        json.dumps(body, separators=(",", ":")).encode(),
        ((b"content-type", b"application/json"), (b"cache-control", b"no-store")),
    )


@router.get("/me", response_model=UserView, responses={401: UNSIGNED})
async def read_me(owner: OwnRows, db: Db) -> Reply:
    """Who you are."""
    return json_reply(200, (await store.read_account(db, owner)).json)
