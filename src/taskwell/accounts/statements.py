"""The SQL of accounts."""

from sqlalchemy import Boolean, String, Text, func, insert, select, update

from taskwell.accounts.standing import owner, owner_in_standing, users
from taskwell.accounts.tables import UserView
from taskwell.database.statement import Statement, argument
from taskwell.database.view import as_json, columns_of

_view = columns_of(UserView, users)
_email = argument("email", String())

_registered = (
    insert(users)
    .values(
        id=owner,
        email=_email,
        password_hash=argument("password_hash", Text()),
        display_name=argument("display_name", String()),
    )
    .returning(*_view)
    .cte("registered")
)

REGISTER = Statement("register", select(as_json(_registered).label("user")))

_me = select(*_view).where(owner_in_standing()).subquery("me")

READ_ACCOUNT = Statement("read_account", select(as_json(_me).label("user"), _me.c.is_admin))

FIND_ACCOUNT = Statement(
    "find_account",
    select(users.c.id, users.c.password_hash, users.c.disabled_at).where(func.lower(users.c.email) == func.lower(_email)),
    unscoped="a sign-in knows an address and not yet whose it is",
)

MAKE_ADMIN = Statement(
    "make_admin",
    update(users)
    .values(is_admin=argument("is_admin", Boolean()), updated_at=func.clock_timestamp())
    .where(func.lower(users.c.email) == func.lower(_email))
    .returning(users.c.id),
    repeatable=True,
    unscoped="an operator at the machine's own shell names an account by its address",
)
