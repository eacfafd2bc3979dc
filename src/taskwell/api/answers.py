"""An operation names the errors that it can answer. OpenAPI's answers are derived from them.

tests/support/contract.py compares every answer of every test with them. No operation names the three answers that any address can
give: for another method (405), for a body that did not arrive (408) and for a defect of ours (500).
"""

from collections.abc import Callable
from typing import Any

from pydantic import BaseModel

from taskwell.api.documents import (
    Answer,
    Answers,
    BatchErrorEnvelope,
    ErrorEnvelope,
    LabelErrorEnvelope,
    ListErrorEnvelope,
    header,
    shaped_as,
)
from taskwell.errors import (
    AccountUnusable,
    DatabaseBusy,
    DatabaseUnavailable,
    InsufficientScope,
    InvalidInput,
    KeysUnavailable,
    LabelChanged,
    LabelExists,
    ListChanged,
    ListExists,
    OutcomeUnknown,
    PreconditionFailed,
    SignInBusy,
    SignInRequired,
    TaskwellError,
    Throttled,
    TokenInvalid,
    TooManyAttempts,
    Unauthenticated,
    Unavailable,
    UserNotFound,
)
from taskwell.web.refusals import (
    BodyTooLarge,
    HostRefused,
    MalformedRequest,
    TokenMissing,
    UnsupportedMediaType,
    status_of,
)

Errors = tuple[type[TaskwellError], ...]

_ANY: Errors = (InvalidInput, MalformedRequest)
READS: Errors = (DatabaseUnavailable, DatabaseBusy)
WRITES: Errors = (*READS, OutcomeUnknown)
BODY: Errors = (BodyTooLarge, UnsupportedMediaType)
PASSWORD: Errors = (TooManyAttempts, SignInBusy)
"""An operation that compares a password can answer these."""
# A read with an API token writes too: it writes when the token was last used.
BY_TOKEN: Errors = (*WRITES, TokenMissing, TokenInvalid, AccountUnusable, InsufficientScope, KeysUnavailable)
BY_SIGN_IN: Errors = (*BY_TOKEN, SignInRequired)
OWN_ROWS: Errors = (*BY_TOKEN, HostRefused, UserNotFound)


def refuses(*errors: type[TaskwellError]) -> Answers:
    """Lists the errors by status. The description of a status has the code and the default message of each of its errors."""
    return {
        status: refusal(those, [f"- `{error.code}`: {error.__doc__}" for error in those], _envelope_of(those))
        for status, those in by_status(errors, status_of).items()
    }


def _envelope_of(errors: list[type[TaskwellError]]) -> type[BaseModel]:
    if {ListChanged, LabelChanged} <= {*errors}:
        return BatchErrorEnvelope
    if {ListChanged, ListExists} & {*errors}:
        return ListErrorEnvelope
    return LabelErrorEnvelope if {LabelChanged, LabelExists} & {*errors} else ErrorEnvelope


def by_status(errors: Errors, status: Callable[[type[TaskwellError]], int]) -> dict[int | str, list[type[TaskwellError]]]:
    """Sorts the errors, and those that every operation can answer, by their status."""
    found: dict[int | str, list[type[TaskwellError]]] = {}
    for error in dict.fromkeys((*_ANY, *errors)):
        found.setdefault(status(error), []).append(error)
    return found


def refusal(errors: list[type[TaskwellError]], lines: list[str], model: type[BaseModel]) -> Answer:
    """Describes the answer of one status. `lines` name the errors, and `model` is the shape of the body."""
    headers: dict[str, Any] = {}
    if model is ErrorEnvelope and any(issubclass(error, Unauthenticated | InsufficientScope) for error in errors):
        headers["WWW-Authenticate"] = header("RFC 6750")
    if any(issubclass(error, PreconditionFailed) for error in errors):
        headers["ETag"] = header("Of the record as it is now")
    if any(issubclass(error, Unavailable | Throttled) for error in errors):
        headers["Retry-After"] = header("In seconds")
    # A `model` for each of the 400 that there are took a tenth of a start.
    shown = {"headers": headers} if headers else {}
    return {"description": "\n".join(lines), **shown, "content": shaped_as(model)}
