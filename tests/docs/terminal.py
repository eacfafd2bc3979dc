"""A clone of this project and a terminal in it, where what the documentation prints is pasted."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.cli.command import environment, free_port
from tests.docs.pages import ROOT

WITHIN = 300.0
"""Seconds for one block: against hanging alone."""

_OF_WHAT_RUNS_THIS = {"VIRTUAL_ENV", "ARGS", "VENV", "PYTHON", "MAKEFLAGS", "MAKEOVERRIDES", "MFLAGS", "MAKELEVEL"}

# `serve COMMAND...` is that command left running, as in another terminal: the next one takes its place.
_PREAMBLE = """
set -euo pipefail
stop() {
    if [ -s server.pid ]; then
        kill -- "-$(cat server.pid)"
        while kill -0 -- "-$(cat server.pid)" 2>/dev/null; do sleep 0.1; done
        rm server.pid
    fi
}
serve() {
    stop
    setsid "$@" >server.log 2>&1 </dev/null &
    echo $! >server.pid
    until curl --output /dev/null http://127.0.0.1:"$TASKWELL_PORT"/healthz 2>/dev/null; do
        kill -0 "$(cat server.pid)" || { cat server.log; exit 1; }
        sleep 0.1
    done
}
"""


class Terminal:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()

    def paste(self, script: str, **more: str) -> "subprocess.CompletedProcess[str]":
        """A curl that is refused fails, and so does the block at its first line that does."""
        home = {"HOME": str(self.folder), "CURL_HOME": str(self.folder), "no_proxy": "*"}
        own = {"TASKWELL_PORT": str(self.port), "TASKWELL_DATA_DIR": str(self.folder / "data")}
        # What is said to a `make test` that runs this is not said to a `make serve` in here.
        on_path = {name: value for name, value in environment(**more).items() if name not in _OF_WHAT_RUNS_THIS}
        return subprocess.run(
            ["bash", "-c", _PREAMBLE + script],
            cwd=self.folder,
            env=on_path | home | own | more | {"PATH": os.environ.get("PATH", os.defpath)},
            capture_output=True,
            text=True,
            timeout=WITHIN,
            check=False,
        )

    def end(self) -> None:
        self.paste("stop")


@contextmanager
def terminal(folder: Path) -> Iterator[Terminal]:
    _clone(folder)
    here = Terminal(folder)
    try:
        yield here
    finally:
        here.end()
        with suppress(OSError, ValueError):
            os.killpg(int((folder / "server.pid").read_text()), signal.SIGKILL)


def _clone(folder: Path) -> None:
    """What git knows, and an environment that was made already: this one."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    programs = folder / ".venv" / "bin"
    programs.mkdir(parents=True)
    for name in ("python", "taskwell"):
        (programs / name).symlink_to(Path(sys.executable).with_name(name))
    for made in (".runtime", ".dev"):  # newer than what they are made of, so that make leaves this environment alone
        (folder / ".venv" / made).touch()
    (folder / ".curlrc").write_text("fail-with-body\nsilent\nshow-error\n")


def in_place_of(text: str, given: Mapping[str, str]) -> str:
    """The text with what cannot be on this machine replaced, each wherever it stands."""
    for printed, ours in given.items():
        text = text.replace(printed, ours)
    return text
