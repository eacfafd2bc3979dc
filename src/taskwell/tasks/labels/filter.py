"""Which tasks carry some labels: from the keys of their names (types.name_key), as an argument."""

from typing import Any

from sqlalchemy import ColumnElement, or_

from taskwell.labels.statements import LABEL
from taskwell.records.names import are_missing, stored_names
from taskwell.tasks.tables import tasks


def carries_each(keys: ColumnElement[Any]) -> ColumnElement[bool]:
    """The task carries each of these labels. NULL: any task. Nothing carries a label that is not there."""
    return or_(keys.is_(None), tasks.c.labels.contains(stored_names(LABEL, keys)))


def is_unknown(keys: ColumnElement[Any]) -> ColumnElement[bool]:
    """One of these labels is not there."""
    return are_missing(stored_names(LABEL, keys))
