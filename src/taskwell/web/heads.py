"""Checks the head of a request before anything else in it is believed (RFC 9112).

HTTP servers are lenient, each in its own way. A head that two servers could read in two ways is refused here, because one of
the two may be a proxy in front of us.
"""

import re
from collections.abc import Mapping

from taskwell.web.refusals import MalformedRequest

# This is RFC 3986 3.2.2 without the empty name and without the comma: a server may have joined two Host headers by a comma.
_HOST = re.compile(
    rb"(?:(?:[A-Za-z0-9._~!$&'()*+;=-]++|%[0-9A-Fa-f]{2})++|\[[0-9A-Fa-f]*:[0-9A-Fa-f:.]++(?:%[A-Za-z0-9._~-]+)?\])(?::[0-9]{0,5})?"
)


def check_head(fields: Mapping[bytes, bytes], http_version: str) -> None:
    """Raises MalformedRequest. A header that was sent twice stands in `fields` as a list with commas."""
    host = fields.get(b"host")
    if not host:  # granian adds an empty one
        if http_version == "1.1":
            raise MalformedRequest("A request of HTTP/1.1 has a Host header that names a host.")  # RFC 9112 3.2
    elif not _HOST.fullmatch(host):
        raise MalformedRequest("The Host header is not one host, or is there twice.")
    length = fields.get(b"content-length")
    if length is not None and not length.isdigit():
        raise MalformedRequest("The Content-Length header is not a number, or is there twice.")
    coding = fields.get(b"transfer-encoding")
    # RFC 9112 6.1 and 6.3: a client may smuggle a request past a proxy that believes the other header, or knows the coding.
    if coding is not None and (coding.lower() != b"chunked" or http_version != "1.1" or length is not None):
        raise MalformedRequest("The only Transfer-Encoding is chunked, from HTTP/1.1 on, and without a Content-Length.")
