"""Caddy, of the development environment, with the settings of deploy/Caddyfile."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.programs import wait_until_it_listens

SETTINGS = Path(__file__).parents[2] / "deploy" / "Caddyfile"


def program() -> Path:
    return Path(sys.executable).with_name("caddy")


def settings_at(*, port: int, taskwell: int) -> str:
    """To the letter, at other addresses, and without certificates."""
    text = SETTINGS.read_text(encoding="utf-8")
    given = {
        "tasks.example.com {": f"http://127.0.0.1:{port} {{",
        "127.0.0.1:8000": f"127.0.0.1:{taskwell}",
        "{\n\tservers {": "{\n\tadmin off\n\tservers {",
    }
    for printed, ours in given.items():
        assert text.count(printed) == 1
        text = text.replace(printed, ours)
    return text


@contextmanager
def caddy(folder: Path, *, port: int, taskwell: int) -> Iterator[None]:
    """It listens on `port`, in front of Taskwell's."""
    (folder / "Caddyfile").write_text(settings_at(port=port, taskwell=taskwell))
    words = [str(program()), "run", "--adapter", "caddyfile", "--config", str(folder / "Caddyfile")]
    with (folder / "caddy.log").open("wb") as log:
        process = subprocess.Popen(words, env=os.environ | {"HOME": str(folder)}, stdout=log, stderr=log)
    try:
        wait_until_it_listens(process, port, folder / "caddy.log")
        yield
    finally:
        process.terminate()
        process.wait(20)
