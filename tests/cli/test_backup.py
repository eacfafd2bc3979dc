"""`taskwell backup` and `taskwell restore`: what was backed up is back, and nothing of a lost future matches."""

import os
import re
import shlex
import subprocess
from pathlib import Path

import pytest

from taskwell.database.embedded import program
from taskwell.identity.keys import KEY_FILE
from tests.cli.command import PASSWORD, PROGRAM, Visitor, environment, refusal, serving, taskwell
from tests.support import postgres

WORDS = ("--data-dir", "data")


def test_a_backup_while_it_serves_is_all_that_there_was(home: Path) -> None:
    file, data = home / "tasks.backup", home / "data"
    with serving(home) as server, Visitor(server.url) as me:
        me.signs_up()
        me.signs_in()
        kept = me.adds("kept")
        session = me.post("/api/v1/auth/token", data={"username": "me@example.com", "password": PASSWORD}).json()
        made = me.post("/api/v1/auth/tokens", json={"name": "x", "scopes": ["tasks:read"], "expires_in_days": 1})
        done = taskwell("backup", str(file), *WORDS, cwd=home)
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout == f"The backup is in {file}. Keep a copy of {data / KEY_FILE} too, apart from it.\n"
        assert file.stat().st_mode & 0o777 == 0o600
        assert [path.name for path in home.iterdir() if path.name.startswith(".")] == []
        lost = me.patch(f"/api/v1/tasks/{kept['id']}", json={"title": "of the lost future"})
        lost_list = me.get("/api/v1/tasks")
        assert "another Taskwell runs on the data folder" in refusal(taskwell("restore", str(file), "--force", *WORDS, cwd=home))
        assert me.get("/api/v1/tasks").headers["ETag"] == lost_list.headers["ETag"]

    assert "--force replaces it" in refusal(taskwell("restore", str(file), *WORDS, cwd=home))
    assert taskwell("restore", str(file), "--force", *WORDS, cwd=home).returncode == 0
    with serving(home) as server, Visitor(server.url) as me:
        me.signs_in()
        (restored,) = me.get("/api/v1/tasks").json()["items"]
        assert restored["etag"] != kept["etag"]  # of another epoch
        assert restored | {"etag": kept["etag"]} == kept
        going_on = {"grant_type": "refresh_token", "refresh_token": session["refresh_token"]}
        assert me.post("/api/v1/auth/token", data=going_on).status_code == 200
        token = {"Authorization": f"Bearer {made.json()['token']}"}
        assert me.get("/api/v1/tasks", headers=token).json()["items"] == [restored]
        changed = me.patch(f"/api/v1/tasks/{kept['id']}", json={"title": "of the new future"})
        # At the same revision as the one that was lost.
        for tag, where in ((lost, f"/api/v1/tasks/{kept['id']}"), (lost_list, "/api/v1/tasks")):
            old = tag.headers["ETag"]
            assert me.get(where, headers={"If-None-Match": old}).status_code == 200
        assert changed.headers["ETag"] != lost.headers["ETag"]
        refused = me.patch(f"/api/v1/tasks/{kept['id']}", json={"title": "x"}, headers={"If-Match": lost.headers["ETag"]})
        assert refused.status_code == 412


def test_a_folder_without_a_database_gets_one_from_a_backup(home: Path) -> None:
    assert taskwell("users", "add", "me@example.com", *WORDS, cwd=home, told=PASSWORD).returncode == 0
    line = f"{PROGRAM} backup - --data-dir data | {PROGRAM} restore - --data-dir other/new"
    done = subprocess.run(["sh", "-c", line], cwd=home, env=environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done
    assert "me@example.com" in taskwell("users", "list", "--data-dir", "other/new", cwd=home).stdout
    assert sorted(path.name for path in (home / "other" / "new").iterdir() if "restoring" in path.name) == []


def test_what_is_no_backup_changes_nothing(home: Path) -> None:
    assert taskwell("users", "add", "me@example.com", *WORDS, cwd=home, told=PASSWORD).returncode == 0
    assert taskwell("backup", "whole", *WORDS, cwd=home).returncode == 0
    (home / "cut").write_bytes((home / "whole").read_bytes()[:3000])
    (home / "something else").write_text("SELECT 1;\n" * 1000)
    (home / "folder").mkdir()
    for name in ("cut", "something else", "folder", "not there", "x" * 300):
        refused = refusal(taskwell("restore", name, "--data-dir", "new", cwd=home))
        assert re.search("cannot be (restored|read)", refused), name
        assert not (home / "new").exists(), name
        refused = refusal(taskwell("restore", name, "--force", *WORDS, cwd=home))
        assert re.search("cannot be (restored|read)", refused), name
        assert "me@example.com" in taskwell("users", "list", *WORDS, cwd=home).stdout, name


def test_a_file_that_is_there_is_kept(home: Path) -> None:
    file = home / "tasks.backup"
    file.write_text("precious")
    assert refusal(taskwell("backup", str(file), *WORDS, cwd=home)) == f"{file} is there already: --force replaces it"
    assert file.read_text() == "precious"
    assert taskwell("backup", str(file), "--force", *WORDS, cwd=home).returncode == 0
    assert file.read_bytes().startswith(b"PGDMP")
    for name, words in (
        ("data", "is not an ordinary file"),
        ("none/here", "cannot be written: No such file"),
        ("x" * 300, "cannot be written: File name too long"),
    ):
        assert words in refusal(taskwell("backup", name, "--force", *WORDS, cwd=home))


def programs_for(database_url: str) -> Path:
    """The folder of pg_dump and its kind, of the version of the server."""
    major = int(postgres.query(database_url, "SHOW server_version_num")[0][0]) // 10_000
    folder = Path(f"/usr/lib/postgresql/{major}/bin")
    if (folder / "pg_dump").exists():
        return folder
    own = Path(program("pg_dump")).parent
    if f" {major}." not in subprocess.run([own / "pg_dump", "--version"], capture_output=True, text=True, check=True).stdout:
        pytest.skip(f"there is no pg_dump of PostgreSQL {major} here")
    return own


def test_for_a_database_of_ones_own_the_lines_are_printed_and_they_work(
    tmp_path: Path, own_database: str, empty_database: str
) -> None:
    assert taskwell("users", "add", "me@example.com", cwd=tmp_path, told=PASSWORD, DATABASE_URL=own_database).returncode == 0
    (before,) = postgres.query(own_database, "SELECT epoch, tag_key FROM instance")
    path = f"{programs_for(own_database)}:{os.environ['PATH']}"
    for command, database_url in (("backup", own_database), ("restore", empty_database)):
        done = taskwell(command, "the backup", cwd=tmp_path, DATABASE_URL=database_url)
        assert done.returncode == 1
        assert done.stderr.startswith("taskwell: nothing was done: ")
        for line in done.stdout.splitlines():
            ran = subprocess.run(
                ["sh", "-c", line], cwd=tmp_path, env=environment(PATH=path), capture_output=True, text=True, check=False
            )
            assert (ran.returncode, ran.stderr) == (0, ""), line
    assert "me@example.com" in taskwell("users", "list", cwd=tmp_path, DATABASE_URL=empty_database).stdout
    (after,) = postgres.query(empty_database, "SELECT epoch, tag_key FROM instance")
    assert before["epoch"] != after["epoch"]
    assert before["tag_key"] == after["tag_key"], "refresh tokens from before would be refused"


def test_the_lines_lead_to_the_direct_database_and_have_no_password(tmp_path: Path) -> None:
    pooled = "postgresql://me:pa55word@ep-cool-1-pooler.eu-central-1.aws.neon.tech/tasks?sslmode=require&channel_binding=require"
    for command in ("backup", "restore"):
        assert "set DATABASE_DIRECT_URL" in refusal(taskwell(command, "x", cwd=tmp_path, DATABASE_URL=pooled))
        direct = pooled.replace("-pooler", "")
        done = taskwell(command, "x", cwd=tmp_path, DATABASE_URL=pooled, DATABASE_DIRECT_URL=direct)
        assert "pa55word" not in done.stdout + done.stderr
        (where,) = {word for word in shlex.split(done.stdout) if word.startswith("--dbname=")}
        assert where == (
            "--dbname=postgresql://me@ep-cool-1.eu-central-1.aws.neon.tech:5432/tasks?sslmode=verify-full&sslrootcert=system"
        )
    assert list(tmp_path.iterdir()) == []
