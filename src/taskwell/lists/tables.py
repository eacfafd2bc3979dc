"""`lists`: what a person sorts tasks into. A task without a list is in the inbox, which is no row and cannot be deleted."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, DateTime, Index, Text, text
from sqlmodel import BigInteger, Boolean, Field, SQLModel

from taskwell.types import COLOUR_LENGTH, ICON_LENGTH, LIST_NAME_LENGTH


class TaskList(SQLModel, table=True):
    __tablename__ = "lists"
    __table_args__ = (
        Index("lists_created_idx", "user_id", "created_at", "id", postgresql_where=text("deleted_at IS NULL")),
        # What changed since: deletions included.
        Index("lists_revision_idx", "user_id", "revision"),
        # The trash, and what of it is old.
        Index("lists_trash_idx", "user_id", "deleted_at", "id", postgresql_where=text("deleted_at IS NOT NULL")),
        CheckConstraint(f"char_length(name) BETWEEN 1 AND {LIST_NAME_LENGTH}", name="lists_name_check"),
        CheckConstraint("revision > 0", name="lists_revision_check"),
    )

    user_id: UUID = Field(primary_key=True, foreign_key="users.id", ondelete="CASCADE")
    id: UUID = Field(primary_key=True)
    name: str = Field(max_length=LIST_NAME_LENGTH)
    colour: str | None = Field(max_length=COLOUR_LENGTH, nullable=True)
    icon: str | None = Field(max_length=ICON_LENGTH, nullable=True)
    is_archived: bool = Field(sa_type=Boolean)
    # Keys of a fractional index, in the order of their bytes.
    position: str = Field(sa_type=Text(collation="C"), sa_column_kwargs={"server_default": text("'h'")})
    created_at: datetime = Field(sa_type=DateTime(timezone=True))
    updated_at: datetime = Field(sa_type=DateTime(timezone=True))
    deleted_at: datetime | None = Field(sa_type=DateTime(timezone=True), nullable=True)
    # Its content was deleted for good: nothing is left to come back.
    emptied_at: datetime | None = Field(sa_type=DateTime(timezone=True), nullable=True)
    revision: int = Field(sa_type=BigInteger)


lists = TaskList.__table__  # type: ignore[attr-defined]


class ListView(SQLModel):
    """A list, as the API shows it. Times are RFC 3339 in UTC, with six digits of fraction."""

    id: UUID
    user_id: UUID
    name: str
    colour: str | None
    icon: str | None
    is_archived: bool
    position: str
    created_at: datetime
    updated_at: datetime
    revision: int
    # It is computed (records/kinds.py).
    etag: str = Field(description="What the ETag header of a read of this list says, quotes included: for If-Match, as it is")
