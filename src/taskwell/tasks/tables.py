"""`tasks`: what is to be done; `departures`: which tasks have left a list; `occurrences`: what of a task that recurs is done.

Every key starts with the owner, so no row can point at another person's.
"""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, DateTime, ForeignKeyConstraint, Index, Text, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlmodel import BigInteger, Boolean, Field, SQLModel

import taskwell.lists.tables  # noqa: F401  # the tables that these refer to
from taskwell.tasks.due import Reminder, When
from taskwell.tasks.recurrence import Recurrence
from taskwell.types import DESCRIPTION_LENGTH, TITLE_LENGTH, Priority


class Task(SQLModel, table=True):
    __tablename__ = "tasks"
    __table_args__ = (
        # The lists, newest first and oldest first, with and without the filter by completion. Deleted rows stay out.
        Index("tasks_list_idx", "user_id", "created_at", "id", postgresql_where=text("deleted_at IS NULL")),
        Index(
            "tasks_completed_idx",
            "user_id",
            "is_completed",
            "created_at",
            "id",
            postgresql_where=text("deleted_at IS NULL"),
        ),
        # One list's tasks, or the inbox's.
        Index("tasks_in_list_idx", "user_id", "list_id", "created_at", "id", postgresql_where=text("deleted_at IS NULL")),
        # By due date, those without one last.
        Index("tasks_due_idx", "user_id", "due_sort", "id", postgresql_where=text("deleted_at IS NULL")),
        # The subtasks of one task.
        Index("tasks_parent_idx", "user_id", "parent_id", postgresql_where=text("parent_id IS NOT NULL")),
        # What changed since: deletions included.
        Index("tasks_revision_idx", "user_id", "revision"),
        # The trash, and what of it is old.
        Index("tasks_trash_idx", "user_id", "deleted_at", "id", postgresql_where=text("deleted_at IS NOT NULL")),
        # Without the column's name the owner would become NULL as well.
        ForeignKeyConstraint(["user_id", "list_id"], ["lists.user_id", "lists.id"], ondelete="SET NULL (list_id)"),
        ForeignKeyConstraint(["user_id", "parent_id"], ["tasks.user_id", "tasks.id"], ondelete="SET NULL (parent_id)"),
        CheckConstraint(f"char_length(title) BETWEEN 1 AND {TITLE_LENGTH}", name="tasks_title_check"),
        CheckConstraint(f"char_length(description) <= {DESCRIPTION_LENGTH}", name="tasks_description_check"),
        CheckConstraint("is_completed = (completed_at IS NOT NULL)", name="tasks_completed_at_check"),
        CheckConstraint("priority IN ('none', 'low', 'medium', 'high', 'urgent')", name="tasks_priority_check"),
        CheckConstraint("revision > 0", name="tasks_revision_check"),
    )

    user_id: UUID = Field(primary_key=True, foreign_key="users.id", ondelete="CASCADE")
    id: UUID = Field(primary_key=True)
    title: str = Field(max_length=TITLE_LENGTH)
    description: str | None = Field(max_length=DESCRIPTION_LENGTH, nullable=True)
    is_completed: bool = Field(sa_type=Boolean)
    completed_at: datetime | None = Field(sa_type=DateTime(timezone=True), nullable=True)
    list_id: UUID | None = Field(nullable=True)
    parent_id: UUID | None = Field(nullable=True)
    # It has, or once had, subtasks: who has locked the row knows by it whether to look for them.
    is_parent: bool = Field(sa_type=Boolean, sa_column_kwargs={"server_default": text("false")})
    # Keys of a fractional index, in the order of their bytes.
    position: str = Field(sa_type=Text(collation="C"), sa_column_kwargs={"server_default": text("'h'")})
    priority: str = Field(max_length=6, sa_column_kwargs={"server_default": text("'none'")})
    labels: list[str] = Field(sa_type=ARRAY(Text), sa_column_kwargs={"server_default": text("'{}'")})
    due: dict[str, str] | None = Field(sa_type=JSONB(none_as_null=True), nullable=True)
    start: dict[str, str] | None = Field(sa_type=JSONB(none_as_null=True), nullable=True)
    reminders: list[Any] = Field(sa_type=JSONB, sa_column_kwargs={"server_default": text("'[]'")})
    recurrence: dict[str, str] | None = Field(sa_type=JSONB(none_as_null=True), nullable=True)
    # The one of a task that recurs that was finished last.
    completed_occurrence: date | None = Field(nullable=True)
    # Wall times in the account's zone, of which `due` and `start` are the source: a date alone is at its day's end.
    due_sort: datetime | None = Field(sa_type=DateTime(timezone=False), nullable=True)
    start_sort: datetime | None = Field(sa_type=DateTime(timezone=False), nullable=True)
    # Title, description and labels with case and accents folded, for the search. NULL: a version wrote it that had no search.
    folded: str | None = Field(sa_type=Text, nullable=True)
    created_at: datetime = Field(sa_type=DateTime(timezone=True))
    updated_at: datetime = Field(sa_type=DateTime(timezone=True))
    deleted_at: datetime | None = Field(sa_type=DateTime(timezone=True), nullable=True)
    deleted_with: UUID | None = Field(nullable=True)
    # Its content was deleted for good: nothing is left to come back.
    emptied_at: datetime | None = Field(sa_type=DateTime(timezone=True), nullable=True)
    revision: int = Field(sa_type=BigInteger)


class Departure(SQLModel, table=True):
    """A task was in a list, and is in another one, or in the inbox, since that revision."""

    __tablename__ = "departures"
    __table_args__ = (
        ForeignKeyConstraint(["user_id", "list_id"], ["lists.user_id", "lists.id"], ondelete="CASCADE"),
        ForeignKeyConstraint(["user_id", "task_id"], ["tasks.user_id", "tasks.id"], ondelete="CASCADE"),
    )

    user_id: UUID = Field(primary_key=True)
    list_id: UUID = Field(primary_key=True)
    task_id: UUID = Field(primary_key=True)
    revision: int = Field(sa_type=BigInteger)


class Occurrence(SQLModel, table=True):
    """A task that recurs was due on that day, and was finished."""

    __tablename__ = "occurrences"
    __table_args__ = (ForeignKeyConstraint(["user_id", "task_id"], ["tasks.user_id", "tasks.id"], ondelete="CASCADE"),)

    user_id: UUID = Field(primary_key=True)
    task_id: UUID = Field(primary_key=True)
    occurrence: date = Field(primary_key=True)
    due: dict[str, str] = Field(sa_type=JSONB)
    start: dict[str, str] | None = Field(sa_type=JSONB(none_as_null=True), nullable=True)
    # By which it recurred then: those of another rule do not count towards this one's COUNT.
    recurrence: dict[str, str] = Field(sa_type=JSONB)
    completed_at: datetime = Field(sa_type=DateTime(timezone=True))
    revision: int = Field(sa_type=BigInteger)


tasks = Task.__table__  # type: ignore[attr-defined]
departures = Departure.__table__  # type: ignore[attr-defined]
occurrences = Occurrence.__table__  # type: ignore[attr-defined]


class OccurrenceView(SQLModel):
    """A finished occurrence of a task that recurs. `due` is how it was due, of which `occurrence` is the day."""

    occurrence: date
    due: When
    start: When | None
    completed_at: datetime


class StoredTask(SQLModel):
    """What is shown of every task. A read can ask for more (tasks/progress.py)."""

    id: UUID
    user_id: UUID
    title: str
    description: str | None
    is_completed: bool
    completed_at: datetime | None
    list_id: UUID | None
    parent_id: UUID | None
    position: str
    priority: Priority
    labels: list[str]
    due: When | None
    start: When | None
    reminders: list[Reminder]
    recurrence: Recurrence | None
    completed_occurrence: date | None
    created_at: datetime
    updated_at: datetime
    revision: int
    # It is computed (records/kinds.py).
    etag: str = Field(description="What the ETag header of a read of this task says, quotes included: for If-Match, as it is")
