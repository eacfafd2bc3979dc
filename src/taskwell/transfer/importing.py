"""Reads a file into a user's account, in chunks: each is one unit of work, and its records have one revision.

What comes before the task that it names, such as a subtask, waits on disk until everything else was read, so that a file of any
length takes the same memory.
"""

import asyncio
import math
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import islice
from types import TracebackType
from typing import IO, Final, Self

from taskwell.accounts.owner import Owner, unit_for
from taskwell.database.connection import Database
from taskwell.database.unit_of_work import UnitOfWork
from taskwell.errors import ImportRefused, UnknownReference
from taskwell.transfer.candidates import Candidate, Checked, from_kept
from taskwell.transfer.exporting import patiently
from taskwell.transfer.foreign import Source
from taskwell.transfer.formats import READERS, FormatName
from taskwell.transfer.report import Report
from taskwell.transfer.writing import Written, write

RECORDS_PER_CHUNK: Final = 400
_WAITING_IN_MEMORY: Final = 256 * 1024

Progress = Callable[[int], None]
"""It is told how many bytes of the file have been read."""


@dataclass(frozen=True)
class Import:
    db: Database
    owner: Owner
    source: Source
    format: FormatName
    is_strict: bool = False
    on_progress: Progress | None = None

    async def run(self) -> Report:
        """Raises ImportRefused where a strict import cannot be done whole: then nothing was written.

        What can be told without the database is looked at first, in the whole file; the rest is one unit of work then, for which
        other writes of the user's wait.
        """
        if not self.is_strict:
            return await self._done(None)
        checked = Report()
        async for _ in self._chunks(self._candidates(checked)):
            pass
        _refuse(checked)
        async with unit_for(self.db, self.owner) as unit:
            report = await self._done(unit)
            _refuse(report)
        return report

    def _candidates(self, report: Report) -> Iterator[Candidate]:
        return Checked(self.owner.id, self.format, report).each(READERS[self.format](self.source))

    async def _chunks(self, candidates: Iterator[Candidate]) -> AsyncIterator[list[Candidate]]:
        while chunk := await asyncio.to_thread(lambda: list(islice(candidates, RECORDS_PER_CHUNK))):
            yield chunk
            if self.on_progress is not None:
                self.on_progress(self.source.position)

    async def _done(self, unit: UnitOfWork | None) -> Report:
        report = Report()
        with _Waiting() as waiting:
            async for chunk in self._chunks(self._candidates(report)):
                waiting.add(await self._written(unit, chunk, report))
            before = math.inf
            while 0 < waiting.count < before:  # each round makes at least those whose parents the round before has made
                before = waiting.count
                async for chunk in self._chunks(waiting.taken()):
                    waiting.add(await self._written(unit, chunk, report))
            for candidate in waiting.taken():
                names_it = "task_id" if candidate.kind == "occurrence" else "parent_id"
                (unknown,) = UnknownReference.at([names_it]).details["fields"]
                report.refuse(candidate.line, unknown["field"], unknown["code"], unknown["message"])
        return report

    async def _written(self, unit: UnitOfWork | None, chunk: Sequence[Candidate], report: Report) -> list[Candidate]:
        """Writes a chunk. Returns those that name a task which is not there yet."""
        written = await (patiently(lambda: self._alone(chunk)) if unit is None else write(unit, self.owner, chunk))
        report.add(written.report)
        return written.waiting

    async def _alone(self, chunk: Sequence[Candidate]) -> Written:
        async with unit_for(self.db, self.owner) as unit:
            return await write(unit, self.owner, chunk)


def _refuse(report: Report) -> None:
    if report.refused:
        raise ImportRefused(refused=report.refused, refusals=[refusal._asdict() for refusal in report.refusals])


class _Waiting:
    """What waits for the task that it names, on disk."""

    def __init__(self) -> None:
        self._files = ExitStack()
        self._file = self._new()
        self.count = 0

    def add(self, candidates: Sequence[Candidate]) -> None:
        self._file.writelines(candidate.kept() for candidate in candidates)
        self.count += len(candidates)

    def taken(self) -> Iterator[Candidate]:
        """All that wait; whoever takes them adds again those that have to wait on."""
        kept, self._file, self.count = self._file, self._new(), 0
        kept.seek(0)
        return map(from_kept, kept)

    def _new(self) -> IO[bytes]:
        return self._files.enter_context(tempfile.SpooledTemporaryFile(_WAITING_IN_MEMORY))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._files.close()
