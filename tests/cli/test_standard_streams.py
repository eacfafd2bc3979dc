"""Standard input, output and error that are closed, full, or of another encoding: one line, and a server serves."""

import subprocess
from pathlib import Path

import httpx
import pytest

from taskwell import __version__
from tests.cli.command import PROGRAM, WHICH, environment, refusal, serving, taskwell
from tests.support.cast import Person


def in_a_shell(line: str, cwd: Path, **more: str) -> "subprocess.CompletedProcess[str]":
    words = ("/bin/sh", "-c", f'"$0" {line}', PROGRAM)
    return subprocess.run(words, cwd=cwd, env=environment(**more), capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("--version >/dev/full", "standard output cannot be written: No space left on device"),
        ("--version >&-", "standard output cannot be written: Bad file descriptor"),
        ("export --user EMAIL >&-", "the export cannot be written: Bad file descriptor"),
        ("import - --user EMAIL <&-", "--format says which it is"),
        ("users add new@example.com <&-", "password: must have at least 8 characters"),
    ],
)
def test_a_stream_that_is_closed_or_full_is_one_line(
    tmp_path: Path, shared_database: str, alice: Person, line: str, says: str
) -> None:
    line = line.replace("EMAIL", alice.email)
    done = in_a_shell(line, tmp_path, DATABASE_URL=shared_database, PYTHONUNBUFFERED="1")  # as images have it
    done.stderr = WHICH.sub("", done.stderr, count=1)
    assert says in refusal(done)


def test_without_standard_error_lines_are_lost_and_nothing_else(tmp_path: Path) -> None:
    done = in_a_shell("--version 2>&-", tmp_path)
    assert (done.returncode, done.stdout) == (0, f"taskwell {__version__}\n")


def test_who_reads_no_further_is_told_nothing(tmp_path: Path) -> None:
    assert in_a_shell("config | :", tmp_path, PYTHONUNBUFFERED="").stderr == ""


def test_without_any_stream_it_serves(tmp_path: Path, own_database: str) -> None:
    """As some service managers start it, on a full disk."""
    program = ["/bin/sh", "-c", 'exec "$0" serve <&- >/dev/full 2>&-', PROGRAM]
    with serving(tmp_path, program=program, DATABASE_URL=own_database, TASKWELL_WORKERS="1") as server:
        assert httpx.get(f"{server.url}/readyz", trust_env=False).status_code == 200
        assert server.end() == 0


def test_what_an_encoding_lacks_is_escaped(tmp_path: Path, shared_database: str, alice: Person) -> None:
    made = alice.post("/api/v1/auth/tokens", json={"name": "日", "scopes": ["tasks:read"], "expires_in_days": 1})
    assert made.status_code == 201, made.text
    done = taskwell("tokens", "list", alice.email, cwd=tmp_path, DATABASE_URL=shared_database, PYTHONIOENCODING="latin-1")
    assert (done.returncode, done.stderr) == (0, "")
    assert "  \\u2026" in done.stdout
    assert "  \\u65e5  tasks:read" in done.stdout


def test_an_answer_of_another_encoding_is_no_yes(tmp_path: Path, shared_database: str, alice: Person) -> None:
    words = ("users", "delete", alice.email)
    done = taskwell(*words, cwd=tmp_path, told="\udce9\n", DATABASE_URL=shared_database, PYTHONIOENCODING="utf-8")
    assert (done.returncode, done.stderr.strip()) == (1, "Aborted!")
    assert alice.sees() == []
