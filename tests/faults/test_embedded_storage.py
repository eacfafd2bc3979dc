"""The embedded PostgreSQL starts from what storage and orchestrators make of its files, and whatever the environment says."""

import os
import shutil
import stat
from pathlib import Path

import pytest

from taskwell.database.embedded import EmbeddedPostgres
from taskwell.database.embedded.account import account
from tests.faults.processes import HASTY, ask, assert_works


def filled(data_dir: Path) -> Path:
    with EmbeddedPostgres.start(data_dir, options=HASTY) as server:
        ask(server.url, "CREATE TABLE kept AS SELECT 'milk' AS title")
    return data_dir / "postgresql"


@pytest.mark.parametrize("added", [stat.S_IRWXG, stat.S_IRWXG | stat.S_ISGID, stat.S_IRWXG | stat.S_IRWXO])
def test_files_that_were_given_to_a_group_are_taken_back(tmp_path: Path, added: int) -> None:
    """As Kubernetes does with `fsGroup`, at each mount; and an archive that keeps no modes."""
    cluster = filled(tmp_path / "data")
    for path in [cluster, *cluster.rglob("*")]:
        path.chmod(stat.S_IMODE(path.stat().st_mode) | (added if path.is_dir() else added & 0o066))
    assert_works(tmp_path / "data", "SELECT title FROM kept")
    assert cluster.stat().st_mode & 0o077 == 0


def test_a_folder_that_its_owner_may_not_write_to_is_made_writable(tmp_path: Path) -> None:
    cluster = filled(tmp_path / "data")
    cluster.chmod(0o500)
    assert_works(tmp_path / "data", "SELECT title FROM kept")


def test_the_group_may_read_as_postgresql_allows_it(tmp_path: Path) -> None:
    cluster = filled(tmp_path / "data")
    cluster.chmod(0o750)
    assert_works(tmp_path / "data", "SELECT title FROM kept")
    assert stat.S_IMODE(cluster.stat().st_mode) == 0o750


def test_empty_folders_that_an_object_store_lost_are_made_again(tmp_path: Path) -> None:
    cluster = filled(tmp_path / "data")
    lost = set()
    while empty := [folder for folder, folders, files in os.walk(cluster) if not folders and not files]:
        for folder in empty:
            lost.add(Path(folder).relative_to(cluster).as_posix())
            Path(folder).rmdir()
    assert {"pg_notify", "pg_tblspc", "pg_replslot", "pg_logical/snapshots", "pg_wal/archive_status"} <= lost
    with EmbeddedPostgres.start(tmp_path / "data", options=HASTY) as server:
        assert ask(server.url, "SELECT title FROM kept") == "milk"
        ask(server.url, "INSERT INTO kept VALUES ('bread')")
    made = [cluster / name for name in lost if (cluster / name).exists()]
    assert {folder.stat().st_uid for folder in made} == {account().uid}
    assert_works(tmp_path / "data", "SELECT title FROM kept")


def test_a_backup_that_kept_neither_modes_nor_owners_nor_empty_folders_is_a_database(tmp_path: Path) -> None:
    cluster = filled(tmp_path / "data")
    restored = tmp_path / "restored" / "postgresql"
    for path in cluster.rglob("*"):
        if path.is_file():
            (there := restored / path.relative_to(cluster)).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, there)
    assert_works(tmp_path / "restored", "SELECT title FROM kept")


ENVIRONMENT = {
    "PGTARGETSESSIONATTRS": "standby",
    "PGSSLMODE": "verify-full",
    "PGSSLROOTCERT": "/nowhere",
    "PGSSLNEGOTIATION": "direct",
    "PGSSLCERT": "/nowhere",
    "PGOPTIONS": "-c search_path=nowhere -c nonsense=1",
    "PGSERVICE": "nowhere",
    "PGSERVICEFILE": "/nowhere",
    "PGPASSFILE": "/proc/1/mem",
    "PGPASSWORD": "wrong",
    "PGHOST": "nowhere.invalid",
    "PGHOSTADDR": "203.0.113.1",
    "PGPORT": "many",
    "PGUSER": "mallory",
    "PGDATABASE": "other",
    "PGKRBSRVNAME": "nobody",
    "PGGSSLIB": "nonsense",
    "PGREQUIREAUTH": "scram-sha-256",
    "PGCLIENTENCODING": "LATIN1",
    "PGTZ": "Asia/Tokyo",
    "PGDATESTYLE": "German",
    "PGCONNECT_TIMEOUT": "soon",
    "PGMINPROTOCOLVERSION": "nonsense",
    "PGDATA": "/nowhere",
}


def test_no_variable_of_postgresql_matters(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    assert_works(tmp_path / "data")
