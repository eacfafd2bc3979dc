"""What another time zone of the account does to its tasks.

A date, and a time without a zone, stay what they are; a time with a zone is a moment, which clocks show otherwise somewhere else.
"""

import json
from uuid import UUID

import asyncpg

from taskwell.accounts.owner import Owner
from taskwell.database.unit_of_work import UnitOfWork
from taskwell.tasks.due import When
from taskwell.tasks.statements import SHOW_ON_OTHER_CLOCKS, ZONED_TASKS

TASKS_AT_A_TIME = 1000


async def in_time_zone(unit: UnitOfWork, owner: Owner, time_zone: str) -> None:
    """Nothing is done where it is the zone of the account already."""
    after = UUID(int=0)
    while True:
        tasks = await unit.rows(ZONED_TASKS, owner=owner.id, after=after, time_zone=time_zone, limit=TASKS_AT_A_TIME)
        if not tasks:
            return
        after = tasks[-1]["id"]
        await unit.row(
            SHOW_ON_OTHER_CLOCKS,
            owner=owner.id,
            issued_at=owner.issued_at,
            time_zone=time_zone,
            ids=[str(task["id"]) for task in tasks],
            due_ats=[_instant(task, "due") for task in tasks],
            start_ats=[_instant(task, "start") for task in tasks],
        )


def _instant(task: asyncpg.Record, name: str) -> str | None:
    if task[name] is None:
        return None
    instant = When.model_construct(**json.loads(task[name])).on_clocks.instant
    return None if instant is None else instant.isoformat()
