"""`api_tokens`: for scripts and assistants, each with a name, an end and no more scopes than it needs."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import DateTime, Index
from sqlmodel import Field, SQLModel

from taskwell.accounts.sessions.tables import HASH_LENGTH, SCOPE_LENGTH
from taskwell.types import TOKEN_NAME_LENGTH


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
