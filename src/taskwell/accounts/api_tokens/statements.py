"""The SQL of API tokens."""

from sqlalchemy import String, Text, Uuid, cast, delete, func, insert, or_, select, true, update

from taskwell.accounts.locking import ago, ahead, locked_owner, stamped
from taskwell.accounts.may_act import owner, owner_may_act, users
from taskwell.accounts.statements import LIFETIME, api_tokens
from taskwell.accounts.tables import ApiTokenView
from taskwell.database.statement import Statement, argument
from taskwell.database.statement_of_set import in_sets
from taskwell.database.view import as_json, shown_of

API_TOKENS_PER_USER = 100
"""One user can have this many API tokens."""

LAST_USED_SECONDS = 3600
"""`last_used_at` is true to the hour, so that a token that is used each second does not write each second."""

_token_id = argument("token_id", Uuid())
_token_hash = argument("token_hash", String())
_view = shown_of(ApiTokenView, api_tokens)


def _create() -> Statement:
    me = stamped(locked_owner())
    alive = select(func.count()).where(api_tokens.c.user_id == owner, api_tokens.c.expires_at > func.now()).scalar_subquery()
    expired = (
        delete(api_tokens)
        .where(api_tokens.c.user_id == owner, api_tokens.c.user_id == me.c.id, api_tokens.c.expires_at <= func.now())
        .cte("expired")
    )
    columns = ["user_id", "id", "name", "scope", "token_hash", "ends_with", "created_at", "expires_at"]
    given = [argument(name, String()) for name in ("name", "scope")]
    row = [owner, _token_id, *given, _token_hash, argument("ends_with", String()), me.c.at, me.c.at + ahead(LIFETIME)]
    created = (
        insert(api_tokens)
        .from_select(columns, select(*row).select_from(me).where(alive < API_TOKENS_PER_USER))
        .returning(*_view)
        .cte("created")
    )
    return Statement(
        "create_api_token",
        select(as_json(created).label("token")).select_from(me.outerjoin(created, true())).add_cte(expired),
        repeatable=False,
    )


CREATE_API_TOKEN = _create()
"""A user makes an API token, and expired ones are deleted. No row comes back if the account may not act.

`token` is NULL if the user has API_TOKENS_PER_USER already.
"""

_mine = select(*_view).where(api_tokens.c.user_id == owner).order_by(api_tokens.c.created_at.desc()).subquery("token")

LIST_API_TOKENS = Statement(
    "list_api_tokens",
    select(select(func.string_agg(cast(as_json(_mine), Text), ",")).select_from(_mine).scalar_subquery().label("items"))
    .select_from(users)
    .where(owner_may_act()),
)
"""A user lists their API tokens, the newest first. Neither the secrets nor their hashes are shown."""

_me = locked_owner()
_deleted = (
    delete(api_tokens)
    .where(api_tokens.c.user_id == owner, api_tokens.c.id == _token_id, api_tokens.c.user_id == _me.c.id)
    .returning(api_tokens.c.id)
    .cte("deleted")
)

DELETE_API_TOKEN = Statement("delete_api_token", select(_deleted.c.id).select_from(_me.outerjoin(_deleted, true())))
"""A user deletes one of their own API tokens. The id is NULL if the user has no such token."""


FIND_API_TOKEN = in_sets(
    Statement(
        "find_api_token",
        select(
            api_tokens.c.user_id,
            api_tokens.c.id,
            api_tokens.c.scope,
            func.clock_timestamp().label("at"),
            or_(api_tokens.c.last_used_at.is_(None), api_tokens.c.last_used_at < ago(LAST_USED_SECONDS)).label("is_use_news"),
        )
        .select_from(api_tokens.join(users, users.c.id == api_tokens.c.user_id))
        .where(
            api_tokens.c.token_hash == _token_hash,
            api_tokens.c.expires_at > func.now(),
            users.c.disabled_at.is_(None),
            users.c.deleted_at.is_(None),
            users.c.signed_out_at <= api_tokens.c.created_at,
        ),
        unscoped="a request brings a token, and the token says whose it is",
        queue="token_hash",
    )
)
"""Each request with an API token looks up its user and its scopes. `is_use_news` says when the use is to be written down."""

# The use of a token does not wait for a write of the same user. The next use writes the time down.
_user = stamped(select(users.c.id).where(users.c.id == owner).with_for_update(key_share=True, skip_locked=True).cte("me"))

NOTE_USE = Statement(
    "note_use",
    update(api_tokens)
    .values(last_used_at=_user.c.at)
    .where(api_tokens.c.user_id == owner, api_tokens.c.id == _token_id, api_tokens.c.user_id == _user.c.id),
    repeatable=True,
    queue="token_id",
)
"""The time of the last use of an API token is written once an hour."""

_whose = (
    select(users.c.id)
    .select_from(users.join(api_tokens, users.c.id == api_tokens.c.user_id))
    .where(api_tokens.c.token_hash == _token_hash)
    .with_for_update(of=users, key_share=True)
    .cte("me")
)

REVOKE_API_TOKEN = Statement(
    "revoke_api_token",
    delete(api_tokens)
    .where(api_tokens.c.user_id == _whose.c.id, api_tokens.c.token_hash == _token_hash)
    .returning(api_tokens.c.id),
    repeatable=True,
    unscoped="a client that has a token may end it (RFC 7009), and the token says whose it is",
)
"""A client deletes an API token that it has (RFC 7009)."""
