"""Who asks, and whose rows the request is about: dependencies of the matched route, never a look at the path's text."""

from typing import Annotated

from fastapi import Depends, Path, Request
from fastapi.security import OAuth2PasswordBearer
from pydantic import TypeAdapter, ValidationError

from taskwell.accounts.standing import Owner
from taskwell.accounts.store import read_account
from taskwell.accounts.tokens import Claims
from taskwell.api.request import ApiRequest
from taskwell.database.database import Database
from taskwell.errors import TokenMissing, UserNotFound
from taskwell.types import Id

_ID = TypeAdapter(Id)


def database(request: Request) -> Database:
    found: Database = request.scope["app"].state.database
    return found


class _AccessToken(OAuth2PasswordBearer):
    """The signed-in user, from `Authorization: Bearer ...`."""

    async def __call__(self, request: Request) -> Claims:  # type: ignore[override]
        assert isinstance(request, ApiRequest)
        header = request.fields.get(b"authorization")
        if header is None:
            raise TokenMissing
        scheme, _, token = header.partition(b" ")
        if scheme.lower() != b"bearer":
            raise TokenMissing
        claims: Claims = request.scope["app"].state.tokens.verify(token.strip(b" "))
        request.user_id = claims.user_id
        return claims


SignedIn = Annotated[Claims, Depends(_AccessToken(tokenUrl="/api/v1/auth/token", description="From `POST /auth/token`."))]
Db = Annotated[Database, Depends(database)]


def own_rows(claims: SignedIn) -> Owner:
    return Owner(claims.user_id, claims.issued_at)


async def rows_of(request: Request, claims: SignedIn, db: Db) -> Owner:
    """The signed-in user's rows or, under `/users/{user_id}`, that user's: to others than an administrator, nobody's."""
    named = request.path_params.get("user_id")
    if named is None:
        return own_rows(claims)
    try:
        user_id = _ID.validate_python(named)
    except ValidationError:
        raise UserNotFound from None
    if user_id == claims.user_id:
        return own_rows(claims)
    account = await read_account(db, own_rows(claims))
    if not account.is_admin:
        raise UserNotFound
    return Owner(user_id, None)


OwnRows = Annotated[Owner, Depends(own_rows)]
RowsOf = Annotated[Owner, Depends(rows_of)]


def named_user(user_id: Annotated[Id, Path(description="Yours, or anybody's if you are an administrator")]) -> Id:
    """Describes the parameter for OpenAPI; `rows_of` is what reads it, as soon as it knows who asks."""
    return user_id
