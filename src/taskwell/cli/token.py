"""`taskwell token`."""

import re
from typing import Annotated

import typer

from taskwell.accounts.store import find_account, learn_keys, read_account
from taskwell.cli.database import AccountName, DataDir, existing_database, with_database
from taskwell.database.connection import Database
from taskwell.identity import scopes
from taskwell.identity.keys import SigningKeys, signing_key
from taskwell.identity.tokens import LIFETIME_SECONDS, Tokens
from taskwell.settings import Settings

_UNITS = {"s": 1, "m": 60, "h": 3600}


def _seconds(text: str) -> int:
    found = re.fullmatch(r"([0-9]{1,6})([smh])", text)
    seconds = int(found[1]) * _UNITS[found[2]] if found else 0
    if not 1 <= seconds <= LIFETIME_SECONDS:
        raise typer.BadParameter("must be like 90s, 15m or 1h, and 24h at most")
    return seconds


def token(
    email: AccountName,
    ttl: Annotated[int, typer.Option(parser=_seconds, metavar="DURATION", help="How long it is valid: 90s, 15m, 1h.")] = "1h",  # type: ignore[assignment]
    data_dir: DataDir = None,
) -> None:
    """Print an access token for a script. Whoever can run this on the machine needs no password."""
    settings = existing_database(data_dir)
    tokens = own_tokens(settings)

    async def work(db: Database) -> str:
        at = await learn_keys(db, tokens)
        owner = await find_account(db, email)
        allowed = scopes.SCOPES if (await read_account(db, owner)).is_admin else scopes.EVERYDAY
        return tokens.make(owner.id, allowed, issued_at=at, lifetime_seconds=ttl)

    print(with_database(settings, work))


def own_tokens(settings: Settings) -> Tokens:
    """Raises CannotStart."""
    key = signing_key(settings.private_key, settings.data_dir if settings.database_url is None else None)
    return Tokens(SigningKeys(key.private), issuer=settings.issuer, lifetime_seconds=settings.access_token_seconds)
