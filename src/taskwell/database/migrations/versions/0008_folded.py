"""What the search reads of the tasks that are there already."""

import re
from unicodedata import category, combining, decomposition, normalize
from uuid import UUID

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

BATCH = 1_000
TASKS = sa.table("tasks", *map(sa.column, ("user_id", "id", "title", "description", "labels", "folded")))
KEY = sa.tuple_(TASKS.c.user_id, TASKS.c.id)

# `folding.fold` as it is today. Another folding, another migration.
INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f"
    "\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
SPACELESS = re.compile("([\u0e00-\u0fff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3041-\u312f\u31a0-\u9fff\U00020000-\U0003ffff]+)")
SPELLED = dict(zip("øđłħŧıæœþð\u115f\u1160", ("o", "d", "l", "h", "t", "i", "ae", "oe", "th", "d", "", ""), strict=True))


def fold(text: str) -> str:
    folded = text.translate({ord(character): folded_of(character) for character in set(text)})[: 3 * len(text)]
    words = " ".join(SPACELESS.split(folded)).split()
    return f" {' '.join(words)} " if words else ""


def folded_of(character: str) -> str:
    if character.isalnum() and not decomposition(character):
        folded = character.casefold()
        return SPELLED.get(folded, folded)
    return "".join(map(kept, normalize("NFKD", character.casefold()).casefold()))


def kept(character: str) -> str:
    if INVISIBLE.match(character):
        return ""
    if character.isalnum():
        return SPELLED.get(character, character)
    kind = category(character)
    if kind.startswith("M"):
        return "" if combining(character) >= 10 or kind == "Me" else character
    return f" {character} " if kind in ("So", "Sc") else " "


def upgrade() -> None:
    """In batches, by the key, so that memory stays small. What somebody holds at that moment keeps what it has: the search then
    reads the title and the description themselves."""
    connection = op.get_bind()
    after: tuple[UUID, UUID] | None = None
    while True:
        batch = sa.select(TASKS).where(TASKS.c.folded.is_(None)).order_by(*KEY.clauses).limit(BATCH)
        if after is not None:
            batch = batch.where(sa.tuple_(*(sa.literal(part, sa.Uuid) for part in after)) < KEY)
        rows = connection.execute(batch.with_for_update(skip_locked=True)).all()
        if not rows:
            return
        parts = [(fold(row.title), fold(row.description or ""), "".join(map(fold, row.labels))) for row in rows]
        filled = sa.update(TASKS).where(TASKS.c.user_id == sa.bindparam("owner"), TASKS.c.id == sa.bindparam("task"))
        connection.execute(
            filled.values(folded=sa.bindparam("whole")),
            [{"owner": row.user_id, "task": row.id, "whole": "\x01".join(of)} for row, of in zip(rows, parts, strict=True)],
        )
        after = rows[-1].user_id, rows[-1].id


def downgrade() -> None:
    """A version that knows no search leaves the column as it is, and would leave it behind what it writes."""
    op.get_bind().execute(sa.update(TASKS).values(folded=None))
