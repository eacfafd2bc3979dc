"""Where standard error is gone, as with a closed terminal, log lines are lost, and no request is."""

import io
import sys
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from taskwell import observability
from tests.conftest import settings_for
from tests.support.errors import assert_error
from tests.support.logged import as_before
from tests.support.server import serve
from tests.support.signed_in import TASKS, browser

PAGE = "https://app.example.com"


class Gone(io.TextIOBase):
    """What is left of standard error: each write fails, as one to a closed terminal does."""

    tries = 0

    def write(self, _: str, /) -> int:
        self.tries += 1
        raise OSError(5, "Input/output error")

    def flush(self) -> None:
        raise OSError(5, "Input/output error")

    def close(self) -> None:
        """Nothing is left that a last flush would write: since Python 3.13 a failure of that one is told."""

    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def log_of_others_after_it() -> Iterator[None]:
    yield
    as_before()


def test_a_request_is_answered_though_what_it_logs_cannot_be_written(
    shared_database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = Gone()
    monkeypatch.setattr(sys, "stderr", gone)
    observability.configure("text", "debug")
    settings = settings_for(shared_database, tmp_path, log_level="debug", cors_origins=(PAGE,))
    with serve(settings) as server, browser(server) as client:
        asked = {"Origin": f"https://{uuid4()}.example", "Access-Control-Request-Method": "POST"}
        before = gone.tries
        assert_error(client.options(TASKS, headers=asked), 400, "invalid_input")  # which is logged as an event
        assert_error(client.get(TASKS), 401, "token_missing")
        assert client.get("/healthz").status_code == 200
        assert gone.tries > before
