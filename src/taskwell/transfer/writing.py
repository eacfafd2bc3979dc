"""Writes a chunk of an import in a unit of work."""

from collections.abc import Sequence
from itertools import groupby
from typing import NamedTuple

from taskwell.accounts.owner import Owner
from taskwell.database.unit_of_work import UnitOfWork
from taskwell.errors import UnknownReference
from taskwell.tasks.many.creating import Creating, Refused
from taskwell.transfer.candidates import Candidate
from taskwell.transfer.report import Report


class Written(NamedTuple):
    """What became of a chunk. `waiting` are the tasks that name a task which is not there."""

    report: Report
    waiting: list[Candidate]


async def write(unit: UnitOfWork, owner: Owner, chunk: Sequence[Candidate]) -> Written:
    report, waiting = Report(), list[Candidate]()
    creating = Creating(unit, owner)
    for kind, group in groupby(chunk, key=lambda one: one.kind):
        candidates = list(group)
        created = await creating.create(kind, candidates)
        report.created[kind.name] += len(created.rows)
        report.created["label"] += created.new_labels
        for one, fate in zip(candidates, created.fates, strict=True):
            if fate == "there_already":
                report.there_already[kind.name] += 1
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
