"""`taskwell token`."""

import re
from typing import Annotated

import typer

from taskwell.accounts.keys import signing_key
from taskwell.accounts.store import find_account
from taskwell.accounts.tokens import LIFETIME_SECONDS, Tokens
from taskwell.cli.database import with_database
from taskwell.settings import Settings

_UNITS = {"s": 1, "m": 60, "h": 3600}


def _seconds(text: str) -> int:
    found = re.fullmatch(r"([0-9]{1,6})([smh])", text)
    seconds = int(found[1]) * _UNITS[found[2]] if found else 0
    if not 1 <= seconds <= LIFETIME_SECONDS:
        raise typer.BadParameter("must be like 90s, 15m or 1h, and 24h at most")
    return seconds


def token(
    email: Annotated[str, typer.Argument(help="The address of the account.")],
    ttl: Annotated[int, typer.Option(parser=_seconds, metavar="DURATION", help="How long it is valid: 90s, 15m, 1h.")] = "1h",  # type: ignore[assignment]
) -> None:
    """Print an access token for a script. Whoever can run this on the machine needs no password."""
    settings = Settings.load()
    user_id = with_database(settings, lambda db: find_account(db, email))
    tokens = Tokens(
        signing_key(settings.private_key, settings.data_dir if settings.database_url is None else None),
        issuer=settings.issuer,
        lifetime_seconds=settings.access_token_seconds,
    )
    print(tokens.make(user_id, lifetime_seconds=ttl))
