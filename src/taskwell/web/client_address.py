"""Finds the address of a client. It is the other end of the connection or, behind our own proxies, the address that they name.

Only `X-Forwarded-For` is read, and not `Forwarded` (RFC 7239). A proxy that writes one of them passes the other on as it came.
"""

import re
from functools import cache, lru_cache

from taskwell.addresses import Address, Network, is_among, read_address
from taskwell.log import log
from taskwell.web.request import ApiRequest

# Proxies write an address bare, with a port (Azure), in brackets (IPv6), with a zone (RFC 4007), or in quotes.
_HOP = re.compile(
    r"""(?P<quote>"?)
    (?: \[ (?P<bracketed> [0-9a-f:.]+ ) (?: %[\w.~-]+ )? \] (?: :[0-9]{1,5} )?
      | (?P<ipv4> [0-9.]+ ) (?: :[0-9]{1,5} )?
      | (?P<ipv6> [0-9a-f:.]+ ) (?: %[\w.~-]+ )?
    ) (?P=quote)""",
    re.IGNORECASE | re.VERBOSE | re.ASCII,
)


_KEPT_BYTES = 200


def client_address(request: ApiRequest, trusted: tuple[Network, ...]) -> str:
    """Returns the address. Only what our own proxies added to `X-Forwarded-For` can be believed.

    So the header is read from its end, up to the first address that is not one of our proxies. The reading also ends at an entry
    that cannot be read, because its writer is unknown.
    """
    client = request.scope.get("client")
    peer = "unknown" if client is None else str(client[0])
    header = request.fields.get(b"x-forwarded-for") if trusted else None
    # Each request's log line needs it. A long header is a client's own, and would fill the memory.
    find = _behind if header is None or len(header) <= _KEPT_BYTES else _behind.__wrapped__
    return find(peer, header, trusted)


@lru_cache(maxsize=2048)
def _behind(peer: str, header: bytes | None, trusted: tuple[Network, ...]) -> str:
    address = _read(peer)
    if header is None or address is None or not is_among(address, trusted):
        return peer if address is None else str(address)
    for hop in reversed(header.decode("latin-1").split(",")):
        before = _read(hop)
        if before is None:
            _say_unreadable()
            break
        address = before
        if not is_among(address, trusted):
            break
    return str(address)


def _read(text: str) -> Address | None:
    found = _HOP.fullmatch(text.strip(" \t"))
    return None if found is None else read_address(found["bracketed"] or found["ipv4"] or found["ipv6"])


@cache  # so it is logged once in a process: a proxy that writes such an entry writes it always
def _say_unreadable() -> None:
    log.warning("forwarded_for_unreadable", counted_as="the nearest proxy")
