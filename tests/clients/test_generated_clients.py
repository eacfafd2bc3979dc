"""Clients that three generators make of /openapi.json, with no option, compile in strict mode and do what one does every day.

`make clients` makes the environment. Without it these tests are skipped.
"""

import os
import re
import shutil
from pathlib import Path

import pytest

from tests.browser.origin import DOCUMENT, printed_client
from tests.clients.environment import ENVIRONMENT, package, run
from tests.support.cast import PASSWORD
from tests.support.programs import system_program
from tests.support.server import RunningServer
from tests.support.signed_in import new_email

HERE = Path(__file__).parent


pytestmark = pytest.mark.usefixtures("environment")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A project in TypeScript, with the packages of the environment."""
    (tmp_path / "node_modules").symlink_to(ENVIRONMENT / "node_modules")
    (tmp_path / "package.json").write_text("{}")
    shutil.copy(HERE / "tsconfig.json", tmp_path)
    return tmp_path


def runs(folder: Path, built: str, server: RunningServer) -> None:
    node = system_program("node", package="nodejs")
    assert run(folder, node, f"built/{built}", server.base_url, new_email(), PASSWORD) == "all of it\n"


def test_openapi_typescript(server: RunningServer, folder: Path) -> None:
    run(folder, package("openapi-typescript"), f"{server.base_url}/openapi.json", "-o", "schema.d.ts")
    shutil.copy(HERE / "everyday" / "openapi_fetch.ts", folder)
    run(folder, package("tsc"))
    runs(folder, "openapi_fetch.js", server)


def test_hey_api(server: RunningServer, folder: Path) -> None:
    run(folder, package("openapi-ts"), "-i", f"{server.base_url}/openapi.json", "-o", "client")
    shutil.copy(HERE / "everyday" / "hey_api.ts", folder)
    run(folder, package("tsc"))
    runs(folder, "hey_api.js", server)


def test_openapi_python_client(server: RunningServer, tmp_path: Path) -> None:
    programs = ENVIRONMENT / "venv" / "bin"
    path = f"{programs}{os.pathsep}{os.environ['PATH']}"
    run(tmp_path, programs / "openapi-python-client", "generate", "--url", f"{server.base_url}/openapi.json", PATH=path)
    client = tmp_path / "taskwell-client"
    shutil.copy(HERE / "everyday" / "openapi_python.py", client)
    run(client, programs / "mypy", "--strict", "openapi_python.py", "taskwell_client")
    printed = run(client, programs / "python", "openapi_python.py", server.base_url, new_email(), PASSWORD)
    assert printed == "all of it\n"


def test_the_printed_client_compiles_in_strict_mode(folder: Path) -> None:
    (folder / "taskwell.ts").write_text(printed_client())
    run(folder, package("tsc"), "--noEmit", "--noUncheckedIndexedAccess", "--exactOptionalPropertyTypes", "--erasableSyntaxOnly")


def test_the_printed_client_compiles_with_the_flags_that_are_printed(tmp_path: Path) -> None:
    """Without a project and packages that would say more, so that the compiler's own defaults count."""
    (tmp_path / "taskwell.ts").write_text(printed_client())
    (flags,) = re.findall(r"`tsc (--strict[^`]*)`", DOCUMENT.read_text(encoding="utf-8"))
    run(tmp_path, package("tsc"), "--noEmit", *flags.split(), "taskwell.ts")
