"""Origins of web pages (RFC 6454): how one is written, and which ones an entry of TASKWELL_CORS_ORIGINS means.

An entry is one origin, `https://*.example.com` for the names that are one label longer, or `http://localhost:*` for every port
of this machine.
"""

import re
from collections.abc import Iterable

from taskwell.addresses import is_loopback, read_address

_SCHEME = r"(?P<scheme>[a-z][a-z0-9+.-]*)"
_HOST = r"(?P<host>[a-z0-9._-]+|\[[0-9a-f:.]+\])"
_ORIGIN = re.compile(rf"{_SCHEME}://{_HOST}(?::(?P<port>[0-9]{{1,5}}))?")
_ENTRY = re.compile(rf"{_SCHEME}://(?P<wild>\*\.)?{_HOST}(?::(?P<port>[0-9]{{1,5}}|\*))?")
_LABEL = "[a-z0-9_-]+"
_DOMAIN = re.compile(rf"(?:{_LABEL}\.)+(?=[a-z]){_LABEL}")  # of two labels or more, and no address
_NUMBER = re.compile("[0-9]+|0x[0-9a-f]*")
_DEFAULT_PORTS = {"http": "80", "https": "443"}


def check_entry(text: str) -> str:
    """Returns the entry as browsers write origins. Raises ValueError, whose message lacks its subject, if it means none."""
    entry = text.lower()
    parts = _ENTRY.fullmatch(entry)
    if parts is None:
        raise ValueError(
            "must be a comma list of scheme://host[:port], without a path or a final slash; * is one label "
            "(https://*.example.com), or the port of localhost"
        )
    host, port = parts["host"], parts["port"]
    if port == "*" and not _is_this_machine(host):
        raise ValueError("has * as a port, which only localhost, 127.0.0.1 and [::1] can have")
    if port is not None and port == _DEFAULT_PORTS.get(parts["scheme"]):
        raise ValueError("has a default port, which browsers leave out of an origin: leave it out")
    if port not in (None, "*") and (port.startswith("0") or int(port) not in range(1, 65536)):
        raise ValueError("has a port that is not in 1 to 65535, or begins with a 0")
    if not _is_as_browsers_write_it(host, is_of_the_web=parts["scheme"] in _DEFAULT_PORTS):
        raise ValueError(
            "has a host that browsers write otherwise: no part of a name is empty, an IPv4 address is four numbers without zeros "
            "before them, and an IPv6 address is as short as it can be, such as [::1]"
        )
    if parts["wild"] and host != "localhost" and not _DOMAIN.fullmatch(host):  # https://*.com would be everybody's
        raise ValueError("has * before what is no domain: it stands for one label, as in https://*.example.com")
    return entry


def is_on_this_machine(entry: str) -> bool:
    """Says whether only a page that this machine itself serves can have an origin of this entry."""
    parts = _ENTRY.fullmatch(entry)
    return parts is not None and _is_this_machine(parts["host"])


def is_origin(text: str) -> bool:
    """Says whether a text is written as browsers write an origin, so that nothing else can be in it."""
    return text == "null" or (len(text) <= 255 and _ORIGIN.fullmatch(text) is not None)


def pattern_of(entries: Iterable[str]) -> re.Pattern[bytes]:
    """Returns the pattern that the whole of an `Origin` header matches if one of the entries means it."""
    return re.compile("|".join(map(_pattern, entries)).encode())


def _pattern(entry: str) -> str:
    start, wild, rest = re.escape(entry).partition(r"://\*\.")
    pattern = f"{start}://{_LABEL}\\.{rest}" if wild else start
    return pattern.removesuffix(r":\*") + "(?::[0-9]{1,5})?" if entry.endswith(":*") else pattern


def _is_as_browsers_write_it(host: str, *, is_of_the_web: bool) -> bool:
    """Says so of a host that would be the same after a browser has read it and written it again (URL Standard, 3.5).

    What ends in a number is an IPv4 address there, or nothing, but with schemes of apps it is a name like any other.
    """
    labels = host.removesuffix(".").split(".")
    if host.startswith("[") or (is_of_the_web and _NUMBER.fullmatch(labels[-1])):
        address = host.strip("[]")
        return str(read_address(address)) == address
    return all(labels)


def _is_this_machine(host: str) -> bool:
    """Says so of the names below localhost as well, which no name server answers for (RFC 6761 6.3)."""
    return is_loopback(host.strip("[]")) or host.endswith(".localhost")
