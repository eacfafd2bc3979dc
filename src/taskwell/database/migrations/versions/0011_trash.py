"""The trash: what is deleted can come back, be emptied, and is removed for good by its age."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

NOUNS = ("tasks", "lists", "labels")


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.add_column("users", sa.Column("purged_revision", sa.BigInteger, nullable=False, server_default=sa.text("0")))
    op.add_column("labels", sa.Column("carriers", ARRAY(sa.Uuid)))
    for noun in NOUNS:
        op.add_column(noun, sa.Column("emptied_at", sa.DateTime(timezone=True)))
        deleted = sa.text("deleted_at IS NOT NULL")
        op.create_index(f"{noun}_trash_idx", noun, ["user_id", "deleted_at", "id"], postgresql_where=deleted)


def downgrade() -> None:
    """What was emptied stays a deleted row without content."""
    for noun in NOUNS:
        op.drop_index(f"{noun}_trash_idx", noun)
        op.drop_column(noun, "emptied_at")
    op.drop_column("labels", "carriers")
    op.drop_column("users", "purged_revision")
