"""`users`: one row a person, and the row whose lock and counter order everything that this person writes."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, DateTime, Index, Text, column, func, text
from sqlmodel import BigInteger, Boolean, Field, SQLModel

from taskwell.types import DISPLAY_NAME_LENGTH, EMAIL_LENGTH


class User(SQLModel, table=True):
    __tablename__ = "users"
    __table_args__ = (
        # The unique index decides whether an address is taken, and log-in looks it up by the same expression.
        Index("users_email_key", func.lower(column("email")), unique=True),
        CheckConstraint("revision >= 0", name="users_revision_check"),
        # Every write of a user's changes the counter in this row; room on the page keeps that update off the indexes.
        {"postgresql_with": {"fillfactor": "70"}},
    )

    id: UUID = Field(primary_key=True)
    email: str = Field(max_length=EMAIL_LENGTH)
    password_hash: str = Field(sa_type=Text)
    display_name: str | None = Field(default=None, max_length=DISPLAY_NAME_LENGTH, nullable=True)
    is_admin: bool = Field(sa_type=Boolean, sa_column_kwargs={"server_default": text("false")})
    disabled_at: datetime | None = Field(sa_type=DateTime(timezone=True), nullable=True)
    tokens_valid_after: datetime = Field(
        sa_type=DateTime(timezone=True), sa_column_kwargs={"server_default": text("'-infinity'")}
    )
    revision: int = Field(sa_type=BigInteger, sa_column_kwargs={"server_default": text("0")})
    created_at: datetime = Field(sa_type=DateTime(timezone=True), sa_column_kwargs={"server_default": func.clock_timestamp()})
    updated_at: datetime = Field(sa_type=DateTime(timezone=True), sa_column_kwargs={"server_default": func.clock_timestamp()})


class UserView(SQLModel):
    """A person, as the API shows them."""

    id: UUID
    email: str
    display_name: str | None
    is_admin: bool
    created_at: datetime
