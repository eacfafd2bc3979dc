"""The feed of changes: a page after a place. docs/sync.md is the contract."""

from typing import Any, Final, NamedTuple
from uuid import UUID

from taskwell.accounts.owner import Owner, row_for
from taskwell.changes.statements import KINDS_OF_ITEMS, READ_CHANGES, READ_CHANGES_OF_LIST
from taskwell.changes.tokens import NEVER, FeedPlace
from taskwell.database.rows import Rows
from taskwell.errors import ResyncRequired, UnknownReference
from taskwell.records.paging import BETWEEN_ITEMS
from taskwell.records.tags import tag_head

_LAST_ID: Final = UUID(int=2**128 - 1)


class Feed(NamedTuple):
    """Which feed is read: of all that the owner has, or of one list. Not every token may see who the account is of."""

    list_id: UUID | None
    is_account_shown: bool


class Changes(NamedTuple):
    """One page. `items` is the inside of a JSON array, and `next` is where the following page begins."""

    items: str
    next: FeedPlace
    has_more: bool


async def read_changes(rows: Rows, owner: Owner, feed: Feed, since: FeedPlace | None, *, limit: int) -> Changes:
    """Without `since` it is the first page of a snapshot, which is of what there is.

    Raises ResyncRequired, and UnknownReference for the list.
    """
    place = None if since is None or since.revision == NEVER else since
    arguments = _arguments(place, feed) | {"limit": limit, "tag_head": tag_head(rows, owner.id)}
    statement = READ_CHANGES if feed.list_id is None else READ_CHANGES_OF_LIST
    row = await row_for(rows, statement, owner, **arguments)
    if place is not None and (row is None or place.is_behind(row["purged_revision"])):
        raise ResyncRequired
    if feed.list_id is not None and (row is None or not row["is_known"]):
        raise UnknownReference.at(["list_id"])
    if row is None:
        return Changes("", FeedPlace(NEVER, NEVER), has_more=False)
    revision, items = row["revision"], row["items"] or ""
    begun = revision if place is None else place.begun
    if row["found"] <= limit:
        return Changes(items, FeedPlace(revision, revision), has_more=False)
    last = FeedPlace(row["last_revision"], begun, row["last_kind"], row["last_id"])
    return Changes(items.rpartition(BETWEEN_ITEMS)[0], last, has_more=True)


def _arguments(since: FeedPlace | None, feed: Feed) -> dict[str, Any]:
    """For each kind, the place after which its items are. Of the kinds before the last item's, its revision was read whole."""
    place = since or FeedPlace(NEVER, NEVER)
    arguments: dict[str, Any] = {"begun": None if since is None else since.begun}
    for kind in KINDS_OF_ITEMS:
        if feed.list_id is not None and kind not in ("list", "task"):
            continue
        is_read = place.kind is None or kind < place.kind
        arguments[f"after_{kind}_revision"] = place.revision if is_read or kind == place.kind else place.whole
        arguments[f"after_{kind}_id"] = place.id if kind == place.kind else _LAST_ID
    more = {"is_account_shown": feed.is_account_shown} if feed.list_id is None else {"list_id": feed.list_id}
    return arguments | more
