"""The finished occurrences of tasks, as an export has them, come back."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, Protocol

from pydantic import BaseModel, ConfigDict, ValidationInfo, field_validator

from taskwell.accounts.owner import Owner
from taskwell.database.statement_of_set import as_arrays
from taskwell.database.unit_of_work import UnitOfWork
from taskwell.tasks.due import Date, When
from taskwell.tasks.many.creating import Created, Fate
from taskwell.tasks.occurrences.statements import IMPORT_OCCURRENCES, IMPORTED
from taskwell.tasks.occurrences.store import as_stored
from taskwell.tasks.recurrence import Recurrence
from taskwell.tasks.statements import LOOK_UP_TASKS
from taskwell.types import Id


class NewOccurrence(BaseModel):
    """`occurrence` is the day of `due`, and may be left out."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    task_id: Id
    due: When
    start: When | None = None
    recurrence: Recurrence
    occurrence: Date | None = None

    @field_validator("occurrence")
    @classmethod
    def _is_the_day(cls, day: str | None, beside: ValidationInfo) -> str | None:
        due = beside.data.get("due")
        if day is not None and due is not None and day != due.date:
            raise ValueError("must be the day of due")
        return day


class FinishedOnce(Protocol):
    """`new` is a NewOccurrence."""

    @property
    def new(self) -> Any: ...
    @property
    def completed_at(self) -> datetime | None: ...


async def import_occurrences(unit: UnitOfWork, owner: Owner, records: Sequence[FinishedOnce]) -> Created:
    """The fate of each: it waits where its task is not there. One that is there stays, and so does a task that was deleted."""
    ids = list({str(one.new.task_id) for one in records})
    found = {row["id"]: row["is_live"] for row in await unit.rows(LOOK_UP_TASKS, owner=owner.id, ids=ids)}
    given = [_row(one) for one in records if found.get(one.new.task_id)]
    arguments = as_arrays(IMPORTED, given)
    made = await unit.rows(IMPORT_OCCURRENCES, owner=owner.id, issued_at=owner.issued_at, **arguments) if given else []
    new = {(row["task_id"], row["occurrence"]) for row in made}
    fates: list[Fate] = []
    for one in records:
        key = (one.new.task_id, date.fromisoformat(one.new.due.date))
        fates.append("waiting" if key[0] not in found else "made" if key in new else "there_already")
        new.discard(key)
    return Created(fates, made, 0)


def _row(one: FinishedOnce) -> dict[str, object]:
    new: NewOccurrence = one.new
    return {
        "task_id": new.task_id,
        "occurrence": date.fromisoformat(new.due.date),
        "due": as_stored(new.due),
        "start": None if new.start is None else as_stored(new.start),
        "recurrence": as_stored(new.recurrence),
        "completed_at": one.completed_at,
    }
