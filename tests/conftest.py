"""The stage: one PostgreSQL a run, one application a worker, and a fresh Alice, Bob and Carol a test."""

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import hypothesis
import pytest

from taskwell.settings import Settings
from tests.support import contract, postgres, quick
from tests.support.cast import Person, person
from tests.support.keys import SIGNING_KEY
from tests.support.plain_http import PLAIN_HTTP
from tests.support.server import RunningServer, serve

_SERVER_URL = "taskwell_postgres_url"
_ANSWERS = "taskwell_answers"
_LONGEST = ("tests/api/test_contract.py", "tests/browser/", "tests/docs/test_printed_commands.py", "tests/clients/", "tests/cli/")
"""Whose tests take a minute come first: as the last ones they would have one core wait for the other."""

# Many containers set it. Here it would have each of the hundreds of processes that tests start compile all that it imports anew.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# Under nohup it is ignored, and what tests start would inherit that. A handler is not inherited, and ignores it here as well.
if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
    signal.signal(signal.SIGHUP, lambda *_: None)

# A slow machine is no defect, and what a commit is judged by must not be drawn by lot.
hypothesis.settings.register_profile("taskwell", deadline=None, derandomize=bool(os.environ.get("CI")), print_blob=True)
hypothesis.settings.load_profile("taskwell")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--quick", action="store_true", help="one case of each test, and no slow test")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--quick"):
        items[:], left_out = quick.few(items)
        config.hook.pytest_deselected(items=left_out)
    items.sort(key=lambda item: not item.nodeid.startswith(_LONGEST))


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """xdist: the controller starts PostgreSQL, its workers are told where."""
    controller = node.config
    if not hasattr(controller, "taskwell_postgres"):
        controller.taskwell_postgres = postgres.TestServer()
    node.workerinput[_SERVER_URL] = controller.taskwell_postgres.url


def pytest_sessionfinish(session: pytest.Session) -> None:
    """xdist: each worker tells the controller which errors its tests saw."""
    output = getattr(session.config, "workeroutput", None)
    if output is not None:
        output[_ANSWERS] = (sorted(contract.NAMED), sorted(contract.SEEN))


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    named, seen = getattr(node, "workeroutput", {}).get(_ANSWERS, ((), ()))
    contract.NAMED.update(named)
    contract.SEEN.update(seen)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """With -v: the errors that an operation names and that no test of this run received."""
    if terminalreporter.verbosity > 0 and contract.NAMED:
        terminalreporter.section("errors that are named and that no test saw")
        for line in sorted(contract.NAMED - contract.SEEN):
            terminalreporter.write_line(line)


def pytest_unconfigure(config: Any) -> None:
    running = getattr(config, "taskwell_postgres", None)
    if running is not None:
        running.stop()


@pytest.fixture(scope="session")
def postgres_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """A PostgreSQL where databases may be made and dropped."""
    worker = getattr(request.config, "workerinput", None)
    if worker is not None:
        yield worker[_SERVER_URL]
        return
    running = postgres.TestServer()
    yield running.url
    running.stop()


@pytest.fixture
def empty_database(postgres_url: str) -> Iterator[str]:
    """A database without any table."""
    with postgres.new_database(postgres_url, template="template0") as url:
        yield url


@pytest.fixture
def own_database(postgres_url: str) -> Iterator[str]:
    """A migrated database that nobody else uses: for tests that break it."""
    with postgres.new_database(postgres_url) as url:
        yield url


@pytest.fixture(scope="session")
def shared_database(postgres_url: str) -> Iterator[str]:
    with postgres.new_database(postgres_url) as url, postgres.kept_connection(url):
        yield url


@pytest.fixture(scope="session")
def server(shared_database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """The application, with a database that all tests of this worker share: users are apart, so tests are."""
    with serve(settings_for(shared_database, tmp_path_factory.mktemp("data"))) as running:
        yield running


def settings_for(database_url: str, data_dir: Path, **more: Any) -> Settings:
    given = {"database_url": database_url, "data_dir": data_dir, "signing_key": SIGNING_KEY, "log_level": "error"}
    given["sign_ups_per_hour"] = "off"  # all tests come from one address, and sign up more people than that
    return Settings.model_validate(given | more)


@pytest.fixture
def anonymous(server: RunningServer) -> Iterator[httpx.Client]:
    hooks = {"response": [server.contract.hook]}
    with httpx.Client(base_url=server.base_url, timeout=30, trust_env=False, verify=PLAIN_HTTP, event_hooks=hooks) as client:
        yield client


@pytest.fixture
def alice(server: RunningServer, shared_database: str) -> Iterator[Person]:
    with person(server, shared_database, "alice") as somebody:
        yield somebody


@pytest.fixture
def bob(server: RunningServer, shared_database: str) -> Iterator[Person]:
    with person(server, shared_database, "bob") as somebody:
        yield somebody


@pytest.fixture
def carol(server: RunningServer, shared_database: str) -> Iterator[Person]:
    """An administrator."""
    with person(server, shared_database, "carol", is_admin=True) as somebody:
        yield somebody
