"""All tests on each Python and each PostgreSQL of this machine: `python -m tests.box.matrix [ARGS]`, by `make matrix`.

Each Python has an environment of its own, `.venv311` and so on. PostgreSQL 18 is the one that Taskwell brings along, 15 the
system's. What is not on this machine is left out, with a word. ARGS are pytest's.
"""

import os
import re
import shlex
import shutil
import subprocess
import sys
import time
from pathlib import Path

from tests.docs.pages import ROOT
from tests.support.system_postgres import DEBIAN

PYTHONS = ("3.11", "3.13", "3.14")
POSTGRESQLS = ("15", "18")
OWN = "18"

_COUNTS = re.compile(r"^=*\s*((?:\d+ \w+,? ?)+) in [\d.]+s", re.MULTILINE)


def python(version: str) -> str | None:
    """Its path. A name alone says nothing, as pyenv has shims for versions that it does not run."""
    candidates = [f"python{version}", *map(str, Path.home().glob(f".pyenv/versions/{version}.*/bin/python"))]
    if uv := shutil.which("uv"):
        found = subprocess.run([uv, "python", "find", "--offline", version], capture_output=True, text=True, check=False)
        candidates += [found.stdout.strip()] if found.returncode == 0 else []
    for candidate in candidates:
        try:
            words = [candidate, "-c", "import sys; print('%d.%d' % sys.version_info[:2], sys.executable)"]
            said = subprocess.run(words, capture_output=True, text=True, check=True).stdout.split()
        except (OSError, subprocess.CalledProcessError):
            continue
        if said[:1] == [version]:
            return said[1]
    return None


def run(version: str, path: str, postgresql: str, arguments: list[str]) -> tuple[str, str]:
    """Whether the tests passed, and how many."""
    make = ["make", "--no-print-directory", f"VENV=.venv{version.replace('.', '')}", f"PYTHON={path}"]
    if postgresql == OWN:
        words, chosen = [*make, "test", f"ARGS={shlex.join(arguments)}"], {}
    else:
        words, chosen = [*make, "test-system-postgres", f"ARGS={shlex.join(arguments or ['tests'])}"], {"POSTGRESQL": postgresql}
    done = subprocess.run(words, cwd=ROOT, env=os.environ | chosen, stdout=subprocess.PIPE, text=True, check=False)
    print(done.stdout, flush=True)
    counts = _COUNTS.findall(done.stdout)
    return ("passed" if done.returncode == 0 else "FAILED"), (counts[-1].strip() if counts else "no test ran")


def main(arguments: list[str]) -> int:
    rows = []
    for version in PYTHONS:
        path = python(version)
        for postgresql in POSTGRESQLS:
            started = time.monotonic()
            if path is None:
                rows.append((version, postgresql, "left out", f"there is no Python {version} here", ""))
            elif postgresql != OWN and not (DEBIAN / postgresql).is_dir():
                rows.append((version, postgresql, "left out", f"there is no PostgreSQL {postgresql} here", ""))
            else:
                result = run(version, path, postgresql, arguments)
                rows.append((version, postgresql, *result, f"{time.monotonic() - started:.0f} s"))
    for row in [("Python", "PostgreSQL", "result", "tests", "time"), *rows]:
        print("{:8} {:12} {:10} {:44} {}".format(*row))
    return 1 if any(row[2] == "FAILED" for row in rows) or all(row[2] == "left out" for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
