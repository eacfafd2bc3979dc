"""The system's PostgreSQL in place of the embedded one: `python -m tests.support.system_postgres COMMAND...`

The command gets TEST_DATABASE_URL, which leads to a new cluster that is gone afterwards. POSTGRESQL=15 chooses among versions.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp

DEBIAN = Path("/usr/lib/postgresql")
"""Several major versions side by side, and none of their servers on the path."""


def binaries() -> Path:
    """Of the version that POSTGRESQL names, or the newest one that is installed."""
    if wanted := os.environ.get("POSTGRESQL"):
        return DEBIAN / wanted / "bin"
    found = sorted(DEBIAN.glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if found:
        return found[-1].parent
    on_path = shutil.which("initdb")
    if on_path is None:
        sys.exit("there is no PostgreSQL server on this machine: install one (apt-get install postgresql)")
    return Path(on_path).resolve().parent


@contextmanager
def system_postgres(*settings: str) -> Iterator[str]:
    """Its URL, as somebody who may create databases. It listens on no port, unless the `settings` say so."""
    folder = Path(mkdtemp(prefix="taskwell-postgres-", dir="/tmp"))  # a socket's path must be short
    user = "postgres" if os.geteuid() == 0 else None  # PostgreSQL does not run as root
    if user is not None:
        shutil.chown(folder, user)
    data, server = folder / "data", binaries()

    def run(program: str, *words: str) -> None:
        subprocess.run([server / program, "-D", data, *words], user=user, cwd=folder, check=True, stdout=subprocess.DEVNULL)

    try:
        run("initdb", "--username=taskwell", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync")
        options = f"-k {folder} -c listen_addresses='' -c fsync=off -c max_connections=300"
        options = " -c ".join([options, *settings])
        run("pg_ctl", "-w", "-l", str(folder / "log"), "-o", options, "start")
        try:
            yield f"postgresql://taskwell@/postgres?host={folder}&port=5432"
        finally:
            run("pg_ctl", "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    with system_postgres() as url:
        status = subprocess.run(sys.argv[1:], env=os.environ | {"TEST_DATABASE_URL": url}, check=False).returncode
    sys.exit(status)
