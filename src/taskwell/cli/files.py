"""Files that a command reads and writes; `-` is standard input or output."""

import io
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from taskwell.errors import CannotStart

STANDARD_STREAM = Path("-")


@contextmanager
def written(path: Path, *, force: bool) -> Iterator[int]:
    """A descriptor to write to. When the block has ended well, the complete file has its name."""
    if path == STANDARD_STREAM:
        yield sys.stdout.fileno()
        return
    try:
        target = Path(os.path.realpath(path))
        if target.exists() and not target.is_file():
            raise CannotStart(f"{path} is not an ordinary file: name another one, or - for standard output")
        if target.exists() and not force:
            raise CannotStart(f"{path} is there already: --force replaces it")
        with tempfile.NamedTemporaryFile(prefix=".taskwell-", dir=target.parent, delete=False) as draft:  # mode 0600
            try:
                yield draft.fileno()
                os.fsync(draft.fileno())
                Path(draft.name).rename(target)
            except BaseException:
                Path(draft.name).unlink()
                raise
    except OSError as error:
        raise CannotStart(f"{path} cannot be written: {error.strerror}") from error


@contextmanager
def opened(path: Path) -> Iterator[int]:
    """A descriptor to read from."""
    if path == STANDARD_STREAM:
        yield sys.stdin.fileno()
        return
    try:
        if path.is_dir():
            raise CannotStart(f"{path} cannot be read: it is a folder")
        source = os.open(path, os.O_RDONLY)
    except OSError as error:
        raise CannotStart(f"{path} cannot be read: {error.strerror}") from error
    try:
        yield source
    finally:
        os.close(source)


class ReadFile(io.FileIO):
    """A file that says in one line which it is where a read fails. An OSError of it would be taken for one of the database."""

    def __init__(self, descriptor: int, path: Path) -> None:
        super().__init__(descriptor, closefd=False)
        self._called = "standard input" if path == STANDARD_STREAM else str(path)

    def readinto(self, buffer: Any, /) -> int | None:
        try:
            return super().readinto(buffer)
        except OSError as error:
            raise CannotStart(f"{self._called} cannot be read: {error.strerror}") from error
