"""Finds the address that `taskwell serve` listens on, from a name or an address, and refuses what cannot be listened on."""

import errno
import os
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import ip_address

from taskwell.addresses import is_loopback
from taskwell.errors import CannotStart
from taskwell.observability import say
from taskwell.settings import Settings

BROADCAST = "255.255.255.255"


@contextmanager
def listening_address(settings: Settings) -> Iterator[str]:
    """The address of this machine that TASKWELL_HOST names. Raises CannotStart.

    The port is kept until the block ends, because a worker listens only when the database runs, and again when it is replaced.
    """
    address, holder = _bound(settings.host, settings.port, _resolved(settings.host, settings.port))
    with holder:
        _check(settings, address)
        yield address


def _check(settings: Settings, address: str) -> None:
    if settings.auth == "none" and not settings.auth_none_behind_gateway and not is_loopback(address):
        raise CannotStart(f"TASKWELL_AUTH=none lets in whoever reaches {settings.host}, which is {address}: listen on 127.0.0.1")
    if "PORT" in os.environ and is_loopback(address):
        say(
            f"PORT is set, as hosting platforms do, and nobody but this machine reaches {address}: "
            "TASKWELL_HOST=0.0.0.0 lets others in",
            event="only_this_machine",
            level="warning",
        )


def _resolved(host: str, port: int) -> list[str]:
    """All its addresses, those of IPv4 first: they are the ones that programs which know a single one try."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:  # UnicodeError: a label that is empty or too long
        why = error.strerror if isinstance(error, OSError) else "it is no host name"
        raise CannotStart(
            f"cannot listen on {host}: the name leads to no address ({why}); "
            "127.0.0.1 is this machine alone, 0.0.0.0 every network that it is in"
        ) from error
    addresses = [(family, str(address[0])) for family, _, _, _, address in found]
    return list(dict.fromkeys(text for family, text in sorted(addresses, key=lambda one: one[0] != socket.AF_INET)))


def _bound(host: str, port: int, addresses: list[str]) -> tuple[str, socket.socket]:
    """The first of them that can be listened on, and what keeps it."""
    refused: list[OSError] = []
    for address in addresses:
        try:
            return address, _holder(address, port)
        except OSError as error:
            refused.append(error)
    # A port that is taken says more than an address of the same name that is elsewhere.
    reason = next((one for one in refused if one.errno != errno.EADDRNOTAVAIL), refused[0])
    raise CannotStart(f"cannot listen on {host}, port {port} ({reason.strerror}): {_remedy(reason)}") from reason


def _holder(address: str, port: int) -> socket.socket:
    """A socket that does not listen, and beside which only the workers can. Raises OSError."""
    if ip_address(address.partition("%")[0]).is_multicast or address == BROADCAST:  # which the system would bind
        raise OSError(errno.EADDRNOTAVAIL, os.strerror(errno.EADDRNOTAVAIL))
    holder = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
    try:
        # Without it, the last connections of a server that was here before would be in the way for a minute.
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holder.bind((address, port))
    except OSError:
        holder.close()
        raise
    if sys.platform == "linux":
        # granian's sockets have both options. Another server's have the first at most, and another `taskwell serve` comes here.
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 0)
    else:
        holder.close()  # BSD may give connections to a socket that does not listen, too
    return holder


def _remedy(error: OSError) -> str:
    if error.errno == errno.EADDRNOTAVAIL:
        return "it is not an address of this machine; 127.0.0.1 is this machine alone, 0.0.0.0 every network that it is in"
    if error.errno == errno.EACCES:
        return "this user may not use a port so low; choose another with --port"
    if error.errno == errno.EINVAL:  # without its network card, which is not kept of what follows a %
        return "a link-local address is none to listen on; 127.0.0.1 is this machine alone, :: every network that it is in"
    return "stop what uses it, or choose another with --port"
