"""Every pair of filters, in every order, is the same query in plain Python, page by page."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import combinations
from typing import Any, get_args
from uuid import UUID
from zoneinfo import ZoneInfo

import asyncpg
from hypothesis import given, settings
from hypothesis import strategies as st

from taskwell.accounts.owner import Owner
from taskwell.database import url
from taskwell.database.connection import Database
from taskwell.records.folding import fold, fold_names
from taskwell.records.paging import Tailored
from taskwell.tasks.filter import TaskFilter
from taskwell.tasks.orders import ORDERS, TITLE_KEY_LENGTH
from taskwell.tasks.store import list_tasks_page
from taskwell.types import Priority, name_key, new_id

BEGINNING = datetime(2026, 1, 1, tzinfo=UTC)
LISTS = [new_id(), new_id()]
PARENTS = [new_id(), new_id()]
LABELS = ("Home", "errand", "Büro")
ZONE = "Pacific/Auckland"
WORDS = ("milk", "Milkshake", "Café", "牛乳", "")


@dataclass(frozen=True)
class Stored:
    id: UUID
    title: str
    description: str
    is_completed: bool
    list_id: UUID | None
    priority: Priority
    position: str
    parent_id: UUID | None
    labels: list[str]
    due_sort: datetime | None
    created_at: datetime
    revision: int

    @property
    def updated_at(self) -> datetime:
        return BEGINNING + timedelta(minutes=self.revision)

    @property
    def words(self) -> list[str]:
        return [fold(self.title), fold(self.description), fold_names(self.labels)]

    @property
    def folded(self) -> str:
        return "\x01".join(self.words)


TASK = Stored(new_id(), "Parent", "", False, None, "none", "h", None, [], None, BEGINNING, 1)
COLUMNS = (*(field.name for field in fields(Stored)), "updated_at", "folded")


def _here(now: datetime) -> datetime:
    return now.astimezone(ZoneInfo(ZONE)).replace(tzinfo=None)


# Some are at the end of a day, as a date alone is; none is where a minute more or less would make a difference.
_TODAY = _here(datetime.now(UTC)).replace(hour=0, minute=0, second=0, microsecond=0)
DUES = [_TODAY + timedelta(days=day) - before for day in range(-1, 5) for before in (timedelta(), timedelta(microseconds=1))]

TASKS = st.builds(
    Stored,
    id=st.builds(new_id),
    title=st.sampled_from(WORDS[:-1]),
    description=st.sampled_from(WORDS),
    is_completed=st.booleans(),
    list_id=st.sampled_from([None, *LISTS]),
    priority=st.sampled_from(get_args(Priority)),
    position=st.sampled_from(["V", "h", "h5"]),
    parent_id=st.sampled_from([None, *PARENTS]),
    labels=st.lists(st.sampled_from(LABELS), unique=True),
    due_sort=st.none() | st.sampled_from(DUES),
    created_at=st.integers(0, 2).map(lambda hours: BEGINNING + timedelta(hours=hours)),
    revision=st.integers(1, 3),
)


def _found_in(folded: str, query: str, *, whole: bool) -> bool:
    """Each word of the query is a word of the text, or begins one; of a script without spaces, it is in one."""
    words = folded.split()
    return all(
        word in words or (not whole and any(word in one if word == "牛" else one.startswith(word) for one in words))
        for word in fold(query).split()
    )


def _rank(task: Stored, query: str) -> int:
    title, both = task.words[0], "".join(task.words)
    for rank, (text, whole) in enumerate([(title, True), (title, False), (both, True)]):
        if _found_in(text, query, whole=whole):
            return rank
    return 3


def _down(time: datetime) -> float:
    return -time.timestamp()


def _is_overdue(task: Stored, now: datetime) -> bool:
    return not task.is_completed and task.due_sort is not None and task.due_sort < now


def _is_within(task: Stored, now: datetime, days: int) -> bool:
    return task.due_sort is not None and 0 <= (task.due_sort.date() - now.date()).days < days


def _is_before(task: Stored, bound: date) -> bool:
    at = bound if isinstance(bound, datetime) else datetime.combine(bound, time.min)
    return task.due_sort is not None and task.due_sort < (at if at.tzinfo is None else _here(at))


def _is_after(task: Stored, bound: date) -> bool:
    at = bound if isinstance(bound, datetime) else datetime.combine(bound, time.max)
    return task.due_sort is not None and task.due_sort > (at if at.tzinfo is None else _here(at))


BOUNDS = st.sampled_from([*DUES, *(due.date() for due in DUES), datetime.now(UTC) + timedelta(days=1)])
Shows = Callable[[Stored, Any, datetime], bool]

SHOWN: dict[str, tuple[st.SearchStrategy[Any], Shows]] = {
    "completed": (st.booleans(), lambda task, given, _: task.is_completed == given),
    "list_id": (
        st.sampled_from(["inbox", *LISTS]),
        lambda task, given, _: task.list_id is None if given == "inbox" else task.list_id == given,
    ),
    "updated_since": (
        st.integers(1, 3).map(lambda revision: BEGINNING + timedelta(minutes=revision)),
        lambda task, given, _: task.updated_at >= given,
    ),
    "priority": (st.sampled_from(get_args(Priority)), lambda task, given, _: task.priority == given),
    "parent_id": (
        st.sampled_from(["none", *PARENTS]),
        lambda task, given, _: task.parent_id is None if given == "none" else task.parent_id == given,
    ),
    "labels": (
        st.sampled_from([("HOME",), ("home", "Errand"), ("büro", "BÜRO")]),
        lambda task, given, _: {name.lower() for name in given} <= {name.lower() for name in task.labels},
    ),
    "due_before": (BOUNDS, lambda task, given, _: _is_before(task, given)),
    "due_after": (BOUNDS, lambda task, given, _: _is_after(task, given)),
    "is_overdue": (st.booleans(), lambda task, given, now: _is_overdue(task, now) == given),
    "is_due_today": (st.booleans(), lambda task, given, now: _is_within(task, now, 1) == given),
    "upcoming_days": (st.integers(1, 4), lambda task, given, now: _is_within(task, now, given)),
    "q": (
        st.sampled_from(["milk", "MILKS", "cafe", "牛", "milk caf", "buro home"]),
        lambda task, given, _: _found_in("".join(task.words), given, whole=False),
    ),
}
"""Each filter: what may be asked, and which tasks it shows."""

KEYS: dict[str, Callable[[Stored, TaskFilter], Any]] = {
    "newest": lambda task, _: (_down(task.created_at), -task.id.int),
    "oldest": lambda task, _: (task.created_at, task.id),
    "updated": lambda task, _: (-task.revision, -task.id.int),
    "due": lambda task, _: (task.due_sort is None, task.due_sort or BEGINNING.replace(tzinfo=None), task.id),
    "priority": lambda task, _: (-get_args(Priority).index(task.priority), _down(task.created_at), -task.id.int),
    "position": lambda task, _: (task.position, task.id),
    "title": lambda task, _: (task.words[0][:TITLE_KEY_LENGTH].encode(), task.id),
    "rank": lambda task, asked: (_rank(task, asked.q or ""), _down(task.created_at), -task.id.int),
}


def test_every_order_and_every_filter_is_tried() -> None:
    assert KEYS.keys() == ORDERS.keys()
    assert {*SHOWN, "order"} == set(TaskFilter.__dataclass_fields__)


async def _store(connection: "asyncpg.Connection[asyncpg.Record]", owner: UUID, tasks: list[Stored]) -> None:
    await connection.execute("INSERT INTO users (id, revision, time_zone) VALUES ($1, 9, $2)", owner, ZONE)
    await connection.executemany(
        "INSERT INTO lists (user_id, id, name, is_archived, created_at, updated_at, revision)"
        " VALUES ($1, $2, 'x', false, now(), now(), 1)",
        [(owner, one) for one in LISTS],
    )
    await connection.executemany(
        "INSERT INTO labels (user_id, id, name, key, folded, created_at, updated_at, revision)"
        " VALUES ($1, $2, $3, $4, '', now(), now(), 1)",
        [(owner, new_id(), name, name_key(name)) for name in LABELS],
    )
    await connection.executemany(
        f"INSERT INTO tasks (user_id, completed_at, {', '.join(COLUMNS)})"
        f" VALUES ($1, $2, {', '.join(f'${number}' for number in range(3, len(COLUMNS) + 3))})",
        [(owner, BEGINNING if one.is_completed else None, *(getattr(one, name) for name in COLUMNS)) for one in tasks],
    )


async def _listed(database: Database, owner: UUID, asked: TaskFilter, limit: int, tailored: Tailored) -> list[str]:
    """All pages. The total is the same on each of them."""
    seen: list[str] = []
    cursor: str | None = None
    totals = set()
    while True:
        page = await list_tasks_page(
            database, Owner(owner, None), asked, limit=limit, cursor=cursor, if_none_match=None, tailored=tailored
        )
        seen += [item["id"] for item in json.loads(f"[{page.items}]")]
        totals.add(page.total)
        cursor = page.next_cursor
        if cursor is None:
            assert totals == ({len(seen)} if tailored.is_counted else {None})
            return seen


def _expected(tasks: list[Stored], asked: TaskFilter, now: datetime) -> list[str]:
    shown = [
        task
        for task in tasks
        if all(shows(task, given, now) for name, (_, shows) in SHOWN.items() if (given := getattr(asked, name)) not in (None, ()))
    ]
    return [str(task.id) for task in sorted(shown, key=lambda task: KEYS[asked.ordered_by](task, asked))]


@settings(max_examples=3)
@given(
    tasks=st.lists(TASKS, max_size=12),
    given_=st.fixed_dictionaries({name: values for name, (values, _) in SHOWN.items()}),
    limit=st.integers(2, 6),
    is_counted=st.booleans(),
)
def test_every_pair_of_filters_in_every_order_is_what_python_finds(
    shared_database: str, tasks: list[Stored], given_: dict[str, Any], limit: int, is_counted: bool
) -> None:
    tasks = [*(replace(TASK, id=parent) for parent in PARENTS), *tasks]
    orders = [*KEYS.keys() - {"rank"}, None]
    asked = [
        TaskFilter(order=order, **{name: given_[name] for name in names})  # type: ignore[arg-type]
        for names in [(), *((name,) for name in SHOWN), *combinations(SHOWN, 2)]
        for order in orders
    ]
    asked.append(replace(asked[0], **given_))
    tailored = Tailored(("id",), is_counted)

    async def check() -> None:
        owner = new_id()
        connection = await asyncpg.connect(**url.parse(shared_database).arguments())
        database = Database.at(shared_database, pool_size=1, prepared_statements="auto")
        try:
            await database.check_schema()
            await _store(connection, owner, tasks)
            for one in asked:
                before = _here(datetime.now(UTC))
                seen = await _listed(database, owner, one, limit, tailored)
                after = _here(datetime.now(UTC))
                assert seen in [_expected(tasks, one, now) for now in (before, after)], one
        finally:
            await connection.execute("DELETE FROM users WHERE id = $1", owner)
            await connection.close()
            await database.close()

    asyncio.run(check())
