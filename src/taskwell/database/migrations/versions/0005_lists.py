"""Lists, the tasks that are in them, and the tasks that have left them."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_table(
        "lists",
        sa.Column("user_id", sa.Uuid, sa.ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("colour", sa.String(7)),
        sa.Column("icon", sa.String(64)),
        sa.Column("is_archived", sa.Boolean, nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("updated_at", TIME, nullable=False),
        sa.Column("deleted_at", TIME),
        sa.Column("revision", sa.BigInteger, nullable=False),
        sa.CheckConstraint("char_length(name) BETWEEN 1 AND 255", name="lists_name_check"),
        sa.CheckConstraint("revision > 0", name="lists_revision_check"),
    )
    live = sa.text("deleted_at IS NULL")
    op.create_index("lists_created_idx", "lists", ["user_id", "created_at", "id"], postgresql_where=live)
    op.create_index("lists_revision_idx", "lists", ["user_id", "revision"])
    op.add_column("tasks", sa.Column("list_id", sa.Uuid))
    op.add_column("tasks", sa.Column("deleted_with", sa.Uuid))
    op.create_foreign_key(
        "tasks_user_id_list_id_fkey",
        "tasks",
        "lists",
        ["user_id", "list_id"],
        ["user_id", "id"],
        ondelete="SET NULL (list_id)",
    )
    op.create_index("tasks_in_list_idx", "tasks", ["user_id", "list_id", "created_at", "id"], postgresql_where=live)
    op.create_table(
        "departures",
        sa.Column("user_id", sa.Uuid, primary_key=True),
        sa.Column("list_id", sa.Uuid, primary_key=True),
        sa.Column("task_id", sa.Uuid, primary_key=True),
        sa.Column("revision", sa.BigInteger, nullable=False),
        sa.ForeignKeyConstraint(["user_id", "list_id"], ["lists.user_id", "lists.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["user_id", "task_id"], ["tasks.user_id", "tasks.id"], ondelete="CASCADE"),
    )


def downgrade() -> None:
    """Tasks stay, and are in no list."""
    op.drop_table("departures")
    op.drop_index("tasks_in_list_idx", "tasks")
    op.drop_constraint("tasks_user_id_list_id_fkey", "tasks")
    op.drop_column("tasks", "deleted_with")
    op.drop_column("tasks", "list_id")
    op.drop_table("lists")
