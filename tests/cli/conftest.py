"""A data folder that a server has used before, so that not every test pays for a new database."""

import asyncio
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from taskwell.database import url
from taskwell.database.embedded import EmbeddedPostgres
from taskwell.database.migrate import migrate
from taskwell.identity.keys import kept_key
from tests.cli.command import Command, taskwell


@pytest.fixture(scope="session")
def used_data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("used") / "data"
    with EmbeddedPostgres.start(folder, options={"fsync": "off"}) as postgres:
        asyncio.run(migrate(url.parse(postgres.url)))
    kept_key(folder)
    return folder


@pytest.fixture(scope="session")
def copy_data(used_data_dir: Path) -> Callable[[Path], Path]:
    def copy(to: Path) -> Path:
        cp = shutil.which("cp")
        assert cp is not None
        subprocess.run([cp, "-a", str(used_data_dir), str(to)], check=True)  # with owners, which shutil forgets
        return to

    return copy


@pytest.fixture
def command(shared_database: str, tmp_path: Path) -> Command:
    """`taskwell`, at the database of the server that the tests of this worker share."""
    return lambda *words, told="": taskwell(*words, cwd=tmp_path, told=told, DATABASE_URL=shared_database)


@pytest.fixture
def home(tmp_path: Path, copy_data: Callable[[Path], Path]) -> Path:
    """A folder with data in it; Taskwell is started from here."""
    copy_data(tmp_path / "data")
    return tmp_path
