"""Bad requests as messages: their headers, the type, size and pace of the body, the order of refusals, the connection after.

What stands in fields, paths and queries is in test_bad_input.py.
"""

import gzip
from urllib.parse import quote
from uuid import UUID, uuid4

import pytest

from taskwell.database.connection import Database
from tests.support.cast import Person
from tests.support.errors import MARKER, assert_error, assert_refused, invalid_fields
from tests.support.mounts import at_every_mount, at_named_mounts, tasks_of
from tests.support.server import RunningServer
from tests.support.wire import Wire, chunked, exchange, message

TASKS = "/api/v1/tasks"
REGISTER = "/api/v1/auth/register"
TOKEN = "/api/v1/auth/token"
IS_JSON = {"Content-Type": "application/json"}
IS_FORM = {"Content-Type": "application/x-www-form-urlencoded"}
MIB = 1024 * 1024
M = MARKER.encode()

# ---- headers -------------------------------------------------------------------------------------------------------

NO_CONDITION = [
    M,
    b"'%s'" % M,
    b'"%s' % M,
    b'%s"' % M,
    b'w/"%s"' % M,
    b'"%s" "%s"' % (M, M),
    b"\xff",
    b'"\xff',
    b"W/",
    b",",
    b"**",
    b'*,"%s"' % M,
    M * 1_000,
    b'"a",' * 500 + M,
]


@pytest.mark.usefixtures("nothing_stored")
def test_no_condition_is_taken_that_is_none(server: RunningServer, signed: tuple[str, str]) -> None:
    path = f"{TASKS}/{UUID(int=1)}"
    body = b'{"title":"x"}'
    for value in NO_CONDITION:
        for request in (
            message("GET", TASKS, signed, ("If-None-Match", value)),
            message("GET", path, signed, ("If-None-Match", value)),
            message("PUT", path, signed, ("If-None-Match", value), ("Content-Type", "application/json"), body=body),
            message("PUT", path, signed, ("If-Match", value), ("Content-Type", "application/json"), body=body),
            message("PATCH", path, signed, ("If-Match", value), ("Content-Type", "application/json"), body=body),
            message("DELETE", path, signed, ("If-Match", value)),
        ):
            answer = exchange(server, request)
            try:
                # The task is not there, and a GET looks for it before it looks at what the client has.
                assert_refused(answer, 400, *([404] if request.startswith(b"GET " + path.encode()) else []))
            except AssertionError as error:
                raise AssertionError(f"{request[:40]!r} {value[:80]!r}: {error}") from error


@pytest.mark.usefixtures("nothing_stored")
def test_no_token_is_taken_that_is_none(server: RunningServer, alice: Person) -> None:
    token = alice.token.encode()
    header, claims, signature = token.split(b".")
    for value in (
        b"", M, b"Bearer", b"Bearer ", b"Bearer " + M, b"Bearer \xff\xfe", b"Basic " + M, b"Bearer " + M * 1_500 + b".a.b",
        b"Bearer " + token + b"=", b"Bearer " + token + b" x",
        b"Bearer " + b".".join((header, claims, b"")), b"Bearer " + b".".join((header, claims)), b"Bearer " + b".".join((claims,
        header, signature)),
        b"Bearer " + token + b"." + M, b"Bearer " + token[:-1], b"Bearer eyJhbGciOiJub25lIn0." + claims + b".",
        b"Bearer eyJhbGciOiJub25lIn0." + claims + b".AAAA", token,
        b"Bearer\t" + token, b"Bearer, Bearer " + token, b"\xef\xbb\xbfBearer " + token, b"Bearer " + b"[" * 7_000 + b".a.b",
        b"Bearer " + b"W1tb" * 1_000 + b".e30.AAAA",
    ):  # fmt: skip
        answer = exchange(server, message("GET", TASKS, ("Authorization", value)))
        try:
            assert_refused(answer, 401)
        except AssertionError as error:
            raise AssertionError(f"{value[:80]!r}: {error}") from error


@pytest.mark.usefixtures("nothing_stored")
def test_the_servers_own_refusals_are_refusals_too(server: RunningServer, signed: tuple[str, str]) -> None:
    """What is no HTTP never reaches the application; the server says so, and the next client is served."""
    for data in (
        b"\r\n\r\n" + M + b"\r\n\r\n",
        b"GET " + TASKS.encode() + b" HTTP/9.9\r\n\r\n",
        message("GET", TASKS, signed, ("X-Request-Id", b"a\x00" + M)),
        message("GET", TASKS, signed, ("X-Request-Id", b"a\rb")),
        message("GET", TASKS, signed, ("Na me", "x")),
        message("GET", b"/api/v1/\x00tasks", signed),
        message("GET", b"/api/v1/tasks\xff", signed),
        message("POST", TASKS, signed, ("Content-Type", "application/json"), body=b'{"title":"x"}', length="-1"),
        message("POST", TASKS, signed, ("Content-Type", "application/json"), body=b'{"title":"x"}', length="+13"),
        message("POST", TASKS, signed, ("Content-Type", "application/json"), body=b'{"title":"x"}', length="0x0d"),
        message("POST", TASKS, signed, ("Content-Type", "application/json"), body=b'{"title":"x"}', length="1" * 5_000),
        message("POST", TASKS, signed, ("Content-Type", "application/json"), ("Content-Length", "14"), body=b'{"title":"x"}'),
        message("POST", TASKS, signed, ("Content-Type", "application/json"), ("Transfer-Encoding", "gzip, chunked"), length=None),
        message("POST", TASKS, signed, ("Content-Type", "application/json"), ("Transfer-Encoding", "chunked"), length=None)
        + b"zz\r\n",
    ):
        answer = exchange(server, data)
        assert 400 <= answer.status_code < 500, data[:120]
        assert MARKER not in answer.text
    assert exchange(server, message("GET", "/healthz")).status_code == 200


@pytest.mark.usefixtures("nothing_stored")
def test_a_body_whose_length_is_said_in_two_ways_is_refused(server: RunningServer, signed: tuple[str, str]) -> None:
    """RFC 9112 6.3: it may be an attempt to smuggle a request past a proxy that believes the other one."""
    body = b'{"title":"x"}'
    data = message(
        "POST", TASKS, signed, ("Content-Type", "application/json"), ("Transfer-Encoding", "chunked"), length=len(body)
    )
    answer = exchange(server, data + b"".join(chunked([body])))
    assert 400 <= answer.status_code < 500, answer.text


def test_very_many_and_very_long_headers_do_no_harm(server: RunningServer, signed: tuple[str, str]) -> None:
    many = [(f"X-{number}", "x") for number in range(1_000)]
    assert exchange(server, message("GET", TASKS, signed, *many)).status_code < 500
    assert exchange(server, message("GET", TASKS, signed, ("X-Request-Id", "x" * 30_000))).status_code < 500
    assert exchange(server, message("GET", "/healthz")).status_code == 200


# ---- type, size, pace ----------------------------------------------------------------------------------------------

WITH_BODY = [
    ("POST", TASKS),
    ("PUT", f"{TASKS}/{UUID(int=1)}"),
    ("PATCH", f"{TASKS}/{UUID(int=1)}"),
    ("POST", REGISTER),
    ("POST", TOKEN),
]
OTHER_TYPES = [
    "", "text/plain", "text/json", "application/xml", "multipart/form-data; boundary=x", "application/octet-stream",
    "application/jsonx", "json", "*/*",
    "application/json-patch+json", "application/vnd.api+json", "application/json, application/json",
    "application/json; charset=utf-16",
    "application/json; charset=latin-1", "application/x-www-form-urlencoded; charset=utf-16", "application/json\xff",
    f"application/{MARKER}",
]  # fmt: skip


@pytest.mark.usefixtures("nothing_stored")
@pytest.mark.parametrize(("method", "path"), WITH_BODY)
def test_another_type_than_the_one_that_is_read_is_415(
    server: RunningServer, signed: tuple[str, str], method: str, path: str
) -> None:
    body = b'{"title":"x"}'
    right = "application/x-www-form-urlencoded" if path == TOKEN else "application/json"
    wrong = "application/json" if path == TOKEN else "application/x-www-form-urlencoded"
    requests = [message(method, path, signed, ("Content-Type", kind), body=body) for kind in [*OTHER_TYPES, wrong]]
    requests.append(message(method, path, signed, body=body))
    requests.append(message(method, path, signed, length=None))
    requests.append(message(method, path, signed, ("Content-Type", right), ("Content-Type", right), body=body))
    for coding in ("gzip", "br", "deflate", "gzip, identity", "x", MARKER):
        headers = signed, ("Content-Type", right), ("Content-Encoding", coding)
        requests.append(message(method, path, *headers, body=gzip.compress(body)))
    if method != "PATCH":
        requests.append(message(method, path, signed, ("Content-Type", "application/merge-patch+json"), body=body))
    for request in requests:
        answer = exchange(server, request)
        try:
            assert_refused(answer, 415)
        except AssertionError as error:
            raise AssertionError(f"{request[-200:]!r}: {error}") from error


@pytest.mark.parametrize(
    "kind",
    [
        "application/json",
        "APPLICATION/JSON",
        "application/json;charset=utf-8",
        'application/json ; charset="UTF-8"',
        "application/json;",
    ],
)
def test_json_may_be_announced_in_every_way_that_means_it(alice: Person, kind: str) -> None:
    answer = alice.post(TASKS, content=b'{"title":"x"}', headers={"Content-Type": kind, "Content-Encoding": "identity"})
    assert answer.status_code == 201


def padded(size: int) -> bytes:
    return b'{"title":"x"' + b" " * (size - 13) + b"}"


def test_a_body_of_200_kilobytes_is_read_however_it_is_sent(alice: Person) -> None:
    size = 200_000
    assert alice.post(TASKS, content=padded(size), headers=IS_JSON).status_code == 201
    parts = [padded(size)[start : start + 65_536] for start in range(0, size, 65_536)]
    assert alice.post(TASKS, content=iter(parts), headers=IS_JSON).status_code == 201


@pytest.mark.usefixtures("nothing_stored")
def test_a_body_that_never_ends_is_ended(server: RunningServer, signed: tuple[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("taskwell.web.request.BODY_SECONDS", 0.3)
    kind = ("Content-Type", "application/json")
    for request in (
        message("POST", TASKS, signed, kind, body=b'{"title":"', length=100),
        message("POST", TASKS, signed, kind, length=100),
        message("POST", TASKS, signed, kind, ("Transfer-Encoding", "chunked"), length=None) + b"a\r\n{",
    ):
        with Wire(server) as wire:
            wire.send(request)
            answer = wire.answer("POST")
            assert_refused(answer, 408)
            assert_error(answer, 408, "body_too_slow")
            assert wire.is_closed()
    assert exchange(server, message("GET", TASKS, signed)).status_code == 200


@pytest.mark.usefixtures("nothing_stored")
def test_a_client_that_hangs_up_halfway_harms_nobody(server: RunningServer, signed: tuple[str, str]) -> None:
    with Wire(server) as wire:
        wire.send(message("POST", TASKS, signed, ("Content-Type", "application/json"), body=b'{"title":"x"}', length=100))
    assert exchange(server, message("GET", TASKS, signed)).status_code == 200


# ---- the order of refusals -----------------------------------------------------------------------------------------


@pytest.mark.usefixtures("nothing_stored")
@at_every_mount
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
def test_first_who_then_the_type_then_the_size_then_the_rest(
    server: RunningServer, alice: Person, signed: tuple[str, str], mount: str, method: str
) -> None:
    path = tasks_of(mount, alice.id) + ("" if method == "POST" else "/not-an-id") + "?no=such&no=parameter"
    wrong_type = ("Content-Type", "text/plain")
    right_type = ("Content-Type", "application/json")
    condition = ("If-Match", "malformed")
    for headers, length, status in (
        ([wrong_type, condition], MIB + 1, 401),
        ([("Authorization", "Bearer x"), wrong_type, condition], MIB + 1, 401),
        ([signed, wrong_type, condition], MIB + 1, 415),
        ([signed, right_type, condition], MIB + 1, 413),
        ([signed, right_type, condition], 1, 400),
    ):
        answer = exchange(server, message(method, path, *headers, body=b"{", length=length))
        assert_refused(answer, status)


@pytest.mark.usefixtures("nothing_stored")
@at_named_mounts
def test_a_user_id_that_is_none_is_a_user_that_is_not_there(
    server: RunningServer, signed: tuple[str, str], carol: Person, mount: str
) -> None:
    path = mount.replace("{user}", "not-an-id")
    administrator = ("Authorization", f"Bearer {carol.token}")
    wrong_type = ("Content-Type", "text/plain")
    for headers, status, code in (
        ([wrong_type], 401, "token_missing"),
        ([signed, wrong_type], 404, "user_not_found"),
        ([administrator, wrong_type], 404, "user_not_found"),
    ):
        answer = exchange(server, message("POST", path, *headers, body=b"{", length=MIB + 1))
        assert_refused(answer, status)
        assert_error(answer, status, code)


@pytest.mark.usefixtures("nothing_stored")
def test_what_is_wrong_is_said_before_what_is_missing(alice: Person, bob: Person) -> None:
    assert invalid_fields(alice.patch(f"{TASKS}/{uuid4()}", json={"title": ""})) == ["title"]
    # Another's tasks are no place to learn anything: not even whether the request was well formed.
    strange = f"/users/{bob.id}/tasks"
    for answer in (
        alice.post(strange, json={"title": ""}),
        alice.post(strange, content=b"x", headers={"Content-Type": "text/plain"}),
        alice.get(f"{strange}?limit=0"),
        alice.get(f"{strange}/not-an-id"),
    ):
        assert_error(answer, 404, "user_not_found")


# ---- the connection goes on ----------------------------------------------------------------------------------------


@pytest.mark.usefixtures("nothing_stored")
def test_after_an_error_the_connection_serves_the_next_request(server: RunningServer, signed: tuple[str, str]) -> None:
    kind = ("Content-Type", "application/json")
    inner = message("DELETE", "/smuggled")
    refused = [
        (message("POST", TASKS, signed, kind, body=b"{"), 400),
        (message("POST", TASKS, kind, body=inner), 401),
        (message("POST", TASKS, signed, ("Content-Type", "text/plain"), body=inner), 415),
        (message("GET", f"{TASKS}/{uuid4()}", signed), 404),
        (message("POST", "/nowhere", signed, body=inner), 404),
        (message("BREW", TASKS, signed, body=inner), 405),
        (message("GET", TASKS, signed, body=inner), 200),
    ]
    with Wire(server) as wire:
        for request, status in refused:
            wire.send(request)
            assert wire.answer().status_code == status, request
            wire.send(message("GET", "/healthz", ("X-Request-Id", "next")))
            answer = wire.answer()
            assert (answer.status_code, answer.headers["x-request-id"]) == (200, "next"), request


@pytest.mark.usefixtures("nothing_stored")
def test_who_is_nobody_is_told_so_before_their_body_is_there(server: RunningServer) -> None:
    with Wire(server) as wire:
        wire.send(message("POST", TASKS, ("Content-Type", "application/json"), length=1000))
        assert_error(wire.answer(), 401, "token_missing")


@pytest.mark.usefixtures("nothing_stored")
def test_after_a_defect_of_ours_the_connection_serves_the_next_request(
    server: RunningServer, signed: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails(*_: object, **__: object) -> None:
        raise RuntimeError(MARKER)

    with Wire(server) as wire:
        for _ in range(3):
            with monkeypatch.context() as patch:
                patch.setattr(Database, "row", fails)
                wire.send(message("GET", TASKS, signed))
                answer = wire.answer()
            assert_error(answer, 500, "internal_error")
            assert MARKER not in answer.text
            wire.send(message("GET", TASKS, signed))
            assert wire.answer().status_code == 200


def test_requests_sent_ahead_are_answered_in_order(server: RunningServer, signed: tuple[str, str]) -> None:
    with Wire(server) as wire:
        wire.send(b"".join(message("GET", f"{TASKS}/{quote(path)}", signed, ("X-Request-Id", path)) for path in ("a", "b", "c")))
        assert [wire.answer().headers["x-request-id"] for _ in range(3)] == ["a", "b", "c"]
