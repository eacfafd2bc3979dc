"""The most that one body can cost: milliseconds of the event loop for the worst bodies that each operation still reads.

    .venv/bin/python -m bench.worst_bodies

Nothing is served: what is timed is what happens between the last byte of a body and the first question to the database.
Exits with 1 if one costs more than MOST milliseconds.
"""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

from fastapi.routing import iter_route_contexts

from taskwell.api import routes
from taskwell.errors import TaskwellError
from taskwell.web.operation import QUERY_BYTES, Operation, pairs_of

MOST = 10.0
TIMES = 3


def json_bodies(size: int) -> Iterator[tuple[str, bytes]]:
    def text(unit: bytes) -> bytes:
        return b'{"title":"' + unit * ((size - 12) // len(unit)) + b'"}'

    def values(unit: bytes) -> bytes:
        return b'{"title":[' + unit * ((size - 13) // len(unit)) + b"0]}"

    for unit in (
        b"a", b"\\n", b'\\"', b"\\\\", b"\\u00e4", b"\\ud83e\\udd5b", b"\\ud83e", "\U0001f95b".encode(), b"[", b"{[",
        b'\\"[', b"\xff",
    ):  # fmt: skip
        yield f"a text of {unit!r}", text(unit)
    for unit in (
        b'{"":[]},',
        b"[],",
        b"{},",
        b"0,",
        b"null,",
        b'"",',
        b"1e5,",
        b"9" * 4_300 + b",",
        b'{"a":0,"b":0},',
        b" ",
        b'"',
    ):
        yield f"a list of {unit[:20]!r}", values(unit)
    yield "lists in lists", b"[" * (size // 2) + b"]" * (size // 2)
    yield "names", b"{" + b",".join(b'"%x":0' % number for number in range(size // 10)) + b"}"
    yield "long names", b"{" + b",".join(b'"%x":0' % number + b" " * (size // 100 - 9) for number in range(99)) + b"}"
    yield "one name", b'{"' + b"a" * (size - 6) + b'":0}'
    yield "one number", b'{"title":' + b"9" * (size - 10) + b"}"
    yield "one fraction", b'{"title":0.' + b"9" * (size - 12) + b"}"
    yield "blanks", b"{" + b" " * (size - 2) + b"}"
    # As much outside of strings as is parsed at all.
    yield "a short list of lists", b'{"title":[' + b"[]," * 600 + b"0]" + b" " * (size - 1_813) + b"}"
    yield "a short list of texts", b'{"title":[' + b'"a",' * 900 + b"0]" + b" " * (size - 3_613) + b"}"


def forms(size: int) -> Iterator[tuple[str, bytes]]:
    for name in (b"username", b"password", b"token", b"scope", b"client_id", b"x"):
        for unit in (b"a", b"%41", b"%C3%A4", b"%F0%9F%A5%9B", b"+", b"%", b"%FF", b"="):
            yield f"{name.decode()} of {unit!r}", b"password=abcdefgh&" + name + b"=" + unit * ((size - 30) // len(unit))
    yield "separators", b"&" * size
    yield "99 pairs", b"&".join(b"%d=%s" % (number, b"%41" * (size // 320)) for number in range(99))
    for address in ("a@" + "\u00e4." * 120 + "de", "a@" + "\ufdfa" * 100 + ".com", "a" * 64 + "@" + "a." * 100 + "de"):
        yield "an address", b"password=abcdefgh&username=" + address.encode("ascii", "xmlcharrefreplace").replace(b"&", b"%26")


def milliseconds(call: Callable[[bytes], Any], data: bytes) -> float:
    """Of the processor, the best of a few, since what else runs here is not the body's fault."""
    best = float("inf")
    for _ in range(TIMES):
        began = time.process_time()
        with suppress(TaskwellError):
            call(data)
        best = min(best, time.process_time() - began)
    return best * 1000


def main() -> int:
    worst = 0.0
    seen = set()
    for route in iter_route_contexts(routes().routes):
        for method in route.methods or ():
            body = Operation(route, method).body
            if body is None or (body.model, body.limit) in seen:
                continue
            seen.add((body.model, body.limit))
            size = body.limit.size
            corpus = forms(size) if body.is_form else json_bodies(size)
            cost, name = max((milliseconds(body.parse, data[:size]), name) for name, data in corpus)
            worst = max(worst, cost)
            print(f"{method:6} {route.path:32} {size:7} bytes  {cost:6.2f} ms  {name}")
    queries = (
        (milliseconds(lambda text: pairs_of("query", text), data[:QUERY_BYTES]), name) for name, data in forms(QUERY_BYTES)
    )
    cost, name = max(queries)
    print(f"a query                                 {QUERY_BYTES:7} bytes  {cost:6.2f} ms  {name}")
    return int(max(worst, cost) > MOST)


if __name__ == "__main__":
    sys.exit(main())
