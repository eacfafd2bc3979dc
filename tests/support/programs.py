"""Programs of the system that some tests drive: a browser, a proxy, a PostgreSQL.

A machine without one skips these tests and says what to install; where TEST_PROGRAMS_REQUIRED is set, as in .ci/run, they fail.
"""

import os
import shutil
import socket
import subprocess
import time
from contextlib import suppress
from pathlib import Path

import pytest


def system_program(*names: str, package: str) -> Path:
    """The first of these that is installed, also where only root has it on its path."""
    path = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/usr/local/sbin"])
    for name in names:
        found = shutil.which(name, path=path)
        if found is not None:
            return Path(found)
    missing = f"there is no {names[0]} on this machine: install it (apt-get install {package})"
    if os.environ.get("TEST_PROGRAMS_REQUIRED"):
        pytest.fail(missing, pytrace=False)
    pytest.skip(missing)


def wait_until_it_listens(process: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
    deadline = time.monotonic() + 20
    while True:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=5):
            return
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < deadline, "it did not start in time"
        time.sleep(0.02)
