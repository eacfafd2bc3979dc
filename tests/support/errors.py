"""The one shape of every error, checked in one place."""

import re
from typing import Any

import httpx


def assert_error(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """The error's details, after a look at the whole envelope."""
    assert answer.status_code == status, f"{answer.status_code} {answer.text}"
    assert answer.headers["content-type"] == "application/json"
    body = answer.json()
    assert body.keys() == {"error"}
    error = body["error"]
    assert error.keys() == {"code", "message", "details", "request_id"}
    assert error["code"] == code
    assert error["message"]
    assert error["request_id"] == answer.headers["x-request-id"]
    assert answer.text.isascii()
    if status == 401:
        assert answer.headers["www-authenticate"].startswith("Bearer")
    if status == 503:
        assert int(answer.headers["retry-after"]) >= 1
    details: dict[str, Any] = error["details"]
    return details


def invalid_fields(answer: httpx.Response) -> list[str]:
    """The names of the fields that a 400 complains about; null where it is the body as a whole."""
    details = assert_error(answer, 400, "invalid_input")
    assert details["fields"]
    for field in details["fields"]:
        assert field.keys() == {"location", "field", "code", "message"}
        assert field["location"] in {"body", "path", "query", "header"}
    return [field["field"] for field in details["fields"]]


MARKER = "m4rk3r"
"""Put into a value that must be refused, so that an echo of it can be seen."""


def assert_refused(answer: httpx.Response, *statuses: int) -> None:
    """The client's fault, in the envelope, and without a word of what the client said."""
    assert answer.status_code in (statuses or range(400, 500)), f"{answer.status_code} {answer.text[:300]}"
    assert_error(answer, answer.status_code, answer.json()["error"]["code"])
    assert MARKER not in answer.text
    assert MARKER not in str(answer.headers)
    assert len(answer.content) < 8192


_OAUTH_TEXT = re.compile(r"[\x20\x21\x23-\x5b\x5d-\x7e]+")  # RFC 6749 5.2


def assert_oauth_error(answer: httpx.Response, status: int, code: str) -> str:
    """The error's description, after a look at the whole answer (RFC 6749 5.2)."""
    assert answer.status_code == status, f"{answer.status_code} {answer.text}"
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-request-id"]
    assert "www-authenticate" not in answer.headers
    if status in (429, 503):
        assert int(answer.headers["retry-after"]) >= 1
    body = answer.json()
    assert body.keys() == {"error", "error_description"}
    assert body["error"] == code
    description: str = body["error_description"]
    assert _OAUTH_TEXT.fullmatch(description), description
    assert MARKER not in answer.text
    return description
