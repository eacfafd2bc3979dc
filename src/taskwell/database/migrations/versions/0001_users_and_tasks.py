"""Users, their tasks, and the epoch of this database."""

import secrets

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)
NOW = sa.text("clock_timestamp()")


def upgrade() -> None:
    instance = op.create_table("instance", sa.Column("epoch", sa.String(32), primary_key=True))
    op.bulk_insert(instance, [{"epoch": secrets.token_urlsafe(6)}])
    op.create_table(
        "users",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("email", sa.String(320), nullable=False),
        sa.Column("password_hash", sa.Text, nullable=False),
        sa.Column("display_name", sa.String(255)),
        sa.Column("is_admin", sa.Boolean, nullable=False, server_default=sa.text("false")),
        sa.Column("disabled_at", TIME),
        sa.Column("tokens_valid_after", TIME, nullable=False, server_default=sa.text("'-infinity'")),
        sa.Column("revision", sa.BigInteger, nullable=False, server_default=sa.text("0")),
        sa.Column("created_at", TIME, nullable=False, server_default=NOW),
        sa.Column("updated_at", TIME, nullable=False, server_default=NOW),
        sa.CheckConstraint("revision >= 0", name="users_revision_check"),
        postgresql_with={"fillfactor": "70"},
    )
    op.create_index("users_email_key", "users", [sa.text("lower(email)")], unique=True)
    op.create_table(
        "tasks",
        sa.Column("user_id", sa.Uuid, sa.ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("title", sa.String(255), nullable=False),
        sa.Column("description", sa.String(16_384)),
        sa.Column("is_completed", sa.Boolean, nullable=False),
        sa.Column("completed_at", TIME),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("updated_at", TIME, nullable=False),
        sa.Column("deleted_at", TIME),
        sa.Column("revision", sa.BigInteger, nullable=False),
        sa.CheckConstraint("char_length(title) BETWEEN 1 AND 255", name="tasks_title_check"),
        sa.CheckConstraint("char_length(description) <= 16384", name="tasks_description_check"),
        sa.CheckConstraint("is_completed = (completed_at IS NOT NULL)", name="tasks_completed_at_check"),
        sa.CheckConstraint("revision > 0", name="tasks_revision_check"),
    )
    live = sa.text("deleted_at IS NULL")
    op.create_index("tasks_list_idx", "tasks", ["user_id", "created_at", "id"], postgresql_where=live)
    op.create_index("tasks_completed_idx", "tasks", ["user_id", "is_completed", "created_at", "id"], postgresql_where=live)
    op.create_index("tasks_revision_idx", "tasks", ["user_id", "revision"])


def downgrade() -> None:
    op.drop_table("tasks")
    op.drop_table("users")
    op.drop_table("instance")
