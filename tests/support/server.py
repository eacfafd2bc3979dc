"""The real application behind a real socket, in a thread of the test's own process, so that coverage sees it."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn

from taskwell.app import Taskwell, build_app
from taskwell.settings import Settings
from taskwell.web.services import SignIn
from tests.support.contract import contract_of


class RunningServer:
    def __init__(self, app: Taskwell, base_url: str) -> None:
        self.app = app
        self.base_url = base_url
        self.contract = contract_of(app.openapi())

    @property
    def sign_in(self) -> SignIn:
        sign_in = self.app.services.sign_in
        assert sign_in is not None
        return sign_in

    @property
    def address(self) -> tuple[str, int]:
        host, _, port = self.base_url.removeprefix("http://").partition(":")
        return host, int(port)


@contextmanager
def serve(settings: Settings) -> Iterator[RunningServer]:
    app = build_app(settings)
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(
        # uvicorn believes X-Forwarded-For from this machine; whom to believe is for TASKWELL_TRUSTED_PROXIES to say.
        uvicorn.Config(
            app, log_level="error", lifespan="on", timeout_graceful_shutdown=5, server_header=False, proxy_headers=False
        )
    )
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    deadline = time.monotonic() + 20
    while not server.started:
        assert thread.is_alive(), "the server did not start"
        assert time.monotonic() < deadline, "the server did not start in time"
        time.sleep(0.005)
    try:
        yield RunningServer(app, f"http://127.0.0.1:{listening.getsockname()[1]}")
    finally:
        server.should_exit = True
        thread.join(timeout=20)
        listening.close()
        assert not thread.is_alive(), "the server did not stop"
