"""Whether an account may act is decided inside the statement that does the work, in the user's row that it reads anyway.

So a disabled user, or a token from before a sign-out, is refused at the very next request, without another round trip.
"""

from sqlalchemy import ColumnElement, DateTime, Uuid, and_, or_

from taskwell.accounts.tables import User
from taskwell.database.statement import argument

users = User.__table__  # type: ignore[attr-defined]

owner = argument("owner", Uuid())
_issued_at = argument("issued_at", DateTime(timezone=True))


def owner_may_act() -> ColumnElement[bool]:
    """The owner's row, if the token that was made at `:issued_at` is still valid.

    Without a time (NULL) an administrator asks. Then the owner only has to exist, disabled or not.
    """
    return and_(
        users.c.id == owner,
        users.c.deleted_at.is_(None),
        or_(_issued_at.is_(None), and_(users.c.disabled_at.is_(None), users.c.tokens_valid_after <= _issued_at)),
    )


def owner_may_come_back() -> ColumnElement[bool]:
    """The row that a deleted owner left, if the token is from after the deletion, and no operator had shut the account."""
    return and_(users.c.deleted_at.is_not(None), users.c.disabled_at.is_(None), users.c.tokens_valid_after <= _issued_at)
