"""`taskwell export` and `taskwell import`."""

import json
import re
import subprocess
from pathlib import Path

import pytest

from tests.cli.command import PROGRAM, WHICH, Command, environment, refusal
from tests.support import postgres
from tests.support.cast import Person
from tests.support.transfer import alike, exported, imports, lines

FILES = Path(__file__).parents[1] / "transfer" / "files"


def test_what_is_exported_can_be_imported_into_another_account(
    command: Command, tmp_path: Path, alice: Person, bob: Person
) -> None:
    home = alice.creates_list("Home")
    sweep = alice.creates("Sweep", list_id=home["id"], due={"date": "2026-01-01"}, recurrence={"rule": "FREQ=DAILY"})
    alice.post(f"/api/v1/tasks/{sweep['id']}/complete")
    out = command("export", "--user", alice.email)
    assert (out.returncode, out.stderr) == (0, "")
    assert [json.loads(line)["kind"] for line in out.stdout.splitlines()] == ["account", "list", "task", "occurrence"]
    assert json.loads(out.stdout.splitlines()[0])["email"] == alice.email
    done = command("export", "--user", alice.email, "all.jsonl")
    assert (done.returncode, (tmp_path / "all.jsonl").read_text()) == (0, out.stdout)
    assert "is there already: --force replaces it" in refusal(command("export", "--user", alice.email, "all.jsonl"))
    into = command("import", "all.jsonl", "--user", f" {bob.email}")
    assert (into.returncode, into.stderr) == (0, "")
    assert into.stdout.splitlines() == [
        "no place here: accounts (1, the first on line 1)",
        "taskwell: 1 lists made, 0 there already; 1 occurrences made, 0 there already; 1 tasks made, 0 there already.",
    ]
    assert alike(exported(bob)) == alike(exported(alice))
    again = command("import", "-", "--user", str(bob.id), told=out.stdout)
    assert "0 lists made, 1 there already; 0 occurrences made, 1 there already; 0 tasks made, 1 there already" in again.stdout


def test_a_bad_line_is_named_and_the_rest_goes_in_or_nothing(command: Command, tmp_path: Path, alice: Person) -> None:
    (tmp_path / "mixed.jsonl").write_text(lines({"kind": "task", "title": "good"}, {"kind": "task", "title": ""}) + "x\n")
    strict = command("import", "mixed.jsonl", "--user", alice.email, "--strict")
    assert strict.returncode == 1
    assert strict.stdout == ""
    assert strict.stderr.splitlines() == [
        "taskwell: line 2: title: must not be blank",
        "taskwell: line 3: is not JSON (column 1)",
        "taskwell: Nothing was imported, since not all of the file can be. `details.refusals` says which lines, and why.",
    ]
    assert alice.sees() == []
    done = command("import", "mixed.jsonl", "--user", alice.email)
    assert done.returncode == 0
    assert done.stderr.splitlines() == strict.stderr.splitlines()[:2]
    assert done.stdout == "taskwell: 1 tasks made, 0 there already.\n"


def test_the_list_of_a_csv_file_is_called_as_the_file(command: Command, tmp_path: Path, alice: Person, bob: Person) -> None:
    (tmp_path / "Garden [2203306141].csv").write_bytes((FILES / "todoist.csv").read_bytes())
    assert command("import", "Garden [2203306141].csv", "--user", alice.email).returncode == 0
    assert [one["name"] for one in alice.lists()] == ["Garden"]
    assert command("import", str(FILES / "todoist.csv"), "--user", bob.email, "--list", "Yard").returncode == 0
    assert [one["name"] for one in bob.lists()] == ["Yard"]


@pytest.mark.parametrize("stem", [" ", "y\udce9"])
def test_a_csv_file_whose_name_no_list_can_have_goes_into_the_inbox(
    command: Command, tmp_path: Path, alice: Person, stem: str
) -> None:
    (tmp_path / f"{stem}.csv").write_bytes((FILES / "todoist.csv").read_bytes())
    assert command("import", f"{stem}.csv", "--user", alice.email).returncode == 0
    assert alice.lists() == []
    assert "Buy compost" in {task["title"] for task in alice.sees()}


@pytest.mark.parametrize(
    ("name", "why"), [("", "must not be blank"), ("\u200b", "must not be blank"), ("x\udce9", "is not UTF-8"), ("x" * 256, "255")]
)
def test_a_name_that_no_list_can_have_is_refused(command: Command, alice: Person, name: str, why: str) -> None:
    done = command("import", str(FILES / "todoist.csv"), "--user", alice.email, "--list", name)
    assert done.returncode == 2
    assert "Invalid value for '--list'" in done.stderr
    assert why in done.stderr
    assert alice.sees() == []


def test_the_same_file_over_http_and_in_the_terminal_is_the_same(command: Command, alice: Person) -> None:
    imports(alice, (FILES / "data.json").read_bytes())
    before = alice.get("/api/v1/tasks").headers["etag"]
    assert "0 tasks made, 2 there already" in command("import", str(FILES / "data.json"), "--user", alice.email).stdout
    assert alice.get("/api/v1/tasks").headers["etag"] == before


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["import", "nowhere.json", "--user", "EMAIL"], "nowhere.json cannot be read"),
        (["import", "", "--user", "EMAIL"], "cannot be read: it is a folder"),
        (["import", str(Path(__file__)), "--user", "EMAIL"], "--format says which it is"),
        (["import", str(FILES / "data.json"), "--user", "EMAIL", "--format", "x"], "--format says which it is"),
        (["import", str(FILES / "data.json"), "--user", "nobody@example.com"], "There is no account"),
        (["export", "--user", "nobody@example.com"], "There is no account"),
        (["import", "x" * 300, "--user", "EMAIL"], "cannot be read: File name too long"),
        (["export", "x" * 300, "--user", "EMAIL"], "cannot be written: File name too long"),
        pytest.param(
            ["import", "/proc/self/mem", "--user", "EMAIL"],
            "/proc/self/mem cannot be read: Input/output error",
            marks=pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="it is no Linux"),
        ),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(command: Command, alice: Person, words: list[str], why: str) -> None:
    assert why in refusal(command(*(alice.email if word == "EMAIL" else word for word in words)))


def test_where_no_file_can_be_written_no_copy_of_standard_input_can(tmp_path: Path, shared_database: str, alice: Person) -> None:
    """Under this limit no folder can have a temporary file, as on a full disk."""
    limited = ("/bin/sh", "-c", 'ulimit -f 0 && exec "$0" "$@"', PROGRAM, "import", "-", "--user", alice.email)
    told = lines({"kind": "task", "title": "x"})
    done = subprocess.run(
        limited,
        cwd=tmp_path,
        env=environment(DATABASE_URL=shared_database),
        input=told,
        capture_output=True,
        text=True,
        check=False,
    )
    done.stderr = WHICH.sub("", done.stderr, count=1)
    assert re.search(r"the copy cannot be written \(.*\): TMPDIR names a folder", refusal(done))


def test_a_long_file_is_imported_in_chunks(command: Command, tmp_path: Path, shared_database: str, alice: Person) -> None:
    """A chunk of hundreds takes one revision, so nobody else's turn is far."""
    records = ({"kind": "task", "title": f"task {number}", "description": "x" * 200} for number in range(5_000))
    (tmp_path / "long.jsonl").write_text(lines(*records))
    done = command("import", "long.jsonl", "--user", alice.email)
    assert "5000 tasks made" in done.stdout, done.stderr
    (row,) = postgres.query(
        shared_database, "SELECT count(*) AS n, max(revision) AS last FROM tasks WHERE user_id = $1", alice.id
    )
    assert row["n"] == 5_000
    assert row["last"] <= 5_000 // 100
