"""A secret of the database's own, by which each ETag names its owner to nobody but this database."""

import secrets

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.add_column("instance", sa.Column("tag_key", sa.String(43)))
    instance = sa.table("instance", sa.column("tag_key", sa.String))
    op.execute(sa.update(instance).values(tag_key=secrets.token_urlsafe(32)))
    op.alter_column("instance", "tag_key", nullable=False)


def downgrade() -> None:
    op.drop_column("instance", "tag_key")
