"""The packages that `make clients` brings, and how they are run."""

import os
import subprocess
from pathlib import Path

ENVIRONMENT = Path(__file__).parents[2] / ".clients"


def run(folder: Path, *command: str | Path, **environment: str) -> str:
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=240, check=False, env=os.environ | environment
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def package(name: str) -> Path:
    return ENVIRONMENT / "node_modules" / ".bin" / name
