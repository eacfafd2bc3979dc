"""Each command that README.md and docs/ print works as pasted, in a clone, beside a served Taskwell.

What a block needs of this machine, or of a person, is said here, and so is why some of them cannot be run at all.
"""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

from taskwell.cli import app as cli
from tests.docs.pages import PAGES, ROOT, Block, blocks, unfenced_commands
from tests.docs.terminal import Terminal, in_place_of, terminal

ACCOUNT = """{"email": "me@example.com", "password": "correct horse battery"}"""
SIGN_UP = f"curl http://127.0.0.1:8000/api/v1/auth/register --json '{ACCOUNT}'"

NEEDS = {
    "docs/sign-in.md: TOKEN=$(.venv/bin/taskwell tokens add": f"make serve\n{SIGN_UP}",
    "docs/deploy.md: .venv/bin/taskwell migrate": (
        'stop; export DATABASE_URL=$EMPTY_DATABASE TASKWELL_SIGNING_KEY="$(openssl rand -base64 32)"'
    ),
    "docs/deploy.md: .venv/bin/taskwell backup": "serve .venv/bin/taskwell serve",
    "docs/deploy.md: .venv/bin/taskwell tokens add": SIGN_UP,
}
"""What the text around a block supposes, by the page and the beginning of the block."""

CANNOT_RUN = {
    "docs/deploy.md: apt-get update": "it installs a PostgreSQL and makes users on the whole machine",
    "docs/deploy.md: (umask 077; cat": "it writes into /etc",
    "docs/deploy.md: cp /opt/taskwell/deploy/taskwell.service": "systemd; tests/box/ has it verified",
    "docs/deploy.md: rm /etc/nginx": "it replaces the machine's nginx; tests/faults/test_behind_nginx.py runs one with this file",
    "docs/deploy.md: (set -a": "it reads what was written into /etc",
    "docs/deploy.md: (umask 077; printf": "it needs an engine; tests/box/ checks the file, `make image-dry` runs the steps",
    "docs/deploy.md: docker build": "likewise",
    "docs/import.md: curl -H": "it names somebody's server, token and file; tests/api/test_import.py sends the like",
    "docs/deploy.md: pg_dump": "it names somebody's database; tests/cli/test_backup.py runs the like",
}
"""Blocks that no test runs, and the reasons."""

TOLD = {
    "taskwell users add": "echo 'correct horse battery' | ",
    "taskwell users set-password": "echo 'correct horse battery 2' | ",
    "taskwell users delete": "echo y | ",
}
"""What a person types when a command asks."""

_SERVES = re.compile(r"^(make serve|(?:[A-Z_]+=\S+ )*\.venv/bin/taskwell serve)\b", re.MULTILINE)
_MADE_ELSEWHERE = re.compile(r"^make (?!serve|help)", re.MULTILINE)
_DATABASE = re.compile(r"^(export DATABASE_(?:DIRECT_)?URL)='[^']*'", re.MULTILINE)
_TOKEN_ID = re.compile(r"(tokens delete \S+) [0-9a-f-]{36}")


def script(block: str, here: Terminal) -> str:
    """The block as this machine can run it: at another port, in other folders, on another database."""
    block = _SERVES.sub(lambda found: f"serve {'env ' if '=' in found[1] else ''}{found[1]}", block)
    block = _MADE_ELSEWHERE.sub("make --dry-run ", block)  # that the target exists; CI makes them
    block = _DATABASE.sub(r"\1=$EMPTY_DATABASE", block)
    block = _TOKEN_ID.sub(r"\1 $(.venv/bin/taskwell tokens list me@example.com | grep -o -m 1 -E '[0-9a-f-]{36}')", block)
    for command, typed in TOLD.items():
        block = re.sub(rf"^(\.venv/bin/{command})\b", rf"{typed}\1", block, flags=re.MULTILINE)
    return in_place_of(
        block,
        {
            "127.0.0.1:8000": f"127.0.0.1:{here.port}",
            "--host 0.0.0.0": "--host 127.0.0.1",
            "/srv/taskwell": str(here.folder / "data"),
            "/srv/restored": str(here.folder / "restored"),
        },
    )


def said(table: dict[str, str], block: Block) -> list[str]:
    return [words for beginning, words in table.items() if block.name.startswith(beginning)]


@pytest.fixture
def clone(tmp_path: Path) -> Iterator[Terminal]:
    with terminal(tmp_path) as here:
        yield here


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
@pytest.mark.parametrize("page", [page for page in PAGES if blocks(page, "sh")], ids=lambda page: str(page.relative_to(ROOT)))
def test_each_block_of_commands_works_as_pasted(page: Path, clone: Terminal, empty_database: str) -> None:
    for block in blocks(page, "sh"):
        if not said(CANNOT_RUN, block):
            text = script("\n".join([*said(NEEDS, block), block.text]), clone)
            done = clone.paste(text, EMPTY_DATABASE=empty_database)
            assert done.returncode == 0, f"{text}\n{done.stdout}\n{done.stderr}"
            assert "Traceback" not in done.stderr


def test_what_is_said_here_of_a_block_is_said_of_one_that_is_printed() -> None:
    printed = [block for page in PAGES for block in blocks(page, "sh")]
    assert [name for name in (*NEEDS, *CANNOT_RUN) if not any(block.name.startswith(name) for block in printed)] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_no_command_is_printed_where_no_test_finds_it(page: Path) -> None:
    assert unfenced_commands(page) == []
    assert blocks(page, "bash") + blocks(page, "shell") + blocks(page, "console") == []


_INLINE = re.compile(r"`(?:[A-Z_]+=\S+ )*(?:\.venv/bin/)?taskwell ([^`]+)`")
_TARGET = re.compile(r"`make ([a-z-]+)")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_commands_and_targets_that_the_text_names_exist(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    root = typer.main.get_command(cli)
    unknown = [words for words in _INLINE.findall(text) if not exists(root, words.split())]
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    assert (unknown, [name for name in _TARGET.findall(text) if name not in targets]) == ([], [])


def exists(command: object, words: list[str]) -> bool:
    """Whether the words name a command, and options that it has."""
    options: set[str] = {"--help"}
    for word in words:
        below = getattr(command, "commands", {})
        options |= {option for parameter in getattr(command, "params", []) for option in parameter.opts}
        if word.startswith("--"):
            return word.partition("=")[0] in options
        if not below:
            continue
        if word == "...":
            return True
        if word not in below:
            return False
        command = below[word]
    return True


def test_the_index_has_every_page() -> None:
    index = (ROOT / "docs" / "README.md").read_text(encoding="utf-8")
    assert [
        page.name for page in (ROOT / "docs").glob("*.md") if page.name != "README.md" and f"({page.name})" not in index
    ] == []
    decisions = (ROOT / "docs" / "decisions" / "README.md").read_text(encoding="utf-8")
    assert [page.name for page in (ROOT / "docs" / "decisions").glob("0*.md") if f"({page.name})" not in decisions] == []
