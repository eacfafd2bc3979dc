"""One folding of e-mail addresses, made by Taskwell alone; and how many sign up from one address."""

import re
import unicodedata
from collections import defaultdict
from uuid import UUID

import sqlalchemy as sa
from alembic import op

from taskwell.errors import CannotStart

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

# `types.address_key` as it is today, of an address that is stored, which is normal already. Another folding, another migration.
INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f"
    "\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)


def key_of(email: str) -> str:
    local, at, domain = email.rpartition("@")
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFD", local).casefold())
    folded = unicodedata.normalize("NFKC", INVISIBLE.sub("", folded).casefold())
    return folded + at + domain.lower()


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.add_column("users", sa.Column("email_key", sa.Text(collation="C")))
    users = sa.table("users", sa.column("id", sa.Uuid), sa.column("email", sa.String), sa.column("email_key", sa.Text))
    connection = op.get_bind()
    rows = connection.execute(sa.select(users.c.id, users.c.email).where(users.c.email.is_not(None))).all()
    holders: dict[str, list[UUID]] = defaultdict(list)
    for user_id, email in rows:
        holders[key_of(email)].append(user_id)
    shared = [" and ".join(sorted(map(str, ids))) for ids in holders.values() if len(ids) > 1]
    if shared:
        raise CannotStart(
            f"these users have one e-mail address in two spellings: {', '.join(sorted(shared))}. Nothing was changed: give all "
            "but one of them another address in the table `users`, then run `taskwell migrate` again"
        )
    if holders:
        keyed = sa.update(users).where(users.c.id == sa.bindparam("user_id")).values(email_key=sa.bindparam("key"))
        connection.execute(keyed, [{"user_id": ids[0], "key": key} for key, ids in holders.items()])
    op.drop_index("users_email_key", "users")
    op.create_index("users_email_key", "users", ["email_key"], unique=True)
    op.create_table(
        "sign_ups",
        sa.Column("key", sa.String(64), primary_key=True),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_index("sign_ups_since_idx", "sign_ups", ["since"])


def downgrade() -> None:
    """Fails where two addresses that are two here are one to this database's own `lower`."""
    op.drop_table("sign_ups")
    op.drop_index("users_email_key", "users")
    op.create_index("users_email_key", "users", [sa.text("lower(email)")], unique=True)
    op.drop_column("users", "email_key")
