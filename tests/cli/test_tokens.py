"""`taskwell tokens ...`: API tokens, from the shell of the machine."""

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import httpx
import pytest

from tests.cli.command import Command, refusal
from tests.support.cast import Person
from tests.support.errors import assert_error

TASKS = "/api/v1/tasks"


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def in_days(days: int) -> str:
    return (datetime.now(UTC) + timedelta(days=days)).date().isoformat()


def made(command: Command, *words: str) -> str:
    done = command("tokens", "add", *words)
    assert (done.returncode, done.stderr) == (0, "")
    assert re.fullmatch(r"tw_[\w-]{49}\n", done.stdout), "the token, and nothing else"
    return done.stdout.strip()


def test_a_token_works_is_listed_and_is_deleted(alice: Person, bob: Person, anonymous: httpx.Client, command: Command) -> None:
    token = made(command, alice.email.upper(), "back-up", "--scope", "tasks:read", "--scope", "tasks:write", "--days", "7")
    other = made(command, alice.email, "reader", "--scope", "tasks:read")
    task = anonymous.post(TASKS, json={"title": "x"}, headers=bearer(token))
    assert (task.status_code, task.json()["user_id"]) == (201, str(alice.id))
    assert_error(anonymous.post(TASKS, json={"title": "x"}, headers=bearer(other)), 403, "insufficient_scope")
    assert_error(anonymous.get("/api/v1/auth/me", headers=bearer(token)), 403, "insufficient_scope")
    assert anonymous.get(TASKS, headers=bearer(bob.token)).json()["items"] == []

    done = command("tokens", "list", alice.email)
    assert (done.returncode, done.stderr) == (0, "")
    assert token not in done.stdout
    newest, oldest = done.stdout.splitlines()
    assert re.fullmatch(rf"[0-9a-f-]{{36}}  …{other[-6:]}  reader  tasks:read  until {in_days(90)}  used {in_days(0)}", newest)
    assert re.fullmatch(
        rf"[0-9a-f-]{{36}}  …{token[-6:]}  back-up  tasks:read tasks:write  until {in_days(7)}  used {in_days(0)}", oldest
    )
    assert command("tokens", "list", bob.email).stdout == ""

    token_id = oldest.split()[0]
    assert refusal(command("tokens", "delete", bob.email, token_id)) == "There is no such API token."
    assert anonymous.get(TASKS, headers=bearer(token)).status_code == 200
    done = command("tokens", "delete", alice.email, token_id)
    assert (done.returncode, done.stdout, done.stderr) == (0, "Deleted.\n", "")
    assert_error(anonymous.get(TASKS, headers=bearer(token)), 401, "token_invalid")
    assert anonymous.get(TASKS, headers=bearer(other)).status_code == 200
    assert refusal(command("tokens", "delete", alice.email, token_id)) == "There is no such API token."


def test_only_an_administrator_can_have_a_token_for_everybody(
    alice: Person, carol: Person, anonymous: httpx.Client, command: Command
) -> None:
    said = refusal(command("tokens", "add", alice.email, "x", "--scope", "admin"))
    assert said == f"admin is for administrators alone: `taskwell users make-admin {alice.email}` makes one"
    token = made(command, carol.email, "x", "--scope", "admin")
    task = alice.creates()
    answer = anonymous.get(f"/api/v1/users/{alice.id}/tasks", headers=bearer(token))
    assert answer.json()["items"] == [task]
    assert re.search(r"  x  admin  until \S+  used \S+$", command("tokens", "list", carol.email).stdout)


def test_a_token_that_was_not_used_says_so(alice: Person, command: Command) -> None:
    made(command, alice.email, "x", "--scope", "account", "--days", "366")
    assert re.search(rf"  x  account  until {in_days(366)}  used never\n$", command("tokens", "list", alice.email).stdout)


def test_a_name_cannot_speak_to_the_terminal_of_who_lists_it(alice: Person, command: Command) -> None:
    answer = alice.post(
        "/api/v1/auth/tokens", json={"name": "bücher\x1b[2J\ntwo", "scopes": ["tasks:read"], "expires_in_days": 1}
    )
    assert answer.status_code == 201, answer.text
    assert "  bücher\\x1b[2J\\ntwo  tasks:read  " in command("tokens", "list", alice.email).stdout


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("x",), 2, "--scope"),
        (("x", "--scope", "tasks:delete"), 2, "must be one of tasks:read, tasks:write, account, admin"),
        (("x", "--scope", "tasks:read tasks:write"), 2, "must be one of"),
        (("x", "--scope", "tasks:read", "--days", "0"), 2, "--days"),
        (("x", "--scope", "tasks:read", "--days", "367"), 2, "--days"),
        ((" ", "--scope", "tasks:read"), 1, "name: must not be blank"),
        (("x" * 256, "--scope", "tasks:read"), 1, "name: .*255"),
    ],
)
def test_a_token_that_cannot_be_is_refused(command: Command, words: tuple[str, ...], code: int, says: str) -> None:
    done = command("tokens", "add", "me@example.com", *words)
    assert (done.returncode, done.stdout) == (code, "")
    assert re.search(says, done.stderr), done.stderr
    assert "Traceback" not in done.stderr


def test_an_unknown_address_is_named(command: Command) -> None:
    def said(words: tuple[str, ...]) -> str:
        name, *more = words
        return refusal(command("tokens", name, "nobody@example.com", *more))

    with ThreadPoolExecutor(2) as pool:
        for line in pool.map(said, [("add", "x", "--scope", "tasks:read"), ("list",), ("delete", str(uuid4()))]):
            assert line == "There is no account nobody@example.com: name it by its e-mail address or its id."
