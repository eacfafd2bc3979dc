"""IP addresses: how one is read, and which of them lead to this machine."""

import ipaddress
from collections.abc import Iterable

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def read_address(text: str) -> Address | None:
    """The address without its zone (RFC 4007), or None where the text is no address.

    A socket that listens on :: names an IPv4 client ::ffff:10.0.0.1: that one is read as 10.0.0.1.
    """
    try:
        address = ipaddress.ip_address(text.partition("%")[0] if ":" in text else text)
    except ValueError:
        return None
    return (address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None) or address


def is_among(address: Address, networks: Iterable[Network]) -> bool:
    return any(address in network for network in networks)


def is_loopback(host: str) -> bool:
    """Whether this host, an address or a name, is this machine and no other."""
    address = read_address(host)
    return host == "localhost" if address is None else address.is_loopback
