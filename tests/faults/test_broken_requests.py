"""Requests that break off, and requests that contradict themselves, at `taskwell serve` and under another server.

What the HTTP server lets through must be refused by the application; neither may give a 5xx, and the log must agree.
"""

import http.client
import time
from collections.abc import Iterator

import httpx
import pytest

from tests.cli.command import Serving, serving
from tests.support.broken_requests import (
    BAD_CODINGS,
    BAD_HEADS,
    BAD_HOSTS,
    BAD_LENGTHS,
    BODY,
    CUT_OFF_BODIES,
    GOOD_BODIES,
    GOOD_HOSTS,
    MALFORMED_BODIES,
    ODD_REQUESTS,
    REVOKE,
    healthz,
    in_chunks,
    revoke,
)
from tests.support.cast import Person
from tests.support.errors import assert_error
from tests.support.server import RunningServer
from tests.support.wire import Server, Wire, chunked, message


@pytest.fixture(scope="module")
def granian(shared_database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    """`taskwell serve`."""
    folder = tmp_path_factory.mktemp("serving")
    with serving(folder, "--workers", "1", DATABASE_URL=shared_database) as running:
        yield running
        assert not [line for line in running.requests if line["status"] >= 499]
        assert "defect" not in running.complained
        assert "Traceback" not in running.complained


def ask(server: Server, request: bytes, *, half_close: bool = False) -> httpx.Response | None:
    """The one answer; None where the server hangs up without a word."""
    with Wire(server) as wire:
        try:
            wire.send(request)
            if half_close:
                wire.half_close()
            return wire.answer()
        except (OSError, http.client.HTTPException):
            return None


def assert_malformed(server: Serving, name: str, request: bytes, *, half_close: bool = False) -> None:
    answer = ask(server, request, half_close=half_close)
    assert answer is not None, name
    try:
        assert_error(answer, 400, "malformed_request")
        assert answer.headers["connection"] == "close"
        assert server.logged(answer.headers["x-request-id"])["status"] == 400
    except AssertionError as error:
        raise AssertionError(f"{name}: {error}") from error


def test_a_body_that_is_none_is_400_and_ends_the_connection(granian: Serving) -> None:
    for name, request in MALFORMED_BODIES.items():
        assert_malformed(granian, name, request)


def test_a_body_that_breaks_off_is_400_and_ends_the_connection(granian: Serving) -> None:
    for name, request in CUT_OFF_BODIES.items():
        assert_malformed(granian, name, request, half_close=True)


@pytest.mark.parametrize("is_chunked", [False, True], ids=["of a length", "in chunks"])
@pytest.mark.parametrize(
    ("changed", "status"),
    [({}, 413), ({"Authorization": "Bearer x"}, 401), ({"Content-Type": "text/plain"}, 415), ({}, 405)],
    ids=["too large", "nobody's", "of another type", "by another method"],
)
def test_who_sends_it_all_before_reading_an_answer_gets_the_refusal(
    granian: Serving, alice: Person, changed: dict[str, str], status: int, *, is_chunked: bool
) -> None:
    """As proxies do. A connection that is closed while something is unread is reset, and takes the answer with it."""
    body = b"x" * 3_000_000
    given = {"Authorization": f"Bearer {alice.token}", "Content-Type": "application/json"} | changed
    headers = [*given.items(), *([("Transfer-Encoding", "chunked")] if is_chunked else [])]
    head = message("POST", "/readyz" if status == 405 else "/api/v1/tasks", *headers, length=None if is_chunked else len(body))
    parts = [body[at : at + 300_000] for at in range(0, len(body), 300_000)]
    with Wire(granian) as wire:
        wire.send(head)
        for part in chunked(parts) if is_chunked else parts:
            wire.send(part)
            time.sleep(0.02)
        assert wire.answer("POST").status_code == status


def test_after_a_broken_request_nothing_of_the_connection_is_taken_for_another(granian: Serving) -> None:
    for request in MALFORMED_BODIES.values():
        with Wire(granian) as wire:
            wire.send(request + message("GET", "/readyz"))
            assert wire.answer().status_code == 400
            assert wire.is_closed()
    assert not [line for line in granian.requests if line["route"] == "/readyz"]


def test_what_is_unusual_and_right_is_taken(granian: Serving, server: RunningServer) -> None:
    for one in (granian, server):
        for name, request in GOOD_BODIES.items():
            answer = ask(one, request)
            assert answer is not None, name
            assert (answer.status_code, answer.content) == (200, b"{}"), name
        for host in GOOD_HOSTS:
            answer = ask(one, healthz(b"Host: " + host + b"\r\n"))
            assert answer is not None
            assert answer.status_code == 200, host


def test_a_request_has_one_host(granian: Serving) -> None:
    for name, request in BAD_HOSTS.items():
        assert_malformed(granian, name, request)


def test_chunked_is_the_only_coding(granian: Serving) -> None:
    for name, request in BAD_CODINGS.items():
        answer = ask(granian, request)
        assert answer is not None, name
        # Where `chunked` does not come last, the server has refused it before.
        assert answer.status_code == 400, name
        if answer.content:
            assert_error(answer, 400, "malformed_request")
        assert answer.headers["connection"] == "close", name
    for name in ("gzip, chunked", "gzip and chunked", "chunked twice", "of a GET"):
        assert_malformed(granian, name, BAD_CODINGS[name])


def test_what_is_no_http_is_refused_by_the_server_itself(granian: Serving) -> None:
    for name, request in (BAD_HEADS | BAD_LENGTHS).items():
        answer = ask(granian, request)
        if answer is not None:  # with a request so long that it hangs up before all is sent, the answer may be lost
            assert answer.status_code in (400, 414, 431), name
        else:
            assert len(request) > 100_000, name


def test_two_ways_to_say_a_length_end_the_connection(granian: Serving) -> None:
    """RFC 9112 6.3: `chunked` counts. The server takes the other one away, and what comes next is not read."""
    for chunks in (b"a\r\n" + BODY + b"\r\n0\r\n\r\n", b"0\r\n\r\n"):
        with Wire(granian) as wire:
            wire.send(revoke(("Transfer-Encoding", "chunked"), body=chunks, length=5) + message("GET", "/readyz"))
            assert wire.answer().status_code in (200, 400)
            assert wire.is_closed()
    assert not [line for line in granian.requests if line["route"] == "/readyz"]


def test_odd_methods_targets_and_wishes_have_an_ordinary_answer(granian: Serving) -> None:
    for name, (request, status) in ODD_REQUESTS.items():
        answer = ask(granian, request)
        assert answer is not None, name
        assert answer.status_code == status, name
        if status >= 400:
            assert_error(answer, status, {404: "route_not_found", 405: "method_not_allowed"}[status])


def test_a_client_that_waits_to_be_told_is_told(granian: Serving) -> None:
    with Wire(granian) as wire:
        wire.send(revoke(("Expect", "100-continue"), length=len(BODY)))
        assert wire.line() == b"HTTP/1.1 100 Continue\r\n"
        assert wire.line() == b"\r\n"
        wire.send(BODY)
        assert wire.answer().status_code == 200


def test_under_another_server_it_is_never_the_servers_fault_either(
    server: RunningServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """uvicorn refuses a malformed body itself, in words of its own, and has nothing to say to who is half gone."""
    monkeypatch.setattr("taskwell.web.request.BODY_SECONDS", 0.5)  # for a chunk that never ends
    for name, request in (MALFORMED_BODIES | BAD_LENGTHS | BAD_HEADS).items():
        answer = ask(server, request)
        assert answer is None or answer.status_code < 500, name
    for name, request in BAD_CODINGS.items():
        answer = ask(server, request)
        assert answer is not None, name
        assert answer.status_code in (400, 501), name  # RFC 9112 6.1 wants a 501 for a coding that is not known
    for name, request in CUT_OFF_BODIES.items():
        answer = ask(server, request, half_close=True)
        assert answer is None or answer.status_code == 400, name
    for name, (request, _) in ODD_REQUESTS.items():
        answer = ask(server, request)
        assert answer is None or answer.status_code < 500, name
    for name, request in BAD_HOSTS.items():
        answer = ask(server, request)
        assert answer is not None, name
        assert answer.status_code == 400, name


def test_a_method_is_logged_only_if_it_is_one(granian: Serving) -> None:
    answer = ask(granian, message("MILK" * 2_500, "/healthz"))
    assert answer is not None
    (line,) = [line for line in granian.requests if line["id"] == answer.headers["x-request-id"]]
    assert (line["method"], line["status"]) == ("?", 405)


def test_an_empty_chunked_body_is_an_empty_body(granian: Serving) -> None:
    answer = ask(granian, in_chunks(b"0\r\n\r\n"))
    assert answer is not None
    assert_error(answer, 400, "invalid_input")
    assert REVOKE in {line["route"] for line in granian.requests}
