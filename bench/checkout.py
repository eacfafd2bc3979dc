"""A version of Taskwell with an environment of its own: this one, a folder, or a revision of this repository."""

import functools
import hashlib
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from bench.options import RESULTS
from taskwell.errors import CannotStart

ROOT = Path(__file__).parent.parent


@dataclass(frozen=True)
class Checkout:
    program: Path  # the command `taskwell`
    commit: str
    schema: str  # differs where the migrations differ


@functools.cache
def this() -> Checkout:
    return _checkout(ROOT, Path(sys.executable).parent / "taskwell", _git("rev-parse", "--short", "HEAD").decode().strip())


def other(path_or_revision: str) -> Checkout:
    """The version in a folder, as it lies there, or else a revision, which is laid down below bench/results and kept."""
    if (Path(path_or_revision) / "pyproject.toml").exists():
        folder, commit = Path(path_or_revision).resolve(), path_or_revision
    else:
        commit = _git("rev-parse", "--short=12", "--verify", f"{path_or_revision}^{{commit}}").decode().strip()
        folder = RESULTS / "revisions" / commit
        if not folder.exists():
            unfinished = folder.with_suffix(".new")
            unfinished.mkdir(parents=True, exist_ok=True)
            subprocess.run(["tar", "-x", "-C", str(unfinished)], input=_git("archive", "--format=tar", commit), check=True)
            unfinished.rename(folder)
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS", "VIRTUAL_ENV"))}
    # Its own Makefile knows what it needs: a revision may have been locked to other packages.
    command = ["make", "--silent", "-C", str(folder), "VENV=.venv", f"PYTHON={sys.executable}", ".venv/.runtime"]
    if subprocess.run(command, env=environment, stdout=sys.stderr, check=False).returncode != 0:
        raise CannotStart(f"--against {path_or_revision}: the packages of that version could not be installed")
    return _checkout(folder, folder / ".venv" / "bin" / "taskwell", commit)


def _checkout(folder: Path, program: Path, commit: str) -> Checkout:
    digest = hashlib.sha256()
    for file in sorted(folder.glob("src/taskwell/database/migrations/**/*.py")):
        digest.update(file.read_bytes())
    return Checkout(program, commit, digest.hexdigest()[:8])


def _git(*arguments: str) -> bytes:
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, check=False)
    if done.returncode != 0:
        raise CannotStart(f"git {' '.join(arguments)}: {done.stderr.decode(errors='replace').strip()}")
    return done.stdout
