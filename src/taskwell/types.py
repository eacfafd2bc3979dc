"""The types of the domain. Each is written once; tables, requests and parameters use the same ones."""

import re
import unicodedata
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Final, Literal
from uuid import UUID
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import email_validator
import uuid_utils.compat
from pydantic import (
    AfterValidator,
    AwareDatetime,
    BeforeValidator,
    Field,
    PlainValidator,
    StrictBool,
    StringConstraints,
    TypeAdapter,
    WithJsonSchema,
)
from pydantic_core import ErrorDetails, PydanticCustomError

TITLE_LENGTH = 255
DESCRIPTION_LENGTH = 16_384
KEPT_BY_CLIENTS = timedelta(milliseconds=1)
"""Of a time that was read: a Date of JavaScript keeps no more, cut off or rounded."""
DISPLAY_NAME_LENGTH = 255
EMAIL_LENGTH = 320
TIME_ZONE_LENGTH = 64
TOKEN_NAME_LENGTH = 255
LIST_NAME_LENGTH = 255
COLOUR_LENGTH = 7
ICON_LENGTH = 64
POSITION_LENGTH = 64
LABEL_LENGTH = 100
LABELS_PER_TASK = 20
CURSOR_LENGTH = 512
SEARCH_LENGTH = 200


def _storable(text: str) -> str:
    # PostgreSQL cannot store U+0000. Lone surrogates never get here: the JSON parser refuses them.
    if "\x00" in text:
        raise ValueError("must not contain U+0000")
    return text


# The characters that show nothing (Default_Ignorable_Code_Point of Unicode 16), which Python's unicodedata does not name.
INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f"
    "\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
# The pattern of braille without a dot, joiners of Tifinagh and Brahmi, a note without a head, a filler of Khitan, the blanks of
# hieroglyphs: to Unicode they are symbols, marks and letters.
_EMPTY_GLYPHS = "\u2800\u2d7f\U0001107f\U0001d159\U00016fe4\U00013441\U00013442"
# Signs of format that show, such as the end of an ayah (Prepended_Concatenation_Mark of Unicode 16).
_SEEN_SIGNS = "\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u0890\u0891\u08e2\U000110bd\U000110cd"


def _shows_nothing(character: str) -> bool:
    if character.isspace() or character in _EMPTY_GLYPHS or INVISIBLE.match(character):
        return True
    return unicodedata.category(character) in ("Cc", "Cf", "Zs", "Zl", "Zp") and character not in _SEEN_SIGNS


def _visible(text: str) -> str:
    # One character that shows is enough: what joins the people of a family emoji shows nothing by itself.
    if all(map(_shows_nothing, text)):
        raise ValueError("must not be blank")
    return text


Text = Annotated[str, AfterValidator(_storable)]
VisibleText = Annotated[Text, AfterValidator(_visible)]
"""A name or a title: something of it can be seen."""

Title = Annotated[VisibleText, StringConstraints(min_length=1, max_length=TITLE_LENGTH, strict=True)]
Description = Annotated[Text, StringConstraints(max_length=DESCRIPTION_LENGTH, strict=True)]
DisplayName = Annotated[VisibleText, StringConstraints(min_length=1, max_length=DISPLAY_NAME_LENGTH, strict=True)]
TokenName = Annotated[VisibleText, StringConstraints(min_length=1, max_length=TOKEN_NAME_LENGTH, strict=True)]
ListName = Annotated[VisibleText, StringConstraints(min_length=1, max_length=LIST_NAME_LENGTH, strict=True)]
Icon = Annotated[VisibleText, StringConstraints(min_length=1, max_length=ICON_LENGTH, strict=True)]
Colour = Annotated[str, StringConstraints(pattern="^#[0-9A-Fa-f]{6}$", to_lower=True, strict=True)]
"""Red, green and blue as CSS writes them, in lower case, so that one colour has one spelling."""
Position = Annotated[
    str,
    StringConstraints(pattern=r"^[0-9a-z]*[1-9a-z]$", max_length=POSITION_LENGTH, strict=True),
    Field(description="A key of a fractional index: siblings are ordered by it, byte by byte"),
]
"""The digits of a fraction, in base 36. No zero at the end, so that there is always a key between two."""
PositionOrNull = Annotated[Position | None, Field(description="null: behind all others")]


_NO_ZONES = frozenset({"localtime", "posixrules", "Factory", "posix", "right"})


def _time_zone(name: str) -> str:
    # Letters of the IANA database alone: ZoneInfo would read whatever file lies at the end of a longer path. And of what lies
    # beside its zones, neither this machine's own one nor the same ones once more with leap seconds.
    try:
        if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+){0,2}", name) or name.partition("/")[0] in _NO_ZONES:
            raise ValueError
        ZoneInfo(name)
    except (ValueError, OSError, ZoneInfoNotFoundError):
        raise ValueError("must be a time zone of the IANA database, such as Europe/Berlin") from None
    return name


TimeZone = Annotated[
    str,
    StringConstraints(min_length=1, max_length=TIME_ZONE_LENGTH, strict=True),
    AfterValidator(_time_zone),
    Field(description="Of the IANA database, such as Europe/Berlin"),
]
Flag = StrictBool


def _dated(value: object) -> object:
    # pydantic would also read a text of digits, as seconds since 1970.
    if not isinstance(value, str):
        return value
    try:
        return datetime.fromisoformat(value.upper())  # RFC 3339 5.6: the T and the Z may be small
    except ValueError:  # the error's own message quotes the value
        raise ValueError("must be a time, such as 2026-11-26T09:30:00Z") from None


def _in_utc(time: datetime) -> datetime:
    try:
        return time.astimezone(UTC)
    except OverflowError:
        raise ValueError("must be between the years 1 and 9999") from None


Time = Annotated[AwareDatetime, BeforeValidator(_dated), AfterValidator(_in_utc)]


def _with_its_plus(value: object) -> object:
    # A plus that is not percent-encoded is a blank in a query: our own times end in +00:00.
    return re.sub(r" (?=\d\d:\d\d$)", "+", value) if isinstance(value, str) else value


DayOrTime = date | datetime
"""A day; a wall time, in the account's zone; or an instant."""


def _day_or_time(value: object) -> object:
    try:
        text = str(_with_its_plus(value)).upper()
        if re.fullmatch(r"\d{4}-\d\d-\d\d", text, re.ASCII):
            return date.fromisoformat(text)
        if not re.match(r"\d{4}-\d\d-\d\dT\d\d:", text, re.ASCII):
            raise ValueError
        time = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError("must be a date, or a date and a time, such as 2026-12-24 or 2026-12-24T18:00") from None
    return time if time.tzinfo is None else _in_utc(time)


QueryDay = Annotated[DayOrTime, PlainValidator(_day_or_time), WithJsonSchema({"type": "string"})]
QueryTime = Annotated[Time, BeforeValidator(_with_its_plus)]


def _truth(value: object) -> bool:
    word = str(value).lower()  # Python writes True
    if word not in ("true", "false"):  # pydantic would also read yes, on, t and 1
        raise PydanticCustomError("literal_error", "Input should be 'true' or 'false'")
    return word == "true"


QueryFlag = Annotated[bool, PlainValidator(_truth), WithJsonSchema({"type": "boolean"})]
"""A boolean in a query, in any case."""


def _or_none(value: object) -> object:
    return value or None


Cursor = Annotated[Annotated[str, StringConstraints(max_length=CURSOR_LENGTH)] | None, BeforeValidator(_or_none)]
"""A place in a list. An empty one, as a form without a value writes it, is the beginning."""


def decimal_digits(value: object) -> object:
    # Python, and pydantic with it, also reads 1.0, +1, 1_0, a space before or after, and the digits of other scripts.
    if isinstance(value, str) and not re.fullmatch("[0-9]{1,9}", value):
        raise PydanticCustomError("int_parsing", "must be a whole number in decimal digits")
    return value


PageLimit = Annotated[int, Field(ge=1, le=100), BeforeValidator(decimal_digits)]
FeedLimit = Annotated[int, Field(ge=1, le=500), BeforeValidator(decimal_digits)]
WaitSeconds = Annotated[int, Field(ge=0, le=60), BeforeValidator(decimal_digits)]
QueryDays = Annotated[int, Field(ge=1, le=366), BeforeValidator(decimal_digits)]


# An address names an account, and nothing is mailed to it: admin@localhost and me@home.local are as good as any. The library has
# no other way to say so (its README: "Controlling special-use domains"), and nothing else here asks it.
email_validator.SPECIAL_USE_DOMAIN_NAMES.clear()


def trimmed(text: str) -> str:
    """Takes off what cannot be seen around a text: blanks, and marks of direction, which a copied address brings along."""
    seen = [place for place, character in enumerate(text) if not (character.isspace() or INVISIBLE.match(character))]
    return text[seen[0] : seen[-1] + 1] if seen else ""


def _trimmed(value: object) -> object:
    return trimmed(value) if isinstance(value, str) else value


def normal_address(text: str) -> str:
    """An e-mail address in the one form in which it is stored and looked up, with nothing around it. Raises ValueError."""
    try:
        return email_validator.validate_email(
            trimmed(text), check_deliverability=False, globally_deliverable=False, allow_domain_literal=True, strict=True
        ).normalized
    except email_validator.EmailNotValidError:  # the error's own message quotes the address
        raise ValueError("must be a valid e-mail address") from None


def address_key(text: str) -> str:
    """What an account is found by, unique by, and counted by: the same text for every spelling of one e-mail address.

    Before the @ it is Unicode's NFKC_Casefold: neither case nor width nor what cannot be seen makes another person. Behind it is
    the domain as IDNA 2008 has it, where `straße` and `strasse` are two. PostgreSQL only compares the result, byte by byte, since
    its own `lower` depends on the locale of the database and differs from Python's. Text that is no address has a key as well.

    Keys are stored, so another folding needs a migration. Unicode promises that it stays the same for characters that there are.
    """
    text = trimmed(text)
    with suppress(ValueError):  # a text that is no address is looked up and counted all the same
        text = normal_address(text)
    local, at, domain = text.rpartition("@")
    return _folded(local) + at + domain.lower()


def name_key(text: str) -> str:
    """What all spellings of a name have in common: neither case nor width nor what cannot be seen makes another one.

    It is stored, as `address_key` is.
    """
    return _folded(text).strip()


def _folded(text: str) -> str:
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFD", text).casefold())
    return unicodedata.normalize("NFKC", INVISIBLE.sub("", folded).casefold())


TypedAddress = Annotated[str, StringConstraints(max_length=EMAIL_LENGTH), BeforeValidator(_trimmed), AfterValidator(_storable)]
"""What somebody typed to sign in: whether it is an address makes no difference to the answer."""

Email = Annotated[TypedAddress, AfterValidator(normal_address), WithJsonSchema({"type": "string", "format": "email"})]


def _hyphenated(value: object) -> object:
    # Python also reads {braces}, urn:uuid: and thirty-two bare digits; one id should have one spelling.
    if isinstance(value, str) and len(value) != 36:
        raise ValueError("must be a UUID")
    return value


Id = Annotated[UUID, BeforeValidator(_hyphenated)]
_ID: Final = TypeAdapter(Id)


def read_id(value: object) -> UUID:
    """Raises ValueError for what is not written as ids are."""
    return _ID.validate_python(value)


Priority = Literal["none", "low", "medium", "high", "urgent"]


def _or_no_priority(priority: Priority | None) -> Priority:
    return priority or "none"


PriorityOrNull = Annotated[Priority | None, AfterValidator(_or_no_priority)]
"""Of a request: null clears it, as it clears every later field of a task, and is the same as `none`."""

LabelName = Annotated[VisibleText, StringConstraints(min_length=1, max_length=LABEL_LENGTH, strict=True)]


def _each_once(names: list[str]) -> list[str]:
    if len({name_key(name) for name in names}) < len(names):
        raise ValueError("must not name a label twice, in whichever case")
    return names


def _or_no_labels(names: list[str] | None) -> list[str]:
    return names or []


LabelNames = Annotated[list[LabelName], Field(max_length=LABELS_PER_TASK), AfterValidator(_each_once)]
LabelNamesOrNull = Annotated[LabelNames | None, AfterValidator(_or_no_labels)]
"""Of a request, as PriorityOrNull."""

Inbox = Literal["inbox"]
"""Where a task without a list is. It is no list: it always exists, and cannot be deleted."""


def _inbox_or_id(value: object) -> object:
    if value == "inbox":
        return value
    try:
        return read_id(value)
    except ValueError:
        raise ValueError("must be the id of a list, or inbox") from None


InboxOrId = Annotated[
    Inbox | UUID,
    PlainValidator(_inbox_or_id),
    WithJsonSchema({"anyOf": [{"type": "string", "const": "inbox"}, {"type": "string", "format": "uuid"}]}),
]

NoParent = Literal["none"]
"""The parent of a task that is below no other one."""


def _none_or_id(value: object) -> object:
    if value == "none":
        return value
    try:
        return read_id(value)
    except ValueError:
        raise ValueError("must be the id of a task, or none") from None


NoneOrId = Annotated[
    NoParent | UUID,
    PlainValidator(_none_or_id),
    WithJsonSchema({"anyOf": [{"type": "string", "const": "none"}, {"type": "string", "format": "uuid"}]}),
]


class EveryRevision:
    """What a set of revisions is where it holds every one that there is."""

    def __contains__(self, revision: int) -> bool:
        return True


EVERY_REVISION: Final = EveryRevision()
Revisions = frozenset[int] | EveryRevision
"""The revisions of a record, or of a user, that a client named."""


def new_id() -> UUID:
    """A UUID of version 7 (RFC 9562): it starts with the time, so new rows go to the end of the index."""
    return uuid_utils.compat.uuid7()


def message_of(problem: ErrorDetails) -> str:
    """Returns pydantic's message, except for the kinds of problem whose message quotes the value."""
    kind = problem["type"]
    if kind in ("uuid_parsing", "uuid_type", "uuid_version"):
        return "must be a UUID"
    if kind == "json_invalid":
        return "is not JSON"
    if kind == "union_tag_invalid":
        return "is none of those that there are"
    if kind == "value_error":
        return problem["msg"].removeprefix("Value error, ")
    return problem["msg"]
