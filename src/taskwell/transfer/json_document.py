"""Reads a JSON document piece by piece, so that only one record of it is in memory, however long the document is."""

import json
from collections.abc import Iterator
from typing import Any, NamedTuple, TextIO

from taskwell.encoding import AmbiguousJson, strict_decoder

VALUE_LENGTH = 4 * 1024 * 1024
"""One record of a document has at most this many characters."""

LISTS_PER_DOCUMENT = 10_000
"""Their keys are kept until the end; of a user's lists there are 500 at most."""

_PIECE = 64 * 1024
_JSON = strict_decoder()
_BLANK = " \t\r\n"


class BrokenDocument(Exception):
    """From here on the document cannot be read. The message lacks its subject."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(message)
        self.line = line
        self.message = message


class JsonDocument:
    """A place in the document, which whoever reads it moves on. Everything raises BrokenDocument."""

    def __init__(self, text: TextIO) -> None:
        self._text = text
        self._buffer = ""
        self._at = 0
        self._before = 0
        self.line = 1

    @property
    def position(self) -> int:
        """How many characters have been read."""
        return self._before + self._at

    def peek(self) -> str:
        """The character with which the next value or sign begins; an empty text at the end."""
        while True:
            begin = self._at
            while self._at < len(self._buffer) and self._buffer[self._at] in _BLANK:
                self._at += 1
            self.line += self._buffer.count("\n", begin, self._at)
            if self._at < len(self._buffer):
                return self._buffer[self._at]
            if not self._fill():
                return ""

    def value(self) -> Any:
        """The next value, whole."""
        self.peek()
        while True:
            try:
                value, end = _JSON.raw_decode(self._buffer, self._at)
            except json.JSONDecodeError:
                if self._fill():
                    continue
                raise self._broken("is not JSON, or ends before its end") from None
            except RecursionError:
                raise self._broken("is nested too deeply") from None
            except AmbiguousJson as error:
                raise self._broken(str(error)) from None
            except ValueError:  # it is an integer of thousands of digits
                raise self._broken("holds a number that is too long") from None
            if end == len(self._buffer) and self._fill():
                continue  # a number may go on
            self.line += self._buffer.count("\n", self._at, end)
            self._at = end
            return value

    def members(self) -> Iterator[str]:
        """The names of an object, each before its value, which whoever asks for them has to read."""
        self._take("{")
        if self.peek() == "}":
            self._take("}")
            return
        while True:
            name = self.value()
            if not isinstance(name, str):
                raise self._broken("has an object without names")
            self._take(":")
            yield name
            if self.peek() == "}":
                self._take("}")
                return
            self._take(",")

    def elements(self) -> Iterator[None]:
        """Once before each element of an array, which whoever asks for them has to read."""
        self._take("[")
        if self.peek() == "]":
            self._take("]")
            return
        while True:
            yield
            if self.peek() == "]":
                self._take("]")
                return
            self._take(",")

    def _take(self, sign: str) -> None:
        if self.peek() != sign:
            raise self._broken("is not JSON, or not of this format")
        self._at += 1

    def _fill(self) -> bool:
        kept = self._buffer[self._at :]
        if len(kept) > VALUE_LENGTH:
            raise self._broken("holds a value that is too long")
        # As much again as there is: a value that is cut is parsed once more with each piece.
        more = self._text.read(max(_PIECE, len(kept)))
        self._before += self._at
        self._buffer, self._at = kept + more, 0
        return bool(more)

    def _broken(self, message: str) -> BrokenDocument:
        return BrokenDocument(self.line, message)


class Collected(NamedTuple):
    """An element of an inner array, or (`is_outer`) what else stands in the outer element of that place."""

    place: int
    line: int
    value: Any
    is_outer: bool


def list_key(keys: dict[int, str], place: int, line: int, value: dict[str, Any]) -> str:
    """The key of the list at this place, which `keys` has from here on. Raises BrokenDocument where these are too many."""
    if len(keys) >= LISTS_PER_DOCUMENT:
        raise BrokenDocument(line, f"is behind more than {LISTS_PER_DOCUMENT} lists")
    return keys.setdefault(place, str(value.get("id") or f"place {place}"))


def collections(document: JsonDocument, outer: frozenset[str], inner: frozenset[str]) -> Iterator[Collected]:
    """Walks over an array of objects that each hold an array: lists with their tasks.

    The outer array is the document itself, or stands in it under one of the names `outer`; an inner one is under one of `inner`,
    maybe within an object under one of `outer`. What is outer comes after what is in it.
    """
    if document.peek() == "{":
        for name in document.members():
            if name in outer and document.peek() == "[":
                yield from _elements(document, outer, inner)
            else:
                document.value()
    else:
        yield from _elements(document, outer, inner)


def _elements(document: JsonDocument, outer: frozenset[str], inner: frozenset[str]) -> Iterator[Collected]:
    for place, _ in enumerate(document.elements()):
        begin = document.peek()
        line = document.line
        if begin != "{":
            yield Collected(place, line, document.value(), is_outer=True)
            continue
        rest: dict[str, Any] = {}
        at, length = document.position, 0
        for name in document.members():
            if name not in inner or document.peek() not in ("[", "{"):
                rest[name] = document.value()
                length += document.position - at
                if length > VALUE_LENGTH:
                    raise BrokenDocument(line, "is a record that is too long")
            elif document.peek() == "[":
                yield from _inner(document, place)
            else:
                for below in document.members():
                    if below in outer and document.peek() == "[":
                        yield from _inner(document, place)
                    else:
                        document.value()
            at = document.position
        yield Collected(place, line, rest, is_outer=True)


def _inner(document: JsonDocument, place: int) -> Iterator[Collected]:
    for _ in document.elements():
        document.peek()
        line = document.line
        yield Collected(place, line, document.value(), is_outer=False)
