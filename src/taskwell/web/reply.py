"""What goes back: the reply, and the one shape that every error has."""

import json
from typing import Any, Final, Protocol

from starlette.types import Send

from taskwell.errors import InsufficientScope, PreconditionFailed, TaskwellError, Throttled, Unauthenticated, Unavailable
from taskwell.web.refusals import BodyTooLarge, BodyTooSlow, IdempotencyKeyInUse, MalformedRequest, status_of
from taskwell.web.request import ApiRequest

Header = tuple[bytes, bytes]

# Not for whoever asks next with the same cache. Some caches heed this alone (requests-cache as it comes), and others it does not
# stop from sending the tag that they have kept (Chromium): web/conditions.py is for those.
VARY: Final = (b"vary", b"Authorization")
# An answer is one person's: a shared cache must not keep it, and the person's own must ask before using it.
PERSONAL: Final = ((b"cache-control", b"private, no-cache"), VARY)
_JSON: Final = ((b"content-type", b"application/json"), *PERSONAL)
# RFC 6749 5.1 asks for both.
_UNSTORED: Final = ((b"content-type", b"application/json"), (b"cache-control", b"no-store"), (b"pragma", b"no-cache"), VARY)
# Of every answer, so that none can lack it.
NOSNIFF: Final = (b"x-content-type-options", b"nosniff")


class Reply:
    """A whole answer (web/stream.py has the other kind). `body` is sent as it is; a HEAD sends its length alone."""

    __slots__ = ("body", "headers", "status")

    def __init__(self, status: int, body: bytes = b"", headers: tuple[Header, ...] = ()) -> None:
        self.status = status
        self.body = body
        self.headers = headers

    async def send(self, send: Send, request: ApiRequest, *, head: bool = False) -> None:
        headers = [*self.headers, NOSNIFF, (b"x-request-id", request.id)]
        if self.status not in (204, 304):
            headers.append((b"content-length", b"%d" % len(self.body)))
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if head else self.body})


def json_reply(status: int, body: str | bytes, *headers: Header) -> Reply:
    return Reply(status, body.encode() if isinstance(body, str) else body, (*_JSON, *headers))


def unstored(status: int, body: str, *headers: Header) -> Reply:
    """JSON about a secret, which no cache may keep (RFC 6749 5.1)."""
    return Reply(status, body.encode(), (*_UNSTORED, *headers))


def not_modified(etag: Header) -> Reply:
    """With what a 200 would say to caches (RFC 9110 15.4.5)."""
    return Reply(304, headers=(etag, *PERSONAL))


def no_content() -> Reply:
    return Reply(204, headers=PERSONAL)


class ErrorReply(Protocol):
    """Makes the answer of a refusal: `error_reply` for all addresses but those whose protocol has another shape for errors."""

    def __call__(self, error: TaskwellError, request_id: bytes, *headers: Header) -> Reply: ...


def envelope(error: TaskwellError, request_id: bytes) -> tuple[int, dict[str, Any]]:
    """The status, and what is said beside it."""
    said = {
        "code": error.code,
        "message": error.message,
        "details": error.details,
        "request_id": request_id.decode("ascii"),
    }
    return status_of(type(error)), {"error": said}


def error_reply(error: TaskwellError, request_id: bytes, *headers: Header) -> Reply:
    """The envelope. It is ASCII, so that nothing in it can fail to be encoded."""
    status, body = envelope(error, request_id)
    extra = [*headers, *headers_of(error)]
    if isinstance(error, Unauthenticated):
        extra.append((b"www-authenticate", _challenge(error)))
    if isinstance(error, InsufficientScope):
        # RFC 6750 3.1: what the token would need.
        extra.append(
            (b"www-authenticate", _CHALLENGE + f', error="insufficient_scope", scope="{error.details["scope"]}"'.encode())
        )
    if isinstance(error, PreconditionFailed):
        extra.append((b"etag", error.details["current"]["etag"].encode()))
    return json_reply(status, json.dumps(body, separators=(",", ":")), *extra)


def headers_of(error: TaskwellError) -> tuple[Header, ...]:
    """The headers that an error needs in whatever shape it is told."""
    if isinstance(error, Unavailable | Throttled | IdempotencyKeyInUse):
        return ((b"retry-after", b"%d" % error.retry_after),)
    if isinstance(error, BodyTooLarge | BodyTooSlow | MalformedRequest):
        # Where this request ends is not known, or not reached: the next one must not be read from the middle of it.
        return ((b"connection", b"close"),)
    return ()


_CHALLENGE: Final = b'Bearer realm="taskwell"'


def _challenge(error: Unauthenticated) -> bytes:
    """RFC 6750 3.1: no error code for a request that did not try a token."""
    if error.code in ("token_missing", "wrong_credentials", "refresh_token_invalid"):
        return _CHALLENGE
    return _CHALLENGE + b', error="invalid_token"'
