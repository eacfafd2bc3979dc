"""How much of a body is read, address by address, and that what would be slow to parse is refused before it is parsed.

Times are measured by `python -m bench.worst_bodies`; here the words of the refusal tell who refused.
"""

import json
import re
from urllib.parse import quote
from uuid import UUID

import httpx
import pytest
from fastapi.routing import iter_route_contexts

from taskwell.accounts.passwords import PASSWORD_BYTES
from taskwell.api import routes
from taskwell.types import DESCRIPTION_LENGTH, DISPLAY_NAME_LENGTH, EMAIL_LENGTH, TITLE_LENGTH, TOKEN_NAME_LENGTH
from taskwell.web.operation import Operation
from tests.support.cast import PASSWORD, Person
from tests.support.errors import assert_error, invalid_fields
from tests.support.server import RunningServer
from tests.support.signed_in import SignedIn
from tests.support.wire import Wire, chunked, exchange, message

TASKS = "/api/v1/tasks"
LABELS = "/api/v1/labels"
LISTS = "/api/v1/lists"
AUTH = "/api/v1/auth"
OAUTH = "/api/v1/oauth"
REGISTER = f"{AUTH}/register"
IS_JSON = {"Content-Type": "application/json"}
JSON_HEADER = ("Content-Type", "application/json")
FORM_HEADER = ("Content-Type", "application/x-www-form-urlencoded")
ACCOUNT_BYTES = 16 * 1024
TASK_BYTES = 12 * (255 + 16_384 + 20 * 100) + 4 * 1024
MANY_BYTES = 64 * 1024
LIMITS = {
    ("POST", REGISTER): ACCOUNT_BYTES,
    ("POST", f"{AUTH}/token"): ACCOUNT_BYTES,
    ("POST", f"{AUTH}/revoke"): ACCOUNT_BYTES,
    ("POST", f"{OAUTH}/token"): ACCOUNT_BYTES,
    ("POST", f"{OAUTH}/revoke"): ACCOUNT_BYTES,
    ("PATCH", f"{AUTH}/me"): ACCOUNT_BYTES,
    ("DELETE", f"{AUTH}/me"): ACCOUNT_BYTES,
    ("POST", f"{AUTH}/password"): ACCOUNT_BYTES,
    ("POST", f"{AUTH}/tokens"): ACCOUNT_BYTES,
    ("POST", LABELS): ACCOUNT_BYTES,
    ("PUT", f"{LABELS}/{UUID(int=1)}"): ACCOUNT_BYTES,
    ("PATCH", f"{LABELS}/{UUID(int=1)}"): ACCOUNT_BYTES,
    ("POST", LISTS): ACCOUNT_BYTES,
    ("PUT", f"{LISTS}/{UUID(int=1)}"): ACCOUNT_BYTES,
    ("PATCH", f"{LISTS}/{UUID(int=1)}"): ACCOUNT_BYTES,
    ("POST", TASKS): TASK_BYTES,
    ("PUT", f"{TASKS}/{UUID(int=1)}"): TASK_BYTES,
    ("PATCH", f"{TASKS}/{UUID(int=1)}"): TASK_BYTES,
    ("POST", f"{LISTS}/{UUID(int=1)}/move"): ACCOUNT_BYTES,
    ("POST", f"{TASKS}/{UUID(int=1)}/move"): ACCOUNT_BYTES,
    ("POST", f"{TASKS}/{UUID(int=1)}/complete"): 1024,
    ("POST", f"{TASKS}/complete"): MANY_BYTES,
    ("POST", f"{TASKS}/delete"): MANY_BYTES,
    ("POST", f"{TASKS}/change"): MANY_BYTES,
    ("POST", "/api/v1/batch"): 4 * 1024 * 1024,
}


def kind(path: str) -> tuple[str, str]:
    return FORM_HEADER if path.endswith(("/token", "/revoke")) else JSON_HEADER


def refusal(path: str, answer: httpx.Response, status: int, code: str) -> str:
    """Its message. OAuth's addresses refuse in words of their own (RFC 6749 5.2)."""
    if not path.startswith(OAUTH):
        assert_error(answer, status, code)
        message: str = answer.json()["error"]["message"]
        return message
    assert (answer.status_code, answer.json()["error"]) == (status, "invalid_request")
    description: str = answer.json()["error_description"]
    return description


def test_every_operation_with_a_body_is_listed_here() -> None:
    there = set()
    for route in iter_route_contexts(routes().routes):
        path = re.sub(r"\{(task|list|label)_id\}", str(UUID(int=1)), route.path or "")
        if path.startswith("/api/v1") and "{user_id}" not in path:
            there |= {(method, path) for method in route.methods or () if Operation(route, method).body is not None}
    assert there == LIMITS.keys()


@pytest.mark.parametrize(("method", "path"), LIMITS)
def test_one_byte_more_is_413_and_says_how_many_are_read(
    server: RunningServer, signed: tuple[str, str], method: str, path: str
) -> None:
    most = LIMITS[method, path]
    head = (method, path, signed, kind(path))
    in_chunks = message(*head, ("Transfer-Encoding", "chunked"), length=None) + b"".join(chunked([b" " * most, b" "]))
    for request in (*(message(*head, length=length) for length in (most + 1, 10**9, 10**19)), in_chunks):
        with Wire(server) as wire:
            wire.send(request)
            answer = wire.answer(method)
            assert f" {most} bytes" in refusal(path, answer, 413, "body_too_large")
            assert answer.headers["connection"] == "close"
            assert wire.is_closed()
    # As many as are read are read: what is wrong with them is what they say.
    answer = exchange(server, message(*head, body=b" " * most), method=method)
    refusal(path, answer, 400, "invalid_input")


# ---- the largest of what is legal ----------------------------------------------------------------------------------

MILK = "\U0001f95b"


def escaped(value: object) -> bytes:
    """JSON as its longest: every character of a text, and of a name, as one escape or two."""
    if isinstance(value, dict):
        return b"{" + b",".join(escaped(name) + b":" + escaped(one) for name, one in value.items()) + b"}"
    if not isinstance(value, str):
        return json.dumps(value).encode()
    units = value.encode("utf-16-be")
    return b'"' + b"".join(b"\\u%02x%02x" % (units[at], units[at + 1]) for at in range(0, len(units), 2)) + b'"'


@pytest.mark.parametrize("character", [MILK, "[", "{", '"', "\\", ",", "a"])
def test_the_largest_task_fits_however_it_is_written(alice: Person, character: str) -> None:
    task = {"title": character * TITLE_LENGTH, "description": character * DESCRIPTION_LENGTH, "is_completed": False}
    new = task | {"id": "0190f6d2-c0de-7a7b-8000-" + f"{ord(character):012x}"}
    made = alice.post(TASKS, content=escaped(new), headers=IS_JSON)
    assert made.status_code == 201, made.text[:200]
    assert made.json()["description"] == task["description"]
    for content in (escaped(task), json.dumps(task, indent=8).encode(), json.dumps(task, ensure_ascii=False).encode()):
        assert alice.put(f"{TASKS}/{new['id']}", content=content, headers=IS_JSON).status_code == 200
        assert alice.patch(f"{TASKS}/{new['id']}", content=content, headers=IS_JSON).status_code == 200
    assert alice.delete(f"{TASKS}/{new['id']}").status_code == 204


def test_the_largest_of_what_is_said_of_an_account_fits(anonymous: httpx.Client, dora: SignedIn) -> None:
    password = "\x7f" * PASSWORD_BYTES
    largest = {"email": MILK * EMAIL_LENGTH, "password": password, "display_name": MILK * DISPLAY_NAME_LENGTH}
    # No address is that long, so the address is all that can be wrong.
    assert invalid_fields(anonymous.post(REGISTER, content=escaped(largest), headers=IS_JSON)) == ["email"]
    change = {"current_password": password, "new_password": password}
    assert_error(dora.post(f"{AUTH}/password", content=escaped(change), headers=IS_JSON), 403, "wrong_password")
    new = {"name": MILK * TOKEN_NAME_LENGTH, "expires_in_days": 1}
    body = escaped(new)[:-1] + b',"scopes":["account","tasks:read"]}'
    assert dora.post(f"{AUTH}/tokens", content=body, headers=IS_JSON).status_code == 201
    form = "&".join(
        f"{name}={quote(text * length, safe='')}"
        for name, text, length in (
            ("username", MILK, EMAIL_LENGTH),
            ("password", "\x7f", PASSWORD_BYTES),
            ("scope", "", 0),
            ("client_secret", MILK, 200),
        )
    )
    assert_error(anonymous.post(f"{AUTH}/token", content=form, headers=dict([FORM_HEADER])), 401, "wrong_credentials")
    assert anonymous.post(f"{AUTH}/revoke", data={"token": "a" * 8_192}).status_code == 200
    assert dora.password == PASSWORD


# ---- what would be slow --------------------------------------------------------------------------------------------


def list_of(unit: bytes, size: int) -> bytes:
    return b'{"title":[' + unit * ((size - 20) // len(unit)) + b"0]}"


@pytest.mark.usefixtures("nothing_stored")
@pytest.mark.parametrize(("path", "size"), [(REGISTER, ACCOUNT_BYTES), (TASKS, TASK_BYTES)])
def test_what_costs_more_than_its_bytes_is_counted_before_it_is_parsed(alice: Person, path: str, size: int) -> None:
    many = [
        list_of(unit, size)
        for unit in (b'{"":[]},', b"[],", b"{},", b"0,", b"null,", b"true,", b'"",', b'"a",', b"1e5,", b'{"a":0},')
    ]
    long = [list_of(b"9" * 4_300 + b",", size), b'{"title":' + b"9" * 4_000 + b"}", b'{"title":0.' + b"9" * 4_000 + b"}"]
    long += [b'{"title":1e' + b"9" * 4_000 + b"}", b'{"title":-' + b"0" * 4_000 + b"}"]
    none = [b'"' * size, b"[" * size, b"," * size, b'{"title":"\\\\\\"",' + b"[" * 4_000]
    for body in [*many, *long, *none]:
        answer = alice.post(path, content=body, headers=IS_JSON)
        try:
            (field,) = assert_error(answer, 400, "invalid_input")["fields"]
            assert field["code"] == "json_invalid"
            assert "too many values" in field["message"], field
        except AssertionError as error:
            raise AssertionError(f"{body[:40]!r}: {error}") from error


@pytest.mark.usefixtures("nothing_stored")
@pytest.mark.parametrize("path", [REGISTER, TASKS])
def test_32_levels_are_enough(alice: Person, path: str) -> None:
    for opening, closing in ((b"[", b"]"), (b'{"a":', b"}"), (b'[{"[":', b"}]")):
        levels = len(opening.replace(b'"["', b"").replace(b'"a"', b"")) - opening.count(b":")
        for depth in (33, 40, 200, 400):
            count = depth // levels + 1
            body = b'{"title":' + opening * count + b"0" + closing * count + b"}"
            answer = alice.post(path, content=body, headers=IS_JSON)
            (field,) = assert_error(answer, 400, "invalid_input")["fields"]
            assert (field["code"], field["message"]) == ("json_invalid", "the body is nested too deeply"), (depth, opening)
    deep = b'{"title":' + b"[" * 31 + b"]" * 31 + b"}"
    assert "title" in invalid_fields(alice.post(path, content=deep, headers=IS_JSON))


def test_brackets_in_a_text_are_text(alice: Person) -> None:
    for text in ("[" * 255, '"[' * 60, "\\[" * 60, '\\"[{' * 40, "\\\\[" * 50):
        assert alice.creates(text)["title"] == text


# ---- queries and conditions ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/healthz", TASKS, "/readyz", "/.well-known/jwks.json"])
def test_a_query_of_more_than_four_kilobytes_is_not_read(alice: Person, path: str) -> None:
    for unit in ("%41", "a=b&", "&", "+"):
        query = "limit=" + unit * (5_000 // len(unit))
        (field,) = assert_error(alice.get(f"{path}?{query}"), 400, "invalid_input")["fields"]
        assert (field["location"], field["code"]) == ("query", "too_long")


def test_a_condition_of_more_than_four_kilobytes_is_not_read(
    server: RunningServer, alice: Person, signed: tuple[str, str]
) -> None:
    task = alice.creates()
    path = f"{TASKS}/{task['id']}"
    for value in ('"a",' * 1_100, '"",' * 1_400, "," * 4_200 + '"a"'):
        for request in (
            message("GET", TASKS, signed, ("If-None-Match", value)),
            message("GET", path, signed, ("If-None-Match", value)),
            message("DELETE", path, signed, ("If-Match", value)),
        ):
            answer = exchange(server, request)
            (field,) = assert_error(answer, 400, "invalid_input")["fields"]
            assert field["code"] == "etag_invalid"
    many = ",".join(f'"{number:040}"' for number in range(90))
    assert exchange(server, message("GET", path, signed, ("If-None-Match", many))).status_code == 200


@pytest.mark.usefixtures("nothing_stored")
def test_a_number_is_decimal_digits(alice: Person) -> None:
    for value in (
        "1.0",
        "1.",
        "+5",
        " 5",
        "5 ",
        "\t5",
        "5\n",
        "1_0",
        "0x5",
        "0b1",
        "1e1",
        "-5",
        "-0",
        "\u0665",
        "\uff15",
        "\u00b2",
        "",
        "true",
        "5,0",
        "None",
        "1" * 10,
        "1" * 3_000,
    ):
        for path in (TASKS, f"/users/{alice.id}/tasks"):
            answer = alice.get(path, params={"limit": value})
            assert invalid_fields(answer) == ["limit"], value
    for value in ("1", "05", "100"):
        assert alice.get(TASKS, params={"limit": value}).status_code == 200
    for number in ("1.0", "1e0", "true", '"1"', "null", "[1]"):
        body = f'{{"name":"x","scopes":["tasks:read"],"expires_in_days":{number}}}'
        answer = alice.post(f"{AUTH}/tokens", content=body, headers=IS_JSON)
        assert invalid_fields(answer) == ["expires_in_days"], number
