"""The SQL of sessions. Each sign-in has one row, and each use of its refresh token replaces the token."""

from sqlalchemy import CTE, Boolean, String, Uuid, and_, case, delete, func, insert, not_, or_, select, true, update

from taskwell.accounts.locking import ahead, stamped
from taskwell.accounts.may_act import owner, users
from taskwell.accounts.statements import LIFETIME, accepted_kids, api_tokens, sessions
from taskwell.database.statement import Statement, argument

REFRESH_GRACE_SECONDS = 20
"""An answer may get lost on the way. For this long the previous token gets the same successor again."""

SESSIONS_PER_USER = 50
"""One user can have this many sessions. A new sign-in beyond that ends the session that was unused for the longest time.

So a script that signs in each minute, where it should refresh, does not fill the table.
"""

_session_id = argument("session_id", Uuid())
_given = argument("given_hash", String())
_new = argument("new_hash", String())

_may_act = and_(users.c.id == owner, users.c.disabled_at.is_(None), users.c.deleted_at.is_(None))


def _start() -> Statement:
    # The lock waits for a request that changes the password, or deletes the account, at this moment. Otherwise a session that
    # begins after the time of that change, and before its commit, would live on with the old password.
    me = stamped(
        select(users.c.id, users.c.is_admin)
        .where(_may_act, users.c.password_hash == argument("checked_hash", String()))
        .with_for_update(key_share=True)
        .cte("me")
    )
    newest = (
        select(sessions.c.id)
        .where(sessions.c.user_id == owner, sessions.c.expires_at > func.now())
        .order_by(sessions.c.rotated_at.desc())
        .limit(SESSIONS_PER_USER - 1)
    )
    old = (
        delete(sessions)
        .where(sessions.c.user_id == owner, sessions.c.user_id == me.c.id, sessions.c.id.not_in(newest))
        .cte("old")
    )
    columns = ["user_id", "id", "token_hash", "scope", "created_at", "rotated_at", "expires_at"]
    # The user may have lost the administrator's right since the password was looked up.
    scope = case((me.c.is_admin, argument("scope", String())), else_=argument("everyday_scope", String()))
    row = [owner, _session_id, _new, scope, me.c.at, me.c.at, me.c.at + ahead(LIFETIME)]
    started = insert(sessions).from_select(columns, select(*row).select_from(me)).cte("started")
    return Statement("start_session", select(me.c.at, scope.label("scope"), accepted_kids.label("kids")).add_cte(old, started))


START_SESSION = _start()
"""A session begins. No row comes back if the account cannot sign in, or if its password is not the one that was checked."""


def _ending_what_a_thief_has(ended: CTE, me: CTE) -> tuple[CTE, CTE]:
    """Ends the API tokens and access tokens that a thief with a copy of the session's refresh token may have."""
    # The thief may have made an API token, which lives longer than the session that made it.
    minted = delete(api_tokens).where(
        api_tokens.c.user_id == owner, api_tokens.c.user_id == ended.c.user_id, api_tokens.c.created_at >= ended.c.created_at
    )
    # The access token of the thief ends as well. Other devices of the user refresh theirs and go on.
    signed_out = (
        update(users)
        .values(tokens_valid_after=me.c.at)
        .where(users.c.id == owner, users.c.id == me.c.id, users.c.id == ended.c.user_id)
    )
    return minted.cte("minted"), signed_out.cte("signed_out")


def _rotate() -> Statement:
    # An invented token names no session, or it lacks our seal. Then no row is locked, and no session ends.
    there = select(sessions.c.id).where(sessions.c.user_id == owner, sessions.c.id == _session_id).exists()
    me = stamped(
        select(users.c.id, users.c.signed_out_at)
        .where(_may_act, there, argument("is_sealed", Boolean()))
        .with_for_update(key_share=True)
        .cte("me")
    )
    current = (
        select(*sessions.c)
        .select_from(me.join(sessions, sessions.c.user_id == me.c.id))
        .where(
            sessions.c.user_id == owner,
            sessions.c.id == _session_id,
            sessions.c.expires_at > func.now(),
            sessions.c.created_at >= me.c.signed_out_at,
        )
        .with_for_update(of=sessions)
        .cte("current")
    )
    is_due = current.c.token_hash == _given
    needed = argument("needed", String())
    had, wanted = (func.string_to_array(scope, " ") for scope in (current.c.scope, needed))
    has_scope = or_(needed.is_(None), had.bool_op("&&")(wanted))
    is_repeated = and_(
        func.coalesce(current.c.previous_hash, "") == _given, current.c.rotated_at > me.c.at - ahead(REFRESH_GRACE_SECONDS)
    )
    rotated = (
        update(sessions)
        .values(
            previous_hash=sessions.c.token_hash,
            token_hash=_new,
            salt=argument("salt", String()),
            rotated_at=me.c.at,
            expires_at=me.c.at + ahead(LIFETIME),
        )
        .where(sessions.c.user_id == owner, sessions.c.user_id == me.c.id, sessions.c.id == current.c.id, is_due, has_scope)
        .returning(sessions.c.id)
        .cte("rotated")
    )
    ended = (
        delete(sessions)
        .where(
            sessions.c.user_id == owner,
            sessions.c.user_id == me.c.id,
            sessions.c.id == current.c.id,
            not_(or_(is_due, is_repeated)),
        )
        .returning(sessions.c.user_id, sessions.c.created_at)
        .cte("ended")
    )
    outcome = case(
        (rotated.c.id.is_not(None), "rotated"),
        (ended.c.user_id.is_not(None), "reused"),
        (not_(has_scope), "beyond"),
        else_="repeated",
    )
    return Statement(
        "rotate_session",
        select(outcome.label("outcome"), me.c.at, current.c.scope, current.c.salt, accepted_kids.label("kids"))
        .select_from(me.join(current, true()).outerjoin(rotated, true()).outerjoin(ended, true()))
        .add_cte(*_ending_what_a_thief_has(ended, me)),
        queue="session_id",
    )


ROTATE_SESSION = _rotate()
"""A refresh token is used. The outcome is `rotated`, `repeated` (within REFRESH_GRACE_SECONDS), or `reused`. It is `beyond`, and
nothing was done, where the session has none of the scopes that are `needed`.

A token that is reused later ends the session, because another client may have a copy of it.
"""

_named = and_(
    sessions.c.user_id == owner,
    sessions.c.id == _session_id,
    or_(sessions.c.token_hash == _given, sessions.c.previous_hash == _given),
)
_me = (
    select(users.c.id)
    .where(users.c.id == owner, select(sessions.c.id).where(_named).exists())
    .with_for_update(key_share=True)
    .cte("me")
)

END_SESSION = Statement(
    "end_session",
    delete(sessions).where(_named, sessions.c.user_id == _me.c.id).returning(sessions.c.id),
    repeatable=True,
    queue="session_id",
)
"""A user signs out, and the session of the refresh token ends."""
