"""The SQL of labels."""

from sqlalchemy import ARRAY, Text, Uuid, and_, cast, func, select, true
from sqlalchemy.dialects.postgresql import insert

from taskwell.accounts.may_act import owner
from taskwell.database.statement import Statement, argument
from taskwell.labels.requests import LabelChanges, NewLabel, WholeLabel
from taskwell.labels.tables import LabelView, labels
from taskwell.records.asked import ONE
from taskwell.records.kinds import Kind
from taskwell.records.names import given_texts

LABELS_PER_USER = 1_000
"""One user can have this many labels."""

LABEL = Kind("label", labels, LabelView, NewLabel, WholeLabel, LabelChanges)

_me = ONE.me()
_given = given_texts(
    name=argument("names", ARRAY(Text())), key=argument("keys", ARRAY(Text())), id=argument("ids", ARRAY(Text()))
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
    "created_at": _stamped.c.at,
    "updated_at": _stamped.c.at,
    "revision": _stamped.c.revision,
}
_made = insert(labels).from_select(list(_row), select(*_row.values()).select_from(_stamped.join(_missing, true()))).cte("made")

MAKE_LABELS = Statement("make_labels", select((_number > LABELS_PER_USER).label("is_full")).select_from(_me).add_cte(_made))
"""Those of the given labels that are not there, unless the user would have more than LABELS_PER_USER.

In a unit of work, before a write of a task that carries them and that counts the revision."""
