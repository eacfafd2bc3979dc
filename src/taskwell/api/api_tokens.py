"""The operations of API tokens, which are for scripts and assistants that cannot sign in."""

from typing import Annotated

from fastapi import APIRouter, Body, Path

from taskwell.accounts.api_tokens import store
from taskwell.accounts.api_tokens.requests import NewApiToken
from taskwell.accounts.store import read_account
from taskwell.api.answers import BODY, BY_SIGN_IN, BY_TOKEN, refuses
from taskwell.api.dependencies import Account, Db, SignedIn, own_rows
from taskwell.api.documents import ApiTokenList, NewToken
from taskwell.errors import ApiTokenNotFound, InsufficientScope, TooManyApiTokens
from taskwell.types import Id
from taskwell.web.declaration import BodyLimit
from taskwell.web.reply import Reply, json_reply, no_content, unstored

router = APIRouter(prefix="/auth", tags=["API tokens"])

# This is more than enough for a name, with each character written as two escapes.
_READ = BodyLimit(16 * 1024)


@router.get("/tokens", response_model=ApiTokenList, responses=refuses(*BY_TOKEN))
async def list_api_tokens(claims: Account, db: Db) -> Reply:
    """Your API tokens, the newest first; never the tokens themselves."""
    return json_reply(200, f'{{"items":[{await store.list_api_tokens(db, own_rows(claims))}]}}')


@router.post("/tokens", status_code=201, response_model=NewToken, responses=refuses(*BY_SIGN_IN, *BODY, TooManyApiTokens))
async def make_api_token(claims: SignedIn, db: Db, new: Annotated[NewApiToken, Body(), _READ]) -> Reply:
    """Make an API token for a script or an assistant. It is shown this one time."""
    owner = own_rows(claims)
    for scope in new.scopes:
        if scope not in claims.scopes or (scope == "admin" and not (await read_account(db, owner)).is_admin):
            raise InsufficientScope(scope=scope)
    return unstored(201, await store.create_api_token(db, owner, new.name, new.scopes, days=new.expires_in_days))


@router.delete("/tokens/{token_id}", status_code=204, response_model=None, responses=refuses(*BY_TOKEN, ApiTokenNotFound))
async def delete_api_token(claims: Account, db: Db, token_id: Annotated[Id, Path()]) -> Reply:
    """Delete an API token. The very next request with it is refused."""
    await store.delete_api_token(db, own_rows(claims), token_id)
    return no_content()
