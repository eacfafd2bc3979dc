"""`taskwell users ...`: accounts, from the shell of the machine."""

import os
import pty
import re
import select
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import uuid4

import pytest

from tests.cli.command import PROGRAM, START_WITHIN, Command, Visitor, environment, refusal
from tests.support import postgres
from tests.support.errors import assert_error
from tests.support.server import RunningServer

PASSWORD = "correct horse battery"


def new_email(name: str = "dora") -> str:
    return f"{name}-{uuid4().hex[:8]}@example.com"


@pytest.fixture
def dora(server: RunningServer) -> Iterator[Visitor]:
    """Signed up and signed in, with a task."""
    with Visitor(server.base_url, new_email()) as somebody:
        somebody.signs_up()
        somebody.signs_in()
        somebody.adds("buy milk")
        yield somebody


def line_of(command: Command, email: str) -> str | None:
    """What `taskwell users list` says of an account."""
    done = command("users", "list")
    assert (done.returncode, done.stderr) == (0, "")
    found = [line for line in done.stdout.splitlines() if email in line]
    assert len(found) < 2
    return found[0] if found else None


def signs_in(who: Visitor, password: str) -> int:
    return who.post("/api/v1/auth/token", data={"username": who.email, "password": password}).status_code


def test_an_account_is_made_with_the_password_on_standard_input(server: RunningServer, command: Command) -> None:
    email, boss = new_email(), new_email("boss")
    done = command("users", "add", email, "--name", "Dora", told=f"{PASSWORD}\n")
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{email} can sign in.\n", "")
    assert refusal(command("users", "add", email.upper(), told=PASSWORD)) == "An account with this e-mail address exists already."
    assert command("users", "add", boss, "--admin", told=f"{PASSWORD}\r\nand more\n").returncode == 0
    with Visitor(server.base_url, email) as dora, Visitor(server.base_url, boss) as administrator:
        for who, name, is_admin in ((dora, "Dora", False), (administrator, None, True)):
            who.signs_in()
            me = who.get("/api/v1/auth/me").json()
            assert (me["display_name"], me["is_admin"]) == (name, is_admin)
        assert re.fullmatch(r"[0-9a-f-]{36}  \S+  \d{4}-\d\d-\d\d", line_of(command, email) or "")
        assert re.fullmatch(r"[0-9a-f-]{36}  \S+  \d{4}-\d\d-\d\d  admin", line_of(command, boss) or "")


def test_a_password_is_never_an_argument(command: Command) -> None:
    for words in (("add", new_email(), "--password", PASSWORD), ("set-password", new_email(), PASSWORD)):
        done = command("users", *words, told=PASSWORD)
        assert (done.returncode, done.stdout) == (2, "")
        assert re.search("No such option|unexpected extra argument", done.stderr)


@pytest.mark.parametrize(
    ("command_name", "email", "password", "says"),
    [
        ("add", "dora@example.com", "1234567\n", "password: must have at least 8 characters"),
        ("add", "dora@example.com", "", "password: must have at least 8 characters"),
        ("add", "dora@example.com", "x" * 1025, "password: must be at most 1024 bytes"),
        ("add", "dora@example.com", "not UTF-8 \udcff\n", "password: must be UTF-8"),
        ("add", "dora", f"{PASSWORD}\n", "email: must be a valid e-mail address"),
        ("set-password", "dora@example.com", "1234567\n", "new_password: must have at least 8 characters"),
    ],
)
def test_what_cannot_be_an_account_is_said_in_one_line(
    command: Command, command_name: str, email: str, password: str, says: str
) -> None:
    said = refusal(command("users", command_name, email, told=password))
    assert re.match(says, said), said
    assert password.strip() == "" or password.strip() not in said


class Terminal:
    """A command at a terminal of its own, and what stands on the screen."""

    def __init__(self, *words: str, cwd: Path, **more: str) -> None:
        self._master, slave = pty.openpty()
        # In a session of its own, or it would ask at the terminal of whoever runs the tests.
        self._process = subprocess.Popen(
            [PROGRAM, *words],
            cwd=cwd,
            env=environment(**more),
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
        )
        os.close(slave)
        self.screen = ""

    def answers(self, prompt: str, text: str) -> None:
        while not self.screen.endswith(prompt):
            assert self._reads(), self.screen
        os.write(self._master, os.fsencode(f"{text}\n"))

    def ends(self) -> int:
        while self._reads():
            pass
        os.close(self._master)
        return self._process.wait(START_WITHIN)

    def _reads(self) -> bool:
        assert select.select([self._master], [], [], START_WITHIN)[0], self.screen
        try:
            read = os.read(self._master, 4096)
        except OSError:  # Linux's word for the end
            return False
        self.screen += read.decode()
        return bool(read)


def test_at_a_terminal_the_password_is_asked_for_twice_and_not_shown(
    server: RunningServer, shared_database: str, tmp_path: Path
) -> None:
    email = new_email()
    for again, code, says in (("another one", 2, "the two are not the same"), (PASSWORD, 0, f"{email} can sign in.")):
        terminal = Terminal("users", "add", email, cwd=tmp_path, DATABASE_URL=shared_database)
        terminal.answers("Password: ", PASSWORD)
        terminal.answers("Once more: ", again)
        assert terminal.ends() == code
        assert says in terminal.screen
        assert PASSWORD not in terminal.screen
        assert again not in terminal.screen
    with Visitor(server.base_url, email) as dora:
        dora.signs_in()


def test_at_a_terminal_of_another_encoding_a_password_is_refused_in_one_line(shared_database: str, tmp_path: Path) -> None:
    terminal = Terminal("users", "add", new_email(), cwd=tmp_path, DATABASE_URL=shared_database)
    for prompt in ("Password: ", "Once more: "):
        terminal.answers(prompt, "cr\udce8me br\udcfbl\udce9e")
    assert terminal.ends() == 1
    assert terminal.screen.endswith("taskwell: password: must be UTF-8\r\n")
    assert "Traceback" not in terminal.screen


def test_an_unknown_address_is_named_and_nothing_else_happens(command: Command) -> None:
    everyone = [("disable",), ("enable",), ("delete", "--yes"), ("set-password",), ("make-admin",)]

    def said(words: tuple[str, ...]) -> str:
        return refusal(command("users", *words, "nobody@example.com", told=f"{PASSWORD}\n"))

    with ThreadPoolExecutor(2) as pool:
        for line in pool.map(said, everyone):
            assert line == "There is no account nobody@example.com: name it by its e-mail address or its id."


def test_a_disabled_account_is_refused_at_once_and_keeps_its_tasks(dora: Visitor, command: Command) -> None:
    refresh = dora.post("/api/v1/auth/token", data={"username": dora.email, "password": dora.password}).json()["refresh_token"]
    renewal = {"grant_type": "refresh_token", "refresh_token": refresh}
    done = command("users", "disable", dora.email.upper())
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{dora.email.upper()} is disabled.\n", "")
    assert (line_of(command, dora.email) or "").endswith("  disabled")
    assert_error(dora.get("/api/v1/tasks"), 401, "account_unusable")
    assert_error(dora.post("/api/v1/auth/token", data=renewal), 401, "refresh_token_invalid")
    assert signs_in(dora, dora.password) == 401
    done = command("users", "enable", dora.email)
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{dora.email} can sign in again.\n", "")
    # What was ended stays ended.
    assert_error(dora.get("/api/v1/tasks"), 401, "account_unusable")
    assert_error(dora.post("/api/v1/auth/token", data=renewal), 401, "refresh_token_invalid")
    dora.signs_in()
    assert [task["title"] for task in dora.get("/api/v1/tasks").json()["items"]] == ["buy milk"]


def test_a_new_password_ends_every_sign_in(dora: Visitor, command: Command) -> None:
    done = command("users", "set-password", dora.email, told="another password\n")
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{dora.email} has a new password.\n", "")
    assert_error(dora.get("/api/v1/tasks"), 401, "account_unusable")
    assert signs_in(dora, dora.password) == 401
    assert signs_in(dora, "another password") == 200


def test_a_password_that_a_terminal_writes_apart_signs_in_composed(dora: Visitor, command: Command) -> None:
    assert command("users", "set-password", dora.email, told="cre\u0300me bru\u0302le\u0301e\n").returncode == 0
    assert signs_in(dora, "cr\u00e8me br\u00fbl\u00e9e") == 200


def test_an_account_is_deleted_only_by_who_says_so(dora: Visitor, command: Command) -> None:
    for answer in ("n\n", ""):
        done = command("users", "delete", dora.email, told=answer)
        assert done.returncode == 1
        assert f"Delete {dora.email} and all their tasks? [y/N]" in done.stdout
    assert dora.get("/api/v1/tasks").status_code == 200
    assert command("users", "delete", dora.email, told="y\n").stdout.endswith(f"{dora.email} is deleted.\n")
    assert_error(dora.get("/api/v1/tasks"), 401, "account_unusable")
    assert signs_in(dora, dora.password) == 401
    assert line_of(command, dora.email) is None


def test_yes_is_not_asked_again_and_the_address_is_free_again(dora: Visitor, command: Command) -> None:
    done = command("users", "delete", "--yes", dora.email)
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{dora.email} is deleted.\n", "")
    dora.signs_up()
    dora.signs_in()
    assert dora.get("/api/v1/tasks").json()["items"] == []


def test_who_signs_in_elsewhere_is_listed_without_an_address(command: Command, shared_database: str) -> None:
    user_id = str(uuid4())
    postgres.query(shared_database, "INSERT INTO users (id) VALUES ($1)", user_id)
    assert re.fullmatch(rf"{user_id}  \(signs in elsewhere\)  \d{{4}}-\d\d-\d\d", line_of(command, user_id) or "")


def test_somebody_who_signs_in_elsewhere_is_named_by_their_id(shared_database: str, command: Command) -> None:
    user_id = uuid4()
    postgres.query(shared_database, "INSERT INTO users (id) VALUES ($1)", user_id)
    assert f"{user_id}  (signs in elsewhere)" in command("users", "list").stdout
    for words, column, value in (
        (("make-admin",), "is_admin", True),
        (("make-admin", "--undo"), "is_admin", False),
        (("disable",), "disabled_at IS NOT NULL", True),
        (("delete", "--yes"), "deleted_at IS NOT NULL", True),
    ):
        assert command("users", *words, str(user_id)).returncode == 0
        assert postgres.query(shared_database, f"SELECT {column} FROM users WHERE id = $1", user_id)[0][0] is value
    assert "There is no account" in refusal(command("users", "enable", str(user_id)))
