"""Labels: what each name is that tasks carry."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_table(
        "labels",
        sa.Column("user_id", sa.Uuid, sa.ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("key", sa.Text(collation="C"), nullable=False),
        sa.Column("folded", sa.Text, nullable=False),
        sa.Column("colour", sa.String(7)),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("updated_at", TIME, nullable=False),
        sa.Column("deleted_at", TIME),
        sa.Column("revision", sa.BigInteger, nullable=False),
        sa.CheckConstraint("char_length(name) BETWEEN 1 AND 100", name="labels_name_check"),
        sa.CheckConstraint("revision > 0", name="labels_revision_check"),
    )
    live = sa.text("deleted_at IS NULL")
    op.create_index("labels_key_idx", "labels", ["user_id", "key"], unique=True, postgresql_where=live)
    op.create_index("labels_created_idx", "labels", ["user_id", "created_at", "id"], postgresql_where=live)
    op.create_index("labels_revision_idx", "labels", ["user_id", "revision"])


def downgrade() -> None:
    """Tasks keep the names."""
    op.drop_table("labels")
