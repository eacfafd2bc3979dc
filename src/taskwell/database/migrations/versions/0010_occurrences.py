"""Tasks that recur: what of them is done."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.add_column("tasks", sa.Column("completed_occurrence", sa.Date))
    op.create_table(
        "occurrences",
        sa.Column("user_id", sa.Uuid, primary_key=True),
        sa.Column("task_id", sa.Uuid, primary_key=True),
        sa.Column("occurrence", sa.Date, primary_key=True),
        sa.Column("due", JSONB, nullable=False),
        sa.Column("start", JSONB),
        sa.Column("recurrence", JSONB, nullable=False),
        sa.Column("completed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revision", sa.BigInteger, nullable=False),
        sa.ForeignKeyConstraint(["user_id", "task_id"], ["tasks.user_id", "tasks.id"], ondelete="CASCADE"),
    )


def downgrade() -> None:
    """Tasks stay as they are due now."""
    op.drop_table("occurrences")
    op.drop_column("tasks", "completed_occurrence")
