"""What a file of any format is read into: one kind of record, whose content has the names that Taskwell's own has.

A reader gives these in the order of the file. What it cannot read it says (`Unreadable`), and what of a record has no place in
Taskwell it names (`left_out`): nothing is dropped in silence.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import wraps
from typing import IO, Any, Concatenate, Literal, ParamSpec, Protocol, TextIO

from taskwell.transfer.text import opened

RecordKind = Literal["list", "label", "task", "occurrence"]


@dataclass(frozen=True, slots=True)
class ForeignRecord:
    """`key` names the record within its file, and `refers` gives, by field, the key of each record that it names."""

    kind: RecordKind
    line: int
    key: str
    content: Mapping[str, Any]
    refers: Mapping[str, str] = field(default_factory=dict)
    created_at: object = None
    completed_at: object = None
    left_out: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Unreadable:
    """What stands at this line cannot be read. The message lacks its subject, and never quotes the file."""

    line: int
    message: str


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Something that is no record of Taskwell's, by what it is."""

    line: int
    what: str


Item = ForeignRecord | Unreadable | LeftOut
_Given = ParamSpec("_Given")


def or_unreadable(make: Callable[Concatenate[int, _Given], Item]) -> Callable[Concatenate[int, _Given], Item]:
    """The function makes one record of what stands at a line. Where it fails, on a value of a shape or size that nobody thought
    of, that is one line that cannot be read: what comes before it may be written already, and what comes behind goes in too."""

    @wraps(make)
    def made(line: int, /, *given: _Given.args, **named: _Given.kwargs) -> Item:
        try:
            return make(line, *given, **named)
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
            return Unreadable(line, "holds a value that cannot be read")

    return made


class Source:
    """A file that is read from its beginning, as often as a reader needs. `list_name` is for what says no list of its own."""

    def __init__(self, file: IO[bytes], list_name: str | None = None) -> None:
        self._file = file
        self.list_name = list_name

    def text(self) -> TextIO:
        self._file.seek(0)
        return opened(self._file)

    def lines(self, most: int) -> Iterator[bytes | None]:
        """The lines as bytes; None for one that is longer than `most`."""
        self._file.seek(0)
        while raw := self._file.readline(most + 1):
            if len(raw) <= most:
                yield raw
                continue
            while raw and not raw.endswith(b"\n"):
                raw = self._file.readline(most)
            yield None

    def head(self, size: int) -> str:
        self._file.seek(0)
        return opened(self._file).read(size)

    @property
    def position(self) -> int:
        """How many bytes of the file have been read."""
        return self._file.tell()


class Reader(Protocol):
    def __call__(self, source: Source) -> Iterator[Item]: ...
