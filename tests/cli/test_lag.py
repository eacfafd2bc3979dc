"""What `taskwell serve` and `taskwell config` say of a private PostgreSQL that is older than the newest known one."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from taskwell.cli import app
from taskwell.database.embedded import programs
from tests.cli.command import serving, taskwell


@pytest.fixture
def runner(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> CliRunner:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    monkeypatch.setenv("TASKWELL_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)
    return CliRunner()


@pytest.mark.parametrize("newest", ["18.10", "19.0"])
def test_config_says_so(runner: CliRunner, monkeypatch: pytest.MonkeyPatch, newest: str) -> None:
    monkeypatch.setattr(programs, "NEWEST_KNOWN", (newest, "2027-03-01"))
    done = runner.invoke(app, ["config"])
    assert done.exit_code == 0
    assert f", and {newest} was out by 2027-03-01: see https://www.postgresql.org/support/security/" in done.stderr
    assert "the private PostgreSQL is 18." in done.stderr


def test_config_says_nothing_of_it_where_there_is_another_database(runner: CliRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(programs, "NEWEST_KNOWN", ("18.10", "2027-03-01"))
    monkeypatch.setenv("DATABASE_URL", "postgresql://me@localhost/tasks")
    assert "private PostgreSQL" not in runner.invoke(app, ["config"]).stderr


def test_serve_says_so_before_it_serves(home: Path) -> None:
    """In a process of its own, whose constant is another one."""
    with serving(home, PYTHONPATH=str(older(home))) as server:
        assert "taskwell: the private PostgreSQL is 18." in server.complained
        assert "18.99 was out by 2027-03-01" in server.complained


def older(folder: Path) -> Path:
    (folder / "later").mkdir()
    (folder / "later" / "sitecustomize.py").write_text(
        "from taskwell.database.embedded import programs\nprograms.NEWEST_KNOWN = ('18.99', '2027-03-01')\n"
    )
    return folder / "later"


def test_the_packed_one_is_as_new_as_we_know(tmp_path: Path) -> None:
    done = taskwell("config", cwd=tmp_path, TASKWELL_DATA_DIR=str(tmp_path / "data"))
    assert "private PostgreSQL" not in done.stderr
