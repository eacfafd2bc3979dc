"""The nouns: what every record of a user's has in common, and the register of all kinds of them."""

from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel
from sqlalchemy import ColumnElement, Table, Uuid, and_
from sqlmodel import SQLModel

from taskwell.accounts.may_act import owner
from taskwell.database.statement import argument
from taskwell.database.view import columns_of
from taskwell.encoding import sha256_text
from taskwell.records.content import Content

KINDS: dict[str, "Kind"] = {}
"""Every kind of record by its name. What concerns all of a user's records walks over it."""


def view_version() -> str:
    """Names how records are rendered: another one as soon as a view has other fields, in another order or of other types.

    It stands in every ETag, so that no cache keeps the old form.
    """
    views = [(kind.name, [(name, str(kind.table.c[name].type)) for name in kind.view.model_fields]) for kind in KINDS.values()]
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
    content: Content = field(init=False)
    id: ColumnElement[Any] = field(init=False)  # the argument that names one record

    def __post_init__(self) -> None:
        object.__setattr__(self, "content", Content(self.table, self.whole))
        object.__setattr__(self, "id", argument(f"{self.name}_id", Uuid()))
        assert self.name not in KINDS, f"two kinds are called {self.name}"
        KINDS[self.name] = self

    @property
    def shown(self) -> list[ColumnElement[Any]]:
        """The columns of the view."""
        return list(columns_of(self.view, self.table))

    @property
    def live(self) -> ColumnElement[bool]:
        """It is the owner's, and not deleted."""
        return and_(self.table.c.user_id == owner, self.table.c.deleted_at.is_(None))
