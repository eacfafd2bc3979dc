"""What OpenAPI says of the answers. Nothing here runs with a request; tests/api/test_contract.py holds it to the truth."""

from typing import Any

from pydantic import BaseModel, ConfigDict

from taskwell.accounts.tables import ApiTokenView
from taskwell.tasks.tables import TaskView


class TaskPage(BaseModel):
    """One page of a list. `next_cursor` is null on the last one."""

    items: list[TaskView]
    next_cursor: str | None


class AccessToken(BaseModel):
    """RFC 6749 5.1."""

    access_token: str
    token_type: str
    expires_in: int
    refresh_token: str
    scope: str


class NewToken(ApiTokenView):
    """An API token, with `token` itself this one time."""

    token: str


class ApiTokenList(BaseModel):
    items: list[ApiTokenView]


class Nothing(BaseModel):
    """There is nothing to say."""


class KeySet(BaseModel):
    """RFC 7517."""

    keys: list[dict[str, str]]


class Health(BaseModel):
    status: str


class WrongField(BaseModel):
    """Where and why; never the value."""

    location: str
    field: str | None
    code: str
    message: str


class ErrorDetails(BaseModel):
    """By the code: `fields` for invalid_input, `current` for task_changed and task_exists, `scope` for insufficient_scope."""

    model_config = ConfigDict(extra="allow")

    fields: list[WrongField] = []
    current: TaskView | None = None
    scope: str | None = None


class ErrorBody(BaseModel):
    code: str
    message: str
    details: ErrorDetails
    request_id: str


class ErrorEnvelope(BaseModel):
    """The one shape of every error. docs/errors.md lists the codes."""

    error: ErrorBody


Answer = dict[str, Any]
Answers = dict[int | str, Answer]


def _error(description: str, **headers: str) -> Answer:
    answer: Answer = {"description": description, "model": ErrorEnvelope}
    if headers:
        answer["headers"] = {name.replace("_", "-"): _header(text) for name, text in headers.items()}
    return answer


def _header(description: str) -> Answer:
    return {"description": description, "schema": {"type": "string"}}


_ETAG = {"ETag": _header("For If-Match and If-None-Match; opaque")}

WITH_ETAG: Answer = {"headers": _ETAG}
FOUND_SAME: Answer = {"description": "Such a task is there already, at the `id` that you sent", "model": TaskView, **WITH_ETAG}
CREATED: Answer = {"description": "Created", "model": TaskView, "headers": _ETAG | {"Location": _header("Where the task is")}}
PAGE: Answer = {
    "description": "One page",
    "headers": _ETAG | {"Link": _header('The next page, rel="next"; absent on the last one')},
}
NOT_MODIFIED: Answer = {"description": "What you have is current", **WITH_ETAG}
BAD_REQUEST = _error("Something in the request is not valid: `details.fields` says what")
UNSIGNED = _error("No valid access token", WWW_Authenticate="RFC 6750")
WRONG_CREDENTIALS = _error("The address or the password is wrong", WWW_Authenticate="RFC 6750")
FORBIDDEN = _error("This token may not be used for that: `details.scope` is what it lacks", WWW_Authenticate="RFC 6750")
CLOSED: Answers = {403: _error("Nobody can sign up here")}
THROTTLED = _error("Too many failed sign-ins", Retry_After="In seconds")
TOO_MANY_SIGN_UPS = _error("Too many sign-ups, or too many for this address", Retry_After="In seconds")
NO_SUCH_TOKEN = _error("No such API token, or none of yours")
TOO_MANY_TOKENS = _error("You have as many API tokens as one user can have")
NO_PASSWORD = _error("This account signs in elsewhere and has no password here")
NO_SUCH_USER = _error("No such user, or nothing of yours")
NO_SUCH_TASK = _error("No such task, or nothing of yours")
TAKEN = _error("The id is taken")
EMAIL_TAKEN = _error("An account with this address exists")
CHANGED = _error("The condition does not hold: `details.current` is the task as it is now")
TOO_LARGE = _error("The body is larger than what is read here; the message says how much that is")
UNKNOWN_TYPE = _error("The body is not plain UTF-8 JSON, or does not say so")
UNAVAILABLE = _error("Try again soon", Retry_After="In seconds")

WITH_BODY: Answers = {413: TOO_LARGE, 415: UNKNOWN_TYPE}
"""What every operation that takes a body can answer besides."""
SIGNED: Answers = {401: UNSIGNED, 403: FORBIDDEN}
"""What every operation of somebody who signed in can answer besides."""
