"""What can be done with one record of any kind: a statement of its noun runs, and its answer is read.

The owner comes first; a record of somebody else's is a record that does not exist. A noun that differs has a function of its own
in its own store.
"""

import json
from collections.abc import Mapping, Sequence
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, NamedTuple, Protocol
from uuid import UUID

import asyncpg
from pydantic import BaseModel

from taskwell.accounts.owner import Owner, row_for
from taskwell.database.rows import Rows
from taskwell.database.statement import Statement
from taskwell.database.unit_of_work import UnitOfWork
from taskwell.errors import Conflict, InvalidInput, NotFound, OutcomeUnknown, PreconditionFailed, Unavailable, UnknownReference
from taskwell.records.as_read import is_given, refuse_but_id
from taskwell.records.content import Content
from taskwell.records.cursors import decode_cursor, encode_cursor
from taskwell.records.kinds import Kind
from taskwell.records.paging import Sort, cut
from taskwell.records.revisions import as_text
from taskwell.records.tags import tag_head, tag_of
from taskwell.types import Revisions, new_id

PURGED_WITH_A_DELETION: Final = 20
"""So many of each kind."""


class Rendered(NamedTuple):
    """A record as PostgreSQL rendered it, with its revision and the ETag."""

    id: UUID
    json: str
    revision: int
    etag: str


class RenderedPage(NamedTuple):
    """`items` is the inside of a JSON array, None where the client's copy of that revision still holds.

    `total` is None where nobody asked for it, and `etag` where the page can become another one without a write.
    """

    items: str | None
    next_cursor: str | None
    revision: int
    etag: str | None
    total: int | None = None


class NeedsUnitOfWork(Exception):
    """Nothing was done: the write decides on rows that its statement cannot lock (`Held` in records/writing.py)."""


class Refusals(NamedTuple):
    """How a noun refuses: there is no such record, its id is taken, it has changed, one exists already, there are too many."""

    not_found: type[NotFound]
    id_taken: type[Conflict]
    changed: type[PreconditionFailed]
    exists: type[PreconditionFailed]
    too_many: type[Conflict] | None = None


class NewNames(Exception):
    """Nothing was written: the record names another one by a name that is not there yet. Its noun makes it, and tries again."""


class Writes(NamedTuple):
    """The statements of a content (`Kind.plain`, or all of it)."""

    create: Statement
    create_at: Statement
    change: Statement
    change_as_read: Statement


@dataclass(frozen=True)
class Noun:
    """A kind, with the statements that are made for it (records/reading.py, records/writing.py)."""

    kind: Kind
    refusals: Refusals
    read: Statement
    find_same: Statement
    plain: Writes
    delete: Statement
    purge: Statement
    place: Statement
    whole: Writes | None = None

    def writes(self, request: BaseModel) -> tuple[Content, Writes]:
        """What a request says, and the statements that write it."""
        if self.whole is None or request.model_fields_set.isdisjoint(self.kind.later):
            return self.kind.plain, self.plain
        return self.kind.content, self.whole


_NOTHING: Final[Mapping[str, Any]] = MappingProxyType({})


class _Filter(Protocol):
    """What a client asks of a list. A cursor is bound to its name, which says all that is asked."""

    @property
    def name(self) -> str: ...


async def read(noun: Noun, rows: Rows, owner: Owner, record_id: UUID) -> Rendered:
    named = naming(noun, rows, owner, record_id)
    return found(noun, named, await row_for(rows, noun.read, owner, **named))


async def list_page(
    statement: Statement,
    sort: Sort,
    rows: Rows,
    owner: Owner,
    asked: _Filter,
    *,
    limit: int,
    cursor: str | None,
    if_none_match: Revisions | None,
    filtered: Mapping[str, Any] = _NOTHING,
    named: Sequence[str] = (),
) -> RenderedPage:
    """One page. Nothing is rendered when `if_none_match` holds the revision of the owner's.

    `filtered` are the arguments of the filter, and `named` says what in it names a record. Raises UnknownReference where there is
    no such record.
    """
    begin = {} if cursor is None else decode_cursor(cursor, rows.keyed_hash, owner.id, asked.name)
    resume = {f"first_{name}": value for name, value in begin.items()}
    head = tag_head(rows, owner.id)
    known = as_text(if_none_match)
    row = await row_for(rows, statement, owner, limit=limit, if_none_match=known, tag_head=head, **filtered, **resume)
    if named and (unknown := ",".join(named) if row is None else row["unknown"]):
        raise UnknownReference.at(unknown.split(","))
    if row is None:
        return RenderedPage("", None, 0, tag_of(head, 0), 0 if filtered.get("is_counted") else None)
    revision = row["revision"]
    etag = tag_of(head, revision)
    if not row["is_changed"]:
        return RenderedPage(None, None, revision, etag)
    items, place = cut(row, sort)
    next_cursor = None if place is None else encode_cursor(place, rows.keyed_hash, owner.id, asked.name)
    return RenderedPage(items, next_cursor, revision, etag, row.get("total"))


async def create(noun: Noun, rows: Rows, owner: Owner, new: BaseModel, own_id: UUID | None) -> tuple[Rendered, bool]:
    """The record, and whether this request made it: a repeated request finds what the first one made.

    `own_id` is the id that the client chose, if it did. Raises UnknownReference, `refusals.too_many` and `refusals.id_taken`.
    """
    named = naming(noun, rows, owner, own_id or new_id())
    content, writes = noun.writes(new)
    row = await row_for(rows, writes.create_at if own_id else writes.create, owner, **named, **content.given_by(new))
    if row is None or row[noun.kind.name] is not None:
        return found(noun, named, row), True
    _refuse_unknown(row)
    if own_id is not None:
        same = await row_for(rows, noun.find_same, owner, **named, **noun.kind.content.said_by(new))
        if same is not None and same[noun.kind.name] is not None:
            return found(noun, named, same), False
    _refuse_too_many(noun, row)
    if own_id is not None:
        raise noun.refusals.id_taken
    return await _created_before(noun, rows, owner, named), True


async def _created_before(noun: Noun, rows: Rows, owner: Owner, named: dict[str, Any]) -> Rendered:
    """An id of our own choosing can only be taken because our first try, whose connection broke, was committed after all.

    Raises OutcomeUnknown when that cannot be shown: it was deleted since, or cannot be read just now.
    """
    try:
        return found(noun, named, await row_for(rows, noun.read, owner, **named))
    except (NotFound, Unavailable) as error:
        raise OutcomeUnknown from error


async def change(
    noun: Noun,
    rows: Rows,
    owner: Owner,
    record_id: UUID,
    changes: BaseModel,
    *,
    if_match: Revisions | None,
    as_read: Revisions | None = None,
) -> Rendered:
    """PATCH and PUT. Raises `refusals.changed` when the record's revision is none of `if_match`.

    What would change the record raises it also for a revision that is none of `as_read`, and then InvalidInput for what was sent
    back otherwise than it is stored.
    """
    content, writes = noun.writes(changes)
    given = content.replaced_by(changes) if isinstance(changes, noun.kind.whole) else content.changed_by(changes)
    named = naming(noun, rows, owner, record_id)
    arguments = {**named, "if_match": as_text(if_match), **given}
    if not is_given(changes):
        row = await row_for(rows, writes.change, owner, **arguments)
        record = _unchanged_by_others(noun, named, row)
        _refuse_unknown(row)
        _refuse_alone(row)
        return record
    arguments |= {"as_read": as_text(as_read), **noun.kind.compared.given_by(changes)}
    row = await row_for(rows, writes.change_as_read, owner, **arguments)
    record = _unchanged_by_others(noun, named, row)
    if row is not None and row["unlike"]:
        raise InvalidInput.not_stored(row["unlike"].split(","))
    _refuse_unknown(row)
    _refuse_alone(row)
    return record


async def delete(noun: Noun, rows: Rows, owner: Owner, record_id: UUID, *, if_match: Revisions | None) -> None:
    """Raises `refusals.changed` when the record's revision is none of `if_match`."""
    named = naming(noun, rows, owner, record_id)
    row = await row_for(rows, noun.delete, owner, **named, if_match=as_text(if_match), old_before=rows.old_before)
    _unchanged_by_others(noun, named, row)
    _refuse_alone(row)
    await purge_some(noun, rows, owner, row)


async def purge_some(noun: Noun, rows: Rows, owner: Owner, deleted: asyncpg.Record | None) -> None:
    """A deletion takes a few with it that are too old for the trash, since nothing runs by itself.

    It is done by then, and does not fail with them; unless all is one unit of work.
    """
    if deleted is not None and deleted["has_old"]:
        with nullcontext() if isinstance(rows, UnitOfWork) else suppress(Unavailable):
            await row_for(rows, noun.purge, owner, old_before=rows.old_before, most=PURGED_WITH_A_DELETION)


async def place(noun: Noun, rows: Rows, owner: Owner, record_id: UUID, new: BaseModel) -> Rendered:
    """Create the record at this id, also where a deleted one was. Raises `refusals.exists` where a live one is."""
    refuse_but_id(new, record_id)
    named = naming(noun, rows, owner, record_id)
    while True:
        row = await row_for(rows, noun.place, owner, **named, **noun.kind.content.given_by(new))
        if row is not None and row[noun.kind.name] is not None:
            return found(noun, named, row)
        _refuse_unknown(row)
        there = await row_for(rows, noun.read, owner, **named)
        if there is not None and there["revision"] is not None:
            raise noun.refusals.exists(current=json.loads(there[noun.kind.name]))
        _refuse_too_many(noun, row)
        # It was deleted in this very moment.


def naming(noun: Noun, rows: Rows, owner: Owner, record_id: UUID) -> dict[str, Any]:
    """The arguments of a statement that say which record it is about, and whose its tag is."""
    return {f"{noun.kind.name}_id": record_id, "tag_head": tag_head(rows, owner.id)}


def found(noun: Noun, named: dict[str, Any], row: asyncpg.Record | None) -> Rendered:
    if row is None or row["revision"] is None:
        raise noun.refusals.not_found
    revision = row["revision"]
    return Rendered(named[f"{noun.kind.name}_id"], row[noun.kind.name], revision, tag_of(named["tag_head"], revision))


def _refuse_unknown(row: asyncpg.Record | None) -> None:
    if row is not None and row.get("unknown"):
        raise UnknownReference.at(row["unknown"].split(","))
    if row is not None and row.get("has_new_names"):
        raise NewNames


def _refuse_alone(row: asyncpg.Record | None) -> None:
    if row is not None and row.get("is_held"):
        raise NeedsUnitOfWork


def _refuse_too_many(noun: Noun, row: asyncpg.Record | None) -> None:
    if noun.refusals.too_many is not None and row is not None and row.get("is_full"):
        raise noun.refusals.too_many


def _unchanged_by_others(noun: Noun, named: dict[str, Any], row: asyncpg.Record | None) -> Rendered:
    record = found(noun, named, row)
    if row is not None and not row["matches"]:
        raise noun.refusals.changed(current=json.loads(record.json))
    return record
