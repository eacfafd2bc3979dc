"""A clock that is not the database's shows before tokens are refused: a warning, and a field of /readyz."""

from pathlib import Path

import httpx
import pytest

from tests.conftest import settings_for
from tests.support import postgres
from tests.support.server import serve

OTHER_CLOCK = (
    "CREATE SCHEMA other_clock",
    "CREATE FUNCTION other_clock.clock_timestamp() RETURNS timestamptz RETURN pg_catalog.clock_timestamp() + interval '{}s'",
)


@pytest.mark.parametrize("seconds", [120, -120, 3])
def test_a_clock_that_is_not_the_databases_is_told(
    own_database: str, tmp_path: Path, seconds: int, capfd: pytest.CaptureFixture[str]
) -> None:
    name = own_database.partition("?")[0].rpartition("/")[2]
    postgres.run(
        own_database,
        *(statement.format(seconds) for statement in OTHER_CLOCK),
        f"ALTER DATABASE {name} SET search_path = other_clock, pg_catalog, public",
    )
    with serve(settings_for(own_database, tmp_path)) as server:
        answers = [httpx.get(f"{server.base_url}/readyz", trust_env=False) for _ in range(3)]
    said = "".join(capfd.readouterr())
    assert {answer.status_code for answer in answers} == {200}
    ready = answers[0].json()
    assert ready["status"] == "ok"
    if abs(seconds) > 5:
        assert ready["clock_skew_seconds"] == pytest.approx(-seconds, abs=15)
        assert said.count("clock_skew") == 1
    else:
        assert "clock_skew_seconds" not in ready
        assert "clock_skew" not in said
