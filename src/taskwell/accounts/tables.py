"""`users`: one row a person, and the row whose lock and counter order everything that this person writes.

Who signs in elsewhere has neither address nor password here. Who was deleted keeps a row with nothing in it but the
times, so that a token of another issuer, which lives on, does not bring the account back.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, DateTime, Index, Text, func, text
from sqlmodel import BigInteger, Boolean, Field, SQLModel

from taskwell.types import DISPLAY_NAME_LENGTH, EMAIL_LENGTH, TIME_ZONE_LENGTH


class User(SQLModel, table=True):
    __tablename__ = "users"
    __table_args__ = (
        # It decides whether an address is taken.
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


class SigningKid(SQLModel, table=True):
    """The names of our keys. The keys themselves follow from them and the operator's secret, and are stored nowhere."""

    __tablename__ = "signing_keys"

    kid: str = Field(primary_key=True, max_length=64)
    created_at: datetime = Field(sa_type=DateTime(timezone=True), sa_column_kwargs={"server_default": func.clock_timestamp()})
    retired_at: datetime | None = Field(sa_type=DateTime(timezone=True), nullable=True)
