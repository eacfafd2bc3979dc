"""The Dockerfile without an engine: its steps in an empty root, then what it starts there, as a user without a name or a home.

`unshare --mount --fork --kill-child python -m tests.box.dry_image [EMBEDDED=yes]`, as root: `make image-dry`. In the place of
the base image are this machine's /usr and this Python, which nothing in the root can write. When Taskwell starts, the root is
read-only.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from taskwell.database.url import parse
from tests.box.dockerfile import Stage, stages
from tests.cli.command import Visitor, free_port
from tests.docs.pages import ROOT
from tests.support.keys import SIGNING_KEY
from tests.support.system_postgres import system_postgres

NOBODY_IN_PARTICULAR = 12345
"""A user without a name, as some platforms choose one for each container."""
ITS_OWN = 65532
"""The image's user: the private PostgreSQL runs only as somebody who has a name."""


def bind(source: Path, target: Path, *, read_only: bool = False) -> None:
    target.mkdir(parents=True, exist_ok=True)
    subprocess.run(["mount", "--rbind", source, target], check=True)
    if read_only:
        subprocess.run(["mount", "-o", "remount,bind,ro", target], check=True)


class Root:
    """What a stage of the Dockerfile begins with, and the environment that it collects."""

    def __init__(self, folder: Path, stage: Stage, arguments: dict[str, str]) -> None:
        self.folder = folder
        self.stage = stage
        self.arguments = arguments
        self.environment = {"PATH": f"{sys.base_prefix}/bin:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"}
        for name in ("bin", "sbin", "lib", "lib64"):
            (folder / name).symlink_to(f"usr/{name}")
        bind(Path("/usr"), folder / "usr", read_only=True)
        self.mount_empty("usr/local", "755")
        bind(Path(sys.base_prefix), folder / sys.base_prefix.lstrip("/"), read_only=True)
        (folder / "usr" / "local" / "bin").mkdir(exist_ok=True)
        (folder / "usr" / "local" / "bin" / "python").symlink_to(Path(sys._base_executable))  # type: ignore[attr-defined]
        shutil.copytree("/etc", folder / "etc", symlinks=True, ignore_dangling_symlinks=True)
        (folder / "proc").mkdir()
        subprocess.run(["mount", "-t", "proc", "proc", folder / "proc"], check=True)
        self.mount_empty("dev", "755")
        for name in ("null", "zero", "random", "urandom"):
            (folder / "dev" / name).touch()
            subprocess.run(["mount", "--bind", f"/dev/{name}", folder / "dev" / name], check=True)
        for name in ("dev/shm", "tmp"):
            self.mount_empty(name, "1777")

    def mount_empty(self, name: str, mode: str) -> None:
        (self.folder / name).mkdir(exist_ok=True)
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"mode={mode}", "none", self.folder / name], check=True)

    def build(self, before: "Root | None") -> None:
        for word, rest in self.stage.instructions:
            if word == "RUN":
                where = self._folder().relative_to(self.folder)
                self.run(["/bin/sh", "-c", f"cd /{where} && {rest}"], self.environment | self.arguments | outside())
            elif word == "COPY":
                self._copy(rest, before)
            elif word == "ENV":
                for name, value in re.findall(r"(\w+)=(\S+)", rest):
                    self.environment[name] = value.replace("$PATH", self.environment["PATH"])
            elif word == "ARG":
                name, _, default = rest.partition("=")
                self.arguments.setdefault(name, default)

    def _folder(self) -> Path:
        named = [rest for word, rest in self.stage.instructions if word == "WORKDIR"]
        folder = self.folder / named[-1].lstrip("/") if named else self.folder
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def _copy(self, rest: str, before: "Root | None") -> None:
        *sources, target = rest.split()
        if sources[0].startswith("--from="):
            assert before is not None
            shutil.copytree(before.folder / sources[1].lstrip("/"), self.folder / target.lstrip("/"), symlinks=True)
            return
        for source in sources:
            if (ROOT / source).is_dir():
                shutil.copytree(ROOT / source, self._folder() / target, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(ROOT / source, self._folder() / target)

    def run(self, words: list[str], environment: dict[str, str]) -> None:
        subprocess.run(["chroot", self.folder, *words], env=environment, check=True, timeout=900)

    def close(self) -> None:
        """Nothing can be written from here on, but in /tmp and /dev/shm."""
        subprocess.run(["mount", "--rbind", self.folder, self.folder], check=True)
        subprocess.run(["mount", "-o", "remount,bind,ro", self.folder], check=True)

    def as_user(self, uid: int, words: list[str]) -> list[str]:
        return ["chroot", f"--userspec={uid}:{uid}", "--groups=", str(self.folder), *words]


def outside() -> dict[str, str]:
    """How this machine reaches packages."""
    return {name: value for name, value in os.environ.items() if re.match("(?i)pip_|ssl_|requests_|https?_proxy|no_proxy", name)}


@contextmanager
def started(root: Root, uid: int, environment: dict[str, str]) -> Iterator[str]:
    """The container's command, until it is healthy by the image's own check. It ends by SIGTERM, in order."""
    port = free_port()
    environment = environment | {"TASKWELL_PORT": str(port)}
    command = root.as_user(uid, root.stage.words("ENTRYPOINT") + root.stage.words("CMD"))
    check = root.as_user(uid, root.stage.words("HEALTHCHECK"))
    process = subprocess.Popen(command, env=environment, cwd="/")
    try:
        deadline = time.monotonic() + 120
        while subprocess.run(check, env=environment, stderr=subprocess.DEVNULL, check=False).returncode != 0:
            assert process.poll() is None, "it ended"
            assert time.monotonic() < deadline, "it is not healthy in time"
            time.sleep(0.2)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(40) == 0
    assert subprocess.run(check, env=environment, stderr=subprocess.DEVNULL, check=False).returncode != 0


def use(url: str) -> None:
    with Visitor(url) as me:
        me.signs_up()
        me.signs_in()
        me.adds("buy milk")


def serve_on_a_postgresql_of_ones_own(root: Root) -> None:
    with system_postgres() as url:
        socket = Path(str(parse(url).host))
        socket.chmod(0o711)
        bind(socket, root.folder / str(socket).lstrip("/"))
        given = root.environment | {"DATABASE_URL": url, "TASKWELL_SIGNING_KEY": SIGNING_KEY, "TASKWELL_HOST": "127.0.0.1"}
        migrate = root.as_user(NOBODY_IN_PARTICULAR, [*root.stage.words("ENTRYPOINT"), "migrate"])
        subprocess.run(migrate, env=given, cwd="/", check=True)
        with started(root, NOBODY_IN_PARTICULAR, given) as address:
            use(address)


def serve_on_the_private_one(root: Root) -> None:
    root.mount_empty("data", "700")
    os.chown(root.folder / "data", ITS_OWN, ITS_OWN)
    with started(root, ITS_OWN, root.environment | {"TASKWELL_HOST": "127.0.0.1"}) as address:
        use(address)


def main(arguments: list[str]) -> None:
    given = dict(argument.split("=", 1) for argument in arguments)
    began = time.monotonic()
    subprocess.run(["mount", "--make-rprivate", "/"], check=True)
    folder = Path(tempfile.mkdtemp(prefix="taskwell-image-", dir="/tmp"))
    subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=755", "none", folder], check=True)
    try:
        image = build(folder, given)
        size = subprocess.run(["du", "-sm", image.folder / "opt"], capture_output=True, text=True, check=True).stdout.split()[0]
        print(f"built in {time.monotonic() - began:.0f} s; it adds {size} MB to its base image", flush=True)
        image.close()
        serve = serve_on_the_private_one if given.get("EMBEDDED", "no") != "no" else serve_on_a_postgresql_of_ones_own
        serve(image)
        print("it served a task from a read-only root, and ended in order", flush=True)
    finally:
        # Never removed file by file: below are mounts of what belongs to this machine.
        os.chdir("/")
        subprocess.run(["umount", "--lazy", "--recursive", "--quiet", folder], check=False)
        with suppress(OSError):  # what is mounted twice ends with this process
            folder.rmdir()


def build(folder: Path, arguments: dict[str, str]) -> Root:
    before: Root | None = None
    for number, stage in enumerate(stages(ROOT / "Dockerfile")):
        (folder / str(number)).mkdir()
        root = Root(folder / str(number), stage, dict(arguments))
        root.build(before)
        before = root
    assert before is not None
    return before


if __name__ == "__main__":
    main(sys.argv[1:])
