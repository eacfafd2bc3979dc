"""What a client may say of a label. A field that is not listed here is refused, never ignored."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from taskwell.records.as_read import AsRead, NotLookedAt
from taskwell.types import Colour, Id, LabelName

_STRICT = ConfigDict(extra="forbid", strict=True, frozen=True)


class NewLabel(BaseModel):
    """POST. An `id` of the client's own makes the request safe to repeat."""

    model_config = _STRICT | ConfigDict(json_schema_extra={"examples": [{"name": "errand", "colour": "#2e7d32"}]})

    name: LabelName
    colour: Colour | None = None
    id: Id | None = None


class LabelAsRead(AsRead):
    """The counts of a page may come back as well. They are not compared: a label that is sent back is not old because of them."""

    task_count: NotLookedAt
    open_count: NotLookedAt


class WholeLabel(LabelAsRead):
    """PUT: the whole of what a client may say. What is left out is cleared; the name cannot be."""

    model_config = _STRICT | ConfigDict(json_schema_extra={"examples": [{"name": "shopping", "colour": "#2e7d32"}]})

    name: LabelName
    colour: Colour | None = None


class LabelChanges(LabelAsRead):
    """PATCH, a JSON Merge Patch (RFC 7396): absent leaves alone, null clears."""

    model_config = _STRICT | ConfigDict(json_schema_extra={"examples": [{"colour": "#2e7d32"}]})

    name: Annotated[LabelName, Field(default=None)]
    colour: Annotated[Colour | None, Field(default=None)]
