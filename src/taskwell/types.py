"""The domain's types, each said once: tables, requests and parameters use the same ones."""

from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

import uuid_utils.compat
from pydantic import AfterValidator, BeforeValidator, EmailStr, Field, StrictBool, StringConstraints

TITLE_LENGTH = 255
DESCRIPTION_LENGTH = 16_384
DISPLAY_NAME_LENGTH = 255
EMAIL_LENGTH = 320


def _storable(text: str) -> str:
    # PostgreSQL cannot store U+0000. Lone surrogates never get here: the JSON parser refuses them.
    if "\x00" in text:
        raise ValueError("must not contain U+0000")
    return text


def _visible(text: str) -> str:
    if not text or text.isspace():
        raise ValueError("must not be blank")
    return text


Text = Annotated[str, AfterValidator(_storable)]

Title = Annotated[Text, AfterValidator(_visible), StringConstraints(min_length=1, max_length=TITLE_LENGTH, strict=True)]
Description = Annotated[Text, StringConstraints(max_length=DESCRIPTION_LENGTH, strict=True)]
DisplayName = Annotated[
    Text, AfterValidator(_visible), StringConstraints(min_length=1, max_length=DISPLAY_NAME_LENGTH, strict=True)
]
Flag = StrictBool
PageLimit = Annotated[int, Field(ge=1, le=100)]
Email = Annotated[EmailStr, AfterValidator(_storable), StringConstraints(max_length=EMAIL_LENGTH)]


def _hyphenated(value: object) -> object:
    # Python also reads {braces}, urn:uuid: and thirty-two bare digits; one id should have one spelling.
    if isinstance(value, str) and len(value) != 36:
        raise ValueError("must be a UUID")
    return value


Id = Annotated[UUID, BeforeValidator(_hyphenated)]


def new_id() -> UUID:
    """A UUID of version 7 (RFC 9562): it starts with the time, so new rows go to the end of the index."""
    return uuid_utils.compat.uuid7()


def now() -> datetime:
    return datetime.now(UTC)
