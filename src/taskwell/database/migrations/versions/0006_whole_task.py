"""What a task is besides: order, priority, labels, due dates, recurrence, and what the search reads.

Each new column has a default, so that a version from before this one can still write.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

KEY = sa.Text(collation="C")


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.add_column("tasks", sa.Column("position", KEY, nullable=False, server_default=sa.text("'h'")))
    op.add_column("tasks", sa.Column("priority", sa.String(6), nullable=False, server_default=sa.text("'none'")))
    op.add_column("tasks", sa.Column("labels", sa.ARRAY(sa.Text), nullable=False, server_default=sa.text("'{}'")))
    op.add_column("tasks", sa.Column("due", JSONB))
    op.add_column("tasks", sa.Column("start", JSONB))
    op.add_column("tasks", sa.Column("reminders", JSONB, nullable=False, server_default=sa.text("'[]'")))
    op.add_column("tasks", sa.Column("recurrence", JSONB))
    op.add_column("tasks", sa.Column("due_sort", sa.DateTime))
    op.add_column("tasks", sa.Column("start_sort", sa.DateTime))
    op.add_column("tasks", sa.Column("folded", sa.Text))
    op.add_column("lists", sa.Column("position", KEY, nullable=False, server_default=sa.text("'h'")))
    op.create_check_constraint("tasks_priority_check", "tasks", "priority IN ('none', 'low', 'medium', 'high', 'urgent')")
    live = sa.text("deleted_at IS NULL")
    op.create_index("tasks_due_idx", "tasks", ["user_id", "due_sort", "id"], postgresql_where=live)


def downgrade() -> None:
    """Tasks stay, each by itself, without what this version gave them."""
    op.drop_index("tasks_due_idx", "tasks")
    op.drop_constraint("tasks_priority_check", "tasks")
    op.drop_column("lists", "position")
    for name in ("folded", "start_sort", "due_sort", "recurrence", "reminders", "start", "due"):
        op.drop_column("tasks", name)
    for name in ("labels", "priority", "position"):
        op.drop_column("tasks", name)
