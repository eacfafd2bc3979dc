"""The request that operations get. It is Starlette's, with its headers in a dictionary, and it limits how a body is read."""

import asyncio
import json
import random
import re
from collections.abc import Iterable
from contextlib import suppress
from typing import IO
from urllib.parse import quote
from uuid import UUID

from starlette.requests import Request
from starlette.types import Receive, Scope

from taskwell.encoding import AmbiguousJson, strict_decoder
from taskwell.errors import InvalidInput
from taskwell.identity.tokens import Claims
from taskwell.web.refusals import BodyTooLarge, BodyTooSlow, MalformedRequest, UnsupportedMediaType, invalid
from taskwell.web.services import Services

BODY_SECONDS = 30.0
DRAINED_BYTES = 8 * 1024 * 1024
DRAINED_SECONDS = 2.0
DRAINED_PAUSE_SECONDS = 0.25
"""How much of a body is read on after the request is refused, for how long in all, and how long for the next piece of it."""

FIELDS_PER_OBJECT = 100
"""One object has at most this many fields. A model that complains about a hundred thousand of them delays all other requests."""

JSON_DEPTH = 32
"""Lists and objects may be nested this deep."""

_NO_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_SANE_ID = re.compile(rb"[A-Za-z0-9._~-]{1,128}")
_JSON = strict_decoder(FIELDS_PER_OBJECT)
_IN_A_PATH = "/:@!$&'()*+,;="  # a path may hold these (RFC 3986 3.3), beside what `quote` never touches
_AS_IT_IS = re.compile(r"[A-Za-z0-9/_.~-]*")
_CHARSET = re.compile(r'charset\s*=\s*"?utf-?8"?', re.IGNORECASE)


class ApiRequest(Request):
    def __init__(self, scope: Scope, receive: Receive, services: Services) -> None:
        super().__init__(scope, receive)
        self.services = services
        headers = scope["headers"]
        self.fields: dict[bytes, bytes] = dict(headers)
        if len(self.fields) != len(headers):
            self.fields = joined_headers(headers)
        given = self.fields.get(b"x-request-id")
        # The id only names the request, and is not a secret. So it need not cost a system call.
        self.id = given if given is not None and _SANE_ID.fullmatch(given) else b"%016x" % random.getrandbits(64)
        self.user_id: UUID | None = None  # the log shows it, once it is known
        self.scopes: frozenset[str] = frozenset()  # of whoever that is
        self.claims: Claims | None = None  # of the same, once the token is read
        self.accepts_basic = False  # the challenge of a 401 depends on it
        self.path: str = scope["path"]  # the router takes the prefix away
        self.template = ""  # the router sets it, once the path is known
        self._is_read = False  # to its last byte, or as far as it came

    async def read(self, most: int) -> bytes:
        """Reads the whole body. Raises BodyTooLarge, BodyTooSlow and MalformedRequest."""
        self.refuse_larger(most)
        try:
            # The server waits for the rest of a half-sent body for as long as the client likes.
            async with asyncio.timeout(BODY_SECONDS):
                return await self._receive_all(most)
        except TimeoutError:
            raise BodyTooSlow from None

    async def _receive_all(self, most: int) -> bytes:
        chunks: list[bytes] = []
        size = 0
        while True:
            chunk, is_last = await self._receive_chunk()
            size += len(chunk)
            if size > most:
                raise BodyTooLarge(most)
            chunks.append(chunk)
            if is_last:
                return chunks[0] if len(chunks) == 1 else b"".join(chunks)

    async def _receive_chunk(self) -> tuple[bytes, bool]:
        """The next piece of the body, and whether it is the last one."""
        message = await self._receive()
        self._is_read = not message.get("more_body", False)
        if message["type"] == "http.disconnect":
            # The chunks are malformed, or the client hung up, maybe only for sending. Only the server knows which. An answer is
            # sent all the same, because the server takes an application that does not answer for one that failed.
            raise MalformedRequest("The body is malformed, or ended before it was complete.")
        return message.get("body", b""), self._is_read

    async def drain(self) -> None:
        """Reads on and forgets it, so that a client who is still sending gets the refusal that follows.

        A connection that is closed with something unread is reset, and the answer is lost with it: Caddy made a 502 of a 413.
        """
        length = self.fields.get(b"content-length")
        is_sent = b"transfer-encoding" in self.fields if length is None else 0 < int(length[:20]) <= DRAINED_BYTES
        # A client that expects a word before it sends anything is told not to, by the answer.
        if self._is_read or not is_sent or b"expect" in self.fields:
            return
        size = 0
        with suppress(TimeoutError, MalformedRequest):
            async with asyncio.timeout(DRAINED_SECONDS):
                while size <= DRAINED_BYTES and not self._is_read:
                    async with asyncio.timeout(DRAINED_PAUSE_SECONDS):
                        size += len((await self._receive_chunk())[0])

    async def save(self, file: IO[bytes], most: int, seconds: float) -> None:
        """Reads the whole body into a file. Raises what `read` raises, and what the file raises."""
        try:
            async with asyncio.timeout(seconds):
                size, is_last = 0, False
                while not is_last:
                    chunk, is_last = await self._receive_chunk()
                    size += len(chunk)
                    if size > most:
                        raise BodyTooLarge(most)
                    await asyncio.to_thread(file.write, chunk)
        except TimeoutError:
            raise BodyTooSlow from None

    def refuse_larger(self, most: int) -> None:
        """Raises BodyTooLarge for a body that says that it is."""
        if int(self.fields.get(b"content-length", b"0")[:20]) > most:
            raise BodyTooLarge(most)

    def require_media_type(self, *accepted: str) -> None:
        """Raises UnsupportedMediaType for another type, another charset than UTF-8, and any compression."""
        media_type, _, parameters = self.fields.get(b"content-type", b"").decode("latin-1").partition(";")
        parameters = parameters.strip()
        if (
            media_type.strip().lower() not in accepted
            or (parameters and not _CHARSET.fullmatch(parameters))
            or self.fields.get(b"content-encoding", b"identity").lower() != b"identity"
        ):
            raise UnsupportedMediaType(*accepted)


def address(request: ApiRequest) -> bytes:
    """Returns the path of this request as a `Link` or a `Location` writes it: with the prefix, and percent-encoded."""
    path = request.path if _AS_IT_IS.fullmatch(request.path) else quote(request.path, safe=_IN_A_PATH)
    return (request.services.prefix.of(request) + path).encode()


def is_flat(body: bytes) -> bool:
    """Whether it can be no more than one object without lists, objects and escapes in it."""
    return body.count(b"{") == 1 and b"[" not in body and b"\\" not in body


def names_in_flat(body: bytes) -> int:
    """How many names a flat object has, each as often as it comes."""
    # Without escapes, every quotation mark begins or ends a string, and outside of strings a colon follows each name alone.
    return b"".join(body.split(b'"')[::2]).count(b":")


def check_json(body: bytes, structure: int) -> None:
    """Refuses what JSON parsers disagree on: duplicate names, NaN and Infinity, byte order marks, other encodings.

    The models parse the same bytes as well, with a parser that silently takes the last of two equal names. `structure` is how
    many bytes may stand outside of strings. Raises InvalidInput.
    """
    if len(body) > structure or body.count(b"[") + body.count(b"{") > JSON_DEPTH:
        _check_structure(body, structure)
    try:
        _JSON.decode(body.decode())
    except UnicodeDecodeError:
        raise _invalid_json("is not UTF-8") from None
    except json.JSONDecodeError as error:
        raise _invalid_json(f"is not JSON (line {error.lineno}, column {error.colno})") from None
    except AmbiguousJson as error:
        raise _invalid_json(str(error)) from None
    except RecursionError:
        raise _invalid_json("is nested too deeply") from None
    except ValueError:  # it is an integer of thousands of digits
        raise _invalid_json("holds a number that is too long") from None


def _check_structure(body: bytes, structure: int) -> None:
    """Counts what is costly to parse, before anything is parsed.

    A text of 200 KB is parsed in a millisecond and a list of 68,000 lists in 350, while all other requests wait.
    """
    # Only strings have escapes. Without them, every quote that is left begins or ends a string.
    text = body.replace(b"\\\\", b"").replace(b'\\"', b"")
    if text.count(b'"') > structure:
        raise _invalid_json("holds too many values")
    outside = b"".join(text.split(b'"')[::2]).translate(None, b" \t\r\n")
    if len(outside) > structure:
        raise _invalid_json("holds too many values, or numbers that are too long")
    depth = 0
    for byte in outside.translate(None, _NO_BRACKETS):
        depth += (byte in b"[{") - (byte in b"]}")
        if depth > JSON_DEPTH:
            raise _invalid_json("is nested too deeply")


def _invalid_json(problem: str) -> InvalidInput:
    return invalid("body", None, "json_invalid", f"the body {problem}")


def joined_headers(headers: Iterable[tuple[bytes, bytes]]) -> dict[bytes, bytes]:
    """Joins the values of a repeated header into one list (RFC 9110 5.3).

    For a header that must not be repeated, such a list is not a valid value.
    """
    fields: dict[bytes, bytes] = {}
    for name, value in headers:
        fields[name] = fields[name] + b", " + value if name in fields else value
    return fields
