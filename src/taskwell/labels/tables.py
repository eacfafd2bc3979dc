"""`labels`: what a task carries any number of. A task has the names themselves (`tasks.labels`); here is what each of them is."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, DateTime, Index, Text, Uuid, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlmodel import BigInteger, Field, SQLModel

from taskwell.types import COLOUR_LENGTH, LABEL_LENGTH


class Label(SQLModel, table=True):
    __tablename__ = "labels"
    __table_args__ = (
        # One label for all spellings of a name. A deleted one gives its name free.
        Index("labels_key_idx", "user_id", "key", unique=True, postgresql_where=text("deleted_at IS NULL")),
        Index("labels_created_idx", "user_id", "created_at", "id", postgresql_where=text("deleted_at IS NULL")),
        # What changed since: deletions included.
        Index("labels_revision_idx", "user_id", "revision"),
        # The trash, and what of it is old.
        Index("labels_trash_idx", "user_id", "deleted_at", "id", postgresql_where=text("deleted_at IS NOT NULL")),
        CheckConstraint(f"char_length(name) BETWEEN 1 AND {LABEL_LENGTH}", name="labels_name_check"),
        CheckConstraint("revision > 0", name="labels_revision_check"),
    )

    user_id: UUID = Field(primary_key=True, foreign_key="users.id", ondelete="CASCADE")
    id: UUID = Field(primary_key=True)
    name: str = Field(max_length=LABEL_LENGTH)
    # What all spellings of the name have in common (types.name_key), compared byte by byte.
    key: str = Field(sa_type=Text(collation="C"))
    # What the search reads of it in the tasks that carry it (folding.fold_name).
    folded: str = Field(sa_type=Text)
    colour: str | None = Field(max_length=COLOUR_LENGTH, nullable=True)
    created_at: datetime = Field(sa_type=DateTime(timezone=True))
    updated_at: datetime = Field(sa_type=DateTime(timezone=True))
    deleted_at: datetime | None = Field(sa_type=DateTime(timezone=True), nullable=True)
    # Its content was deleted for good: nothing is left to come back.
    emptied_at: datetime | None = Field(sa_type=DateTime(timezone=True), nullable=True)
    # The tasks that carried it when it was deleted.
    carriers: list[UUID] | None = Field(sa_type=ARRAY(Uuid), nullable=True)
    revision: int = Field(sa_type=BigInteger)


labels = Label.__table__  # type: ignore[attr-defined]


class LabelView(SQLModel):
    """A label, as the API shows it. Times are RFC 3339 in UTC, with six digits of fraction."""

    id: UUID
    user_id: UUID
    name: str
    colour: str | None
    created_at: datetime
    updated_at: datetime
    revision: int
    # It is computed (records/kinds.py).
    etag: str = Field(description="What the ETag header of a read of this label says, quotes included: for If-Match, as it is")


class CountedLabel(LabelView):
    """A label in a page, with how many tasks carry it, and how many of these are open.

    They change without the label, so what reads it alone does not show them: its ETag would not tell.
    """

    task_count: int
    open_count: int
