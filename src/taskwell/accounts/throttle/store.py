"""Who tries too often. Three counts of a quarter of an hour: of the client's address, of the account, and of the two together.

The account alone never blocks: otherwise anybody could lock anybody out. It only makes the others strict. So whoever knows
the password gets in during an attack, from any address that the attack does not come from.
"""

import base64
import hashlib
import ipaddress
from contextlib import suppress
from typing import NamedTuple

from taskwell.accounts.throttle.statements import COUNT_FAILURE, FORGIVE, WINDOW_SECONDS
from taskwell.database.database import Database
from taskwell.errors import TooManyAttempts, Unavailable

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
    def of(cls, address: str, email: str) -> "Attempt":
        where, who = _where(address), email.lower()
        return cls(_digest("address", where), _digest("account", who), _digest("pair", f"{where} {who}"))


async def count_attempt(db: Database, attempt: Attempt) -> None:
    """As a failure, until `forgive` says otherwise. Raises TooManyAttempts."""
    row = await db.row(COUNT_FAILURE, **attempt._asdict())
    assert row is not None
    on_pair = IN_AN_ATTACK if row["account"] > AT_ONE_ACCOUNT else ON_ONE_PAIR
    for name, most in (("address", FROM_ONE_ADDRESS), ("pair", on_pair)):
        if row[name] > most:
            left = WINDOW_SECONDS - (row["now"] - row[f"{name}_since"]).total_seconds()
            raise TooManyAttempts(retry_after=max(1, round(left)))


async def forgive(db: Database, attempt: Attempt) -> None:
    # What it belongs to is done already, and must not be reported as failed for this.
    with suppress(Unavailable):
        await db.row(FORGIVE, **attempt._asdict())


def _where(address: str) -> str:
    """One household has a whole /64 of IPv6."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(ip, ipaddress.IPv6Address):
        return str(ip.ipv4_mapped or ipaddress.ip_network((ip, 64), strict=False))
    return str(ip)


def _digest(kind: str, text: str) -> str:
    digest = hashlib.sha256(f"{kind} {text}".encode("utf-8", "surrogatepass")).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
