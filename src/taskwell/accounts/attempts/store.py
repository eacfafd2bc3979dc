"""Who tries too often. Three counts of a quarter of an hour: of the client's address, of the account, and of the two together.
And one of an hour: of those who sign up from one address.

The account alone never blocks: otherwise anybody could lock anybody out. It only makes the others strict. So whoever knows
the password gets in during an attack, from any address that the attack does not come from.
"""

import ipaddress
from contextlib import suppress
from datetime import datetime
from typing import NamedTuple

from taskwell.accounts.attempts.statements import COUNT_FAILURE, COUNT_SIGN_UP, SIGN_UP_SECONDS, UNCOUNT, WINDOW_SECONDS
from taskwell.addresses import read_address
from taskwell.database.connection import Database
from taskwell.encoding import sha256_text
from taskwell.errors import TooManyAttempts, TooManySignUps, Unavailable

FROM_ONE_ADDRESS = 100
"""Everybody behind one office's address shares this."""

AT_ONE_ACCOUNT = 50
"""Beyond it, each address has IN_AN_ATTACK tries at this account, and not ON_ONE_PAIR."""

ON_ONE_PAIR = 10
IN_AN_ATTACK = 2


class Attempt(NamedTuple):
    """Under which names it is counted: digests, so that the table does not list who signs in from where."""

    address: str
    account: str
    pair: str

    @classmethod
    def of(cls, address: str, account: str) -> "Attempt":
        """`account` is what it is found by: `address_key`, or an id. Two spellings of one account must not be two counts."""
        where = _where(address)
        return cls(_digest("address", where), _digest("account", account), _digest("pair", f"{where} {account}"))


async def count_attempt(db: Database, attempt: Attempt) -> None:
    """As a failure, until `forgive` says otherwise. Raises TooManyAttempts."""
    row = await db.row(COUNT_FAILURE, **attempt._asdict())
    assert row is not None
    on_pair = IN_AN_ATTACK if row["account"] > AT_ONE_ACCOUNT else ON_ONE_PAIR
    for name, most in (("address", FROM_ONE_ADDRESS), ("pair", on_pair)):
        if row[name] > most:
            raise TooManyAttempts(retry_after=_left(WINDOW_SECONDS, row[f"{name}_since"], row["now"]))


async def count_sign_up(db: Database, address: str, limit: int | None) -> None:
    """Every try counts, also one for a taken address: otherwise one client could ask for every address there is.

    Raises TooManySignUps.
    """
    if limit is None:
        return
    row = await db.row(COUNT_SIGN_UP, address=_digest("sign-up", _where(address)))
    assert row is not None
    if row["tries"] > limit:
        raise TooManySignUps(retry_after=_left(SIGN_UP_SECONDS, row["since"], row["now"]))


async def forgive(db: Database, attempt: Attempt) -> None:
    # What it belongs to is done already, and must not be reported as failed for this.
    with suppress(Unavailable):
        await db.row(UNCOUNT, **attempt._asdict())


def _left(window: int, since: datetime, now: datetime) -> int:
    return max(1, round(window - (now - since).total_seconds()))


def _where(address: str) -> str:
    """One household has a whole /64 of IPv6."""
    ip = read_address(address)
    if isinstance(ip, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((ip, 64), strict=False))
    return address if ip is None else str(ip)


def _digest(kind: str, text: str) -> str:
    return sha256_text(f"{kind} {text}".encode("utf-8", "surrogatepass"))
