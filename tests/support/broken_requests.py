"""Requests that break off or contradict themselves, byte by byte, by what is wrong with them."""

from tests.support.wire import message

REVOKE = "/api/v1/auth/revoke"
"""It takes a body from anybody, does nothing with one that it does not know, and says 200."""

FORM = ("Content-Type", "application/x-www-form-urlencoded")
CHUNKED = ("Transfer-Encoding", "chunked")
BODY = b"token=milk"
CHUNK = b"a\r\n" + BODY + b"\r\n"


def revoke(*headers: tuple[str, str | bytes], body: bytes = b"", length: int | str | None = None) -> bytes:
    return message("POST", REVOKE, FORM, *headers, body=body, length=length)


def in_chunks(body: bytes) -> bytes:
    return revoke(CHUNKED, body=body)


def healthz(head: bytes) -> bytes:
    return b"GET /healthz HTTP/1.1\r\n" + head + b"\r\n"


MALFORMED_BODIES = {
    "a size that is none": in_chunks(b"zz\r\n"),
    "a size that is none, second": in_chunks(CHUNK + b"zz\r\n"),
    "a negative size": in_chunks(b"-1\r\n"),
    "a size with 0x": in_chunks(b"0x" + CHUNK + b"0\r\n\r\n"),
    "no size": in_chunks(b"\r\n" + CHUNK),
    "an immense size": in_chunks(b"f" * 18 + b"\r\n"),
    "a chunk longer than said": in_chunks(b"3\r\n" + BODY + b"\r\n0\r\n\r\n"),
    "a chunk with another end": in_chunks(b"a\r\n" + BODY + b"XX0\r\n\r\n"),
    "an endless extension": in_chunks(b"a;" + b"x" * 100_000 + b"\r\n" + BODY + b"\r\n0\r\n\r\n"),
    "a trailer that is none": in_chunks(CHUNK + b"0\r\nno trailer\r\n\r\n"),
    "an endless trailer": in_chunks(CHUNK + b"0\r\nX: " + b"x" * 100_000 + b"\r\n\r\n"),
    "a NUL for a size": in_chunks(b"\0\r\n"),
    "another request for a size": in_chunks(message("GET", "/healthz")),
}
CUT_OFF_BODIES = {
    "chunked, nothing of it": in_chunks(b""),
    "chunked, in a size": in_chunks(b"a"),
    "chunked, in a chunk": in_chunks(b"a\r\ntoken"),
    "chunked, after a chunk": in_chunks(CHUNK),
    "chunked, in the last chunk": in_chunks(CHUNK + b"0\r\n"),
    "chunked, in a trailer": in_chunks(CHUNK + b"0\r\nX: y\r\n"),
    "with a length, nothing of it": revoke(length=10),
    "with a length, one byte missing": revoke(body=BODY[:-1], length=10),
    "JSON with a length": message("POST", "/api/v1/auth/register", ("Content-Type", "application/json"), body=b"{", length=9),
}
"""What follows is the end of the client's side."""

GOOD_BODIES = {
    "an extension": in_chunks(b'a;x=y;z="w"\r\n' + BODY + b"\r\n0\r\n\r\n"),
    "a trailer": in_chunks(CHUNK + b"0\r\nX: y\r\n\r\n"),
    "zeros before the size": in_chunks(b"000" + CHUNK + b"0\r\n\r\n"),
    "many chunks": in_chunks(b"".join(b"1\r\n%c\r\n" % byte for byte in BODY) + b"0\r\n\r\n"),
    "CHUNKED": revoke(("Transfer-Encoding", "CHUNKED"), body=CHUNK + b"0\r\n\r\n"),
    "longer than said": revoke(body=BODY + b"&a=b", length=10),
}

BAD_HOSTS = {
    "no Host": healthz(b""),
    "two Hosts": healthz(b"Host: a\r\nHost: b\r\n"),
    "the same Host twice": healthz(b"Host: a\r\nHost: a\r\n"),
    "two Hosts, one empty": healthz(b"Host:\r\nHost: a\r\n"),
    "two Hosts of HTTP/1.0": b"GET /healthz HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n",
} | {
    f"Host: {host.decode('latin-1')}": healthz(b"Host: " + host + b"\r\n")
    for host in (
        b"", b":80", b"a b", b"a, b", b"a,b", b"a/b", b"a\\b", b"a@b", b"a:b", b"a:80:80", b"a:-1", b"a:+80",
        b"a:999999", b"http://a", b"a?b", b"a#b", b"::1", b"[::1", b"[]", b"[a]", b"[::1]b",
        b"[::1]:b", b"%zz", b"a%", b"<a>", b'"a"', b"a\xff", b"\xc3\xa4",
    )
}  # fmt: skip
GOOD_HOSTS = (
    b"a", b"a:80", b"a:", b"A.example.com", b"a.example.com.", b"127.0.0.1:8000", b"[::1]", b"[::1]:8000", b"[fe80::1%eth0]:1",
    b"a_b", b"xn--4ca", b"%C3%A4", b"a~!$&'()*+;=", b"taskwell-1.taskwell.svc.cluster.local:80",
)  # fmt: skip


def coded(*values: bytes) -> bytes:
    return revoke(*(("Transfer-Encoding", value) for value in values), body=CHUNK + b"0\r\n\r\n")


BAD_CODINGS = {
    "gzip, chunked": coded(b"gzip, chunked"),
    "gzip,chunked": coded(b"gzip,chunked"),
    "gzip and chunked": coded(b"gzip", b"chunked"),
    "chunked twice": coded(b"chunked", b"chunked"),
    "chunked, chunked": coded(b"chunked, chunked"),
    "identity, chunked": coded(b"identity, chunked"),
    "x, chunked": coded(b"x, chunked"),
    ", chunked": coded(b", chunked"),
    "gzip": coded(b"gzip"),
    "identity": coded(b"identity"),
    "chunked, gzip": coded(b"chunked, gzip"),
    "xchunked": coded(b"xchunked"),
    "chunked;q=1": coded(b"chunked;q=1"),
    "nothing": coded(b""),
    "of a GET": healthz(b"Host: a\r\nTransfer-Encoding: gzip, chunked\r\n") + b"0\r\n\r\n",
    "of HTTP/1.0": coded(b"chunked").replace(b"HTTP/1.1", b"HTTP/1.0"),
}
BAD_LENGTHS = {
    length: revoke(body=BODY, length=length)
    for length in ("+10", "-10", "0x0a", "1_0", "10.0", "1e1", "ten", "", "10, 11", "10;", "\u00b2", "9" * 30)
} | {"two of them": revoke(("Content-Length", "10"), body=BODY, length=11)}
BAD_HEADS = {
    "a folded header": healthz(b"Host: a\r\nX: y\r\n z\r\n"),
    "a bare CR": healthz(b"Host: a\r\nX: y\rz\r\n"),
    "a NUL": healthz(b"Host: a\r\nX: y\0z\r\n"),
    "a space before the colon": healthz(b"Host : a\r\n"),
    "no name": healthz(b"Host: a\r\n: x\r\n"),
    "no colon": healthz(b"Host: a\r\nx\r\n"),
    "HTTP/1.2": b"GET /healthz HTTP/1.2\r\nHost: a\r\n\r\n",
    "HTTP/9.9": b"GET /healthz HTTP/9.9\r\nHost: a\r\n\r\n",
    "HTTP/0.9": b"GET /healthz\r\n\r\n",
    "nothing but lines": b"x\r\n\r\n",
    "a byte above 127 in the target": b"GET /\xff HTTP/1.1\r\nHost: a\r\n\r\n",
    "a quote in the method": b'G"T /healthz HTTP/1.1\r\nHost: a\r\n\r\n',
    "an endless target": b"GET /" + b"x" * 200_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n",
    "an endless header": healthz(b"Host: a\r\nX: " + b"x" * 2_000_000 + b"\r\n"),
    "very many headers": healthz(b"Host: a\r\n" + b"".join(b"X-%d: y\r\n" % number for number in range(3_000))),
}
"""What the HTTP server refuses by itself, without a body."""

ODD_REQUESTS = {
    "TRACE": (message("TRACE", "/healthz"), 405),
    "CONNECT": (message("CONNECT", "a:443"), 404),
    "CONNECT of a path": (message("CONNECT", "/healthz"), 405),
    "*": (message("OPTIONS", "*"), 404),
    "GET *": (message("GET", "*"), 404),
    "an authority": (message("GET", "a:443"), 404),
    "no slash": (message("GET", "healthz"), 404),
    "a method of 10 KB": (message("X" * 10_000, "/healthz"), 405),
    "a method of signs": (message("!#$%&'*+-.^_`|~", "/healthz"), 405),
    "an upgrade to a WebSocket": (
        healthz(
            b"Host: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        ),
        200,
    ),
    "an upgrade to HTTP/2": (healthz(b"Host: a\r\nConnection: Upgrade\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n"), 200),
    "another expectation": (healthz(b"Host: a\r\nExpect: milk\r\n"), 200),
    "HTTP/1.0": (b"GET /healthz HTTP/1.0\r\nHost: a\r\n\r\n", 200),
    "HTTP/1.0 without a Host": (b"GET /healthz HTTP/1.0\r\n\r\n", 200),
    "an absolute target": (b"GET http://a/healthz HTTP/1.1\r\nHost: a\r\n\r\n", 200),
}
"""And what `taskwell serve` answers."""
