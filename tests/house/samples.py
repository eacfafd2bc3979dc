"""What the statements are made of that the proofs of isolation are tried on: wrong_reads, wrong_writes, right_statements."""

from collections.abc import Callable
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Text,
    Uuid,
    false,
    func,
    literal,
)

from taskwell.accounts.may_act import owner, users
from taskwell.database.statement import argument
from taskwell.tasks.tables import tasks

TREE, PLAN, BUILD = "tree", "plan", "build"  # the two proofs; and Statement itself, which a proof of a plan needs
other = argument("other", Uuid())
task_id = argument("task_id", Uuid())
title = argument("title", Text())
mine = tasks.c.user_id == owner
me = users.c.id == owner
inner = tasks.alias("inner_tasks")

Build = Callable[[], Any]
WRONG: dict[str, tuple[Build, frozenset[str]]] = {}
RIGHT: dict[str, Build] = {}


def wrong(*seen_by: str) -> Callable[[Build], Build]:
    def keep(build: Build) -> Build:
        WRONG[build.__name__.removeprefix("_")] = (build, frozenset(seen_by))
        return build

    return keep


def right(build: Build) -> Build:
    RIGHT[build.__name__.removeprefix("_")] = build
    return build


WRONG_SETS: dict[str, tuple[Build, frozenset[str]]] = {}
RIGHT_SETS: dict[str, Build] = {}


def wrong_set(*seen_by: str) -> Callable[[Build], Build]:
    def keep(build: Build) -> Build:
        WRONG_SETS[build.__name__.removeprefix("_")] = (build, frozenset(seen_by))
        return build

    return keep


def right_set(build: Build) -> Build:
    RIGHT_SETS[build.__name__.removeprefix("_")] = build
    return build


def row(**columns: Any) -> dict[str, Any]:
    now = func.clock_timestamp()
    whole = {"id": task_id, "title": title, "is_completed": False, "created_at": now, "updated_at": now, "revision": 1}
    return whole | columns


def selected_row(*first: ColumnElement[Any], at: ColumnElement[Any]) -> list[Any]:
    return [*first, title, false(), at, at, literal(1)]


INSERTED = ["user_id", "id", "title", "is_completed", "created_at", "updated_at", "revision"]
