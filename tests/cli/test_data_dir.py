"""Which database a command works on: it says so, and no command but `serve` makes one."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import typer.main

from taskwell.cli import app
from taskwell.identity.keys import KEY_FILE
from tests.cli.command import PASSWORD, Visitor, refusal, serving, taskwell, taskwell_in_full

ARGUMENTS = {
    "export": ["--user", "me@example.com"],
    "import": ["--user", "me@example.com", "FILE"],
    "restore": ["FILE"],
    "backup": ["FILE"],
    "token": ["me@example.com"],
    "users set-password": ["me@example.com"],
    "users delete": ["--yes", "me@example.com"],
    "tokens add": ["me@example.com", "x", "--scope", "tasks:read"],
    "tokens delete": ["me@example.com", "01a1fc20-0113-7433-aabf-21294cb787d4"],
}


def commands(command: object, *words: str) -> Iterator[str]:
    below = getattr(command, "commands", None)
    if below is None:
        yield " ".join(words)
        return
    for name, one in below.items():
        yield from commands(one, *words, name)


COMMANDS = sorted(commands(typer.main.get_command(app)))
NEEDS_A_DATABASE = [name for name in COMMANDS if name not in ("serve", "config", "restore")]


def words_for(command: str) -> list[str]:
    takes_an_account = command.startswith(("users", "tokens")) and command != "users list"
    return [*command.split(), *ARGUMENTS.get(command, ["me@example.com"] if takes_an_account else [])]


@pytest.mark.parametrize("command", NEEDS_A_DATABASE)
def test_where_there_is_no_database_a_command_refuses_and_makes_none(tmp_path: Path, command: str) -> None:
    done = taskwell_in_full(*words_for(command), "--data-dir", "nowhere", cwd=tmp_path, told=f"{PASSWORD}\n")
    said = refusal(done)
    assert said.startswith(f"there is no database in {tmp_path / 'nowhere'}: `taskwell serve` makes one")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("what", ["an empty folder", "a signing key alone", "a file"])
def test_what_looks_like_a_data_folder_is_none(tmp_path: Path, what: str) -> None:
    data = tmp_path / "data"
    if what == "a file":
        data.write_text("x")
    else:
        data.mkdir()
        if "key" in what:
            (data / KEY_FILE).write_text("x")
    before = sorted(tmp_path.rglob("*"))
    done = taskwell_in_full("users", "list", cwd=tmp_path, TASKWELL_DATA_DIR=str(data))
    assert refusal(done).startswith(f"there is no database in {data}: ")
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_takes_the_option_and_refuses_two_databases(tmp_path: Path, own_database: str, command: str) -> None:
    done = taskwell_in_full(*words_for(command), "--data-dir", "x", cwd=tmp_path, told=f"{PASSWORD}\n", DATABASE_URL=own_database)
    assert refusal(done) == "--data-dir means a private database, and DATABASE_URL another one: leave one of them out"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", ["serve", "config", "restore", "users list"])
def test_an_empty_option_is_not_the_current_folder(home: Path, command: str) -> None:
    """It is what a script says whose variable is not set."""
    for empty in ("", " "):
        done = taskwell_in_full(*words_for(command), "--data-dir", empty, cwd=home / "data", HOME=str(home))
        assert (done.returncode, done.stdout) == (2, "")
        assert "Invalid value for '--data-dir': is empty: leave it out for its default" in done.stderr


def test_somebody_who_is_added_beside_a_running_server_can_sign_in_there_or_nowhere(home: Path) -> None:
    add = ("users", "add", "me@example.com")
    with serving(home) as server, Visitor(server.url) as me:
        said = refusal(taskwell_in_full(*add, cwd=home, told=PASSWORD, HOME=str(home), XDG_DATA_HOME=str(home / "share")))
        assert said.startswith(f"there is no database in {home / 'share' / 'taskwell'}: ")
        assert not (home / "share").exists()
        done = taskwell_in_full(*add, "--data-dir", "data", cwd=home, told=PASSWORD)
        assert (done.returncode, done.stdout) == (0, "me@example.com can sign in.\n")
        assert done.stderr == f"taskwell: the database in {home / 'data'}\n"
        me.signs_in()


def test_a_folder_whose_server_does_not_run_is_worked_on_all_the_same(home: Path) -> None:
    assert taskwell("users", "add", "me@example.com", "--data-dir", "data", cwd=home, told=PASSWORD).returncode == 0
    done = taskwell_in_full("users", "list", "--data-dir", "data", cwd=home)
    assert "me@example.com" in done.stdout
    assert done.stderr == f"taskwell: the database in {home / 'data'}\n"
    assert taskwell("config", "--data-dir", "data", cwd=home).stdout.count(str(home / "data")) == 1


def test_no_command_makes_a_signing_key_as_no_server_would_believe_its_tokens(home: Path) -> None:
    key = home / "data" / KEY_FILE
    key.unlink()
    for words in (["token", "me@example.com"], ["keys", "rotate"]):
        said = refusal(taskwell(*words, "--data-dir", "data", cwd=home))
        assert said.startswith(f"there is no signing key {key}: `taskwell serve` makes it")
    assert not key.exists()


def test_a_database_elsewhere_is_named_without_its_password(tmp_path: Path) -> None:
    done = taskwell_in_full("users", "list", cwd=tmp_path, DATABASE_URL="postgresql://me:pa55word@127.0.0.1:1/tasks")
    which, _, refused = done.stderr.partition("\n")
    assert which == "taskwell: the database at postgresql://me:********@127.0.0.1:1/tasks?sslmode=disable"
    assert refused.startswith("taskwell: the database cannot be reached: ")
    assert "pa55word" not in done.stderr
    assert done.returncode == 1
