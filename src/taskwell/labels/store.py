"""What can be done with labels alone. What concerns tasks as well is in tasks/labels."""

from collections.abc import Sequence

from taskwell.accounts.owner import Owner, row_for
from taskwell.database.unit_of_work import UnitOfWork
from taskwell.errors import TooManyLabels
from taskwell.labels.statements import MAKE_LABELS
from taskwell.records.folding import fold_name
from taskwell.types import name_key, new_id


async def make_labels(unit: UnitOfWork, owner: Owner, names: Sequence[str]) -> None:
    """The labels of these names that are not there yet, under the revision that the unit's next write counts.

    Raises TooManyLabels.
    """
    row = await row_for(
        unit,
        MAKE_LABELS,
        owner,
        ids=[str(new_id()) for _ in names],
        names=[*names],
        keys=[name_key(name) for name in names],
        folds=[fold_name(name) for name in names],
    )
    if row is not None and row["is_full"]:
        raise TooManyLabels
