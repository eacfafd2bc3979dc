"""What can be done with API tokens."""

import json
from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from taskwell.accounts.api_tokens.secret import CHARACTERS_SHOWN, hash_of, is_token, new_token
from taskwell.accounts.api_tokens.statements import (
    CREATE_API_TOKEN,
    DELETE_API_TOKEN,
    FIND_API_TOKEN,
    LIST_API_TOKENS,
    NOTE_USE,
    REVOKE_API_TOKEN,
)
from taskwell.accounts.owner import Owner, row_for
from taskwell.database.rows import Rows
from taskwell.errors import ApiTokenNotFound, TokenInvalid, TooManyApiTokens, Unavailable
from taskwell.identity import scopes
from taskwell.types import new_id

DAY_SECONDS = 24 * 3600


class FoundToken(NamedTuple):
    id: UUID
    user_id: UUID
    scopes: frozenset[str]
    found_at: datetime  # by the database's clock: the token was valid then; the next statement sees what ended it later


async def create_api_token(rows: Rows, owner: Owner, name: str, allowed: Iterable[str], *, days: int) -> str:
    """The new API token as JSON. Only this answer holds the token itself. Raises TooManyApiTokens."""
    token = new_token()
    row = await row_for(
        rows,
        CREATE_API_TOKEN,
        owner,
        token_id=new_id(),
        name=name,
        scope=scopes.joined(allowed),
        token_hash=hash_of(token),
        ends_with=token[-CHARACTERS_SHOWN:],
        seconds=days * DAY_SECONDS,
    )
    assert row is not None, "a write makes the user's row"
    if row["token"] is None:
        raise TooManyApiTokens
    return json.dumps({"token": token} | json.loads(row["token"]), separators=(",", ":"))


async def list_api_tokens(rows: Rows, owner: Owner) -> str:
    """The API tokens, the newest first, as the inside of a JSON array."""
    row = await row_for(rows, LIST_API_TOKENS, owner)
    return "" if row is None else row["items"] or ""


async def delete_api_token(rows: Rows, owner: Owner, token_id: UUID) -> None:
    row = await row_for(rows, DELETE_API_TOKEN, owner, token_id=token_id)
    if row is None or row["id"] is None:
        raise ApiTokenNotFound


async def find_api_token(rows: Rows, text: str) -> FoundToken:
    """Raises TokenInvalid, also for a token that has expired or is from before a sign-out."""
    row = await rows.row(FIND_API_TOKEN, token_hash=hash_of(text)) if is_token(text) else None
    if row is None:
        raise TokenInvalid
    if row["is_use_news"]:
        with suppress(Unavailable):  # the next use writes it down
            await rows.row(NOTE_USE, owner=row["user_id"], token_id=row["id"])
    return FoundToken(row["id"], row["user_id"], scopes.named(row["scope"]), row["at"])


async def revoke_api_token(rows: Rows, text: str) -> None:
    if is_token(text):
        await rows.row(REVOKE_API_TOKEN, token_hash=hash_of(text))
