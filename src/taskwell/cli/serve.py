"""`taskwell serve` starts all that is needed, from an empty folder to an address that answers."""

import os
import signal
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Thread
from typing import Annotated, Any, NoReturn

import typer
from granian.constants import HTTPModes, Interfaces, Loops
from granian.http import HTTP1Settings
from granian.log import LogLevels
from granian.server import Server
from granian.server.common import AbstractServer

from taskwell.cli.database import DataDir, load_settings, own_postgres, with_database
from taskwell.database.connection import Database
from taskwell.database.embedded import lag
from taskwell.errors import CannotStart
from taskwell.identity.keys import KEY_FILE, kept_key, signing_key
from taskwell.settings import Settings

STOP_SECONDS = 20
"""The time that a stop gives the requests in flight. Kubernetes kills after 30 s, and PostgreSQL has to stop before."""


def serve(
    host: Annotated[str | None, typer.Option(help="The address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(min=1, max=65535, help="The port to listen on.")] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Processes. Default: 1 on the embedded database, else one a core.")
    ] = None,
    data_dir: DataDir = None,
) -> None:
    """Serve the API, on a PostgreSQL of its own unless DATABASE_URL is set."""
    given = {"TASKWELL_HOST": host, "TASKWELL_PORT": port, "TASKWELL_WORKERS": workers}
    os.environ.update({name: str(value) for name, value in given.items() if value is not None})
    settings = load_settings(data_dir)
    _refuse_taken_port(settings.host, settings.port)
    signal.signal(signal.SIGTERM, _end)  # until granian takes over, so that what was started is stopped again
    os.register_at_fork(after_in_child=_end_when_told)
    try:
        with _database(settings):
            if _told_to_end:
                raise SystemExit(143)
            _server(settings).serve()
    finally:
        if _gave_up:
            raise _gave_up[0]


@contextmanager
def _database(settings: Settings) -> Iterator[None]:
    if settings.database_url is not None:
        if settings.auth == "token":
            signing_key(settings.private_key, None)
        with_database(settings, _nothing)  # to refuse in one line here, rather than in one of each worker
        yield
        return
    if lagging := lag():
        print(f"taskwell: {lagging}", file=sys.stderr, flush=True)
    with own_postgres(settings) as postgres:
        postgres.keep_running(came_back=_say_that_it_came_back, gave_up=_end_without_database)
        os.environ["DATABASE_URL"] = postgres.url
        if settings.private_key is None and settings.auth == "token":
            kept_key(settings.data_dir)
            os.environ["TASKWELL_SIGNING_KEY_FILE"] = str(settings.data_dir / KEY_FILE)
        yield


async def _nothing(_: Database) -> None:
    """Nothing more to do: `with_database` has checked the schema."""


def _server(settings: Settings) -> AbstractServer[Any]:
    server = Server(
        "taskwell.cli.worker:application",
        factory=True,
        interface=Interfaces.ASGI,
        address=settings.host,
        port=settings.port,
        workers=settings.worker_count,
        # The connections that each worker holds. With granian's default, 1,024 for all workers together, some of a thousand
        # clients are not served for as long as the others keep their connections.
        backlog=4096,
        backpressure=4096,
        loop=Loops.uvloop,
        http=HTTPModes.http1,
        websockets=False,
        # A worker that is killed must not take the others with it.
        respawn_failed_workers=True,
        respawn_interval=1,
        workers_kill_timeout=STOP_SECONDS + 5,  # a worker ends in time by itself; this is for one that hangs
        http1_settings=HTTP1Settings(header_read_timeout=10_000, max_buffer_size=64 * 1024),
        log_level=LogLevels.warning,
    )
    server.on_startup(Thread(target=_announce, args=(settings,), daemon=True).start)
    return server


def _announce(settings: Settings) -> None:
    """Print the first lines as soon as a worker listens. granian's own hooks run half a second earlier, too early to connect."""
    while True:
        with suppress(OSError), socket.create_connection((_reached_at(settings.host), settings.port), timeout=1):
            break
        time.sleep(0.02)
    print(_announcement(settings), flush=True)


def _announcement(settings: Settings) -> str:
    address = _address(settings)
    where = "your own database, by DATABASE_URL" if settings.database_url is not None else str(settings.data_dir)
    said = f"""
Taskwell serves at    {address}
The API page is at    {address}/docs
The data is in        {where}
"""
    if settings.auth == "none":
        who = "your gateway lets in" if settings.auth_none_behind_gateway else "can reach this machine's own address"
        return f"""{said}
THERE IS NO SIGN-IN (TASKWELL_AUTH=none): whoever {who} is whom they say they are.

  curl {address}/api/v1/tasks --json '{{"title": "Buy milk"}}'
"""
    return f"""{said}
Sign up, and add your first task:

  curl {address}/api/v1/auth/register --json '{{"email": "me@example.com", "password": "correct horse battery"}}'
  curl {address}/api/v1/tasks --json '{{"title": "Buy milk"}}' -H "Authorization: Bearer $(curl -s {address}/api/v1/auth/token \
    -d username=me@example.com --data-urlencode 'password=correct horse battery' | cut -d '"' -f 4)"
"""


def _address(settings: Settings) -> str:
    """The address by which a browser on this machine reaches the server."""
    host = _reached_at(settings.host)
    return f"http://{f'[{host}]' if ':' in host else host}:{settings.port}{settings.root_path}"


def _reached_at(host: str) -> str:
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104  # compared, not bound


def _refuse_taken_port(host: str, port: int) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise CannotStart(
                f"cannot listen on {host}, port {port} ({error.strerror}): stop what uses it, or choose another with --port"
            ) from error


def _end_when_told() -> None:
    """Let a worker that is not ready yet end by a signal, which the handlers of its parent would ignore."""
    for request in (signal.SIGTERM, signal.SIGINT):
        signal.signal(request, signal.SIG_DFL)


def _say_that_it_came_back(reason: str) -> None:
    print(f"taskwell: {reason}: it was started again", file=sys.stderr, flush=True)


_gave_up: list[CannotStart] = []


def _end_without_database(error: CannotStart) -> None:
    """End the server as an operator would, but with an exit code that is not 0, and one line."""
    _gave_up.append(error)
    os.kill(os.getpid(), signal.SIGTERM)


# An exception that a signal raises is lost where Python happens to be in a finalizer.
_told_to_end: list[object] = []


def _end(*_: object) -> NoReturn:
    _told_to_end.append(True)
    raise SystemExit(143)
