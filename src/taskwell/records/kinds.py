"""The nouns: what every record of a user's has in common, and the register of all kinds of them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel
from sqlalchemy import ColumnElement, FromClause, String, Table, Uuid, and_, cast, literal
from sqlmodel import SQLModel

from taskwell.accounts.may_act import owner
from taskwell.database.statement import argument
from taskwell.database.view import shown_of
from taskwell.encoding import sha256_text
from taskwell.records.as_read import Compared
from taskwell.records.content import FIRST_VERSION, Content, Follows, nothing
from taskwell.records.searched import Fold

KINDS: dict[str, "Kind"] = {}
"""Every kind of record by its name. What concerns all of a user's records walks over it."""

_tag_head = argument("tag_head", String())


def view_version() -> str:
    """Names how records are rendered: another one as soon as a view has other fields, in another order or of other types.

    It stands in every ETag, so that no cache keeps the old form.
    """
    views = [
        (
            kind.name,
            [(name, str(getattr(kind.table.c.get(name), "type", "computed"))) for name in (kind.item or kind.view).model_fields],
        )
        for kind in KINDS.values()
    ]
    return sha256_text(repr(sorted(views)).encode())[:6]


@dataclass(frozen=True)
class Kind:
    """A noun: its table, what the API shows of a record, and what a client may say in a POST, a PUT and a PATCH.

    The table's key is (user_id, id), and it has `created_at`, `updated_at`, `deleted_at` and `revision`.
    """

    name: str
    table: Table
    view: type[SQLModel]
    new: type[BaseModel]
    whole: type[BaseModel]
    changes: type[BaseModel]
    references: Mapping[str, "Kind"] = field(default_factory=dict, hash=False)
    """The fields that name another record of the same user's, and its kind (records/references.py)."""
    searched: Mapping[str, Fold] = field(default_factory=dict, hash=False)
    """The fields that the search reads, and how each is folded (records/searched.py)."""
    by_name: Mapping[str, "Kind"] = field(default_factory=dict, hash=False)
    """The fields that name such records by their names, and their kind (records/names.py)."""
    decisive: tuple[str, ...] = ()
    """The columns that no client sees, and by which a change decides."""
    follows: Follows = nothing
    """What Python makes of all that a request says. Where it says nothing but what the noun began with, nothing follows."""
    item: type[SQLModel] | None = None
    """What a page shows of a record, where that is more than the view: `view` and what changes without the record."""
    content: Content = field(init=False)
    later: frozenset[str] = field(init=False)  # the names of the content that came after the first version
    plain: Content = field(init=False)
    """The content with which the noun began. Most requests say nothing else, and run statements that are made for it."""
    compared: Compared = field(init=False)
    id: ColumnElement[Any] = field(init=False)  # the argument that names one record

    def __post_init__(self) -> None:
        content = Content(self.table, self.whole, searched=self.searched, by_name=self.by_name, follows=self.follows)
        object.__setattr__(self, "content", content)
        began_with = FIRST_VERSION.get(self.table.name, frozenset(self.content.names))
        object.__setattr__(self, "later", frozenset(self.content.names) - began_with)
        object.__setattr__(self, "plain", Content(self.table, self.whole, self.later, self.searched))
        object.__setattr__(self, "compared", Compared(self.table, self.whole))
        object.__setattr__(self, "id", argument(f"{self.name}_id", Uuid()))
        assert self.name not in KINDS, f"two kinds are called {self.name}"
        KINDS[self.name] = self

    def shown(self, rows: FromClause, tag_head: ColumnElement[str] = _tag_head) -> list[ColumnElement[Any]]:
        """The columns of the view, as `as_json` shows them, for rows that have the table's columns.

        `etag` is what the ETag header of a read of the record says: `tag_head` (records/tags.py) and the record's revision.
        """
        tag = tag_head + cast(rows.c.revision, String) + literal('"')
        return shown_of(self.view, rows, {"etag": tag})

    @property
    def stored(self) -> list[ColumnElement[Any]]:
        """The columns of the table that the view is made from."""
        return [self.table.c[name] for name in self.view.model_fields if name in self.table.c]

    @property
    def written(self) -> list[ColumnElement[Any]]:
        """The columns that a change starts from: `stored`, and what no view shows of the content and of what decides."""
        unseen = [name for name in (*self.content.columns, *self.decisive) if name not in self.view.model_fields]
        return [*self.stored, *(self.table.c[name] for name in unseen)]

    @property
    def live(self) -> ColumnElement[bool]:
        """It is the owner's, and not deleted."""
        return and_(self.table.c.user_id == owner, self.table.c.deleted_at.is_(None))
