"""Limits how often a client may try to sign in and to sign up.

Failed sign-ins are counted for a quarter of an hour: by the client's address, by the account, and by the two together. Sign-ups
are counted for an hour, by the client's address.

The account's count alone never refuses a sign-in, because then any client could lock any user out. It only lowers the limit of
the two together. So during an attack the user can sign in from every address that the attack does not come from.
"""

import ipaddress
from contextlib import suppress
from datetime import datetime
from typing import NamedTuple

from taskwell.accounts.attempts.statements import COUNT_FAILURE, COUNT_SIGN_UP, SIGN_UP_SECONDS, UNCOUNT_FAILURE, WINDOW_SECONDS
from taskwell.addresses import read_address
from taskwell.database.rows import Rows
from taskwell.encoding import sha256_text
from taskwell.errors import TooManyAttempts, TooManySignUps, Unavailable

FROM_ONE_ADDRESS = 100
"""All clients behind one address share this limit, such as those of an office."""

AT_ONE_ACCOUNT = 50
"""After more failures than these, an address has TRIES_IN_AN_ATTACK tries at the account, and not ON_ONE_PAIR."""

ON_ONE_PAIR = 10
TRIES_IN_AN_ATTACK = 2


class Attempt(NamedTuple):
    """The names that an attempt is counted under. They are digests, so that the table does not list who signs in from where."""

    address: str
    account: str
    pair: str

    @classmethod
    def of(cls, address: str, account: str) -> "Attempt":
        """`account` is what the account is found by, an `address_key` or an id: two spellings of an account share one count."""
        where = counted_address(address)
        return cls(_digest("address", where), _digest("account", account), _digest("pair", f"{where} {account}"))


async def count_attempt(rows: Rows, attempt: Attempt) -> None:
    """Count the attempt as a failure, which `uncount_attempt` takes back. Raises TooManyAttempts."""
    row = await rows.row(COUNT_FAILURE, **attempt._asdict())
    assert row is not None
    on_pair = TRIES_IN_AN_ATTACK if row["account"] > AT_ONE_ACCOUNT else ON_ONE_PAIR
    for name, most in (("address", FROM_ONE_ADDRESS), ("pair", on_pair)):
        if row[name] > most:
            raise TooManyAttempts(retry_after=_left(WINDOW_SECONDS, row[f"{name}_since"], row["now"]))


async def count_sign_up(rows: Rows, address: str, limit: int | None) -> None:
    """Every try counts, also for a taken address: otherwise a client could ask for every address whether it has an account.

    Raises TooManySignUps.
    """
    if limit is None:
        return
    row = await rows.row(COUNT_SIGN_UP, address=_digest("sign-up", counted_address(address)))
    assert row is not None
    if row["tries"] > limit:
        raise TooManySignUps(retry_after=_left(SIGN_UP_SECONDS, row["since"], row["now"]))


async def uncount_attempt(rows: Rows, attempt: Attempt) -> None:
    # The sign-in is done already, and must not be reported as failed because of this.
    with suppress(Unavailable):
        await rows.row(UNCOUNT_FAILURE, **attempt._asdict())


def _left(window: int, since: datetime, now: datetime) -> int:
    return max(1, round(window - (now - since).total_seconds()))


def counted_address(address: str) -> str:
    """The address that is counted. For IPv6 it is the /64, because a household has a whole one."""
    ip = read_address(address)
    if isinstance(ip, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((ip, 64), strict=False))
    return address if ip is None else str(ip)


def _digest(kind: str, text: str) -> str:
    return sha256_text(f"{kind} {text}".encode("utf-8", "surrogatepass"))
