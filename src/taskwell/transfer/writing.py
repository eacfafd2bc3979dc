"""Writes a chunk of an import in a unit of work."""

from collections.abc import Sequence
from itertools import groupby
from typing import Final, NamedTuple

from taskwell.accounts.owner import Owner
from taskwell.database.unit_of_work import UnitOfWork
from taskwell.errors import UnknownReference
from taskwell.labels.statements import LABEL
from taskwell.lists.statements import LIST
from taskwell.tasks.many.creating import Created, Creating, Refused
from taskwell.tasks.occurrences.importing import import_occurrences
from taskwell.tasks.statements import TASK
from taskwell.transfer.candidates import Candidate
from taskwell.transfer.report import Report

_NOUNS: Final = {"list": LIST, "label": LABEL, "task": TASK}


class Written(NamedTuple):
    """What became of a chunk. `waiting` are those that name a task which is not there."""

    report: Report
    waiting: list[Candidate]


async def write(unit: UnitOfWork, owner: Owner, chunk: Sequence[Candidate]) -> Written:
    report, waiting = Report(), list[Candidate]()
    creating = Creating(unit, owner)

    async def create(kind: str, candidates: list[Candidate]) -> Created:
        if kind == "occurrence":
            return await import_occurrences(unit, owner, candidates)
        return await creating.create(_NOUNS[kind], candidates)

    # Occurrences wait for their tasks anyway. They go together, since each statement holds up the user's other writes.
    for kind, group in groupby(sorted(chunk, key=lambda one: one.kind == "occurrence"), key=lambda one: one.kind):
        candidates = list(group)
        created = await create(kind, candidates)
        report.created[kind] += len(created.rows)
        report.created["label"] += created.new_labels
        for one, fate in zip(candidates, created.fates, strict=True):
            if fate == "there_already":
                report.there_already[kind] += 1
            elif fate == "waiting":
                waiting.append(one)
            elif isinstance(fate, Refused):
                _refuse(report, one, fate)
    return Written(report, waiting)


def _refuse(report: Report, one: Candidate, refused: Refused) -> None:
    code, message = refused.error.code, refused.error.message
    if isinstance(refused.error, UnknownReference):
        (unknown,) = refused.error.details["fields"]
        code, message = unknown["code"], unknown["message"]
    report.refuse(one.line, refused.field, code, message)
