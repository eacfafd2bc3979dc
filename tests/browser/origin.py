"""A small web site of another origin than the API's: a page, and the client that docs/sign-in.md prints."""

import re
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from playwright._impl._driver import compute_driver_executable

DOCUMENT = Path(__file__).parents[2] / "docs" / "sign-in.md"
PRINTED_ADDRESS = "http://127.0.0.1:8000"

PAGE = b"""<!doctype html>
<meta charset="utf-8">
<link rel="icon" href="data:,">
<title>An app</title>
<script type="module">
  import * as client from "./client.js"
  window.client = client
</script>
"""


_STRIP = """
const { stripTypeScriptTypes } = require("node:module")
process.stdout.write(stripTypeScriptTypes(require("node:fs").readFileSync(0, "utf8")))
"""


def printed_client() -> str:
    """The client as it is printed, in TypeScript."""
    printed = re.findall(r"^```ts\n(.*?)^```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    (code,) = [one for one in printed if PRINTED_ADDRESS in one]
    return str(code)


@lru_cache
def without_types(code: str) -> str:
    """TypeScript as a browser runs it, by the Node.js that playwright brings: types are taken off, and nothing is translated."""
    node, _ = compute_driver_executable()
    command = [node, "--disable-warning=ExperimentalWarning", "--eval", _STRIP]
    return subprocess.run(command, input=code, capture_output=True, encoding="utf-8", timeout=60, check=True).stdout


class Origin:
    """Its address is known before that of the API, which has to be told of it."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.files: dict[str, tuple[str, bytes]] = {"/": ("text/html; charset=utf-8", PAGE)}

    def calls(self, api: str) -> None:
        code = without_types(printed_client()).replace(PRINTED_ADDRESS, api)
        self.files["/client.js"] = ("text/javascript; charset=utf-8", code.encode())


@contextmanager
def origin() -> Iterator[Origin]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            media_type, body = site.files[self.path]
            self.send_response(200)
            self.send_header("Content-Type", media_type)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *_: object) -> None:  # noqa: A002
            """Nobody reads it."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        site = Origin(f"http://127.0.0.1:{server.server_port}")
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield site
        finally:
            server.shutdown()
            thread.join(20)
