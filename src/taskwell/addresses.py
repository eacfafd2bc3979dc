"""IP addresses: how one is read, and which of them lead to this machine."""

import ipaddress
from collections.abc import Iterable

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_MAPPED = ipaddress.IPv6Network("::ffff:0:0/96")
"""IPv4, as IPv6 writes it (RFC 4291, 2.5.5.2)."""


def read_address(text: str) -> Address | None:
    """The address without its zone (RFC 4007), or None where the text is no address.

    A socket that listens on :: names an IPv4 client ::ffff:10.0.0.1: that one is read as 10.0.0.1.
    """
    try:
        address = ipaddress.ip_address(text.partition("%")[0] if ":" in text else text)
    except ValueError:
        return None
    return (address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None) or address


def as_read(network: Network) -> Network:
    """The network of what `read_address` makes of this one's addresses, which without it would hold none of them."""
    if isinstance(network, ipaddress.IPv6Network) and network.subnet_of(_MAPPED):
        return ipaddress.IPv4Network((network.network_address.packed[-4:], network.prefixlen - _MAPPED.prefixlen))
    return network


def is_among(address: Address, networks: Iterable[Network]) -> bool:
    return any(address in network for network in networks)


def is_loopback(host: str) -> bool:
    """Whether this host, an address or a name, is this machine and no other."""
    address = read_address(host)
    return host == "localhost" if address is None else address.is_loopback
