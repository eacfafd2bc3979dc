"""A write of a task that uses a label for the first time makes it."""

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from taskwell.accounts.owner import Owner, unit_for
from taskwell.database.rows import Rows
from taskwell.database.unit_of_work import UnitOfWork, Writable
from taskwell.labels.store import make_labels
from taskwell.records.store import NewNames

T = TypeVar("T")


async def with_new_labels(db: Writable, owner: Owner, names: Sequence[str], write: Callable[[Rows], Awaitable[T]]) -> T:
    """The write of a task with these labels. Where one is new, it is done in a unit of work together with making the label.

    So the limit of labels is exact, and a write that is refused makes none. Raises what the write raises, and TooManyLabels.
    """
    try:
        return await write(db)
    except NewNames:
        pass
    async with unit_for(db, owner) as unit:
        await make_labels(unit, owner, names)
        return await write(unit)


async def with_labels_of_unit(unit: UnitOfWork, owner: Owner, names: Sequence[str], write: Callable[[], Awaitable[T]]) -> T:
    """The same for a write within a unit of work."""
    try:
        return await write()
    except NewNames:
        await make_labels(unit, owner, names)
        return await write()
