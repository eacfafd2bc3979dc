"""What a client may say of a list. A field that is not listed here is refused, never ignored."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from taskwell.records.as_read import AsRead
from taskwell.types import Colour, Flag, Icon, Id, ListName, PositionOrNull

_STRICT = ConfigDict(extra="forbid", strict=True, frozen=True)
_EXAMPLE: JsonValue = {"name": "Groceries", "colour": "#2e7d32"}


class NewList(BaseModel):
    """POST. An `id` of the client's own makes the request safe to repeat."""

    model_config = _STRICT | ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    name: ListName
    colour: Colour | None = None
    icon: Icon | None = None
    is_archived: Flag = False
    position: PositionOrNull = None
    id: Id | None = None


class WholeList(AsRead):
    """PUT: the whole of what a client may say. What is left out is cleared, but for `position`; the name cannot be."""

    model_config = _STRICT | ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    name: ListName
    colour: Colour | None = None
    icon: Icon | None = None
    is_archived: Flag = False
    position: PositionOrNull = None


class ListChanges(AsRead):
    """PATCH, a JSON Merge Patch (RFC 7396): absent leaves alone, null clears."""

    model_config = _STRICT | ConfigDict(json_schema_extra={"examples": [{"is_archived": True}]})

    name: Annotated[ListName, Field(default=None)]
    colour: Annotated[Colour | None, Field(default=None)]
    icon: Annotated[Icon | None, Field(default=None)]
    is_archived: Annotated[Flag, Field(default=None)]
    position: Annotated[PositionOrNull, Field(default=None)]
