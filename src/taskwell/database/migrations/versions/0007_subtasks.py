"""Subtasks: a task names its parent, and says whether it has, or once had, subtasks."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.add_column("tasks", sa.Column("parent_id", sa.Uuid))
    op.add_column("tasks", sa.Column("is_parent", sa.Boolean, nullable=False, server_default=sa.text("false")))
    op.create_foreign_key(
        "tasks_user_id_parent_id_fkey",
        "tasks",
        "tasks",
        ["user_id", "parent_id"],
        ["user_id", "id"],
        ondelete="SET NULL (parent_id)",
    )
    op.create_index("tasks_parent_idx", "tasks", ["user_id", "parent_id"], postgresql_where=sa.text("parent_id IS NOT NULL"))


def downgrade() -> None:
    """Tasks stay, and none is below another."""
    op.drop_index("tasks_parent_idx", "tasks")
    op.drop_constraint("tasks_user_id_parent_id_fkey", "tasks")
    op.drop_column("tasks", "is_parent")
    op.drop_column("tasks", "parent_id")
