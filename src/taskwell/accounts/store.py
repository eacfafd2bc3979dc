"""What can be done with accounts."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from taskwell.accounts.attempts.store import (
    Attempt,
    count_attempt,
    count_sign_up,
    counted_address,
    uncount_attempt,
)
from taskwell.accounts.owner import Owner, row_for, unit_for
from taskwell.accounts.passwords import Passwords
from taskwell.accounts.requests import AccountChanges, NewAccount, lacking
from taskwell.accounts.sessions.store import SignedIn, nothing_granted, start_session
from taskwell.accounts.statements import (
    CHANGE_ACCOUNT,
    CHANGE_EMAIL,
    CHANGE_PASSWORD,
    DELETE_ACCOUNT,
    FIND_ACCOUNT,
    FIND_TIME_ZONE,
    LIST_USERS,
    MAKE_ADMIN,
    READ_ACCOUNT,
    READ_KIDS,
    READ_PASSWORD,
    REGISTER,
    REHASH,
    ROTATE_KEYS,
    SET_DISABLED,
    SIGN_OUT_EVERYWHERE,
    TAKE_ADMIN,
)
from taskwell.database.connection import Database
from taskwell.database.rows import Rows
from taskwell.database.unit_of_work import UnitOfWork
from taskwell.errors import (
    EmailTaken,
    InvalidInput,
    NoPassword,
    OutcomeUnknown,
    Unavailable,
    UserNotFound,
    WrongCredentials,
    WrongPassword,
)
from taskwell.identity import scopes
from taskwell.identity.tokens import Tokens, until_new_tokens_count
from taskwell.types import KEPT_BY_CLIENTS, address_key, new_id


class RenderedAccount(NamedTuple):
    json: str
    is_admin: bool


class PasswordSignIn(NamedTuple):
    """What signing up and signing in need.

    A session that is not used ends after `session_seconds`. `sign_ups_per_hour` limits one address; None is no limit.
    """

    db: Database
    passwords: Passwords
    session_seconds: float
    sign_ups_per_hour: int | None


async def register(by_password: PasswordSignIn, new: NewAccount, address: str) -> str:
    """The new user, as JSON. Raises EmailTaken, TooManySignUps, and TooManyAttempts after many tries for a taken address."""
    passwords = by_password.passwords
    async with passwords.turn(counted_address(address)), _asking_for(by_password, address_key(new.email), address):
        return await add_user(by_password.db, passwords, new)


@asynccontextmanager
async def _asking_for(by_password: PasswordSignIn, email_key: str, address: str) -> AsyncIterator[None]:
    """Goes around what shows whether an e-mail address is known. Raises TooManySignUps and TooManyAttempts.

    It is counted like a sign-up and like a sign-in, which is right where no error comes.
    """
    await count_sign_up(by_password.db, address, by_password.sign_ups_per_hour)
    attempt = Attempt.of(address, email_key)
    await count_attempt(by_password.db, attempt)
    yield
    await uncount_attempt(by_password.db, attempt)


async def add_user(rows: Rows, passwords: Passwords, new: NewAccount) -> str:
    hashed = await passwords.hash(new.password.get_secret_value())
    row = await rows.row(
        REGISTER,
        owner=new_id(),
        email=new.email,
        email_key=address_key(new.email),
        password_hash=hashed,
        display_name=new.display_name,
    )
    if row is None:
        raise EmailTaken
    user: str = row["user"]
    return user


async def sign_in(
    by_password: PasswordSignIn, email: str, password: str, asked: Iterable[str] | None, address: str, *, needs_scope: bool
) -> SignedIn:
    """`asked` are scopes, or None for all that this user can have.

    Raises WrongCredentials, after the same work whether the address or the password is wrong, TooManyAttempts, SignInBusy, and
    InvalidInput where it `needs_scope` and this user can have none of those that are asked for.
    """
    email_key = address_key(email)
    async with by_password.passwords.turn(counted_address(address)):
        attempt = Attempt.of(address, email_key)
        await count_attempt(by_password.db, attempt)
        row = await by_password.db.row(FIND_ACCOUNT, email_key=email_key)
        hashed = None if row is None else row["password_hash"]
        is_right, fresh = await by_password.passwords.verify(password, hashed)
        if row is None or hashed is None or not is_right or row["disabled_at"] is not None:
            raise WrongCredentials
        if fresh is not None:
            if await by_password.db.row(REHASH, owner=row["id"], checked_hash=hashed, password_hash=fresh) is None:
                raise WrongCredentials
            hashed = fresh
        possible = scopes.EVERYDAY | {"admin"} if row["is_admin"] else scopes.EVERYDAY
        allowed = possible if asked is None else possible.intersection(asked)
        if needs_scope and not allowed:
            await uncount_attempt(by_password.db, attempt)
            raise nothing_granted()
        session = await start_session(by_password.db, row["id"], hashed, allowed, seconds=by_password.session_seconds)
        if session is None:
            raise WrongCredentials
        await uncount_attempt(by_password.db, attempt)
        return session


async def read_account(rows: Rows, owner: Owner) -> RenderedAccount:
    row = await row_for(rows, READ_ACCOUNT, owner)
    if row is None:
        return RenderedAccount(_nobody_yet(owner), is_admin=False)
    return RenderedAccount(row["user"], row["is_admin"])


def _nobody_yet(owner: Owner) -> str:
    """The account of a user of another issuer who has not written anything yet."""
    user = {"id": str(owner.id), "email": None, "display_name": None, "time_zone": "UTC", "is_admin": False, "created_at": None}
    return json.dumps(user, separators=(",", ":"))


InTimeZone = Callable[[UnitOfWork, Owner, str], Awaitable[None]]
"""What else of a user's changes with the time zone of the account. It does nothing where the zone is what it was."""


async def change_account(
    by_password: PasswordSignIn, owner: Owner, changes: AccountChanges, in_time_zone: InTimeZone, address: str
) -> str:
    """The user, as JSON. Another e-mail address needs the password, and ends every sign-in, also that of the request.

    Raises WrongPassword, EmailTaken, NoPassword, TooManySignUps, TooManyAttempts.
    """
    await _check_what_was_read(by_password.db, owner, changes)
    given = changes.model_fields_set
    content: dict[str, Any] = {
        "has_display_name": "display_name" in given,
        "display_name": changes.display_name,
        "has_time_zone": "time_zone" in given,
        "time_zone": changes.time_zone,
    }
    statement = CHANGE_ACCOUNT
    if changes.moves and changes.email is not None:
        checked = await check_password(by_password, owner, changes.password.get_secret_value())
        email_key = address_key(changes.email)
        async with _asking_for(by_password, email_key, address):
            # The index decides. Because of this look-up hardly any refusal is an error of PostgreSQL, which would log it.
            holder = await by_password.db.row(FIND_ACCOUNT, email_key=email_key)
            if holder is not None and holder["id"] != owner.id:
                raise EmailTaken
        statement = CHANGE_EMAIL
        content |= {"email": changes.email, "email_key": email_key, "checked_hash": checked}
    if "time_zone" not in given:
        row = await row_for(by_password.db, statement, owner, **content)
    else:
        async with unit_for(by_password.db, owner) as unit:
            await _find_time_zone(unit, owner, changes.time_zone)
            await in_time_zone(unit, owner, changes.time_zone)
            row = await row_for(unit, statement, owner, **content)
    assert row is not None, "a write makes the user's row"
    user: str = row["user"]
    return user


async def _find_time_zone(unit: UnitOfWork, owner: Owner, name: str) -> None:
    """Raises InvalidInput where the database does not have it."""
    try:
        await unit.row(FIND_TIME_ZONE, owner=owner.id, time_zone=name)
    except InvalidInput:
        raise InvalidInput.of("time_zone", "value_error", "must be a time zone that the database knows") from None


async def _check_what_was_read(rows: Rows, owner: Owner, changes: AccountChanges) -> None:
    """Most front ends send `{...account, changed}`. Raises InvalidInput for what is otherwise than it is stored."""
    if not changes.as_read:
        return
    stored = json.loads((await read_account(rows, owner)).json)
    unlike = [name for name in sorted(changes.as_read) if not _is_same(getattr(changes, name), stored[name])]
    if "email" in unlike and changes.email is not None:
        raise lacking("password")
    if unlike:
        raise InvalidInput.not_stored(unlike)


def _is_same(sent: object, stored: object) -> bool:
    """Whether a value is what stands in the account as JSON."""
    if isinstance(sent, datetime) and isinstance(stored, str):
        return abs(sent - datetime.fromisoformat(stored)) < KEPT_BY_CLIENTS
    return (str(sent) if isinstance(sent, UUID) else sent) == stored


async def change_password(by_password: PasswordSignIn, owner: Owner, current: str, new: str, allowed: Iterable[str]) -> SignedIn:
    """Ends every sign-in of the user, and starts a new one. Raises WrongPassword, NoPassword."""
    checked = await check_password(by_password, owner, current)
    async with by_password.passwords.turn(str(owner.id)):
        hashed = await by_password.passwords.hash(new)
    await row_for(by_password.db, CHANGE_PASSWORD, owner, checked_hash=checked, password_hash=hashed)
    try:
        session = await start_session(by_password.db, owner.id, hashed, allowed, seconds=by_password.session_seconds)
    except Unavailable as error:
        raise OutcomeUnknown from error  # the password is changed, so the old one would be refused at a second try
    if session is None:
        raise owner.not_in_standing()
    return session


async def check_password(by_password: PasswordSignIn, owner: Owner, password: str | None) -> str:
    """Returns the password's hash. Tries are counted like sign-ins, so that a stolen access token does not help to guess it.

    Raises WrongPassword, NoPassword, TooManyAttempts.
    """
    row = await row_for(by_password.db, READ_PASSWORD, owner)
    if row is None or row["password_hash"] is None:
        raise NoPassword
    hashed: str = row["password_hash"]
    async with by_password.passwords.turn(str(owner.id)):
        attempt = Attempt.of(f"signed in as {owner.id}", str(owner.id))
        await count_attempt(by_password.db, attempt)
        is_right, _ = await by_password.passwords.verify(password or "", hashed)
        if not is_right:
            raise WrongPassword
        await uncount_attempt(by_password.db, attempt)
    return hashed


async def sign_out_everywhere(rows: Rows, owner: Owner) -> None:
    await row_for(rows, SIGN_OUT_EVERYWHERE, owner)
    if owner.is_outside:
        await until_new_tokens_count()


async def delete_account(by_password: PasswordSignIn, owner: Owner, password: str | None) -> None:
    """Deletes the user and all that is theirs. Raises WrongPassword where they have a password and it is another one."""
    row = await row_for(by_password.db, READ_PASSWORD, owner)
    has_password = row is not None and row["password_hash"] is not None
    checked = await check_password(by_password, owner, password) if has_password else None
    await row_for(by_password.db, DELETE_ACCOUNT, owner, checked_hash=checked)
    if owner.is_outside:
        await until_new_tokens_count()


# ---- from the shell of the machine, where an account is named by its address -------------------------------------------


async def find_account(rows: Rows, named: str) -> Owner:
    """Finds an account by its address or by its id. A user of another issuer has only an id. Raises UserNotFound.

    No request calls this, because a client must not learn whether an address is known.
    """
    try:
        row = await rows.row(READ_ACCOUNT, owner=UUID(named), issued_at=None)
        owner = None if row is None else Owner(UUID(named), None)
    except ValueError:
        row = await rows.row(FIND_ACCOUNT, email_key=address_key(named))
        owner = None if row is None else Owner(row["id"], None)
    if owner is None:
        raise UserNotFound(f"There is no account {named}: name it by its e-mail address or its id.")
    return owner


async def list_users(rows: Rows) -> list[dict[str, Any]]:
    return [json.loads(row["user"]) for row in await rows.rows(LIST_USERS)]


async def set_admin(db: Database, owner: Owner, *, is_admin: bool) -> None:
    """Taking the right away ends every access token, and the sessions and API tokens that have the scope `admin`."""
    if is_admin:
        await row_for(db, MAKE_ADMIN, owner)
        return
    async with unit_for(db, owner) as unit:
        await row_for(unit, TAKE_ADMIN, owner)


async def set_disabled(rows: Rows, owner: Owner, *, is_disabled: bool) -> None:
    """Disabling ends every sign-in for good. A user who is enabled again has to sign in again."""
    await row_for(rows, SET_DISABLED, owner, is_disabled=is_disabled)


async def set_password(rows: Rows, passwords: Passwords, owner: Owner, new: str) -> None:
    """Ends every sign-in. Raises NoPassword for a user of another issuer."""
    row = await row_for(rows, READ_PASSWORD, owner)
    if row is None or row["password_hash"] is None:
        raise NoPassword
    hashed = await passwords.hash(new)
    await row_for(rows, CHANGE_PASSWORD, owner, checked_hash=row["password_hash"], password_hash=hashed)


async def remove_account(rows: Rows, owner: Owner) -> None:
    row = await row_for(rows, READ_PASSWORD, owner)
    assert row is not None, "only whom another issuer knows can be without a row"
    await row_for(rows, DELETE_ACCOUNT, owner, checked_hash=row["password_hash"])
    if row["password_hash"] is None:
        await until_new_tokens_count()


async def rotate_keys(rows: Rows, tokens: Tokens) -> str:
    """Returns the name of the new key."""
    await learn_keys(rows, tokens)
    kid = tokens.keys.new_kid()
    await rows.row(ROTATE_KEYS, kid=kid, first_kid=tokens.keys.first.kid)
    await learn_keys(rows, tokens)
    return kid


async def learn_keys(rows: Rows, tokens: Tokens) -> datetime:
    """Takes the names of our keys from the database. Returns the database's time, by which a token is dated."""
    row = await rows.row(READ_KIDS)
    assert row is not None
    tokens.learn_keys(row["kids"])
    at: datetime = row["at"]
    return at
