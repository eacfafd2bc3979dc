"""What can be done with accounts."""

from typing import NamedTuple
from uuid import UUID

import asyncpg

from taskwell.accounts.passwords import Passwords
from taskwell.accounts.requests import NewAccount
from taskwell.accounts.standing import Owner
from taskwell.accounts.statements import FIND_ACCOUNT, MAKE_ADMIN, READ_ACCOUNT, REGISTER
from taskwell.database.database import Database
from taskwell.errors import EmailTaken, UserNotFound, WrongCredentials
from taskwell.types import new_id, normal_address


class RenderedAccount(NamedTuple):
    json: str
    is_admin: bool


async def register(db: Database, passwords: Passwords, new: NewAccount) -> str:
    """The new user, as JSON. Raises EmailTaken."""
    hashed = await passwords.hash(new.password.get_secret_value())
    try:
        row = await db.row(REGISTER, owner=new_id(), email=new.email, password_hash=hashed, display_name=new.display_name)
    except asyncpg.UniqueViolationError:
        raise EmailTaken from None
    assert row is not None
    user: str = row["user"]
    return user


async def sign_in(db: Database, passwords: Passwords, email: str, password: str) -> UUID:
    """Raises WrongCredentials: after the same work whether the address or the password is wrong."""
    row = await db.row(FIND_ACCOUNT, email=_as_stored(email))
    is_right = await passwords.verify(password, None if row is None else row["password_hash"])
    if row is None or not is_right or row["disabled_at"] is not None:
        raise WrongCredentials
    user_id: UUID = row["id"]
    return user_id


async def read_account(db: Database, owner: Owner) -> RenderedAccount:
    row = await db.row(READ_ACCOUNT, owner=owner.id, issued_at=owner.issued_at)
    if row is None:
        raise owner.not_in_standing()
    return RenderedAccount(row["user"], row["is_admin"])


async def find_account(db: Database, email: str) -> UUID:
    """For the shell of the machine; a request never learns whether an address is known."""
    row = await db.row(FIND_ACCOUNT, email=_as_stored(email))
    if row is None:
        raise UserNotFound(f"There is no account with the address {email}.")
    user_id: UUID = row["id"]
    return user_id


async def set_admin(db: Database, email: str, *, is_admin: bool) -> None:
    if await db.row(MAKE_ADMIN, email=_as_stored(email), is_admin=is_admin) is None:
        raise UserNotFound(f"There is no account with the address {email}.")


def _as_stored(email: str) -> str:
    """What cannot be an address is looked for as it is, and not found."""
    try:
        return normal_address(email)
    except ValueError:
        return email
