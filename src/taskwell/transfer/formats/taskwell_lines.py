"""Taskwell's own export: JSON Lines, a record on each, which says its `kind`. Ids stay what they were.

A record without an id, as somebody writes it by hand, gets one that follows from what it says, so that it is made once as well.
"""

import json
from collections.abc import Iterator
from typing import Any, Final, cast, get_args

from taskwell.encoding import AmbiguousJson, sha256_text, strict_decoder
from taskwell.transfer.foreign import ForeignRecord, Item, LeftOut, RecordKind, Source, Unreadable, or_unreadable

LINE_LENGTH_OF_EXPORT: Final = 1024 * 1024
_JSON = strict_decoder()
_REFERENCES: Final = frozenset({"list_id", "parent_id", "task_id"})
_NO_CONTENT: Final = frozenset(
    {"kind", "id", "user_id", "created_at", "updated_at", "completed_at", "completed_occurrence", "revision", "etag"}
)
"""What is no content of a record, or follows from others, as a task's last occurrence does from its occurrences."""


def read(source: Source) -> Iterator[Item]:
    for number, raw in enumerate(source.lines(LINE_LENGTH_OF_EXPORT), start=1):
        if raw is None:
            yield Unreadable(number, f"is longer than {LINE_LENGTH_OF_EXPORT} bytes")
        elif raw.strip():
            yield _record(number, raw)


@or_unreadable
def _record(number: int, raw: bytes) -> Item:
    value = _parsed(raw)
    if isinstance(value, str):
        return Unreadable(number, value)
    kind = value.get("kind")
    if kind == "account":
        return LeftOut(number, "accounts")
    if kind not in get_args(RecordKind):
        return Unreadable(number, "does not say the kind of a record: list, label, task or occurrence")
    refers = {name: value[name] for name in _REFERENCES if isinstance(value.get(name), str)}
    content = {name: said for name, said in value.items() if name not in _NO_CONTENT and name not in refers}
    key = value.get("id")
    if not isinstance(key, str):
        key = sha256_text(json.dumps(value, sort_keys=True).encode())
    return ForeignRecord(
        cast("RecordKind", kind), number, key, content, refers, value.get("created_at"), value.get("completed_at")
    )


def _parsed(raw: bytes) -> dict[str, Any] | str:
    """The object, or what is wrong with it."""
    try:
        value = _JSON.decode(raw.decode("utf-8-sig"))
    except UnicodeDecodeError:
        return "is not UTF-8"
    except json.JSONDecodeError as error:
        return f"is not JSON (column {error.colno})"
    except AmbiguousJson as error:
        return str(error)
    except RecursionError:
        return "is nested too deeply"
    except ValueError:  # it is an integer of thousands of digits
        return "holds a number that is too long"
    return value if isinstance(value, dict) else "is no JSON object"
