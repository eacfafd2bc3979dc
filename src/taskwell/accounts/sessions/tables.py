"""`sessions`: one row a sign-in, and so a family of refresh tokens of which one at a time is good."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import DateTime
from sqlmodel import Field, SQLModel

HASH_LENGTH = 43  # SHA-256 in base64url
SCOPE_LENGTH = 255


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
