"""A data folder that is a copy of another one, made in whatever way, harms nobody and leads to nobody else's data."""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from taskwell.database.embedded import EmbeddedPostgres, running_url
from taskwell.database.url import parse
from taskwell.errors import CannotStart
from tests.faults.processes import HASTY, ask

Copy = Callable[[Path, Path], None]


def by_cp(original: Path, copy: Path) -> None:
    subprocess.run(["cp", "-a", original, copy], check=True)


def by_tar(original: Path, copy: Path) -> None:
    copy.mkdir(mode=0o700)
    archive = subprocess.run(["tar", "-C", original, "-cf", "-", "."], stdout=subprocess.PIPE, check=True).stdout
    subprocess.run(["tar", "-C", copy, "-xpf", "-"], input=archive, check=True)


def with_the_same_lock(original: Path, copy: Path) -> None:
    """Copies that save room, `cp -al` and rsync's --link-dest, share the inodes of files, but never those of folders."""
    by_cp(original, copy)
    (copy / "postgresql.lock").unlink()
    (copy / "postgresql.lock").hardlink_to(original / "postgresql.lock")


@pytest.mark.parametrize("copied", [by_cp, by_tar])
def test_a_copy_of_a_live_folder_is_a_database_of_its_own(tmp_path: Path, copied: Copy) -> None:
    with EmbeddedPostgres.start(tmp_path / "data", options=HASTY) as original:
        ask(original.url, "CREATE TABLE told AS SELECT 'milk' AS title")
        copied(tmp_path / "data", tmp_path / "copy")
        assert running_url(tmp_path / "copy") is None
        with EmbeddedPostgres.start(tmp_path / "copy", options=HASTY) as copy:
            assert copy.url != original.url
            ask(copy.url, "UPDATE told SET title = 'bread'")
            assert running_url(tmp_path / "copy") == copy.url
        assert ask(original.url, "SELECT title FROM told") == "milk"
        assert running_url(tmp_path / "data") == original.url


def test_a_copy_that_shares_the_lock_is_refused_and_does_not_lead_to_the_original(tmp_path: Path) -> None:
    with EmbeddedPostgres.start(tmp_path / "data", options=HASTY) as original:
        with_the_same_lock(tmp_path / "data", tmp_path / "copy")
        assert running_url(tmp_path / "copy") is None
        with pytest.raises(CannotStart, match="another Taskwell runs"):
            EmbeddedPostgres.start(tmp_path / "copy")
        assert ask(original.url, "SELECT 1") == 1


def test_a_folder_that_was_moved_or_is_reached_by_another_name_is_the_same_one(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "moved")
    with EmbeddedPostgres.start(tmp_path / "data", options=HASTY) as original:
        (tmp_path / "data").rename(tmp_path / "moved")
        assert running_url(tmp_path / "moved") == original.url
        assert running_url(tmp_path / "link") == original.url
        with pytest.raises(CannotStart, match="another Taskwell runs"):
            EmbeddedPostgres.start(tmp_path / "link")
        subprocess.run(["cp", "-a", tmp_path / "moved", tmp_path / "data"], check=True)
        with EmbeddedPostgres.start(tmp_path / "data", options=HASTY) as back:
            assert back.url != original.url
            assert ask(original.url, "SELECT 1") == 1


def test_a_note_that_names_the_folder_of_another_database_is_not_believed(tmp_path: Path) -> None:
    """What a copy has whose original is no longer running, and neither has its process id."""
    with EmbeddedPostgres.start(tmp_path / "data", options=HASTY) as original:
        folder = Path(parse(original.url).host)
        EmbeddedPostgres.start(tmp_path / "other", options=HASTY).stop()
        shutil.copy2(tmp_path / "data" / "postgresql.lock", tmp_path / "other" / "postgresql.lock")
        shutil.copy2(tmp_path / "data" / "postgresql" / "postmaster.pid", tmp_path / "other" / "postgresql" / "postmaster.pid")
        with EmbeddedPostgres.start(tmp_path / "other", options=HASTY) as other:
            assert ask(other.url, "SELECT 1") == 1
            assert any(folder.iterdir())
        assert ask(original.url, "SELECT 1") == 1
