"""These models tell OpenAPI what the answers look like. No request uses them, and tests/api/test_contract.py checks them."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from taskwell.accounts.tables import ApiTokenView
from taskwell.labels.tables import CountedLabel, LabelView
from taskwell.lists.tables import ListView
from taskwell.tasks.progress import TaskView
from taskwell.tasks.tables import OccurrenceView, StoredTask


class TaskPage(BaseModel):
    """One page of a list. `next_cursor` is null on the last one. `total` is there with `count=true`, and each task has all its
    fields unless `fields` chose some."""

    items: list[TaskView]
    next_cursor: str | None
    total: Annotated[int, Field(default=None)]


class ListPage(BaseModel):
    """One page of your lists. `next_cursor` is null on the last one."""

    items: list[ListView]
    next_cursor: str | None


class LabelPage(BaseModel):
    """One page of your labels. `next_cursor` is null on the last one."""

    items: list[CountedLabel]
    next_cursor: str | None


class AccountInFeed(BaseModel):
    """The account. Who it is, only a token shows that may read the account."""

    id: UUID
    email: Annotated[str | None, Field(default=None)]
    display_name: Annotated[str | None, Field(default=None)]
    time_zone: str
    is_admin: Annotated[bool, Field(default=None)]
    created_at: datetime


class _Item(BaseModel):
    id: UUID
    revision: int


class AccountItem(_Item):
    kind: Literal["account"]
    is_deleted: Literal[False]
    record: AccountInFeed


class LabelItem(_Item):
    kind: Literal["label"]
    is_deleted: Literal[False]
    record: LabelView


class ListItem(_Item):
    kind: Literal["list"]
    is_deleted: Literal[False]
    record: ListView


class TaskItem(_Item):
    kind: Literal["task"]
    is_deleted: Literal[False]
    record: StoredTask


class DeletedItem(_Item):
    """A tombstone: the record is gone, with all that was in it."""

    kind: Literal["label", "list", "task"]
    is_deleted: Literal[True]
    deleted_at: datetime


class DepartedItem(_Item):
    """The task is in this list no more."""

    kind: Literal["task"]
    has_left: Literal[True]


class ChangesPage(BaseModel):
    """One page of the feed. `next` is the token for the following request, also where `has_more` is false."""

    items: list[AccountItem | LabelItem | ListItem | TaskItem | DeletedItem | DepartedItem]
    next: str
    has_more: bool


class TrashedTask(StoredTask):
    """A task in the trash."""

    kind: Literal["task"]
    deleted_at: datetime


class TrashedList(ListView):
    """A list in the trash."""

    kind: Literal["list"]
    deleted_at: datetime


class TrashedLabel(LabelView):
    """A label in the trash."""

    kind: Literal["label"]
    deleted_at: datetime


class TrashPage(BaseModel):
    """One page of the trash. `next_cursor` is null on the last one."""

    items: list[TrashedTask | TrashedList | TrashedLabel]
    next_cursor: str | None


class EventTicket(BaseModel):
    """`ticket` opens `GET /events?ticket=...` within `expires_in` seconds."""

    ticket: str
    expires_in: int


class OpenTasks(BaseModel):
    """How many open tasks a list has, or a label."""

    id: UUID
    name: str
    open: int


class Overview(BaseModel):
    """How many open tasks there are. Those by dates are there unless `dates=false`."""

    inbox: int
    overdue: Annotated[int, Field(default=None)]
    today: Annotated[int, Field(default=None)]
    upcoming: Annotated[int, Field(default=None)]
    lists: list[OpenTasks]
    labels: list[OpenTasks]


class OccurrencePage(BaseModel):
    """One page of the finished occurrences of a task. `next_cursor` is null on the last one."""

    items: list[OccurrenceView]
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


class Ready(Health):
    """`clock_skew_seconds` is there where it is more than 5: how far the server is ahead of the database."""

    schema_: Literal["current", "newer"] = Field(alias="schema")
    auth: Literal["token", "none"]
    clock_skew_seconds: Annotated[float, Field(default=None)]


class RecordCounts(BaseModel):
    lists: int
    labels: int
    tasks: int
    occurrences: int


class RefusedLine(BaseModel):
    """`line` is where the record begins in the file. `field` is null where the whole record is meant."""

    line: int
    field: str | None
    code: str
    message: str


class WithoutPlaceHere(BaseModel):
    """Something that Taskwell has no form for: how many records had it, and on which line stands the first of them."""

    what: str
    records: int
    line: int


class ImportReport(BaseModel):
    """`refused` counts what was not imported, of which `refusals` has the first hundred."""

    format: str
    created: RecordCounts
    there_already: RecordCounts
    refused: int
    refusals: list[RefusedLine]
    left_out: list[WithoutPlaceHere]


class WrongField(BaseModel):
    """Where and why; never the value."""

    location: Literal["body", "path", "query", "header"]
    field: str | None
    code: str
    message: str


class ErrorDetails(BaseModel):
    """By the code: `fields` for invalid_input and unknown_reference, `refusals` for import_refused,
    `current` for task_changed and task_exists, `scope` for
    insufficient_scope."""

    model_config = ConfigDict(extra="allow")

    fields: Annotated[list[WrongField], Field(default=None)]
    current: Annotated[TaskView, Field(default=None)]
    scope: Annotated[str, Field(default=None)]


class ErrorBody(BaseModel):
    code: str
    message: str
    details: ErrorDetails
    request_id: str


class ErrorEnvelope(BaseModel):
    """The one shape of every error. docs/errors.md lists the codes."""

    error: ErrorBody


class ListErrorDetails(BaseModel):
    """`current` is the list as it is now."""

    current: ListView


class ListErrorBody(BaseModel):
    code: str
    message: str
    details: ListErrorDetails
    request_id: str


class ListErrorEnvelope(BaseModel):
    """The same shape, of an operation of lists whose condition does not hold."""

    error: ListErrorBody


class LabelErrorDetails(BaseModel):
    """`current` is the label as it is now."""

    current: LabelView


class LabelErrorBody(BaseModel):
    code: str
    message: str
    details: LabelErrorDetails
    request_id: str


class LabelErrorEnvelope(BaseModel):
    """The same shape, of an operation of labels whose condition does not hold."""

    error: LabelErrorBody


class BatchErrorDetails(BaseModel):
    """As those of the single request. `operation` is there where a batch that is atomic failed: the place of the operation."""

    model_config = ConfigDict(extra="allow")

    fields: Annotated[list[WrongField], Field(default=None)]
    current: Annotated[TaskView | ListView | LabelView, Field(default=None)]
    operation: Annotated[int, Field(default=None)]


class BatchErrorBody(BaseModel):
    code: str
    message: str
    details: BatchErrorDetails
    request_id: str


class BatchErrorEnvelope(BaseModel):
    """The same shape, of a batch that is atomic."""

    error: BatchErrorBody


class BatchResult(BaseModel):
    """What became of one operation: `record` and `etag` are there where it was done and the record still is, `error` where it was
    refused."""

    status: Annotated[int, Field(description="Of the answer to the single request")]
    id: Annotated[UUID, Field(default=None)]
    record: Annotated[TaskView | ListView | LabelView, Field(default=None)]
    etag: Annotated[str, Field(default=None)]
    error: Annotated[BatchErrorBody, Field(default=None)]


class BatchReply(BaseModel):
    """A result for each operation, in their order."""

    results: list[BatchResult]


class OAuthError(BaseModel):
    """The shape of the errors under /oauth (RFC 6749 5.2)."""

    error: Literal[
        "invalid_request",
        "invalid_grant",
        "unsupported_grant_type",
        "invalid_scope",
        "temporarily_unavailable",
        "server_error",
    ]
    error_description: str


Answer = dict[str, Any]
Answers = dict[int | str, Answer]


def header(description: str) -> Answer:
    return {"description": description, "schema": {"type": "string"}}


def shaped_as(model: type[BaseModel]) -> Answer:
    """The content of an answer, by the name of its shape: for a `model` FastAPI makes a validator each time."""
    return {"application/json": {"schema": {"$ref": f"#/components/schemas/{model.__name__}"}}}


_ETAG = {"ETag": header("For If-Match and If-None-Match; opaque")}

_MADE = _ETAG | {"Location": header("Where it is")}

WITH_ETAG: Answer = {"headers": _ETAG}


def found_same(model: type[BaseModel]) -> Answer:
    return {"description": "It is there already with this content, at the `id` that you sent", "model": model, "headers": _MADE}


def created(model: type[BaseModel]) -> Answer:
    return {"description": "Created", "model": model, "headers": _MADE}


PAGE: Answer = {
    "description": "One page",
    "headers": _ETAG | {"Link": header('The next page, rel="next"; absent on the last one')},
}
PAGE_OF_THE_PRESENT: Answer = {"description": "One page", "headers": {"Link": PAGE["headers"]["Link"]}}
NOT_MODIFIED: Answer = {"description": "What you have is current", **WITH_ETAG}
