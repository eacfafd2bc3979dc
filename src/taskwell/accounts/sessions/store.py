"""What can be done with sessions."""

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from taskwell.accounts.sessions.refresh import RefreshToken, new_salt
from taskwell.accounts.sessions.statements import END_SESSION, ROTATE_SESSION, START_SESSION
from taskwell.database.rows import Rows
from taskwell.errors import InvalidInput, RefreshTokenInvalid
from taskwell.identity import scopes


class SignedIn(NamedTuple):
    """What a client gets who signed in or refreshed. `at` is the database's time.

    `kids` are the names of our keys, which the statement reads at no further cost.
    """

    user_id: UUID
    session_id: UUID
    scopes: frozenset[str]
    at: datetime
    refresh_token: str
    kids: str | None


def nothing_granted() -> InvalidInput:
    """A token for nothing would be refused at each request (RFC 6749 5.2: the scope exceeds what was granted)."""
    return InvalidInput.of("scope", "scope_not_granted", "names nothing that this account, or this sign-in, can have")


async def start_session(
    rows: Rows, user_id: UUID, checked_hash: str, allowed: Iterable[str], *, seconds: float
) -> SignedIn | None:
    """Returns None where the account cannot sign in any more, or has another password than that of `checked_hash`."""
    token = RefreshToken.of_new_session(user_id).sealed(rows.keyed_hash)
    row = await rows.row(
        START_SESSION,
        owner=user_id,
        session_id=token.session_id,
        new_hash=token.hash,
        checked_hash=checked_hash,
        scope=scopes.joined(allowed),
        everyday_scope=scopes.joined(scopes.EVERYDAY.intersection(allowed)),
        seconds=seconds,
    )
    if row is None:
        return None
    return SignedIn(user_id, token.session_id, scopes.named(row["scope"]), row["at"], token.text, row["kids"])


async def refresh_session(rows: Rows, text: str, needed: Iterable[str] | None, *, seconds: float) -> SignedIn:
    """`needed` are scopes of which the session must have one, or None.

    Raises InvalidInput where it has none of them, and RefreshTokenInvalid. A token that was used before ends its session, and all
    access tokens of its user.
    """
    token = RefreshToken.parse(text)
    salt = new_salt()
    row = await rows.row(
        ROTATE_SESSION,
        owner=token.user_id,
        session_id=token.session_id,
        given_hash=token.hash,
        is_sealed=token.is_sealed_by(rows.keyed_hash),
        new_hash=token.successor(salt).hash,
        salt=salt,
        needed=None if needed is None else scopes.joined(needed),
        seconds=seconds,
    )
    if row is None or row["outcome"] == "reused":
        raise RefreshTokenInvalid
    if row["outcome"] == "beyond":
        raise nothing_granted()
    # The row comes back as it was before, with the salt of the last rotation. A repeated request needs that salt.
    successor = token.successor(salt if row["outcome"] == "rotated" else row["salt"]).sealed(rows.keyed_hash)
    return SignedIn(token.user_id, token.session_id, scopes.named(row["scope"]), row["at"], successor.text, row["kids"])


async def end_session(rows: Rows, text: str) -> None:
    """Any text is accepted: a text that is no token of ours is not valid afterwards either (RFC 7009 2.2)."""
    try:
        token = RefreshToken.parse(text)
    except RefreshTokenInvalid:
        return
    await rows.row(END_SESSION, owner=token.user_id, session_id=token.session_id, given_hash=token.hash)
