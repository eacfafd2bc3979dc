"""Finds the address that `taskwell serve` listens on, from a name or an address, and refuses what cannot be listened on."""

import errno
import os
import socket

from taskwell.addresses import is_loopback
from taskwell.errors import CannotStart
from taskwell.observability import say
from taskwell.settings import Settings


def listening_address(settings: Settings) -> str:
    """The address of this machine that TASKWELL_HOST names. Raises CannotStart."""
    host, port = settings.host, settings.port
    address = _bound(host, port, _resolved(host, port))
    if settings.auth == "none" and not settings.auth_none_behind_gateway and not is_loopback(address):
        raise CannotStart(f"TASKWELL_AUTH=none lets in whoever reaches {host}, which is {address}: listen on 127.0.0.1")
    if "PORT" in os.environ and is_loopback(address):
        say(
            f"PORT is set, as hosting platforms do, and nobody but this machine reaches {address}: "
            "TASKWELL_HOST=0.0.0.0 lets others in",
            event="only_this_machine",
            level="warning",
        )
    return address


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


def _bound(host: str, port: int, addresses: list[str]) -> str:
    """The first of them that can be listened on."""
    refused: list[OSError] = []
    for address in addresses:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        try:
            with socket.socket(family) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind((address, port))
        except OSError as error:
            refused.append(error)
        else:
            return address
    # A port that is taken says more than an address of the same name that is elsewhere.
    reason = next((one for one in refused if one.errno != errno.EADDRNOTAVAIL), refused[0])
    raise CannotStart(f"cannot listen on {host}, port {port} ({reason.strerror}): {_remedy(reason)}") from reason


def _remedy(error: OSError) -> str:
    if error.errno == errno.EADDRNOTAVAIL:
        return "it is not an address of this machine; 127.0.0.1 is this machine alone, 0.0.0.0 every network that it is in"
    if error.errno == errno.EACCES:
        return "this user may not use a port so low; choose another with --port"
    if error.errno == errno.EINVAL:  # without its network card, which is not kept of what follows a %
        return "a link-local address is none to listen on; 127.0.0.1 is this machine alone, :: every network that it is in"
    return "stop what uses it, or choose another with --port"
