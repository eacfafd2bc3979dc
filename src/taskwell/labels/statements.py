"""The SQL of labels alone. What concerns the tasks that carry them as well is in tasks/labels/statements.py."""

from sqlalchemy import ARRAY, FromClause, Text, Uuid, and_, cast, func, select, true
from sqlalchemy.dialects.postgresql import insert

from taskwell.accounts.may_act import owner
from taskwell.database.statement import Statement, argument
from taskwell.labels.requests import LabelChanges, NewLabel, WholeLabel
from taskwell.labels.tables import CountedLabel, LabelView, labels
from taskwell.records import many, reading, writing
from taskwell.records.asked import ONE
from taskwell.records.folding import fold_name
from taskwell.records.kinds import Kind
from taskwell.records.names import given_texts
from taskwell.records.writing import Values

LABELS_PER_USER = 1_000
"""One user can have this many labels."""

LABEL = Kind("label", labels, LabelView, NewLabel, WholeLabel, LabelChanges, searched={"name": fold_name}, item=CountedLabel)

_me = ONE.me()
_given = given_texts(
    id=argument("ids", ARRAY(Text())),
    name=argument("names", ARRAY(Text())),
    key=argument("keys", ARRAY(Text())),
    folded=argument("folds", ARRAY(Text())),
)
_missing = (
    select(*_given.c)
    .select_from(_given.outerjoin(labels, and_(LABEL.live, labels.c.key == _given.c.key)))
    .where(labels.c.id.is_(None))
    .cte("missing")
)
_there = select(func.count()).select_from(labels).where(LABEL.live).scalar_subquery()
_number = _there + select(func.count()).select_from(_missing).scalar_subquery()
_stamped = (
    select((_me.c.revision + 1).label("revision"), func.clock_timestamp().label("at"))
    .select_from(_me)
    .where(_number <= LABELS_PER_USER)
    .cte("stamped")
)
_row = {
    "user_id": owner,
    "id": cast(_missing.c.id, Uuid()),
    "name": _missing.c.name,
    "key": _missing.c.key,
    "folded": _missing.c.folded,
    "created_at": _stamped.c.at,
    "updated_at": _stamped.c.at,
    "revision": _stamped.c.revision,
}
_made = insert(labels).from_select(list(_row), select(*_row.values()).select_from(_stamped.join(_missing, true()))).cte("made")

MAKE_LABELS = Statement(
    "make_labels", lambda: select((_number > LABELS_PER_USER).label("is_full")).select_from(_me).add_cte(_made)
)
"""Those of the given labels that are not there, unless the user would have more than LABELS_PER_USER.

In a unit of work, before a write of a task that carries them and that counts the revision."""


def _derived(_content: Values, _stamp: FromClause, _before: FromClause | None) -> Values:
    return {}


READ_LABEL = Statement("read_label", lambda: reading.read(LABEL))
"""One label. No row: the account may not act. NULL: there is no such label."""

FIND_SAME_LABEL = Statement("find_same_label", lambda: reading.read_same(LABEL))
"""After a create met a taken id: is what stands there what was sent?"""

CREATE_LABEL = Statement("create_label", lambda: writing.created(LABEL, _derived, ONE, most=LABELS_PER_USER))
"""At an id that we chose, unless the user has LABELS_PER_USER already."""

CREATE_LABEL_AT = Statement("create_label_at", lambda: writing.created(LABEL, _derived, ONE, most=LABELS_PER_USER))
"""At an id that the client chose, unless the user has LABELS_PER_USER already."""

PLACE_LABEL = Statement("place_label", lambda: writing.placed(LABEL, _derived, most=LABELS_PER_USER))
"""PUT with `If-None-Match: *`: only where no live label stands; a deleted one's id may be used again."""

EXPORT_LABELS = Statement("export_labels", lambda: many.exported(LABEL))
"""One step of an export: labels in the order of their creation."""

LOOK_UP_LABELS = Statement("look_up_labels", lambda: many.found(LABEL))
"""Before an import makes labels: which of their ids are taken?"""

LOOK_UP_LABELS_BY_KEY = Statement("look_up_labels_by_key", lambda: many.found_by_key(LABEL))
"""Before an import makes labels, and tasks that carry them: which are there, and how are they spelled?"""

COUNT_LABELS = Statement("count_labels", lambda: many.counted(LABEL))
"""Before an import makes labels: how many are there?"""

IMPORT_LABELS = Statement("import_labels", lambda: many.imported(LABEL, _derived))
"""Many new labels under one revision. In a unit of work, since which of them are new is decided after the lock."""

CREATE_LABELS = Statement("create_labels", lambda: many.imported(LABEL, _derived, is_shown=True))
"""Likewise, and each is shown."""
