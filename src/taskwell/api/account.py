"""The operations of a user's own account."""

from typing import Annotated

from fastapi import APIRouter, Body

from taskwell.accounts import store
from taskwell.accounts.requests import AccountChanges, AccountEnd, PasswordChange
from taskwell.accounts.tables import UserView
from taskwell.api.answers import BODY, BY_SIGN_IN, BY_TOKEN, PASSWORD, refuses
from taskwell.api.dependencies import Account, Db, SignedIn, SignInServices, own_rows
from taskwell.api.documents import AccessToken
from taskwell.api.sign_in import signed_in
from taskwell.errors import EmailTaken, NoPassword, TooManySignUps, WrongPassword
from taskwell.tasks.time_zone import in_time_zone
from taskwell.web.client_address import client_address
from taskwell.web.declaration import BodyLimit
from taskwell.web.reply import Reply, json_reply, no_content
from taskwell.web.request import ApiRequest

router = APIRouter(prefix="/auth", tags=["account"])

# This is room for two passwords of 1,024 bytes, with each byte written as \u00XX.
_READ = BodyLimit(16 * 1024)


@router.get("/me", response_model=UserView, responses=refuses(*BY_TOKEN))
async def read_me(claims: Account, db: Db) -> Reply:
    """Who you are."""
    return json_reply(200, (await store.read_account(db, own_rows(claims))).json)


@router.patch(
    "/me",
    response_model=UserView,
    responses=refuses(*BY_TOKEN, *BODY, *PASSWORD, WrongPassword, NoPassword, EmailTaken, TooManySignUps),
)
async def change_me(
    request: ApiRequest, sign_in: SignInServices, claims: Account, changes: Annotated[AccountChanges, Body(), _READ]
) -> Reply:
    """Change your name, your time zone or, with your password, your e-mail address; that one ends every sign-in."""
    address = client_address(request, sign_in.trusted_proxies)
    return json_reply(200, await store.change_account(sign_in.by_password, own_rows(claims), changes, in_time_zone, address))


@router.delete("/me", status_code=204, response_model=None, responses=refuses(*BY_SIGN_IN, *BODY, *PASSWORD, WrongPassword))
async def delete_me(sign_in: SignInServices, claims: SignedIn, end: Annotated[AccountEnd, Body(), _READ]) -> Reply:
    """Delete your account and everything in it. There is no way back."""
    password = None if end.password is None else end.password.get_secret_value()
    await store.delete_account(sign_in.by_password, own_rows(claims), password)
    return no_content()


@router.post("/password", response_model=AccessToken, responses=refuses(*BY_SIGN_IN, *BODY, *PASSWORD, WrongPassword, NoPassword))
async def change_password(sign_in: SignInServices, claims: SignedIn, change: Annotated[PasswordChange, Body(), _READ]) -> Reply:
    """Change your password. Every other sign-in ends, API tokens too; the answer is a new one for you."""
    old, new = change.current_password.get_secret_value(), change.new_password.get_secret_value()
    session = await store.change_password(sign_in.by_password, own_rows(claims), old, new, claims.scopes)
    return signed_in(sign_in, session, None)


@router.post("/sign-out-everywhere", status_code=204, response_model=None, responses=refuses(*BY_SIGN_IN))
async def sign_out_everywhere(claims: SignedIn, db: Db) -> Reply:
    """End every sign-in of yours, this one and API tokens too."""
    await store.sign_out_everywhere(db, own_rows(claims))
    return no_content()
