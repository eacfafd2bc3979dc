"""The SQL of users, and the SQL of the names of Taskwell's own signing keys.

A statement that ends all sign-ins of a user sets two times: `tokens_valid_after` is for access tokens, and `signed_out_at` is for
sessions and API tokens. Everything that was issued before these times is refused from then on, even if its row is still there.
"""

from typing import Any

from sqlalchemy import (
    CTE,
    Boolean,
    ColumnElement,
    Float,
    String,
    Table,
    Text,
    and_,
    any_,
    case,
    delete,
    false,
    func,
    insert,
    literal,
    not_,
    null,
    or_,
    select,
    true,
    update,
)
from sqlalchemy.dialects.postgresql import Insert
from sqlalchemy.dialects.postgresql import insert as upsert

from taskwell.accounts.locking import ahead, locked_owner, stamped, the_time
from taskwell.accounts.may_act import owner, owner_may_act, owner_may_come_back, users
from taskwell.accounts.tables import ApiToken, Session, SigningKeyName, UserView
from taskwell.accounts.wall_time import wall_time
from taskwell.database.statement import Statement, argument
from taskwell.database.view import as_json, shown_column, shown_of

sessions = Session.__table__  # type: ignore[attr-defined]
api_tokens = ApiToken.__table__  # type: ignore[attr-defined]
_keys = SigningKeyName.__table__  # type: ignore[attr-defined]

RETIRED_KEY_SECONDS = 25 * 3600
"""A retired key is accepted for this long. No token that it signed lives longer."""

_view = shown_of(UserView, users)
_email = argument("email", String())
_email_key = argument("email_key", Text())
_password_hash = argument("password_hash", Text())
_display_name = argument("display_name", String())
_time_zone = argument("time_zone", String())
_checked_hash = argument("checked_hash", Text())

LIFETIME = argument("seconds", Float())
"""A new session or API token lives for so many seconds."""

# ---- who is there ----------------------------------------------------------------------------------------------------


def _new_user(**columns: ColumnElement[Any]) -> Insert:
    time = the_time()
    row = {"id": owner, **columns, "created_at": time.c.at, "updated_at": time.c.at}
    return upsert(users).from_select([*row], select(*row.values()).select_from(time))


_registered = (
    _new_user(email=_email, email_key=_email_key, password_hash=_password_hash, display_name=_display_name)
    # A taken address is an outcome here. PostgreSQL would write an error into its log, together with the address.
    .on_conflict_do_nothing(index_elements=[users.c.email_key])
    .returning(*_view)
    .cte("registered")
)

REGISTER = Statement("register", select(as_json(_registered).label("user")))
"""A user signs up. No row comes back if the address is taken."""

FIND_USER = Statement("find_user", select(users.c.id).where(users.c.id == owner, not_(owner_may_come_back())))
"""A user of another issuer may read before an account exists.

No row comes back if there is no account yet, or if the user may come back after a deletion.
"""

_made = _new_user()

MAKE_USER = Statement(
    "make_user",
    _made.on_conflict_do_update(
        index_elements=[users.c.id],
        set_={"deleted_at": null(), "created_at": _made.excluded.created_at, "updated_at": _made.excluded.updated_at},
        where=and_(users.c.id == owner, owner_may_come_back()),
    ),
    repeatable=True,
)
"""The first write of a user of another issuer makes the row, or renews the row that a deletion left.

An account that exists already stays as it is.
"""

_account = select(*_view).where(owner_may_act()).subquery("me")

READ_ACCOUNT = Statement("read_account", select(as_json(_account).label("user"), _account.c.is_admin))
"""A user reads the account. Whether the user is an administrator is looked up at each use of that right."""

READ_PASSWORD = Statement("read_password", select(users.c.password_hash).where(owner_may_act()))
"""A change that asks for the password compares it with this hash first."""

FIND_ACCOUNT = Statement(
    "find_account",
    select(users.c.id, users.c.password_hash, users.c.disabled_at, users.c.is_admin).where(users.c.email_key == _email_key),
    unscoped="a sign-in knows an address and not yet whose it is",
)
"""A sign-in finds the account of an e-mail address by the folded form of the address."""

_everybody = (
    select(
        users.c.id,
        users.c.email,
        users.c.display_name,
        users.c.is_admin,
        shown_column(users.c.disabled_at).label("disabled_at"),
        shown_column(users.c.created_at).label("created_at"),
    )
    .where(users.c.deleted_at.is_(None))
    .subquery("everybody")
)

LIST_USERS = Statement(
    "list_users",
    select(as_json(_everybody).label("user")),
    unscoped="an operator at the machine's own shell looks at all accounts",
)
"""`taskwell users list` shows all users that are not deleted."""

FIND_TIME_ZONE = Statement("find_time_zone", select(wall_time(_time_zone, users.c.created_at)).where(users.c.id == owner))
"""PostgreSQL refuses this where its own time zones are older than Python's, and do not have that one."""

LOCK_OWNER = Statement("lock_owner", select(users.c.id, users.c.revision).where(owner_may_act()).with_for_update(key_share=True))
"""A unit of work begins with the lock on the row of the user."""

# ---- what changes ------------------------------------------------------------------------------------------------------


def _change(me: CTE, *shown: ColumnElement[Any], **values: ColumnElement[Any]) -> CTE:
    """Changes the row that is locked and stamped."""
    return (
        update(users)
        .values(**values, updated_at=me.c.at)
        .where(users.c.id == owner, users.c.id == me.c.id)
        .returning(*shown)
        .cte("changed")
    )


def _ended(at: ColumnElement[Any]) -> dict[str, ColumnElement[Any]]:
    """Returns the columns that end every sign-in of the user."""
    return {"tokens_valid_after": at, "signed_out_at": at}


def _forgetting(changed: CTE) -> tuple[CTE, CTE]:
    """Deletes the sessions and the API tokens that `changed` has ended."""
    old_sessions = delete(sessions).where(sessions.c.user_id == owner, sessions.c.user_id == changed.c.id)
    old_tokens = delete(api_tokens).where(api_tokens.c.user_id == owner, api_tokens.c.user_id == changed.c.id)
    return old_sessions.cte("old_sessions"), old_tokens.cte("old_tokens")


_has_display_name = argument("has_display_name", Boolean())
_has_time_zone = argument("has_time_zone", Boolean())


def _revised(differs: ColumnElement[bool]) -> dict[str, ColumnElement[Any]]:
    """The account is a record of the feed (changes/statements.py), so what it shows takes a revision where it differs."""
    following = users.c.revision + 1
    return {name: case((differs, following), else_=users.c[name]) for name in ("revision", "account_revision")}


_new_profile = {
    "display_name": case((_has_display_name, _display_name), else_=users.c.display_name),
    # What is today, and in which order tasks are due, is another matter in another zone: no ETag of before holds.
    "time_zone": case((_has_time_zone, _time_zone), else_=users.c.time_zone),
}
_differs = or_(*(value.is_distinct_from(users.c[name]) for name, value in _new_profile.items()))
_profile = _new_profile | _revised(_differs)

_changed = _change(stamped(locked_owner()), *_view, **_profile)

CHANGE_ACCOUNT = Statement("change_account", select(as_json(_changed).label("user")))
"""A user changes the name or the time zone. All sign-ins go on."""

_me = stamped(locked_owner(users.c.password_hash == _checked_hash))
_new_email = {"email": _email, "email_key": _email_key}
_moves = users.c.email.is_distinct_from(_email)
_changed_email = _change(_me, *_view, **_new_email, **_new_profile, **_revised(or_(_moves, _differs)), **_ended(_me.c.at))

CHANGE_EMAIL = Statement("change_email", select(as_json(_changed_email).label("user")).add_cte(*_forgetting(_changed_email)))
"""A user changes the address, and with it whatever else the same request changes. Every sign-in ends.

No row comes back if the password is no longer the one that was checked.
"""

_me = stamped(locked_owner(users.c.password_hash == _checked_hash))
_new_password = _change(_me, users.c.id, users.c.is_admin, password_hash=_password_hash, **_ended(_me.c.at))

CHANGE_PASSWORD = Statement("change_password", select(_new_password.c.is_admin).add_cte(*_forgetting(_new_password)))
"""A password changes, and every sign-in ends. No row comes back if the password is no longer the one that was checked."""

REHASH = Statement(
    "rehash",
    update(users)
    .values(password_hash=_password_hash)
    .where(users.c.id == owner, users.c.password_hash == _checked_hash)
    .returning(users.c.id),
)
"""A sign-in replaces a hash that was made with older parameters. The password stays the same."""

_me = stamped(locked_owner())
_signed_out = _change(_me, users.c.id, **_ended(_me.c.at))

SIGN_OUT_EVERYWHERE = Statement("sign_out_everywhere", select(_signed_out.c.id).add_cte(*_forgetting(_signed_out)))
"""Every sign-in of a user ends at this moment, and the rows of sessions and API tokens are deleted."""

_me = stamped(locked_owner(users.c.password_hash.is_not_distinct_from(_checked_hash)))
_deleted = (
    # Everything of the user goes with the row (ON DELETE CASCADE), also what other requests of the user have just written.
    delete(users)
    .where(users.c.id == owner, users.c.id == _me.c.id)
    .returning(users.c.disabled_at, users.c.revision, _me.c.at)
    .cte("deleted")
)
# The row that stays says when the account was deleted, and whether an operator had disabled it. It also holds the number of the
# last change. The number goes on if the user comes back: otherwise an ETag from before could match other content.
_left = {"id": owner, "disabled_at": _deleted.c.disabled_at}
# All that the user had is removed for good: who comes back with a copy cannot be told what is gone.
_left |= dict.fromkeys(["revision", "purged_revision"], _deleted.c.revision + 1)
_left |= dict.fromkeys(["deleted_at", "created_at", "updated_at", *_ended(_deleted.c.at)], _deleted.c.at)

DELETE_ACCOUNT = Statement(
    "delete_account",
    # This is the same statement, so that no other request finds the row missing.
    insert(users).from_select([*_left], select(*_left.values()).select_from(_deleted)).returning(users.c.id),
)
"""A user is deleted, with everything of theirs. One row without personal data stays, so that older tokens stay refused."""

_is_disabled = argument("is_disabled", Boolean())

_me = stamped(locked_owner())
_set_disabled = _change(
    _me,
    users.c.id,
    disabled_at=case((_is_disabled, func.coalesce(users.c.disabled_at, _me.c.at)), else_=null()),
    # Enabling changes neither time, so that what was ended stays ended.
    **{name: case((_is_disabled, at), else_=users.c[name]) for name, at in _ended(_me.c.at).items()},
)

SET_DISABLED = Statement("set_disabled", select(_set_disabled.c.id).add_cte(*_forgetting(_set_disabled)))
"""An operator disables or enables an account. Disabling ends every sign-in, and both delete the sessions and the API tokens.

A user who is enabled again has to sign in again, and has to make new API tokens.
"""

_made_admin = _change(stamped(locked_owner()), users.c.id, is_admin=true(), **_revised(not_(users.c.is_admin)))

MAKE_ADMIN = Statement("make_admin", select(_made_admin.c.id), repeatable=True)
"""`taskwell users make-admin` makes a user an administrator."""


def _ending_admin(table: Table, me: CTE, name: str) -> CTE:
    has_admin = literal("admin") == any_(func.string_to_array(table.c.scope, " "))
    return delete(table).where(table.c.user_id == owner, table.c.user_id == me.c.id, has_admin).cte(name)


_me = stamped(locked_owner())
_taken_admin = _change(_me, users.c.id, is_admin=false(), tokens_valid_after=_me.c.at, **_revised(users.c.is_admin))

TAKE_ADMIN = Statement(
    "take_admin",
    select(_taken_admin.c.id).add_cte(
        _ending_admin(sessions, _taken_admin, "old_sessions"), _ending_admin(api_tokens, _taken_admin, "old_tokens")
    ),
)
"""An operator takes the administrator's right away. All access tokens end, and so do sessions and API tokens with that scope.

It runs in a unit of work, after the lock, so that it also sees what was made during the wait for the lock."""

# ---- our keys ----------------------------------------------------------------------------------------------------------


def _accepted(at: ColumnElement[Any]) -> ColumnElement[bool]:
    return or_(_keys.c.retired_at.is_(None), _keys.c.retired_at > at - ahead(RETIRED_KEY_SECONDS))


accepted_kids = select(func.string_agg(_keys.c.kid, " ")).where(_accepted(func.clock_timestamp())).scalar_subquery()

READ_KIDS = Statement(
    "read_kids",
    select(accepted_kids.label("kids"), func.clock_timestamp().label("at")),
    unscoped="the names of Taskwell's own keys; nothing of a user's",
)
"""Taskwell reads the names of its accepted keys at the start, and again when the published key set is old."""

_kid = argument("kid", String())
_first_kid = argument("first_kid", String())

_time = the_time()
_retired = update(_keys).values(retired_at=_time.c.at).where(_keys.c.retired_at.is_(None)).cte("retired")
_forgotten = delete(_keys).where(not_(_accepted(_time.c.at))).cte("forgotten")
_given = select(_first_kid, _time.c.at, _time.c.at).where(not_(select(_keys.c.kid).exists()))
_first = (
    upsert(_keys)
    .from_select(["kid", "created_at", "retired_at"], _given)
    .on_conflict_do_nothing(index_elements=[_keys.c.kid])  # another first rotation may run at this moment
    .cte("first")
)

ROTATE_KEYS = Statement(
    "rotate_keys",
    insert(_keys)
    .from_select(["kid", "created_at"], select(_kid, _time.c.at))
    .returning(_keys.c.kid)
    .add_cte(_retired, _forgotten, _first),
    unscoped="the names of Taskwell's own keys; nothing of a user's",
)
"""An operator makes a new signing key. The keys before it are retired, and those that are retired for too long are deleted.

The first rotation also writes down `first_kid`, the name of the operator's own key. That key signed until now.
"""
