"""May this account act? Decided inside the statement that does the work, in the row that it reads anyway.

So a disabled user, or a token from before a sign-out, is refused at the very next request, at no further round trip.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, DateTime, Uuid, and_, or_

from taskwell.accounts.tables import User
from taskwell.database.statement import argument
from taskwell.errors import AccountUnusable, TaskwellError, UserNotFound

users = User.__table__  # type: ignore[attr-defined]

owner = argument("owner", Uuid())
_issued_at = argument("issued_at", DateTime(timezone=True))


def owner_in_standing() -> ColumnElement[bool]:
    """The owner's row, if the token of `:issued_at` still stands.

    Without a time (NULL) it is an administrator who asks: then the owner need only exist, disabled or not.
    """
    return and_(
        users.c.id == owner,
        or_(_issued_at.is_(None), and_(users.c.disabled_at.is_(None), users.c.tokens_valid_after <= _issued_at)),
    )


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose rows a request is about, and when the token was made that asks for them (None: an administrator asks)."""

    id: UUID
    issued_at: datetime | None

    def not_in_standing(self) -> TaskwellError:
        """What to say when `owner_in_standing` found no row."""
        return UserNotFound() if self.issued_at is None else AccountUnusable()
