"""PostgreSQL cleans a database up whenever it likes, also in the moment in which a restore drops it."""

import asyncio
from pathlib import Path

from taskwell.database import url
from taskwell.database.backup import dump, load
from taskwell.database.embedded import EmbeddedPostgres
from taskwell.database.migrate import migrate
from tests.faults.processes import HASTY
from tests.support import postgres
from tests.support.until import until

# It comes within a second, and stays for minutes.
EAGER = {"autovacuum_naptime": "1s", "autovacuum_vacuum_cost_limit": "1", "autovacuum_vacuum_cost_delay": "100ms"}
AT_WORK = "SELECT 1 FROM pg_stat_activity WHERE backend_type = 'autovacuum worker' AND datname = 'taskwell_replaced'"


def test_a_database_that_is_being_cleaned_up_is_dropped_all_the_same(tmp_path: Path) -> None:
    with EmbeddedPostgres.start(tmp_path / "data", options=HASTY | EAGER) as running, (tmp_path / "backup").open("w+b") as file:
        asyncio.run(migrate(url.parse(running.url)))
        dump(running.url, file.fileno())
        postgres.run(running.url, "CREATE DATABASE taskwell_replaced")  # as a restore leaves it that was killed at its end
        left = postgres.at(running.url, "taskwell_replaced")
        postgres.run(left, "CREATE TABLE rows AS SELECT generate_series(1, 200000) AS row", "DELETE FROM rows WHERE row % 2 = 0")
        until(lambda: postgres.query(postgres.as_role(running.url, "postgres"), AT_WORK) != [])
        file.seek(0)
        load(running.url, file.fileno())
        owners = "SELECT datname, rolname FROM pg_database JOIN pg_roles ON pg_roles.oid = datdba WHERE NOT datistemplate"
        assert {tuple(row) for row in postgres.query(running.url, owners)} == {(name, name) for name in ("postgres", "taskwell")}
