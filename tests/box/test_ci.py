"""`.ci/run` repeats what failed, says so at its end, and fails where it fails again. Its `make` tells what it is asked."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.docs.pages import ROOT

MAKE = """#!/usr/bin/env bash
echo "make $*"
case "$*" in
    "test ARGS=-n 3 --ignore=tests/house") exit "$FIRST" ;;
    "test ARGS=--last-failed"*) exit "$AGAIN" ;;
esac
"""


def ci(folder: Path, *, first: int = 0, again: int = 0) -> "subprocess.CompletedProcess[str]":
    """As somebody who is not root, who has only what is there already."""
    (folder / ".ci").mkdir()
    shutil.copy(ROOT / ".ci" / "run", folder / ".ci")
    cache = folder / ".pytest_cache" / "v" / "cache"
    cache.mkdir(parents=True)
    (cache / "lastfailed").write_text(json.dumps({"tests/a.py::test_one[x y]": True, "tests/b.py::test_two": True}))
    programs = folder / "bin"
    programs.mkdir()
    for name, text in (("make", MAKE), ("id", "#!/bin/sh\necho 1000\n"), ("nproc", "#!/bin/sh\necho 2\n")):
        (programs / name).write_text(text)
        (programs / name).chmod(0o755)
    given = {"PATH": f"{programs}{os.pathsep}{os.environ['PATH']}", "FIRST": str(first), "AGAIN": str(again)}
    return subprocess.run(["bash", ".ci/run"], cwd=folder, env=given, capture_output=True, text=True, timeout=60, check=False)


def test_what_passed_at_once_is_said_to_be_so(tmp_path: Path) -> None:
    done = ci(tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[-3:] == [
        "make --jobs=2 --output-sync=target check",
        "make test ARGS=-n 3 --ignore=tests/house",
        "0 tests failed once and passed when repeated",
    ]


def test_what_passed_when_repeated_is_counted_and_named_at_the_end(tmp_path: Path) -> None:
    done = ci(tmp_path, first=2)
    assert done.returncode == 0
    assert done.stdout.splitlines()[-3:] == [
        "2 tests failed once and passed when repeated:",
        "    tests/a.py::test_one[x y]",
        "    tests/b.py::test_two",
    ]


@pytest.mark.parametrize("again", [1, 2, 5])
def test_what_fails_again_fails(tmp_path: Path, again: int) -> None:
    done = ci(tmp_path, first=2, again=again)
    assert done.returncode == again
    assert "passed when repeated" not in done.stdout
