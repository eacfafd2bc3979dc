"""Moving a record among its siblings: it gets a key between its neighbours' (positions.py), and no other record is changed.

Only where there is no room between two keys, since they are equal or the new one would be too long, the whole row of siblings is
spread anew, under the same revision.
"""

from typing import Any, NamedTuple
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from taskwell.accounts.owner import Owner, row_for
from taskwell.database.statement import Statement
from taskwell.database.unit_of_work import UnitOfWork
from taskwell.errors import InvalidInput, UnknownReference
from taskwell.records.positions import between
from taskwell.types import POSITION_LENGTH, Id


class Move(BaseModel):
    """POST .../move: before or after a sibling, or to the end. A move that has been made changes nothing when it is repeated."""

    # To the end: what works everywhere, where ids of an API page's own making would be nobody's.
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, json_schema_extra={"examples": [{}]})

    before: Id | None = None
    after: Id | None = None

    @property
    def neighbour(self) -> UUID | None:
        return self.before or self.after

    def check(self) -> None:
        """Raises InvalidInput."""
        if self.before is not None and self.after is not None:
            raise InvalidInput.of("after", "not_with_before", "name the one before or the one after, and not both")


class Row(NamedTuple):
    """The statements for one row of siblings, and what they take besides the record and the neighbour (records/ordering.py)."""

    neighbours: Statement
    spread: Statement
    arguments: dict[str, Any]


async def position_for(
    unit: UnitOfWork, owner: Owner, row: Row, record: dict[str, UUID], move: Move, now: str, *, is_there: bool
) -> str:
    """The key that the record, which `record` names, has to get, by a change that the caller makes.

    `now` is the key that it has, and which it keeps where it `is_there`, in this row already, and stands right.
    Raises UnknownReference.
    """
    lower, upper, last = await _room(unit, owner, row, record, move)
    if is_there and lower < now and (upper is None or now < upper):
        return now
    key = _key(lower, upper, last, now)
    if key is None:
        await row_for(unit, row.spread, owner, **record, **row.arguments)
        key = _key(*await _room(unit, owner, row, record, move), now)
        assert key is not None
    return key


async def _room(unit: UnitOfWork, owner: Owner, row: Row, record: dict[str, UUID], move: Move) -> tuple[str, str | None, str]:
    """The keys between which the new one has to be, and the one for the end."""
    found = await row_for(unit, row.neighbours, owner, **record, **row.arguments, neighbour=move.neighbour)
    assert found is not None  # the unit has locked the owner
    if move.neighbour is None:
        return found["last"] or "", None, found["at_the_end"]
    if found["near"] is None:
        raise UnknownReference.at(["after" if move.before is None else "before"])
    if move.before is not None:
        return found["preceding"] or "", found["near"], found["at_the_end"]
    return found["near"], found["following"], found["at_the_end"]


def _key(lower: str, upper: str | None, last: str, now: str) -> str | None:
    """None: there is no room."""
    if upper is not None and lower >= upper:
        return None
    key = last if upper is None and lower < last else between(lower, upper)
    if key == now:
        # The same key would not say that it is meant, and no change would take the revision of those that were spread.
        key = between(lower, key)
    return key if len(key) < POSITION_LENGTH else None
