"""A migration by another process, while requests come in: none of them notices."""

import threading
import time
from collections import Counter
from pathlib import Path

import pytest

from tests.conftest import settings_for
from tests.support import postgres
from tests.support.cast import Person, person
from tests.support.server import serve

TASKS = "/api/v1/tasks"

CHANGES = [
    "ALTER TABLE tasks ADD COLUMN mood int",
    "ALTER TABLE tasks ADD COLUMN starred boolean NOT NULL DEFAULT false",
    "ALTER TABLE tasks ALTER COLUMN title TYPE text",
    "ALTER TABLE tasks ALTER COLUMN title TYPE varchar(255)",
    "ALTER TABLE tasks ALTER COLUMN revision TYPE integer",  # a column that statements return: their plans are no longer valid
    "ALTER TABLE users ALTER COLUMN revision TYPE integer",
    "ALTER TABLE tasks ALTER COLUMN revision TYPE bigint",
    "ALTER TABLE users ALTER COLUMN revision TYPE bigint",
    "ALTER TABLE users ALTER COLUMN display_name TYPE text",
    "CREATE INDEX by_title ON tasks (user_id, title)",
    "DROP INDEX by_title",
    "ALTER TABLE tasks DROP COLUMN mood, DROP COLUMN starred",
    "ALTER TABLE users ADD COLUMN language text DEFAULT 'en'",
]


@pytest.mark.parametrize("prepared", ["on", "off"])
def test_a_schema_change_is_never_noticed(own_database: str, tmp_path: Path, prepared: str) -> None:
    statuses: Counter[int] = Counter()
    wrong: list[str] = []
    done = threading.Event()

    def traffic(somebody: Person) -> None:
        task = somebody.creates("changing")
        turn = 0
        while not done.is_set():
            turn += 1
            for answer in (
                somebody.post(TASKS, json={"title": f"{turn}"}),
                somebody.patch(f"{TASKS}/{task['id']}", json={"description": f"{turn}"}),
                somebody.get(f"{TASKS}/{task['id']}"),
                somebody.get(TASKS, params={"limit": 2}),
            ):
                statuses[answer.status_code] += 1
                if answer.status_code not in (200, 201):
                    wrong.append(answer.text)

    settings = settings_for(own_database, tmp_path, prepared_statements=prepared)
    with serve(settings) as server, person(server, own_database, "a") as a, person(server, own_database, "b") as b:
        threads = [threading.Thread(target=traffic, args=(somebody,)) for somebody in (a, b, a, b)]
        for thread in threads:
            thread.start()
        time.sleep(0.5)
        for change in CHANGES:
            postgres.run(own_database, "SET lock_timeout = '5s'", change)
            time.sleep(0.1)
        done.set()
        for thread in threads:
            thread.join(30)
            assert not thread.is_alive()
    assert wrong == []
    assert statuses[200] + statuses[201] > 300
