"""What `make dist` made is whole, and runs where nothing else of this project is: `python -m tests.box.released DIST VENV`."""

import subprocess
import sys
import tarfile
import tempfile
import tomllib
import zipfile
from pathlib import Path

from tests.cli.command import Visitor, environment, serving
from tests.docs.pages import ROOT

VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]


def main(dist: Path, venv: Path) -> None:
    check_wheel(dist / f"taskwell-{VERSION}-py3-none-any.whl")
    check_sdist(dist / f"taskwell-{VERSION}.tar.gz")
    check_that_it_runs(venv / "bin" / "taskwell")


def check_wheel(path: Path) -> None:
    with zipfile.ZipFile(path) as wheel:
        names = set(wheel.namelist())
    about = f"taskwell-{VERSION}.dist-info"
    program = {name for name in names if not name.startswith(f"{about}/")}
    assert program == {name.removeprefix("src/") for name in tracked("src/taskwell")}, (
        program
    )  # migrations, py.typed, and no test
    assert {f"{about}/licenses/LICENSE", f"{about}/entry_points.txt"} <= names, names
    print(f"{path.name}: {len(names)} files, {path.stat().st_size // 1024} KiB")


def check_sdist(path: Path) -> None:
    with tarfile.open(path) as sdist:
        names = {name.partition("/")[2] for name in sdist.getnames()}
    missing = tracked("src", "LICENSE", "README.md", "pyproject.toml", "requirements.txt") - names
    assert not missing, missing
    print(f"{path.name}: {len(names)} files, {path.stat().st_size // 1024} KiB")


def tracked(*paths: str) -> set[str]:
    done = subprocess.run(["git", "ls-files", "-z", *paths], cwd=ROOT, capture_output=True, text=True, check=True)
    return set(filter(None, done.stdout.split("\0")))


def check_that_it_runs(program: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="taskwell-released-", dir="/tmp") as name:
        folder = Path(name)
        said = subprocess.run([program, "--version"], cwd=folder, env=environment(), capture_output=True, text=True, check=True)
        assert said.stdout == f"taskwell {VERSION}\n", said
        with serving(folder, program=[str(program), "serve"]) as server, Visitor(server.url) as me:
            me.signs_up()
            me.signs_in()
            task = me.adds("buy milk")
            assert me.get("/api/v1/tasks").json()["items"] == [task]
            assert me.get("/docs").status_code == 200
    print(f"{said.stdout.strip()} served a task from an environment of its own")


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve())
