"""`taskwell export` and `taskwell import`: everything of one account's."""

import io
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Annotated

import typer
from pydantic import TypeAdapter, ValidationError

from taskwell.accounts.store import find_account, read_account
from taskwell.cli.database import DataDir, existing_database, with_database
from taskwell.cli.ending import Ending
from taskwell.cli.files import STANDARD_STREAM, ReadFile, opened, written
from taskwell.database.connection import Database
from taskwell.encoding import is_utf8
from taskwell.errors import CannotStart, ImportRefused, InvalidInput
from taskwell.observability import say, says_json
from taskwell.transfer.exporting import export
from taskwell.transfer.foreign import Source
from taskwell.transfer.formats import READERS, FormatName, format_of
from taskwell.transfer.importing import Import
from taskwell.transfer.report import Refusal, Report
from taskwell.types import ListName, trimmed

User = Annotated[str, typer.Option("--user", callback=trimmed, help="The account: its e-mail address, or its id.")]

_BACKUP_ID = re.compile(r" \[\w+\]$")
"""Todoist's backups have the project's id behind its name."""


def _list_name(text: str) -> str:
    if not is_utf8(text):
        raise typer.BadParameter("is not UTF-8")
    try:
        return TypeAdapter[str](ListName).validate_python(text)
    except ValidationError as error:
        raise typer.BadParameter(error.errors()[0]["msg"].removeprefix("Value error, ")) from None


def export_(
    user: User,
    file: Annotated[Path, typer.Argument(help="Where to write it; - is standard output.")] = STANDARD_STREAM,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there.")] = False,
    data_dir: DataDir = None,
) -> None:
    """Write everything of an account's as JSON Lines, which `taskwell import` reads."""
    settings = existing_database(data_dir)

    async def work(db: Database) -> None:
        owner = await find_account(db, user)
        account = (await read_account(db, owner)).json
        with written(file, force=force) as to:
            async for lines in export(db, owner, account):
                _write_all(to, lines)

    with Ending().heard():
        with_database(settings, work)


def import_(
    file: Annotated[Path, typer.Argument(help="The file; - is standard input.")],
    user: User,
    format_: Annotated[
        str | None, typer.Option("--format", metavar="FORMAT", help=f"Where its beginning does not say it: {', '.join(READERS)}.")
    ] = None,
    list_name: Annotated[
        str | None,
        typer.Option(
            "--list",
            parser=_list_name,
            metavar="NAME",
            help="The list of what names none: for a CSV file the file's name, else the inbox.",
        ),
    ] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Import nothing where a line is refused.")] = False,
    data_dir: DataDir = None,
) -> None:
    """Read a file into an account: an export of Taskwell's, or of another program. The same file once more changes nothing."""
    settings = existing_database(data_dir)
    with _seekable(file) as source, _progress(source) as on_progress:
        named = _format(Source(source), format_)
        if list_name is None and named == "todoist" and file != STANDARD_STREAM:
            with suppress(typer.BadParameter):  # a file may be called what no list can be
                list_name = _list_name(_BACKUP_ID.sub("", file.stem))

        async def work(db: Database) -> Report:
            owner = await find_account(db, user)
            return await Import(db, owner, Source(source, list_name), named, is_strict=strict, on_progress=on_progress).run()

        try:
            report = with_database(settings, work)
        except ImportRefused as error:
            _say_refusals([Refusal(**one) for one in error.details["refusals"]], error.details["refused"])
            raise
    _say(named, report)


def _format(source: Source, said: str | None) -> FormatName:
    named = next((name for name in READERS if name == said), None) if said else format_of(source)
    if named is None:
        raise InvalidInput(f"this is none of {', '.join(READERS)}, by its beginning: --format says which it is")
    return named


def _say(named: FormatName, report: Report) -> None:
    for one in report.left_out:
        print(f"no place here: {one.what} ({one.records}, the first on line {one.line})")
    kinds = sorted(report.created.keys() | report.there_already.keys())
    counts = [f"{report.created[kind]} {kind}s made, {report.there_already[kind]} there already" for kind in kinds]
    print(f"{named}: {'; '.join(counts) or 'nothing to import'}.")
    _say_refusals(report.refusals, report.refused)


def _say_refusals(refusals: list[Refusal], count: int) -> None:
    for one in refusals:
        say(f"line {one.line}: {one.field + ': ' if one.field else ''}{one.message}", event="line_refused", level="warning")
    if count > len(refusals):
        say(f"and {count - len(refusals)} more", event="line_refused", level="warning")


@contextmanager
def _seekable(path: Path) -> Iterator[IO[bytes]]:
    """The file. What cannot be read twice, such as standard input, is copied first."""
    with opened(path) as descriptor, io.BufferedReader(ReadFile(descriptor, path)) as source:
        if source.seekable():
            yield source
            return
        with _copied(source) as copy:
            yield copy


def _copied(source: IO[bytes]) -> IO[bytes]:
    try:
        with tempfile.TemporaryFile() as copy:
            shutil.copyfileobj(source, copy)
            copy.flush()
            return os.fdopen(os.dup(copy.fileno()), "rb")
    except OSError as error:
        raise CannotStart(
            f"what cannot be read twice is copied first, and the copy cannot be written ({error.strerror}): "
            "TMPDIR names a folder that has room for it"
        ) from error


@contextmanager
def _progress(source: IO[bytes]) -> Iterator[Callable[[int], None]]:
    """On a terminal, a bar of how much of the file has been read."""
    if says_json() or not sys.stderr.isatty():
        yield lambda _: None
        return
    size = source.seek(0, os.SEEK_END)
    with typer.progressbar(length=size, label="importing", file=sys.stderr) as bar:
        yield lambda position: bar.update(max(0, position - bar.pos))
        bar.update(size - bar.pos)


def _write_all(to: int, content: bytes) -> None:
    try:
        while content:
            content = content[os.write(to, content) :]
    except OSError as error:
        raise CannotStart(f"the export cannot be written: {error.strerror}") from error
