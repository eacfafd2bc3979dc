"""The system's nginx, with the settings of deploy/nginx.conf."""

import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.programs import system_program, wait_until_it_listens

ROOT = Path(__file__).parents[2]
SETTINGS = ROOT / "deploy" / "nginx.conf"
DOCUMENT = ROOT / "docs" / "deploy.md"

FRAME = """
daemon off;
{user}
pid {folder}/nginx.pid;
events {{ }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/taskwell.conf;
}}
"""


def settings_at(*, listen: int, taskwell: int, under: str | None = None) -> str:
    """To the letter, at other ports; `under` a prefix, with the two lines that docs/deploy.md prints for that."""
    settings = SETTINGS.read_text(encoding="utf-8")
    ports = {"listen 80;": f"listen 127.0.0.1:{listen};", "server 127.0.0.1:8000;": f"server 127.0.0.1:{taskwell};"}
    for printed, ours in ports.items():
        assert settings.count(printed) == 1
        settings = settings.replace(printed, ours)
    if under is not None:
        (lines,) = re.findall(
            r"^    location /tasks-api/ \{\n .*proxy_pass .*\n", DOCUMENT.read_text(encoding="utf-8"), re.MULTILINE
        )
        # Of the larger files that an import sends under a prefix docs/deploy.md says nothing.
        settings = re.sub(r"^    location ~ .*?^    \}\n", "", settings, flags=re.MULTILINE | re.DOTALL)
        location, proxy_pass = lines.replace("/tasks-api/", f"{under}/").splitlines()
        for printed, ours in {"location / {": location, "proxy_pass http://taskwell;": proxy_pass}.items():
            assert settings.count(printed) == 1
            settings = settings.replace(printed, ours)
    return settings


@contextmanager
def nginx(folder: Path, *, port: int, taskwell: int, under: str | None = None) -> Iterator[None]:
    """It listens on `port`, in front of Taskwell's."""
    program = system_program("nginx", package="nginx")
    (folder / "taskwell.conf").write_text(settings_at(listen=port, taskwell=taskwell, under=under))
    # Root's workers would be somebody else, who may not write into the folder.
    frame = FRAME.format(folder=folder, user="user root;" if os.geteuid() == 0 else "")
    (folder / "nginx.conf").write_text(frame)
    with (folder / "nginx.log").open("wb") as log:
        process = subprocess.Popen([program, "-e", "stderr", "-p", folder, "-c", folder / "nginx.conf"], stderr=log)
    try:
        wait_until_it_listens(process, port, folder / "nginx.log")
        yield
    finally:
        process.terminate()
        process.wait(20)
