"""These errors are what HTTP itself refuses; errors.py has what the domain refuses. The one table of statuses is here too.

    TaskwellError
    ├── Unauthenticated
    │   └── TokenMissing
    ├── Forbidden
    │   └── HostRefused
    ├── NotFound
    │   └── RouteNotFound
    ├── Conflict
    │   └── IdempotencyKeyInUse
    ├── IdempotencyKeyReused
    └── BadProtocol             a well-meant request that the protocol cannot carry
        ├── MalformedRequest
        ├── MethodNotAllowed
        ├── UnsupportedMediaType
        ├── BodyTooLarge
        └── BodyTooSlow

Every part of a request can be invalid. The domain says which field is wrong and why (`InvalidInput`). `located` adds where the
field was.
"""

from collections.abc import Mapping
from typing import ClassVar, Final

from taskwell.errors import (
    Conflict,
    Forbidden,
    InternalError,
    InvalidInput,
    NotFound,
    PreconditionFailed,
    ResyncRequired,
    TaskwellError,
    Throttled,
    Unauthenticated,
    Unavailable,
)


class TokenMissing(Unauthenticated):
    """This needs a sign-in: send an access token as `Authorization: Bearer <token>`."""

    code = "token_missing"


class HostRefused(Forbidden):
    """This server has no sign-in, so it answers only on the machine itself, at localhost."""

    code = "host_refused"


class RouteNotFound(NotFound):
    """There is nothing at this address. The API is described at /docs."""

    code = "route_not_found"

    def __init__(self, prefix: str = "") -> None:
        super().__init__(f"There is nothing at this address. The API is described at {prefix}/docs.")


class IdempotencyKeyInUse(Conflict):
    """A request with this key is, or may be, still at work. Send it again: its answer is kept as soon as it is there."""

    code = "idempotency_key_in_use"
    retry_after: ClassVar[int] = 1  # seconds


class IdempotencyKeyReused(TaskwellError):
    """This key came with another request, which was answered. A new request needs a new key."""

    code = "idempotency_key_reused"


_CALLED = {"application/json": "JSON", "application/x-www-form-urlencoded": "a form"}


class BadProtocol(TaskwellError):
    """The request cannot be carried out as sent."""


class MalformedRequest(BadProtocol):
    """The request is not valid HTTP."""

    code = "malformed_request"


class MethodNotAllowed(BadProtocol):
    """This address does not know that method. `Allow` lists those that it knows."""

    code = "method_not_allowed"


class UnsupportedMediaType(BadProtocol):
    """The body is of another type or charset than this address reads, or compressed. The message says what to send."""

    code = "unsupported_media_type"

    def __init__(self, *accepted: str) -> None:
        what = _CALLED.get(accepted[0], "the body")
        super().__init__(f"Send {what} with `Content-Type: {'` or `'.join(accepted)}`, in UTF-8 and not compressed.")


class BodyTooLarge(BadProtocol):
    """The body is too large."""

    code = "body_too_large"

    def __init__(self, most: int) -> None:
        super().__init__(f"The body is larger than {most} bytes, the most that is read at this address.")


class BodyTooSlow(BadProtocol):
    """The body did not arrive in time."""

    code = "body_too_slow"


STATUS: Final[dict[type[TaskwellError], int]] = {
    InvalidInput: 400,
    MalformedRequest: 400,
    Unauthenticated: 401,
    Forbidden: 403,
    NotFound: 404,
    MethodNotAllowed: 405,
    BodyTooSlow: 408,
    Conflict: 409,
    ResyncRequired: 410,
    PreconditionFailed: 412,
    BodyTooLarge: 413,
    UnsupportedMediaType: 415,
    IdempotencyKeyReused: 422,
    Throttled: 429,
    InternalError: 500,
    Unavailable: 503,
}


def status_of(error: type[TaskwellError]) -> int:
    return next((STATUS[kind] for kind in error.__mro__ if kind in STATUS), 500)


def invalid(location: str, field: str | None, code: str, message: str) -> InvalidInput:
    """Makes the error. `location` is body, path, query or header. `field` is None if the whole of the location is invalid."""
    return InvalidInput(fields=[{"location": location, "field": field, "code": code, "message": message}])


def located(error: InvalidInput, locations: Mapping[str, str], elsewhere: str) -> None:
    """Adds to each field of the error where it was. `locations` says that by the name of the field."""
    for number, field in enumerate(error.details.get("fields", ())):
        error.details["fields"][number] = {"location": locations.get(field["field"], elsewhere), **field}
