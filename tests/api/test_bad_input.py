"""What clients send by mistake or by intent: a 4xx in the envelope, nothing echoed, nothing stored, and the server goes on.

Many values go through each test, because what is tested is the field; a failure says which value it was.
"""

import gzip
import json
from collections.abc import Iterable
from uuid import UUID, uuid4

import httpx
import pytest

from tests.support.cast import Person
from tests.support.errors import MARKER, assert_error, assert_refused, invalid_fields
from tests.support.mounts import at_every_mount, at_named_mounts, tasks_of
from tests.support.server import RunningServer
from tests.support.wire import exchange, message

TASKS = "/api/v1/tasks"
REGISTER = "/api/v1/auth/register"
TOKEN = "/api/v1/auth/token"
IS_JSON = {"Content-Type": "application/json"}
IS_FORM = {"Content-Type": "application/x-www-form-urlencoded"}
M = MARKER.encode()

# ---- values in JSON ------------------------------------------------------------------------------------------------

LARGEST = {REGISTER: 16_384, TOKEN: 16_384}
"""What is read there, in bytes; of a task it is more."""


def is_too_large(answer: httpx.Response, path: str, body: bytes) -> bool:
    """413 for a larger one; anything else is refused for what it says, which is for the caller to see."""
    is_larger = len(body) > LARGEST.get(path, 203_764)
    assert_refused(answer, *([413] if is_larger else [400, 401]))
    return is_larger


DEEP = [b"[" * depth + b"]" * depth for depth in (200, 1_000, 100_000)]

NO_STRING = [
    b"1", b"-1", b"2147483648", b"9223372036854775808", b"1" + b"0" * 400, b"7" * 5_000, b"1.5", b"1e400", b"-0",
    b"NaN", b"Infinity", b"-Infinity", b"true", b"[]", b"{}", b'["' + M + b'"]', b'{"' + M + b'": "' + M + b'"}', *DEEP,
]  # fmt: skip

BAD_STRING = [
    rb'"%s\u0000"' % M,  # what PostgreSQL cannot store
    rb'"\ud800%s"' % M, rb'"%s\udfff"' % M, rb'"\udc00\ud800%s"' % M, rb'"\ud83e%s\udd14"' % M,  # half a character, escaped
    b'"\xed\xa0\x80' + M + b'"', b'"\xed\xb0\x80' + M + b'"',  # half a character, in bytes
    b'"\xff' + M + b'"', b'"\xc0\x80' + M + b'"', b'"' + M + b'\xf0\x9f"', b'"\xf4\x90\x80\x80' + M + b'"', b'"\x80"',  # no UTF-8
    b'"' + M + b'\x00"', b'"' + M + b'\x1f"', b'"' + M + b'\n"',  # control characters belong escaped
    rb'"%s\u12"' % M, rb'"%s\x41"' % M, b'"' + M, b"'" + M + b"'", M,  # no JSON
    b'"' + M * 50_000 + b'"',
]  # fmt: skip

NO_BOOLEAN = [
    b'"%s"' % M, b'"true"', b'"yes"', b'"on"', b'"1"', b'""', b"0", b"1", b"-1", b"2147483648", b"9223372036854775808",
    b"1" + b"0" * 400, b"7" * 5_000, b"1.0", b"1e400", b"NaN", b"Infinity", b"[]", b"[true]", b"{}", b"True", b"null",
    *BAD_STRING, *DEEP,
]  # fmt: skip

NO_UUID = [
    b'""', b'"%s"' % M, b'"1"', b'"' + b"0" * 31 + b'"', b'"' + b"g" * 32 + b'"', b'"' + str(UUID(int=1)).encode() + M + b'"',
    b'" ' + str(UUID(int=1)).encode() + b'"', b'"' + str(UUID(int=1)).encode() + rb'\n"',
]  # fmt: skip

TEXT = NO_STRING + BAD_STRING

# Where, by what method, beside which valid fields, and which field.
FIELDS: list[tuple[str, str, str, bytes, list[bytes]]] = [
    (method, path, field, other, values)
    for method, path in (("POST", TASKS), ("PUT", f"{TASKS}/{{task}}"), ("PATCH", f"{TASKS}/{{task}}"))
    for field, other, values in (
        ("title", b'"description":"x"', TEXT),
        ("description", b'"title":"x"', TEXT),
        ("is_completed", b'"title":"x"', NO_BOOLEAN),
    )
] + [
    ("POST", TASKS, "id", b'"title":"x"', TEXT + NO_UUID),
    ("POST", REGISTER, "email", b'"password":"long enough"', [*TEXT, b'"%s"' % M, rb'"%s@exam\nple.com"' % M]),
    (
        "POST",
        REGISTER,
        "password",
        b'"email":"dora@example.com"',
        NO_STRING + BAD_STRING[1:] + [b'"short"', b'"' + M * 200 + b'"'],
    ),
    ("POST", REGISTER, "display_name", b'"email":"dora@example.com","password":"long enough"', [*TEXT, b'" "', b'""']),
]


@pytest.mark.usefixtures("nothing_stored")
@pytest.mark.parametrize(
    ("method", "path", "field", "other", "values"), FIELDS, ids=lambda part: part if isinstance(part, str) else ""
)
def test_no_field_takes_what_it_is_not(
    alice: Person, shared_database: str, method: str, path: str, field: str, other: bytes, values: list[bytes]
) -> None:
    path = path.format(task=uuid4())
    for value in values:
        body = b'{"%s":%s,%s}' % (field.encode(), value, other)
        answer = alice.request(method, path, content=body, headers=IS_JSON)
        try:
            assert is_too_large(answer, path, body) or invalid_fields(answer) in ([field], [None])
        except AssertionError as error:
            raise AssertionError(f"{field} = {value[:80]!r}: {error}") from error


@pytest.mark.usefixtures("nothing_stored")
@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", TASKS), ("PUT", f"{TASKS}/{UUID(int=1)}"), ("PATCH", f"{TASKS}/{UUID(int=1)}"), ("POST", REGISTER)],
)
def test_no_body_is_taken_that_is_not_one_strict_json_object(alice: Person, method: str, path: str) -> None:
    good = {"title": MARKER} if "tasks" in path else {"email": f"{MARKER}@example.com", "password": MARKER * 3}
    text = json.dumps(good)
    first = next(iter(good))
    bodies = [
        b"", b" ", b"null", b"true", b"1", b'"%s"' % M, b"[]", b"[%s]" % text.encode(), b"[null]", M, b"{", b"}", b"{}}", b'{"',
        b'{"title":', b"NaN", b"[NaN]",
        text.encode() + b"x", text.encode() + text.encode(), text.encode() + b"\x00", text[:-1].encode() + b",}",
        b"/**/" + text.encode(),
        b"\xef\xbb\xbf" + text.encode(), text.encode("utf-16"), text.encode("utf-16-le"), text.encode("utf-16-be"),
        text.encode("utf-32"),
        gzip.compress(text.encode()), b"title=" + M, b"--x\r\nContent-Disposition: form-data; name=title\r\n\r\nx\r\n--x--",
        text.replace('"', "'").encode(),
        text[:-1].encode() + b', "%s": "%s"}' % (first.encode(), M),
        text[:-1].encode() + rb', "\u%04x%s": "%s"}' % (ord(first[0]), first[1:].encode(), M),
        text[:-1].encode() + b', "more": {"a": 1, "a": 2}}',
        text[:-1].encode() + b', "more": NaN}', text[:-1].encode() + b', "more": 1e400}',
        text[:-1].encode() + b', "more": ' + b"7" * 5_000 + b"}",
        text[:-1].encode() + rb', "\ud800": 1}', text[:-1].encode() + rb', "\u0000": 1}', text[:-1].encode() + b', "\xff": 1}',
        text[:-1].encode() + b', "": 1}',
        text[:-1].encode() + b', "__proto__": {}}', text[:-1].encode() + b', "%s": 1}' % (b"long" * 10_000),
        *(text[:-1].encode() + b', "more": ' + deep + b"}" for deep in DEEP), *DEEP, b"[" * 100_000, b'{"a":' * 100_000,
    ]  # fmt: skip
    for body in bodies:
        answer = alice.request(method, path, content=body, headers=IS_JSON)
        try:
            assert is_too_large(answer, path, body) or invalid_fields(answer)
        except AssertionError as error:
            raise AssertionError(f"{body[:80]!r}: {error}") from error


@pytest.mark.usefixtures("nothing_stored")
def test_of_an_unknown_field_only_what_looks_like_a_name_is_repeated(alice: Person) -> None:
    assert invalid_fields(alice.post(TASKS, json={"title": "x", "due_date": MARKER})) == ["due_date"]
    for name in ("n" * 65, "<script>", "a\nb", "\x7f", "é", "\u2028", "a" * 100_000, '"', "{", "a=b", "a@example.com"):
        answer = alice.post(TASKS, json={"title": "x", name: MARKER})
        assert invalid_fields(answer) == [None], name
        assert_refused(answer)


# ---- forms ---------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("nothing_stored")
def test_the_sign_in_form_takes_no_rubbish(alice: Person) -> None:
    bodies = [
        b"", b"&&&", b"=", b"username", b"%00=1", b"username=%s%%00&password=%s" % (M, M), b"username=%ff&password=" + M,
        b"username=%ed%a0%80&password=" + M,
        b"username=\xff&password=" + M, b"username=x&password=%ff" + M, b"username=x&username=y&password=" + M,
        b"username=x&password=%s&password=%s" % (M, M),
        b"username=x&password=%s&scope=%%00&scope=" % M, b"username=x&password=%s&grant_type=%s" % (M, M),
        b"username=x&password=%s&%s=1" % (M, b"more"),
        b"username=" + b"x" * 1_000 + b"&password=" + M, b"username=x&password=" + M * 10_000, b"&".join(b"a%d=%s" % (i,
        M) for i in range(2_000)),
        b'{"username":"%s","password":"%s"}' % (M, M), b"username=%s%%00@example.com&password=long+enough" % M,
    ]  # fmt: skip
    for body in bodies:
        answer = alice.post(TOKEN, content=body, headers=IS_FORM)
        try:
            is_too_large(answer, TOKEN, body)
        except AssertionError as error:
            raise AssertionError(f"{body[:80]!r}: {error}") from error


# ---- paths and queries ---------------------------------------------------------------------------------------------

NO_SEGMENT = [
    "1", "0", "-1", "2147483648", "9223372036854775808", "1" + "0" * 400, "7" * 5_000, "1.5", "NaN", "null", MARKER, "%00",
    f"{MARKER}%00", "%ff", "%ed%a0%80",
    "%c0%80", "%", "%2", "%zz", "%20", "%0a", "%0d%0aSet-Cookie:%20a=1", "'", "%27%20OR%201=1--", "*", "..", "%2e%2e", "..%5c",
    "{task_id}", "%7Btask_id%7D",
    "<script>", "é".encode("latin-1").decode("latin-1"), "%F0%9F%A4%94", str(UUID(int=1))[:-1], str(UUID(int=1)) + "0",
    str(UUID(int=1)) + MARKER,
    str(UUID(int=1)) + "%00", str(UUID(int=1)) + "%0a", "%20" + str(UUID(int=1)), "0" * 31 + "%0a", "%09" + "0" * 31, "0_" * 16,
    "%2B" + "1" * 31, "0x" + "1" * 30,
    "".join(f"%EF%BC%9{digit}" for digit in "12345678123456781234567812345678"),
]  # fmt: skip


@pytest.mark.usefixtures("nothing_stored")
@at_every_mount
def test_no_task_id_is_taken_that_is_not_one(server: RunningServer, alice: Person, signed: tuple[str, str], mount: str) -> None:
    refuses(server, signed, [f"{tasks_of(mount, alice.id)}/{segment}" for segment in NO_SEGMENT])


@pytest.mark.usefixtures("nothing_stored")
@at_named_mounts
def test_no_user_id_is_taken_that_is_not_one(
    server: RunningServer, alice: Person, carol: Person, signed: tuple[str, str], mount: str
) -> None:
    paths = [mount.replace("{user}", segment) for segment in NO_SEGMENT]
    for asker in (signed, ("Authorization", f"Bearer {carol.token}")):
        refuses(server, asker, paths)
        refuses(server, asker, [f"{path}/{uuid4()}" for path in paths])


def refuses(server: RunningServer, signed: tuple[str, str], paths: Iterable[str]) -> None:
    """GET, and the same with a body: `400` or, where it is no address at all, `404`."""
    for path in paths:
        for method in ("GET", "DELETE", "PUT", "POST"):
            body = b'{"title":"x"}' if method in ("PUT", "POST") else b""
            target = path.encode()
            answer = exchange(server, message(method, target, signed, ("Content-Type", "application/json"), body=body))
            if b"\xc3" in target and answer.headers["content-type"].startswith("text/plain"):
                continue  # bytes that no request line may hold: the HTTP server's own answer
            try:
                assert_refused(answer, 400, 404, 405)
            except AssertionError as error:
                raise AssertionError(f"{method} {path[:120]}: {error}") from error


NO_VALUE = [
    "%00", f"{MARKER}%00", "%ff", f"{MARKER}%ff", "%ed%a0%80", "%c0%80", MARKER, "-1", "9223372036854775808", "1" + "0" * 400,
    "7" * 5_000, "NaN", "Infinity",
    "1e400", "%0a", "%F0%9F%A4%94", "%27", "[]", "{}", "x" * 10_000,
]  # fmt: skip


@pytest.mark.usefixtures("nothing_stored")
@pytest.mark.parametrize(
    "name",
    ["limit", "cursor", "completed", "order", "unknown", "%00", "%ff", "%ed%a0%80", "limit%00", "", "limit[]", "%F0%9F%A4%94"],
)
def test_no_parameter_takes_what_it_is_not(server: RunningServer, signed: tuple[str, str], name: str) -> None:
    for value in NO_VALUE:
        answer = exchange(server, message("GET", f"{TASKS}?{name}={value}", signed))
        try:
            assert_refused(answer, 400)
            assert invalid_fields(answer)
        except AssertionError as error:
            raise AssertionError(f"{name}={value[:80]}: {error}") from error


@pytest.mark.usefixtures("nothing_stored")
def test_no_query_is_taken_that_is_none(server: RunningServer, signed: tuple[str, str]) -> None:
    queries = [
        b"limit",
        b"=",
        b"=1",
        b"limit=1&limit=2",
        b"&".join(b"limit=1" for _ in range(2_000)),
        b"a=1;b=2",
        b"?limit=1",
        b"limit=1?",
        b"%6cimit=1&limit=1",
    ]
    for query in queries:
        for path in (TASKS, f"{TASKS}/{UUID(int=1)}", "/api/v1/auth/me"):
            answer = exchange(server, message("GET", path.encode() + b"?" + query, signed))
            try:
                assert_refused(answer, 400)
            except AssertionError as error:
                raise AssertionError(f"{path}?{query[:80]!r}: {error}") from error


@pytest.mark.parametrize(
    "path",
    [
        f"{TASKS}/",
        "/api/v1//tasks",
        "/api/v1/tasks//",
        "/API/v1/tasks",
        "/api/v2/tasks",
        "/api/v1",
        "/tasks",
        "/users",
        f"/users/{UUID(int=1)}",
        f"{TASKS}/{UUID(int=1)}/",
        "//",
        "/%00",
        "/%ff",
        "*",
    ],
)
def test_what_is_no_address_is_404_and_never_a_redirect(server: RunningServer, signed: tuple[str, str], path: str) -> None:
    for headers in ([], [signed]):
        answer = exchange(server, message("GET", path, *headers))
        assert_error(answer, 404, "route_not_found")
        assert "location" not in answer.headers


@pytest.mark.parametrize("method", ["TRACE", "CONNECT", "PROPFIND", "get", "X", "PURGE", "LINK", "A" * 1000])
def test_an_unknown_method_is_told_the_known_ones(server: RunningServer, signed: tuple[str, str], method: str) -> None:
    answer = exchange(server, message(method, TASKS, signed))
    assert_error(answer, 405, "method_not_allowed")
    assert answer.headers["allow"] == "GET, HEAD, OPTIONS, POST"


@pytest.mark.parametrize(
    ("path", "allow"),
    [
        (TASKS, "GET, HEAD, OPTIONS, POST"),
        (f"{TASKS}/{UUID(int=1)}", "DELETE, GET, HEAD, OPTIONS, PATCH, PUT"),
        (f"/users/{UUID(int=1)}/tasks", "GET, HEAD, OPTIONS, POST"),
        ("/api/tasks/not-an-id", "DELETE, GET, HEAD, OPTIONS, PATCH, PUT"),
        (REGISTER, "OPTIONS, POST"),
        (TOKEN, "OPTIONS, POST"),
        ("/api/v1/auth/me", "DELETE, GET, HEAD, OPTIONS, PATCH"),
    ],
)
def test_allow_is_the_union_of_the_paths_methods(server: RunningServer, path: str, allow: str) -> None:
    for method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "BREW"):
        if method not in allow.split(", "):
            answer = exchange(server, message(method, path), method=method)
            assert (answer.status_code, answer.headers["allow"]) == (405, allow)
            if method != "HEAD":
                assert_error(answer, 405, "method_not_allowed")
