"""A connection that is cut at any byte of a write or of its answer: sent again with its key, the write is done once."""

import json
import os
import socket
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

from tests.support.cast import Person
from tests.support.server import RunningServer

BETWEEN_CUTS = 40 if os.environ.get("CI") else 1
"""Of an answer. To the server one that is cut at one byte is as one that is cut at any other: it was on its way."""


def request(somebody: Person, title: str) -> bytes:
    """The title is the key as well."""
    body = json.dumps({"title": title})
    head = [
        "POST /api/v1/tasks HTTP/1.1",
        "Host: localhost",
        f"Authorization: Bearer {somebody.token}",
        "Content-Type: application/json",
        f"Idempotency-Key: {title}",
        "Connection: close",
        f"Content-Length: {len(body)}",
    ]
    return ("\r\n".join(head) + "\r\n\r\n" + body).encode()


def sent(server: RunningServer, whole: bytes, *, read: int | None = None) -> bytes:
    """All that comes back, or so many bytes of it; then the connection is closed."""
    with socket.create_connection(server.address, timeout=20) as connection:
        connection.sendall(whole)
        found = b""
        while read is None or len(found) < read:
            more = connection.recv(65536 if read is None else read - len(found))
            if not more:
                break
            found += more
        return found


def answer(server: RunningServer, whole: bytes) -> bytes:
    while (found := sent(server, whole)).startswith(b"HTTP/1.1 409"):
        assert b"idempotency_key_in_use" in found
    assert found.startswith(b"HTTP/1.1 201"), found
    return found


def body_of(found: bytes) -> bytes:
    return found.partition(b"\r\n\r\n")[2]


def test_a_write_that_is_cut_at_any_byte_and_sent_again_is_done_once(alice: Person, server: RunningServer) -> None:
    longest = len(request(alice, "request-0000"))
    of_an_answer = len(answer(server, request(alice, "answer-whole")))

    def cut_on_the_way(there: int) -> None:
        whole = request(alice, f"request-{there:04}")
        sent(server, whole[:there], read=0)
        answer(server, whole)

    def cut_on_the_way_back(there: int) -> None:
        whole = request(alice, f"answer-{there:04}")
        came = sent(server, whole, read=there)
        again = answer(server, whole)
        assert there == 0 or b"idempotency-replayed: true" in again
        assert body_of(again).startswith(body_of(came))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(cut_on_the_way_back, range(0, of_an_answer, BETWEEN_CUTS)))
        list(pool.map(cut_on_the_way, range(longest + 1)))
    titles = Counter(task["title"] for task in alice.sees())
    assert set(titles.values()) == {1}
    assert len(titles) == 1 + (longest + 1) + len(range(0, of_an_answer, BETWEEN_CUTS))
