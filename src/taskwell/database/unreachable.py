"""Connects to a database. Says in one sentence why it cannot be reached, and what mends that where it can be known."""

import errno
import os
import socket
import ssl
from typing import Any

import asyncpg

from taskwell.database.inspection import quoted
from taskwell.database.statement import Connection
from taskwell.database.url import ConnectionTarget
from taskwell.errors import CannotStart

# Waiting mends none of these: the password, the certificate, and a server that has no TLS.
_LASTING = (asyncpg.InvalidAuthorizationSpecificationError, ssl.SSLCertVerificationError, asyncpg.ClientConfigurationError)
_NO_TLS = "rejected SSL upgrade"
_NO_WAY = (errno.ENETUNREACH, errno.EADDRNOTAVAIL, errno.EHOSTUNREACH)


async def connect(target: ConnectionTarget, **how: Any) -> Connection:
    """Raises what asyncpg raises (database/failures.py)."""
    try:
        connection: Connection = await asyncpg.connect(**target.arguments(), **how)
    except ValueError as error:
        if isinstance(error, OSError | asyncpg.InterfaceError):  # a certificate, and asyncpg's own
            raise
        # asyncpg takes five fields in each line and UTF-8 for granted, and its own words for it name no file.
        file = os.environ.get("PGPASSFILE", "~/.pgpass")
        why = f"{file} cannot be read: each line must be host:port:database:user:password, in UTF-8"
        raise asyncpg.ClientConfigurationError(why) from error
    return connection


def unreachable(target: ConnectionTarget, error: BaseException, purpose: str = "") -> CannotStart:
    """Names the host and never the password, which no error of asyncpg's repeats."""
    # PostgreSQL's DETAIL and HINT are lines of their own.
    why = " ".join(str(error).split()) or type(error).__name__
    reached = " ".join(filter(None, ("the database cannot be reached", purpose)))
    lasting = isinstance(error, _LASTING) or _NO_TLS in why
    return CannotStart(f"{reached}: {target.place}: {why}{_hint(target, error, why)}", may_pass=not lasting)


def _hint(target: ConnectionTarget, error: BaseException, why: str) -> str:
    if _NO_TLS in why:
        return ": it has no TLS, and where the network between can be trusted, ?sslmode=disable does without"
    if isinstance(error, asyncpg.InsufficientPrivilegeError) and "CONNECT" in why:
        user = target.arguments()["user"]
        database = target.database or os.environ.get("PGDATABASE") or user
        return f" GRANT CONNECT ON DATABASE {quoted(database)} TO {quoted(user)}"
    if isinstance(error, ssl.SSLCertVerificationError):
        return ": ?sslrootcert=FILE names an authority of your own, and sslmode=verify-ca with it does without the host's name"
    if any(f"Errno {number}]" in why for number in _NO_WAY) and _has_ipv6_alone(target):
        return (
            ": the host has IPv6 addresses alone, and this machine has no way to them. "
            "Take an address with IPv4, as a provider's pooler has one"
        )
    return ""


def _has_ipv6_alone(target: ConnectionTarget) -> bool:
    try:
        found = socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
    except OSError:
        return False
    return {family for family, *_ in found} == {socket.AF_INET6}
