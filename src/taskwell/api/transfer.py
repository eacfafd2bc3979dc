"""Everything of a user's out of Taskwell, and files of other programs into it."""

import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, Annotated, Any, Final

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict, Field

from taskwell.accounts.owner import Owner
from taskwell.accounts.store import read_account
from taskwell.api.answers import BODY, OWN_ROWS, refuses
from taskwell.api.dependencies import DatabaseItself, RowsToImport, RowsToRead
from taskwell.api.documents import ImportReport, header
from taskwell.errors import ImportBusy, ImportRefused, InvalidInput, OutcomeUnknown
from taskwell.transfer.exporting import export
from taskwell.transfer.foreign import Source
from taskwell.transfer.formats import READERS, FormatName, format_of
from taskwell.transfer.importing import Import
from taskwell.transfer.report import Report
from taskwell.types import ListName, QueryFlag
from taskwell.web.exactly_once import HEADER
from taskwell.web.refusals import invalid
from taskwell.web.reply import PERSONAL, Reply, json_reply
from taskwell.web.request import ApiRequest
from taskwell.web.stream import StreamedReply

router = APIRouter(tags=["in and out"])

JSON_LINES: Final = "application/x-ndjson"
FILE_BYTES: Final = 64 * 1024 * 1024
"""Room for 100,000 tasks."""
FILE_SECONDS: Final = 300.0
IMPORTS_AT_ONCE: Final = 4
"""In one process. Each has a file on disk, and takes the processor's time from all others."""

_FILES: Final = (
    *(JSON_LINES, "application/jsonl", "application/json", "text/csv", "text/calendar", "text/plain"),
    "application/octet-stream",
)
_IN_MEMORY: Final = 1024 * 1024
_OF_A_SIGN_IN: Final = ("email", "display_name")


@dataclass
class Imports:
    """It counts the imports of this process."""

    running: int = 0

    @contextmanager
    def one_more(self) -> Iterator[None]:
        if self.running >= IMPORTS_AT_ONCE:
            raise ImportBusy
        self.running += 1
        try:
            yield
        finally:
            self.running -= 1


class FileToCome:
    """The body of a request, which has not been read yet."""

    def __init__(self, request: ApiRequest) -> None:
        self._request = request

    @contextmanager
    def taken(self) -> Iterator[IO[bytes]]:
        with self._request.services.of_face(Imports).one_more(), tempfile.SpooledTemporaryFile(_IN_MEMORY) as file:
            yield file

    async def into(self, file: IO[bytes]) -> None:
        try:
            await self._request.save(file, FILE_BYTES, FILE_SECONDS)
        except OSError as error:
            raise ImportBusy("There is no room for the file just now. Nothing was changed; try again.") from error


def file_to_come(request: ApiRequest) -> FileToCome:
    """Refuses what can be told of a body before it is read.

    An idempotency key would hold the user's other writes up for as long as the whole file takes.
    """
    if HEADER.encode() in request.fields:
        message = "an import takes none: the same file once more changes nothing"
        raise invalid("header", HEADER, "idempotency_key_refused", message)
    request.require_media_type(*_FILES)
    request.refuse_larger(FILE_BYTES)
    return FileToCome(request)


class ImportQuery(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    format: Annotated[FormatName | None, Field(description="Of the file, where its beginning does not say it")] = None
    list_name: Annotated[ListName | None, Field(description="The list of what names none; without it, the inbox")] = None
    strict: Annotated[QueryFlag, Field(description="Import nothing where a line is refused")] = False


@router.get(
    "/export",
    response_model=None,
    responses=refuses(*OWN_ROWS)
    | {
        200: {
            "description": "One record a line",
            "content": {JSON_LINES: {"schema": {"type": "string"}}},
            "headers": {"Content-Disposition": header("A name for the file")},
        }
    },
)
async def export_everything(request: ApiRequest, owner: RowsToRead, db: DatabaseItself) -> StreamedReply:
    """Everything of yours as JSON Lines: the account, lists, labels, tasks and their finished occurrences. Each comes after those
    that it names."""
    account = await _account(request, owner, db)
    named = b'attachment; filename="taskwell.jsonl"'
    headers = ((b"content-type", JSON_LINES.encode()), (b"content-disposition", named), *PERSONAL)
    return StreamedReply(200, export(db, owner, account), headers)


async def _account(request: ApiRequest, owner: Owner, db: DatabaseItself) -> str:
    """The account's line: who it is shows only a token that may read the account."""
    account: dict[str, Any] = json.loads((await read_account(db, owner)).json)
    del account["is_admin"]
    if owner.id != request.user_id or "account" not in request.scopes:
        account = {name: value for name, value in account.items() if name not in _OF_A_SIGN_IN}
    return json.dumps(account, separators=(",", ":"))


@router.post(
    "/import",
    response_model=ImportReport,
    responses=refuses(*OWN_ROWS, *BODY, ImportRefused, ImportBusy, OutcomeUnknown),
    openapi_extra={
        "requestBody": {
            "required": True,
            "description": f"The file, as `{'`, `'.join(_FILES)}`",
            "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
        }
    },
)
async def import_file(
    owner: RowsToImport,
    db: DatabaseItself,
    body: Annotated[FileToCome, Depends(file_to_come)],
    query: Annotated[ImportQuery, Query()],
) -> Reply:
    """Import a file: Taskwell's own export, Todoist's CSV, Google Takeout's Tasks.json, Microsoft To Do's lists by Graph,
    Vikunja's data.json, or the to-dos of an .ics file. The same file once more changes nothing."""
    with body.taken() as file:
        await body.into(file)
        source = Source(file, query.list_name)
        named = query.format or format_of(source)
        if named is None:
            message = f"the file begins like none of {', '.join(READERS)}: say which it is"
            raise InvalidInput.of("format", "format_unknown", message)
        report = await Import(db, owner, source, named, is_strict=query.strict).run()
    return json_reply(200, json.dumps(_shown(named, report), separators=(",", ":")))


def _shown(named: FormatName, report: Report) -> dict[str, Any]:
    kinds = {"lists": "list", "labels": "label", "tasks": "task", "occurrences": "occurrence"}
    return {
        "format": named,
        "created": {plural: report.created[kind] for plural, kind in kinds.items()},
        "there_already": {plural: report.there_already[kind] for plural, kind in kinds.items()},
        "refused": report.refused,
        "refusals": [refusal._asdict() for refusal in report.refusals],
        "left_out": [one._asdict() for one in report.left_out],
    }
