"""What a request's head must say before anything else of it is believed (RFC 9112).

HTTP servers are lenient, each in something else. Whatever two of them could read in two ways is refused here, since one of
them may be a proxy that stands before us.
"""

import re
from collections.abc import Mapping

from taskwell.web.refusals import MalformedRequest

# RFC 3986 3.2.2, without an empty name and without the comma, which a header that was sent twice may have got on its way.
_HOST = re.compile(
    rb"(?:(?:[A-Za-z0-9._~!$&'()*+;=-]++|%[0-9A-Fa-f]{2})++|\[[0-9A-Fa-f]*:[0-9A-Fa-f:.]++(?:%[A-Za-z0-9._~-]+)?\])(?::[0-9]{0,5})?"
)


def check_head(fields: Mapping[bytes, bytes], http_version: str) -> None:
    """Raises MalformedRequest. A header that was sent twice is in `fields` as a list with commas."""
    host = fields.get(b"host")
    if not host:  # granian makes up an empty one
        if http_version == "1.1":
            raise MalformedRequest("A request of HTTP/1.1 has a Host header that names a host.")  # RFC 9112 3.2
    elif not _HOST.fullmatch(host):
        raise MalformedRequest("The Host header is not one host, or is there twice.")
    length = fields.get(b"content-length")
    if length is not None and not length.isdigit():
        raise MalformedRequest("The Content-Length header is not a number, or is there twice.")
    coding = fields.get(b"transfer-encoding")
    # RFC 9112 6.1 and 6.3: maybe somebody smuggles a request past a proxy that believes the other one, or knows the coding.
    if coding is not None and (coding.lower() != b"chunked" or http_version != "1.1" or length is not None):
        raise MalformedRequest("The only Transfer-Encoding is chunked, from HTTP/1.1 on, and without a Content-Length.")
