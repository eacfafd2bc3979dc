"""What a client may say of an API token."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from taskwell.identity.scopes import Scope
from taskwell.types import TokenName


class NewApiToken(BaseModel):
    """An end is required: a token that nobody remembers must not open anything for ever."""

    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        frozen=True,
        json_schema_extra={"examples": [{"name": "back-up", "scopes": ["tasks:read"], "expires_in_days": 90}]},
    )

    name: TokenName
    scopes: Annotated[list[Scope], Field(min_length=1, max_length=4)]
    expires_in_days: Annotated[int, Field(ge=1, le=366)]
