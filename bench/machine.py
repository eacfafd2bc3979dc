"""The machine and the versions, so that a number can be read with what made it; and what has to be installed first."""

import os
import platform
import re
import shutil
import subprocess
from importlib.metadata import version
from pathlib import Path

GET_WRK = "wrk is missing: apt-get install wrk (Debian, Ubuntu), brew install wrk (macOS), or https://github.com/wg/wrk"
GET_NODE = "node 20 or newer with npm is missing: apt-get install nodejs npm, brew install node, or https://nodejs.org"


def has_wrk() -> bool:
    return shutil.which("wrk") is not None


def has_node() -> bool:
    return shutil.which("node") is not None and shutil.which("npm") is not None


def share_cores(count: int) -> None:
    """This process and all that it starts share the first `count` cores."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:count])


def _said(*command: str) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError:
        return "none"
    return (done.stdout + done.stderr).strip()


def _cpu() -> str:
    found = re.search(r"model name\s*:\s*(.+)", Path("/proc/cpuinfo").read_text()) if Path("/proc/cpuinfo").exists() else None
    return found[1] if found else platform.processor()


def describe(postgres_version: str) -> dict[str, str]:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
    packages = ("fastapi", "sqlmodel", "sqlalchemy", "asyncpg", "granian", "uvloop", "pydantic", "uvicorn")
    return {
        "processor": _cpu(),
        "cores used": f"{cores} of {os.cpu_count()}",
        "memory": f"{memory:.0f} GiB",
        "kernel": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "postgresql": postgres_version,
        "node": _said("node", "--version"),
        "wrk": _said("wrk", "--version").splitlines()[0].removeprefix("wrk ").partition(" [")[0],
        "packages": ", ".join(f"{name} {version(name)}" for name in packages),
        "commit": _said("git", "rev-parse", "--short", "HEAD"),
    }
