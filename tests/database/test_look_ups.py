"""What looks up many ids of one user reads no more of a large account than of a small one, statistics or none."""

import json
from uuid import uuid4

import pytest

from taskwell.database.statement import Statement
from taskwell.lists.statements import LOOK_UP_LISTS
from taskwell.tasks.statements import LOOK_UP_TASKS
from tests.support import postgres
from tests.support.batches import operation, results
from tests.support.cast import Person

IDS = 200


@pytest.mark.parametrize("look_up", [LOOK_UP_TASKS, LOOK_UP_LISTS], ids=lambda one: one.name)
def test_not_all_of_the_account_is_read_for_each_id(alice: Person, shared_database: str, look_up: Statement) -> None:
    kind, value = ("task", {"title": "x"}) if look_up is LOOK_UP_TASKS else ("list", {"name": "x"})
    made = [result["id"] for result in results(alice, *[operation("create", kind, value=value)] * 500)]
    ids = [*made[: IDS // 2], *(str(uuid4()) for _ in range(IDS // 2))]
    arguments = {"owner": alice.id, "ids": ids}
    values = [arguments[name] for name in look_up.order]
    assert {str(row["id"]) for row in postgres.query(shared_database, look_up.sql, *values)} == set(made[: IDS // 2])
    explain = f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {look_up.sql}"
    plan = json.loads(postgres.query(shared_database, explain, *values)[0][0])[0]["Plan"]
    assert plan["Shared Hit Blocks"] + plan["Shared Read Blocks"] < 6 * IDS
