"""`idempotency_keys`: the answers to writes that came with an `Idempotency-Key`, for as long as one may ask again."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import DateTime, Index, Text
from sqlmodel import Field, SmallInteger, SQLModel

from taskwell.accounts.tables import HASH_LENGTH


class IdempotencyKey(SQLModel, table=True):
    """The answer that a request got, committed together with what the request did.

    `key` is a hash of the key that was sent and of who sent it: of an administrator, who writes for somebody else, that person's
    keys know nothing. `fingerprint` is a hash of all that the request meant.
    """

    __tablename__ = "idempotency_keys"
    __table_args__ = (Index("idempotency_keys_age_idx", "user_id", "created_at"),)

    user_id: UUID = Field(primary_key=True, foreign_key="users.id", ondelete="CASCADE")
    key: str = Field(primary_key=True, max_length=HASH_LENGTH)
    fingerprint: str = Field(max_length=HASH_LENGTH)
    status: int = Field(sa_type=SmallInteger)
    headers: str = Field(sa_type=Text)
    body: str = Field(sa_type=Text)
    created_at: datetime = Field(sa_type=DateTime(timezone=True))


idempotency_keys = IdempotencyKey.__table__  # type: ignore[attr-defined]
