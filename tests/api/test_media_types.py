"""A body of another type is 415, and the answer says what to send: at every operation that reads a body."""

from collections.abc import Iterator
from uuid import UUID

import pytest

from tests.support.cast import Person
from tests.support.errors import assert_error
from tests.support.server import RunningServer

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
PATCH = "application/merge-patch+json"


def message_of(person: Person, method: str, path: str, **more: str) -> str:
    answer = person.request(method, path, content=b"title", headers=more)
    if path.startswith("/api/v1/oauth/"):  # which refuses in words of its own (RFC 6749 5.2)
        assert (answer.status_code, answer.json()["error"]) == (415, "invalid_request")
        return str(answer.json()["error_description"])
    assert_error(answer, 415, "unsupported_media_type")
    return str(answer.json()["error"]["message"])


def operations(server: RunningServer, person: Person) -> Iterator[tuple[str, str, set[str]]]:
    for path, methods in server.app.openapi()["paths"].items():
        for method, operation in methods.items():
            if "requestBody" in operation and "/import" not in path:  # which looks at the file, and takes whatever it is called
                there = path.replace("{user_id}", str(person.id)).replace("{task_id}", str(UUID(int=1)))
                yield method.upper(), there, set(operation["requestBody"]["content"])


def test_each_operation_says_what_to_send(server: RunningServer, alice: Person) -> None:
    seen = set()
    for method, path, read in operations(server, alice):
        expected = read | {PATCH} if method == "PATCH" else read
        what = "Send a form with" if FORM in read else "Send JSON with"
        for other in ("text/plain", "multipart/form-data; boundary=x", FORM if JSON in read else JSON):
            message = message_of(alice, method, path, **{"Content-Type": other})
            assert message.startswith(what), f"{method} {path}"
            assert {kind for kind in (JSON, FORM, PATCH) if f"`{kind}`" in message.replace("Content-Type: ", "")} == expected
        seen.add((method, *sorted(read)))
    assert {("POST", FORM), ("POST", JSON), ("PATCH", JSON), ("PUT", JSON), ("DELETE", JSON)} <= seen


@pytest.mark.parametrize(
    "headers", [{}, {"Content-Type": f"{JSON}; charset=latin-1"}, {"Content-Type": JSON, "Content-Encoding": "gzip"}]
)
def test_also_where_the_type_is_right_and_the_rest_is_not(alice: Person, headers: dict[str, str]) -> None:
    said = "Send JSON with `Content-Type: application/json`, in UTF-8 and not compressed."
    assert message_of(alice, "POST", "/api/v1/tasks", **headers) == said
