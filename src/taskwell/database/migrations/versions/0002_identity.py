"""Sessions, API tokens, failed sign-ins and signing keys; users of other issuers, and what is left of deleted ones."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)
NOW = sa.text("clock_timestamp()")


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.alter_column("users", "email", nullable=True)
    op.alter_column("users", "password_hash", nullable=True)
    op.add_column("users", sa.Column("time_zone", sa.String(64), nullable=False, server_default="UTC"))
    op.add_column("users", sa.Column("deleted_at", TIME))
    op.add_column("users", sa.Column("signed_out_at", TIME, nullable=False, server_default=sa.text("'-infinity'")))
    op.create_table(
        "sessions",
        sa.Column("user_id", sa.Uuid, sa.ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("token_hash", sa.String(43), nullable=False),
        sa.Column("previous_hash", sa.String(43)),
        sa.Column("salt", sa.String(43)),
        sa.Column("scope", sa.String(255), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("rotated_at", TIME, nullable=False),
        sa.Column("expires_at", TIME, nullable=False),
    )
    op.create_table(
        "api_tokens",
        sa.Column("user_id", sa.Uuid, sa.ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("scope", sa.String(255), nullable=False),
        sa.Column("token_hash", sa.String(43), nullable=False),
        sa.Column("ends_with", sa.String(6), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("expires_at", TIME, nullable=False),
        sa.Column("last_used_at", TIME),
    )
    op.create_index("api_tokens_hash_key", "api_tokens", ["token_hash"], unique=True)
    op.create_table(
        "failed_sign_ins",
        sa.Column("key", sa.String(64), primary_key=True),
        sa.Column("failures", sa.Integer, nullable=False),
        sa.Column("since", TIME, nullable=False),
    )
    op.create_index("failed_sign_ins_since_idx", "failed_sign_ins", ["since"])
    op.create_table(
        "signing_keys",
        sa.Column("kid", sa.String(64), primary_key=True),
        sa.Column("created_at", TIME, nullable=False, server_default=NOW),
        sa.Column("retired_at", TIME),
    )


def downgrade() -> None:
    """Users of other issuers have no place in the older schema: they go, with their tasks."""
    for table in ("signing_keys", "failed_sign_ins", "api_tokens", "sessions"):
        op.drop_table(table)
    op.execute("DELETE FROM users WHERE email IS NULL OR password_hash IS NULL")
    op.drop_column("users", "signed_out_at")
    op.drop_column("users", "deleted_at")
    op.drop_column("users", "time_zone")
    op.alter_column("users", "password_hash", nullable=False)
    op.alter_column("users", "email", nullable=False)
