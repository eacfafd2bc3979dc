"""A process that nobody asks anything asks the database nothing, so that a serverless one can fall asleep."""

import time
from pathlib import Path

from tests.cli.command import Visitor, serving
from tests.support import postgres

OURS = (
    "SELECT pid, backend_start, query_start, state_change, state FROM pg_stat_activity"
    " WHERE datname = current_database() AND application_name = 'taskwell' ORDER BY pid"
)
SESSIONS = "SELECT sessions FROM pg_stat_database WHERE datname = current_database()"
"""Of clients, ever; unlike the transactions, autovacuum does not count in it."""


def test_an_idle_server_sends_the_database_nothing(own_database: str, tmp_path: Path) -> None:
    elsewhere = postgres.at(own_database, "postgres")
    name = own_database.partition("?")[0].rpartition("/")[2]
    ours, sessions = (sql.replace("current_database()", f"'{name}'") for sql in (OURS, SESSIONS))
    with serving(tmp_path, "--workers", "2", DATABASE_URL=own_database) as server, Visitor(server.url) as me:
        me.signs_up()
        me.signs_in()
        me.adds("x")
        assert me.get("/readyz").status_code == 200
        time.sleep(1.5)  # statistics are sent within a second
        before = postgres.query(elsewhere, ours), postgres.query(elsewhere, sessions)
        for _ in range(10):
            assert me.get("/healthz").status_code == 200
            assert me.get("/docs").status_code == 200
            assert me.get("/readyz").status_code == 200  # kept
            time.sleep(0.3)
        after = postgres.query(elsewhere, ours), postgres.query(elsewhere, sessions)
        assert len(before[0]) >= 2
        assert {row["state"] for row in before[0]} == {"idle"}
        assert after == before
