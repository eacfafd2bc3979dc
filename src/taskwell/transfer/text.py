"""What foreign files write as text: encodings, HTML, times and days."""

import codecs
import html
import io
import re
from datetime import UTC, datetime
from typing import IO, Any, TextIO
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


class _Unowned(io.BufferedReader):
    """It leaves the file open, whoever forgets it: the file is read again from its beginning."""

    def close(self) -> None:
        pass


def opened(file: IO[bytes]) -> TextIO:
    """UTF-8 with or without a byte order mark, or UTF-16 with one. A byte that is neither becomes a lone surrogate, which no
    text of Taskwell's may hold: so it is the record around it that is refused, and not the file."""
    begin = file.read(2)
    file.seek(0)
    encoding, errors = ("utf-16", "replace") if begin in _UTF16 else ("utf-8-sig", "surrogateescape")
    return io.TextIOWrapper(_Unowned(file), encoding=encoding, errors=errors, newline="")  # type: ignore[arg-type]


def object_of(value: object) -> dict[str, Any]:
    """The JSON object; an empty one in the place of anything else."""
    return value if isinstance(value, dict) else {}


def objects_of(value: object) -> list[dict[str, Any]]:
    """The objects of a JSON array."""
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


# ---- HTML --------------------------------------------------------------------------------------------------------------

_BLOCKS = frozenset({"p", "div", "br", "li", "ul", "ol", "tr", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote", "pre"})
_HTML = re.compile(
    r"<!--(?s:.*?-->|.*)"
    r"|<(script|style|title)(?=[\s/>])(?s:.*?</\1[^<>]*>|.*)"
    r"""|<(/?)([a-z][^\s/<>]*+)(?:"[^"<]*+"|'[^'<]*+'|[^"'<>]++|["'])*+>"""
    r"|<[!?/][^<>]*>",
    re.IGNORECASE,
)
"""Comments, what is not shown, tags, and declarations.

Python's HTMLParser takes the square of the length of a text whose tags do not end. Here no attempt goes beyond the next `<`, but
for those that take the rest of the text then.
"""


def _without_tag(tag: re.Match[str]) -> str:
    if (tag[3] or "").lower() not in _BLOCKS:
        return ""
    return "\n- " if tag[3].lower() == "li" and not tag[2] else "\n"


def without_html(text: object) -> object:
    """The text that a browser would show of it. What is no text stays as it is."""
    if not isinstance(text, str) or "<" not in text:
        return text
    plain = html.unescape(_HTML.sub(_without_tag, text))
    return re.sub(r"\n{3,}", "\n\n", "\n".join(line.strip(" \t") for line in plain.split("\n"))).strip()


# ---- times -------------------------------------------------------------------------------------------------------------


def moment(value: object) -> datetime | None:
    """The time that an RFC 3339 text names; None for what names none, and for year 1, by which Go means that there is none."""
    if isinstance(value, datetime):
        return value
    if not isinstance(value, str):
        return None
    try:
        # Microsoft writes seven digits of a second, of which Python reads six.
        time = datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", value.upper()))  # the T and the Z may be small
        return None if time.year <= 1 else (time if time.tzinfo else time.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def is_zone(name: object) -> bool:
    if not isinstance(name, str) or not re.fullmatch(r"[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+){0,2}", name):
        return False
    try:
        ZoneInfo(name)
    except (ValueError, OSError, ZoneInfoNotFoundError):
        return False
    return True


def day(time: datetime) -> dict[str, str]:
    """A day, as `due` and `start` have one."""
    return {"date": time.date().isoformat()}


def day_and_time(time: datetime, zone: str | None = None) -> dict[str, str]:
    """A wall time, in the zone or, without one, wherever the user is."""
    return {**day(time), "time": time.strftime("%H:%M:%S")} | ({} if zone is None else {"time_zone": zone})


def instant(time: datetime) -> dict[str, str]:
    return day_and_time(time.astimezone(UTC), "UTC")


def reminder_at(time: datetime) -> dict[str, object]:
    return {"at": time.astimezone(UTC).isoformat()}


def reminder_before(minutes: int) -> dict[str, object]:
    return {"minutes_before": minutes}
