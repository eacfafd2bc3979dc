"""Everybody in the world with records of the same ids, made at the same moments, and as many revisions: what still differs?"""

from typing import NamedTuple
from uuid import UUID, uuid4

from tests.support import postgres
from tests.support.pages import cursor_of
from tests.support.world import World


class Held(NamedTuple):
    """What a client of one person's keeps from its answers."""

    list_tag: str
    task_tag: str
    trashed_tag: str
    cursor: str
    cursor_of_lists: str
    cursor_of_labels: str


class Alike(NamedTuple):
    world: World
    database_url: str
    record_id: UUID  # of a task, of a list, and of a label
    trashed_id: UUID  # likewise, of what is in the trash
    held: dict[UUID, Held]  # by whose rows they are of

    def rows(self) -> list[str]:
        found = postgres.query(self.database_url, _EVERYTHING, [*self.held])
        return [row["line"] for row in found]


_EVERYTHING = (
    "SELECT t::text AS line FROM tasks t WHERE user_id = ANY($1)"
    " UNION ALL SELECT l::text AS line FROM lists l WHERE user_id = ANY($1)"
    " UNION ALL SELECT l::text AS line FROM labels l WHERE user_id = ANY($1)"
    " UNION ALL SELECT u.id::text || ' ' || u.revision::text FROM users u WHERE id = ANY($1) ORDER BY line"
)
_MADE = [
    f"INSERT INTO {table} (user_id, id, {name}, {flag}, created_at, updated_at, revision)"
    " SELECT $1, id, 'of ' || ($1::uuid)::text, false, '2026-11-25T00:00:00Z', '2026-11-25T00:00:00Z', n"
    " FROM unnest($2::uuid[]) WITH ORDINALITY AS made (id, n)"
    for table, name, flag in (("tasks", "title", "is_completed"), ("lists", "name", "is_archived"))
]
_MADE.append(
    "INSERT INTO labels (user_id, id, name, key, folded, created_at, updated_at, revision)"
    " SELECT $1, id, 'label ' || n, 'label ' || n, '', '2026-11-25T00:00:00Z', '2026-11-25T00:00:00Z', n"
    " FROM unnest($2::uuid[]) WITH ORDINALITY AS made (id, n)"
)


def make_alike(world: World, database_url: str) -> Alike:
    everybody = {world.alice.id, world.dora.id, *(asker.id for asker in world.askers.values() if asker.id is not None)}
    ids = sorted(uuid4() for _ in range(3))
    for user_id in everybody:
        postgres.query(database_url, "INSERT INTO users (id) VALUES ($1) ON CONFLICT DO NOTHING", user_id)
        postgres.query(database_url, "DELETE FROM tasks WHERE user_id = $1", user_id)
        for made in _MADE:
            postgres.query(database_url, made, user_id, ids)
        for table in ("tasks", "lists", "labels"):
            gone = f"UPDATE {table} SET deleted_at = date_trunc('day', now()), revision = 4 WHERE user_id = $1 AND id = $2"
            postgres.query(database_url, gone, user_id, ids[2])
        postgres.query(database_url, "UPDATE users SET revision = 5 WHERE id = $1", user_id)
    return Alike(world, database_url, ids[0], ids[2], {user_id: _held(world, user_id, ids[0]) for user_id in everybody})


def _held(world: World, owner: UUID, record_id: UUID) -> Held:
    """By an administrator's hand, so that whoever sees the same under their own name agrees with it."""
    of_owner = f"/api/v1/users/{owner}"
    addresses = (f"tasks/{record_id}", *(f"{noun}?limit=1" for noun in ("tasks", "lists", "labels")))
    task, *pages = (world.ask("Carol's", "GET", f"{of_owner}/{address}", None) for address in addresses)
    trash = world.ask("Carol's", "GET", f"{of_owner}/trash", None).json()["items"]
    (trashed_tag,) = {item["etag"] for item in trash}
    return Held(pages[0].headers["etag"], task.headers["etag"], trashed_tag, *map(cursor_of, pages))
