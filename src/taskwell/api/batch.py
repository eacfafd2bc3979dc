"""The operation of many operations: a batch."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Annotated, Any, Final

from fastapi import APIRouter, Body
from pydantic import BaseModel, ValidationError
from pydantic_core import to_json

from taskwell.accounts.owner import Owner
from taskwell.api.answers import BODY, OWN_ROWS, refuses
from taskwell.api.dependencies import Db, RowsToWrite, TagsOfRows
from taskwell.api.documents import BatchReply
from taskwell.api.tasks import IN_TREE
from taskwell.batch.requests import (
    Batch,
    BatchOperation,
    ChangeOperation,
    CreateOperation,
    DeleteOperation,
    ReplaceOperation,
    RestoreOperation,
)
from taskwell.batch.running import NOUNS, Outcome, Outcomes, Step, StepDone, of_operation, run
from taskwell.errors import (
    InvalidInput,
    LabelChanged,
    LabelIdTaken,
    LabelNameTaken,
    LabelNotFound,
    ListChanged,
    ListIdTaken,
    ListNotFound,
    OccurrenceNotOpen,
    TaskChanged,
    TaskIdTaken,
    TaskNotFound,
    TaskwellError,
    TooManyLabels,
    TooManyLists,
    UnknownReference,
)
from taskwell.records.as_read import AsRead
from taskwell.records.moving import Move
from taskwell.tasks.move import TaskMove
from taskwell.tasks.requests import Completion
from taskwell.types import new_id
from taskwell.web.conditions import Tags
from taskwell.web.declaration import BodyLimit
from taskwell.web.operation import invalid_by
from taskwell.web.refusals import invalid, located
from taskwell.web.reply import Reply, envelope, json_reply
from taskwell.web.request import ApiRequest

router = APIRouter(tags=["batch"])

# Room for 500 operations with long descriptions, or each with a whole record that was read.
_READ = BodyLimit(4 * 1024 * 1024, structure=256 * 1024)

_OTHERS: Final[Mapping[tuple[str, str], type[BaseModel]]] = {
    ("complete", "task"): Completion,
    ("move", "task"): TaskMove,
    ("move", "list"): Move,
}


@router.post(
    "/batch",
    response_model=BatchReply,
    responses=refuses(
        *OWN_ROWS,
        *BODY,
        *(TaskNotFound, ListNotFound, LabelNotFound, TaskChanged, ListChanged, LabelChanged),
        *(TaskIdTaken, ListIdTaken, LabelIdTaken, LabelNameTaken, TooManyLists, TooManyLabels),
        *(UnknownReference, OccurrenceNotOpen, *IN_TREE),
    ),
)
async def run_batch(
    request: ApiRequest, owner: RowsToWrite, db: Db, tags: TagsOfRows, batch: Annotated[Batch, Body(), _READ]
) -> Reply:
    """Do up to 500 operations in their order, each as its single request would. Each has a status of its own, unless the batch is
    `atomic`: then all of them are done, under one revision, or none, and `details.operation` says at which one it failed."""
    operations, outcomes = _meant(batch, owner, tags)
    outcomes |= await run(db, owner, operations, is_atomic=batch.atomic)
    results = ",".join(_result(outcomes[number], request.id) for number in range(len(batch.operations)))
    return json_reply(200, f'{{"results":[{results}]}}')


def _meant(batch: Batch, owner: Owner, tags: Tags) -> tuple[Sequence[Step], Outcomes]:
    """The operations, and the refusals of those whose values or conditions are not valid."""
    operations: list[Step] = []
    refused: Outcomes = {}
    for number, one in enumerate(batch.operations):
        try:
            operations.append(_operation(number, one, owner, tags))
        except InvalidInput as error:
            if batch.atomic:
                raise of_operation(number, error) from None
            refused[number] = error
    return operations, refused


def _operation(number: int, one: BatchOperation, owner: Owner, tags: Tags) -> Step:
    """Raises InvalidInput."""
    noun = NOUNS[one.kind]
    if isinstance(one, DeleteOperation | RestoreOperation):
        is_permanent = isinstance(one, DeleteOperation) and one.permanent
        return Step(number, one.op, noun, one.id, if_match=_if_match(one.if_match, owner, tags), is_permanent=is_permanent)
    models = {"create": noun.kind.new, "replace": noun.kind.whole, "change": noun.kind.changes}
    model: Any = models.get(one.op) or _OTHERS[one.op, one.kind]
    if isinstance(one, CreateOperation):
        value = _valid(model, _with_id(one))
        if one.id not in (None, value.id):
            raise InvalidInput.of("id", "not_the_operations", "is not the one of the operation: name one of them")
        return Step(number, one.op, noun, value.id or new_id(), value)
    value = _valid(model, one.value)
    as_read = tags.as_read(value.etag, value.revision, owner.id) if isinstance(value, AsRead) else None
    step = Step(number, one.op, noun, one.id, value, _if_match(one.if_match, owner, tags), as_read)
    if isinstance(one, ReplaceOperation | ChangeOperation):
        return replace(step, with_subtasks=one.subtasks, is_merge=one.merge)
    return step


def _valid(model: Any, value: Any) -> Any:
    try:
        # As a request: the model is strict, and JSON's types are what it is strict about.
        return model.model_validate_json(to_json(value, inf_nan_mode="constants"))
    except ValidationError as error:
        raise invalid_by("body", error) from None


def _with_id(one: CreateOperation) -> Any:
    """The value, with the id that the operation names."""
    if one.id is None or not isinstance(one.value, dict):
        return one.value
    return {"id": str(one.id)} | one.value


def _if_match(condition: str | None, owner: Owner, tags: Tags) -> frozenset[int] | None:
    try:
        return tags.if_match(condition, owner.id)
    except InvalidInput as error:
        (field,) = error.details["fields"]
        raise invalid("body", "if_match", field["code"], field["message"]) from None


def _result(outcome: Outcome, request_id: bytes) -> str:
    if isinstance(outcome, TaskwellError):
        if isinstance(outcome, InvalidInput):
            located(outcome, {}, "body")
        status, body = envelope(outcome, request_id)
        return json.dumps({"status": status} | body)
    return _done(outcome)


def _done(done: StepDone) -> str:
    if done.record is None:
        return f'{{"status":204,"id":"{done.id}"}}'
    status = 201 if done.is_new else 200
    return f'{{"status":{status},"id":"{done.id}","record":{done.record.json},"etag":{json.dumps(done.record.etag)}}}'
