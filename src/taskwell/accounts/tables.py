"""The tables of accounts: who there is, how they sign in, and who tried to.

`users` has a row for each user. The lock and the counter of this row put everything that the user writes in order.

A user of another issuer has neither an e-mail address nor a password here. A deleted user leaves a row that holds only times
and a revision, so that a token of another issuer, which is still valid, does not bring the account back.

`sessions` has a row for each sign-in: a family of refresh tokens, of which one at a time is valid.

`api_tokens` is for scripts and assistants. Each token has a name, an end, and no more scopes than it needs.

`failed_sign_ins` counts recent failures by address, by account, and by the two together. `sign_ups` counts the tries to sign
up, by address.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, DateTime, Index, Text, func, text
from sqlmodel import BigInteger, Boolean, Field, SQLModel

from taskwell.types import DISPLAY_NAME_LENGTH, EMAIL_LENGTH, TIME_ZONE_LENGTH, TOKEN_NAME_LENGTH

HASH_LENGTH = 43  # SHA-256 in base64url
SCOPE_LENGTH = 255


class User(SQLModel, table=True):
    __tablename__ = "users"
    __table_args__ = (
        # This index decides whether an address is taken.
        Index("users_email_key", "email_key", unique=True),
        CheckConstraint("revision >= 0", name="users_revision_check"),
        # Every write of a user's changes the counter in this row; room on the page keeps that update off the indexes.
        {"postgresql_with": {"fillfactor": "70"}},
    )

    id: UUID = Field(primary_key=True)
    email: str | None = Field(default=None, max_length=EMAIL_LENGTH, nullable=True)
    # What `types.address_key` makes of `email`, in the order of its bytes, which no upgrade of the C library changes.
    email_key: str | None = Field(default=None, sa_type=Text(collation="C"), nullable=True)
    password_hash: str | None = Field(default=None, sa_type=Text, nullable=True)
    display_name: str | None = Field(default=None, max_length=DISPLAY_NAME_LENGTH, nullable=True)
    time_zone: str = Field(max_length=TIME_ZONE_LENGTH, sa_column_kwargs={"server_default": text("'UTC'")})
    is_admin: bool = Field(sa_type=Boolean, sa_column_kwargs={"server_default": text("false")})
    disabled_at: datetime | None = Field(sa_type=DateTime(timezone=True), nullable=True)
    deleted_at: datetime | None = Field(sa_type=DateTime(timezone=True), nullable=True)
    tokens_valid_after: datetime = Field(
        sa_type=DateTime(timezone=True), sa_column_kwargs={"server_default": text("'-infinity'")}
    )
    # Of sessions and API tokens. Not the same as the line above: a stolen refresh token ends all access tokens, while other
    # devices and scripts, of whose secrets nobody has a copy, go on.
    signed_out_at: datetime = Field(sa_type=DateTime(timezone=True), sa_column_kwargs={"server_default": text("'-infinity'")})
    revision: int = Field(sa_type=BigInteger, sa_column_kwargs={"server_default": text("0")})
    # Deleted records up to it may have been removed for good: who has last asked before it cannot be told what is gone.
    purged_revision: int = Field(sa_type=BigInteger, sa_column_kwargs={"server_default": text("0")})
    # The revision at which what the account shows of itself was last changed.
    account_revision: int = Field(sa_type=BigInteger, sa_column_kwargs={"server_default": text("0")})
    created_at: datetime = Field(sa_type=DateTime(timezone=True), sa_column_kwargs={"server_default": func.clock_timestamp()})
    updated_at: datetime = Field(sa_type=DateTime(timezone=True), sa_column_kwargs={"server_default": func.clock_timestamp()})


class UserView(SQLModel):
    """A person, as the API shows them. `created_at` is null for who signs in elsewhere and has not written anything yet."""

    id: UUID
    email: str | None
    display_name: str | None
    time_zone: str
    is_admin: bool
    created_at: datetime | None


class SigningKeyName(SQLModel, table=True):
    """The names of our keys. The keys themselves follow from them and the operator's secret, and are stored nowhere."""

    __tablename__ = "signing_keys"

    kid: str = Field(primary_key=True, max_length=64)
    created_at: datetime = Field(sa_type=DateTime(timezone=True), sa_column_kwargs={"server_default": func.clock_timestamp()})
    retired_at: datetime | None = Field(sa_type=DateTime(timezone=True), nullable=True)


class Session(SQLModel, table=True):
    __tablename__ = "sessions"

    user_id: UUID = Field(primary_key=True, foreign_key="users.id", ondelete="CASCADE")
    id: UUID = Field(primary_key=True)
    token_hash: str = Field(max_length=HASH_LENGTH)
    previous_hash: str | None = Field(max_length=HASH_LENGTH, nullable=True)
    # The successor of a token follows from the token and this salt, which no client sees: so the previous token can be given
    # its successor once more, and neither this row alone nor an older token is enough to make one.
    salt: str | None = Field(max_length=HASH_LENGTH, nullable=True)
    scope: str = Field(max_length=SCOPE_LENGTH)
    created_at: datetime = Field(sa_type=DateTime(timezone=True))
    rotated_at: datetime = Field(sa_type=DateTime(timezone=True))
    expires_at: datetime = Field(sa_type=DateTime(timezone=True))


class ApiToken(SQLModel, table=True):
    __tablename__ = "api_tokens"
    __table_args__ = (Index("api_tokens_hash_key", "token_hash", unique=True),)

    user_id: UUID = Field(primary_key=True, foreign_key="users.id", ondelete="CASCADE")
    id: UUID = Field(primary_key=True)
    name: str = Field(max_length=TOKEN_NAME_LENGTH)
    scope: str = Field(max_length=SCOPE_LENGTH)
    # Without a salt: what is hashed are 256 random bits, and the hash is what the token is found by.
    token_hash: str = Field(max_length=HASH_LENGTH)
    ends_with: str = Field(max_length=6)
    created_at: datetime = Field(sa_type=DateTime(timezone=True))
    expires_at: datetime = Field(sa_type=DateTime(timezone=True))
    last_used_at: datetime | None = Field(sa_type=DateTime(timezone=True), nullable=True)


class ApiTokenView(SQLModel):
    """An API token, as the API shows it: never the token itself. `last_used_at` is true to the hour."""

    id: UUID
    name: str
    scope: str
    ends_with: str
    created_at: datetime
    expires_at: datetime
    last_used_at: datetime | None


class FailedSignIns(SQLModel, table=True):
    __tablename__ = "failed_sign_ins"
    # Old rows are looked for by their age, a few with each new failure.
    __table_args__ = (Index("failed_sign_ins_since_idx", "since"),)

    key: str = Field(primary_key=True, max_length=64)
    failures: int
    since: datetime = Field(sa_type=DateTime(timezone=True))


class SignUps(SQLModel, table=True):
    __tablename__ = "sign_ups"
    __table_args__ = (Index("sign_ups_since_idx", "since"),)

    key: str = Field(primary_key=True, max_length=64)
    tries: int
    since: datetime = Field(sa_type=DateTime(timezone=True))
