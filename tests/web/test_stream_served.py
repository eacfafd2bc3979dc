"""A streamed reply as `taskwell serve` sends it, by granian."""

import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from taskwell.cli.serve import STOP_SECONDS
from tests.cli.command import Serving, serving
from tests.support.until import until

SERVE_FEED = [sys.executable, str(Path(__file__).with_name("serve_feed.py")), "serve"]


@pytest.fixture
def served(own_database: str, tmp_path: Path) -> Iterator[Serving]:
    with serving(tmp_path, program=SERVE_FEED, DATABASE_URL=own_database, TASKWELL_WORKERS="1") as server:
        yield server


def opened(server: Serving, kind: str, stack: ExitStack) -> Iterator[bytes]:
    answer = stack.enter_context(httpx.stream("GET", f"{server.url}/feed/{kind}", timeout=60, trust_env=False))
    pieces = answer.iter_raw()
    assert next(pieces).startswith(b"first")
    return pieces


def cuts(server: Serving) -> list[str]:
    return [line["cut"] for line in server.requests if line["route"] == "/feed/{kind}"]


@pytest.mark.parametrize("kind", ["quiet", "endless"])
def test_a_client_that_leaves_ends_the_stream_and_holds_up_nobody(served: Serving, kind: str) -> None:
    with ExitStack() as client:
        opened(served, kind, client)
    until(lambda: cuts(served) == ["client"])
    assert f"closed {kind}" in served.complained
    assert httpx.get(f"{served.url}/healthz", timeout=30, trust_env=False).status_code == 200


def test_an_error_in_the_middle_cuts_the_connection(served: Serving) -> None:
    with ExitStack() as client, pytest.raises(httpx.RemoteProtocolError):
        list(opened(served, "broken", client))
    until(lambda: cuts(served) == ["defect"])


def test_a_stop_ends_streams_at_once(served: Serving) -> None:
    with ExitStack() as client:
        pieces = opened(served, "quiet", client)
        served.process.terminate()
        with pytest.raises(httpx.RemoteProtocolError):
            list(pieces)
        # Otherwise it is killed at the end of the time that a stop has, and says nothing.
        assert served.process.wait(STOP_SECONDS * 2) == 0
    assert cuts(served) == ["stop"]
    assert "closed quiet" in served.complained
