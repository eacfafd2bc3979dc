"""The SQL of tasks. Each statement does one request's whole work: is the account in standing, is the task there, is the
condition met, change it, count the revision, render the answer.

A write locks before it decides. In READ COMMITTED a CTE keeps the snapshot from before it waited for a lock, so what a
decision rests on comes from a row that this same statement has locked: `me` is the user's row `FOR NO KEY UPDATE`, then
`current` the task `FOR UPDATE`. Both give the newest version, whoever had the lock before. Times are taken after the
lock, so that they never run against the revision.
"""

from datetime import datetime
from typing import Any, Literal, get_args

from sqlalchemy import (
    CTE,
    Boolean,
    ColumnElement,
    DateTime,
    Integer,
    Select,
    String,
    Text,
    Uuid,
    and_,
    any_,
    case,
    cast,
    func,
    insert,
    not_,
    null,
    or_,
    select,
    true,
    tuple_,
    update,
)
from sqlalchemy.dialects.postgresql import insert as upsert

from taskwell.accounts.standing import owner, owner_in_standing, users
from taskwell.database.statement import Statement, argument
from taskwell.database.view import as_json, columns_of
from taskwell.tasks.tables import Task, TaskView

Order = Literal["newest", "oldest"]

BETWEEN_ITEMS = ",\n"
"""A line end is never inside an item, where JSON writes it as `\\n`: so a page can be cut between two items."""

tasks = Task.__table__  # type: ignore[attr-defined]

_task_id = argument("task_id", Uuid())
_title = argument("title", String())
_description = argument("description", String())
_is_completed = argument("is_completed", Boolean())
# Revisions with commas between them. An array would be the natural type, but asyncpg asks the server for the array types that
# it meets, and sets `jit` for the session while it does.
_if_match = argument("if_match", String())
_if_none_match = argument("if_none_match", String())
_limit = argument("limit", Integer())

_live = and_(tasks.c.user_id == owner, tasks.c.deleted_at.is_(None))
_view = columns_of(TaskView, tasks)


def _is_among(revision: ColumnElement[int], revisions: ColumnElement[str]) -> ColumnElement[bool]:
    return cast(revision, String) == any_(func.string_to_array(revisions, ","))


# ---- reading -------------------------------------------------------------------------------------------------------

_one = select(*_view).where(_live, tasks.c.id == _task_id).subquery("task")

READ_TASK = Statement(
    "read_task",
    select(as_json(_one).label("task"), _one.c.revision).select_from(users.outerjoin(_one, true())).where(owner_in_standing()),
)


def _list(completed: bool | None, order: Order, *, resumed: bool) -> Statement:
    """One page, rendered as the items of a JSON array, and one row more: there the next page begins."""
    place = tuple_(tasks.c.created_at, tasks.c.id)
    conditions = [_live]
    if completed is not None:
        conditions.append(tasks.c.is_completed.is_(completed))
    if resumed:
        first = tuple_(argument("first_created_at", DateTime(timezone=True)), argument("first_id", Uuid()))
        conditions.append(place <= first if order == "newest" else place >= first)
    sort = [tasks.c.created_at, tasks.c.id]
    item = (
        select(*_view)
        .where(*conditions)
        .order_by(*[column.desc() if order == "newest" else column.asc() for column in sort])
        .limit(_limit + 1)
        .subquery("item")
    )
    items = select(func.string_agg(cast(as_json(item), Text), BETWEEN_ITEMS)).select_from(item).scalar_subquery()
    # A client that has this revision already is told so without a look at the tasks: CASE runs the subquery only if need be.
    # (As the condition of a join it is tested after the join: a 304 then costs what a list does, 98 µs, against 32.)
    is_news = or_(_if_none_match.is_(None), and_(_if_none_match != "*", not_(_is_among(users.c.revision, _if_none_match))))
    name = f"list_tasks_{order}_{ {None: 'all', True: 'completed', False: 'open'}[completed] }{'_resumed' if resumed else ''}"
    return Statement(
        name,
        select(users.c.revision, is_news.label("is_news"), case((is_news, items)).label("items")).where(owner_in_standing()),
    )


LIST_TASKS = {
    (completed, order, resumed): _list(completed, order, resumed=resumed)
    for completed in (None, True, False)
    for order in get_args(Order)
    for resumed in (False, True)
}
"""By filter, order, and whether the page goes on from another: one statement each, so that each has its own plan."""


# ---- writing -------------------------------------------------------------------------------------------------------

_revise = (
    update(users)
    .values(revision=users.c.revision + 1)
    .where(owner_in_standing())
    .returning(users.c.revision, func.clock_timestamp().label("at"))
    .cte("me")
)

_columns = ["user_id", "id", "title", "description", "is_completed", "completed_at", "created_at", "updated_at", "revision"]


def _new_row(revision: ColumnElement[int], at: ColumnElement[datetime]) -> list[ColumnElement[Any]]:
    completed_at = case((_is_completed, at), else_=null())
    return [owner, _task_id, _title, _description, _is_completed, completed_at, at, at, revision]


def _create(name: str, *, repeatable: bool) -> Statement:
    created = (
        insert(tasks)
        .from_select(_columns, select(*_new_row(_revise.c.revision, _revise.c.at)).select_from(_revise))
        .returning(*_view)
        .cte("created")
    )
    return Statement(name, select(as_json(created).label("task"), created.c.revision), repeatable=repeatable)


CREATE_TASK = _create("create_task", repeatable=True)
"""At an id that we chose: when a repetition finds the id taken, the first try was committed."""

CREATE_TASK_AT = _create("create_task_at", repeatable=False)
"""At an id that the client chose."""

_same = (
    select(*_view)
    .where(
        _live,
        tasks.c.id == _task_id,
        tasks.c.title == _title,
        tasks.c.description.is_not_distinct_from(_description),
        tasks.c.is_completed == _is_completed,
    )
    .subquery("task")
)

FIND_SAME_TASK = Statement(
    "find_same_task",
    select(as_json(_same).label("task"), _same.c.revision).select_from(users.outerjoin(_same, true())).where(owner_in_standing()),
)
"""After a create met a taken id: is what stands there what was sent?"""

_me = select(users.c.id, users.c.revision).where(owner_in_standing()).with_for_update(key_share=True).cte("me")

_current = (
    select(*_view)
    .select_from(_me.join(tasks, tasks.c.user_id == _me.c.id))
    .where(_live, tasks.c.id == _task_id)
    .with_for_update(of=tasks)
    .cte("current")
)

_matches = or_(_if_match.is_(None), _is_among(_current.c.revision, _if_match))


def _decided(changed: CTE, *, shows_change: bool = True) -> Select[Any, Any, bool]:
    """What became of a change: no row, no such user; `revision` NULL, no such task; else the task as it is now."""
    counted = (
        update(users)
        .values(revision=changed.c.revision)
        .where(users.c.id == owner, users.c.id == changed.c.user_id)
        .cte("counted")
    )
    return (
        select(
            (func.coalesce(as_json(changed), as_json(_current)) if shows_change else as_json(_current)).label("task"),
            func.coalesce(changed.c.revision, _current.c.revision).label("revision"),
            _matches.label("matches"),
        )
        .select_from(_me.outerjoin(_current, true()).outerjoin(changed, true()))
        .add_cte(counted)
    )


def _change() -> Statement:
    title = case((argument("has_title", Boolean()), _title), else_=_current.c.title)
    description = case((argument("has_description", Boolean()), _description), else_=_current.c.description)
    is_completed = case((argument("has_is_completed", Boolean()), _is_completed), else_=_current.c.is_completed)
    wanted = (
        select(
            title.label("title"),
            description.label("description"),
            is_completed.label("is_completed"),
            (_me.c.revision + 1).label("revision"),
            func.clock_timestamp().label("at"),
        )
        .select_from(_me.join(_current, true()))
        .where(
            _matches,
            or_(
                title != _current.c.title,
                description.is_distinct_from(_current.c.description),
                is_completed != _current.c.is_completed,
            ),
        )
        .cte("wanted")
    )
    changed = (
        update(tasks)
        .values(
            title=wanted.c.title,
            description=wanted.c.description,
            is_completed=wanted.c.is_completed,
            # Changing the title of a completed task does not complete it again.
            completed_at=case((wanted.c.is_completed, func.coalesce(tasks.c.completed_at, wanted.c.at)), else_=null()),
            updated_at=wanted.c.at,
            revision=wanted.c.revision,
        )
        .where(_live, tasks.c.id == _task_id)
        .returning(*_view)
        .cte("changed")
    )
    return Statement("change_task", _decided(changed))


CHANGE_TASK = _change()
"""PATCH and PUT: each field is kept or set by its `has_...`; when nothing would differ, nothing is counted."""


def _delete() -> Statement:
    doomed = (
        select((_me.c.revision + 1).label("revision"), func.clock_timestamp().label("at"))
        .select_from(_me.join(_current, true()))
        .where(_matches)
        .cte("doomed")
    )
    deleted = (
        update(tasks)
        .values(deleted_at=doomed.c.at, updated_at=doomed.c.at, revision=doomed.c.revision)
        .where(_live, tasks.c.id == _task_id)
        .returning(*_view)
        .cte("changed")
    )
    return Statement("delete_task", _decided(deleted, shows_change=False))


DELETE_TASK = _delete()


def _place() -> Statement:
    stamped = select(_me.c.revision, func.clock_timestamp().label("at")).select_from(_me).cte("stamped")
    new = upsert(tasks).from_select(_columns, select(*_new_row(stamped.c.revision + 1, stamped.c.at)).select_from(stamped))
    placed = (
        new.on_conflict_do_update(
            index_elements=[tasks.c.user_id, tasks.c.id],
            set_={name: new.excluded[name] for name in _columns[2:]} | {"deleted_at": null()},
            where=and_(tasks.c.user_id == owner, tasks.c.deleted_at.is_not(None)),
        )
        .returning(*_view)
        .cte("placed")
    )
    counted = (
        update(users).values(revision=placed.c.revision).where(users.c.id == owner, users.c.id == placed.c.user_id).cte("counted")
    )
    return Statement(
        "place_task",
        select(as_json(placed).label("task"), placed.c.revision).select_from(_me.outerjoin(placed, true())).add_cte(counted),
    )


PLACE_TASK = _place()
"""PUT with `If-None-Match: *`: only where no live task stands; a deleted one's id may be used again."""
