"""What a client may say in a batch. Its shape is checked as a whole, and each `value` as the body of its single request."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from taskwell.types import Flag, Id

OPERATIONS_AT_ONCE = 500

_STRICT = ConfigDict(extra="forbid", strict=True, frozen=True)

Kind = Literal["task", "list", "label"]
Value = Annotated[Any, Field(description="The body of the single request")]
IfMatch = Annotated[str, Field(default=None, description="As the header: one ETag or several, with commas between them, or `*`")]


class _OfOne(BaseModel):
    """An operation on a record that is there."""

    model_config = _STRICT

    id: Id
    if_match: IfMatch


class CreateOperation(BaseModel):
    """As POST to the collection. The `id` of your own may also stand in the value."""

    model_config = _STRICT

    op: Literal["create"]
    kind: Kind
    id: Annotated[Id, Field(default=None)]
    value: Value


class _Rewrite(_OfOne):
    """What gives a record other content."""

    kind: Kind
    value: Value
    subtasks: Annotated[Flag, Field(description="Of a task: where it completes it, also what is below it")] = False
    merge: Annotated[Flag, Field(description="Of a label: where another one has the new name, make one of the two")] = False

    @field_validator("subtasks", "merge")
    @classmethod
    def _has(cls, flag: bool, info: ValidationInfo) -> bool:
        of = {"subtasks": "task", "merge": "label"}[str(info.field_name)]
        if info.data.get("kind", of) != of:
            raise PydanticCustomError("extra_forbidden", "is of an operation on a {of} alone", {"of": of})
        return flag


class ReplaceOperation(_Rewrite):
    """As PUT."""

    op: Literal["replace"]


class ChangeOperation(_Rewrite):
    """As PATCH."""

    op: Literal["change"]


class DeleteOperation(_OfOne):
    """As DELETE."""

    op: Literal["delete"]
    kind: Kind
    permanent: Annotated[Flag, Field(description="It goes for good, also from the trash, and cannot be restored")] = False


class RestoreOperation(_OfOne):
    """As POST `restore`."""

    op: Literal["restore"]
    kind: Kind


class CompleteOperation(_OfOne):
    """As POST `complete`."""

    op: Literal["complete"]
    kind: Literal["task"]
    value: Annotated[Value, Field(default={})]


class MoveOperation(_OfOne):
    """As POST `move`. Without a value it goes to the end."""

    op: Literal["move"]
    kind: Literal["task", "list"]
    value: Annotated[Value, Field(default={})]


BatchOperation = Annotated[
    CreateOperation | ReplaceOperation | ChangeOperation | DeleteOperation | RestoreOperation | CompleteOperation | MoveOperation,
    Field(discriminator="op"),
]


class Batch(BaseModel):
    """POST /batch. `atomic`: all or nothing, under one revision."""

    model_config = _STRICT | ConfigDict(
        json_schema_extra={
            "examples": [{"atomic": True, "operations": [{"op": "create", "kind": "task", "value": {"title": "Buy milk"}}]}]
        }
    )

    atomic: Flag = False
    operations: Annotated[list[BatchOperation], Field(max_length=OPERATIONS_AT_ONCE)]
