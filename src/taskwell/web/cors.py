"""Lets pages of other origins use the API from a browser (CORS, in the Fetch standard).

Where it is switched on, every answer says `Vary: Origin`, also to a request without an `Origin`: a cache would else hand that
answer to a page that may have it, without the header by which a browser lets the page read it.
"""

import re
from collections.abc import Iterator
from typing import Any, Final

from starlette.types import Message, Send

from taskwell.errors import InvalidInput
from taskwell.log import log
from taskwell.origins import is_origin, pattern_of
from taskwell.web.reply import Header, Reply
from taskwell.web.request import ApiRequest

METHODS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
SENT: Final = (
    *("Accept", "Accept-Language", "Content-Language", "Content-Type"),  # a long value of these is asked about as well
    *("Authorization", "Idempotency-Key", "If-Match", "If-None-Match", "Last-Event-ID", "Prefer", "X-Request-Id"),
    *("Cache-Control", "Pragma"),  # a reload by hand, and many a fetch wrapper
    *("X-Requested-With", "X-CSRF-Token", "X-XSRF-TOKEN"),  # axios, Angular, jQuery
    # What libraries of tracing add by themselves: W3C, Sentry, Zipkin, Datadog, New Relic, Elastic.
    *("traceparent", "tracestate", "baggage", "sentry-trace"),
    *("b3", "x-b3-traceid", "x-b3-spanid", "x-b3-parentspanid", "x-b3-sampled", "x-b3-flags"),
    *("x-datadog-origin", "x-datadog-parent-id", "x-datadog-sampling-priority", "x-datadog-tags", "x-datadog-trace-id"),
    *("newrelic", "elastic-apm-traceparent", "x-correlation-id"),
)
"""The headers that a page may send."""

READ: Final = (
    *("Allow", "Content-Disposition", "Date", "ETag", "Idempotency-Replayed", "Link", "Location", "Preference-Applied"),
    *("Retry-After", "Vary", "WWW-Authenticate", "X-Request-Id"),
)
"""The headers of an answer that a page may read, beside the few that every page may."""

HEADERS_NAMED = 20
"""A refusal names at most this many headers."""

_ORIGIN: Final = (b"vary", b"Origin")
_EXPOSED: Final = (b"access-control-expose-headers", ", ".join(READ).encode())
_NAME = re.compile(r"[A-Za-z0-9._-]{1,64}")


class Cors:
    def __init__(self, origins: tuple[str, ...], more_headers: tuple[str, ...] = ()) -> None:
        self._any = origins == ("*",)
        self._pattern = pattern_of(() if self._any else origins)
        headers = (*SENT, *more_headers)
        self._headers = frozenset(name.lower() for name in headers)
        self._granted: tuple[Header, ...] = (
            (b"access-control-allow-methods", ", ".join(METHODS).encode()),
            (b"access-control-allow-headers", ", ".join(headers).encode()),
            (b"access-control-max-age", b"3600"),
        )

    def opened(self, request: ApiRequest, send: Send) -> Send:
        """Returns what sends an answer with the headers by which a browser lets the page read it."""
        origin = request.fields.get(b"origin")
        added: tuple[Header, ...] = ()
        if origin is not None and self._is_allowed(origin):
            added = ((b"access-control-allow-origin", b"*" if self._any else origin), _EXPOSED)

        async def send_opened(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*_varying(message["headers"]), *added]
            await send(message)

        return send_opened

    def preflight(self, request: ApiRequest) -> Reply | None:
        """Answers the question whether a page may send a request. Another OPTIONS gets None. Raises InvalidInput."""
        fields = request.fields
        origin, method = fields.get(b"origin"), fields.get(b"access-control-request-method")
        if origin is None or method is None:
            return None
        headers = fields.get(b"access-control-request-headers", b"")
        refused = list(self._refused(origin, method.decode("latin-1"), headers.decode("latin-1")))
        if refused:
            log.warning("cors_refused", why=[field["message"] for field in refused], request_id=request.id.decode())
            raise InvalidInput(fields=refused)
        # Chromium asked so before a page of the internet reached a private address, and can still be told to by a policy.
        private = fields.get(b"access-control-request-private-network") == b"true" and not self._any
        return Reply(204, headers=(*self._granted, *(((b"access-control-allow-private-network", b"true"),) if private else ())))

    def _is_allowed(self, origin: bytes) -> bool:
        return self._any or self._pattern.fullmatch(origin) is not None

    def _refused(self, origin: bytes, method: str, headers: str) -> Iterator[dict[str, Any]]:
        if not self._is_allowed(origin):
            text = origin.decode("latin-1")
            shown = f"the origin {text}" if is_origin(text) else "this origin"
            yield _field("origin", f"{shown} is not in TASKWELL_CORS_ORIGINS")
        if method not in METHODS:
            yield _field("access-control-request-method", f"the method {_shown(method)}is not one of {', '.join(METHODS)}")
        names = [name for name in map(str.strip, headers.split(",")) if name and name.lower() not in self._headers]
        for name in names[:HEADERS_NAMED]:
            yield _field("access-control-request-headers", f"the header {_shown(name)}is not allowed: see TASKWELL_CORS_HEADERS")


def _varying(headers: list[Header]) -> Iterator[Header]:
    """Adds to the one `Vary` that is there, because some caches heed only the first."""
    varies = False
    for name, value in headers:
        if name == b"vary":
            varies = True
            yield name, value + b", Origin"
        else:
            yield name, value
    if not varies:
        yield _ORIGIN


def _shown(name: str) -> str:
    """Returns the name and a space if it looks like one, since a client can send anything."""
    return f"{name} " if _NAME.fullmatch(name) else ""


def _field(name: str, message: str) -> dict[str, Any]:
    return {"location": "header", "field": name, "code": "cors_refused", "message": message}
