"""`taskwell serve` starts all that is needed, from an empty folder to an address that answers."""

import os
import resource
import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from importlib import import_module
from pathlib import Path
from threading import Thread
from typing import Annotated, Any

import typer
from granian.constants import HTTPModes, Interfaces, Loops
from granian.http import HTTP1Settings
from granian.log import LogLevels
from granian.server import Server
from granian.server.common import AbstractServer
from pydantic import SecretStr

from taskwell import observability
from taskwell.cli.database import DataDir, Wait, load_settings, own_postgres, with_database
from taskwell.cli.ending import Ending
from taskwell.cli.greeting import greet, reached_at, say_stopped
from taskwell.cli.listening import listening_address
from taskwell.database.connection import Database
from taskwell.database.embedded import lag
from taskwell.encoding import to_base64url
from taskwell.errors import CannotStart
from taskwell.identity.keys import kept_key, signing_key
from taskwell.observability import say
from taskwell.settings import Settings

CONNECTIONS = 4096
"""What each worker holds. With granian's default, 1,024 for all workers together, some of a thousand clients are not served for
as long as the others keep their connections."""

OWN_DESCRIPTORS = 100
"""What a worker has open besides: its log, sockets to PostgreSQL, a file that is imported."""

STOP_SECONDS = 20
"""The time that a stop gives the requests in flight. Kubernetes kills after 30 s, and PostgreSQL has to stop before."""


def serve(
    host: Annotated[str | None, typer.Option(help="The address to listen on, or a name of it.")] = None,
    port: Annotated[int | None, typer.Option(min=1, max=65535, help="The port to listen on.")] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Processes. Default: 1 on the embedded database, else one a core.")
    ] = None,
    data_dir: DataDir = None,
    wait: Wait = 0,
) -> None:
    """Serve the API, on a PostgreSQL of its own unless DATABASE_URL is set."""
    ending = Ending()
    with ending.heard():
        given = {"TASKWELL_HOST": host, "TASKWELL_PORT": port, "TASKWELL_WORKERS": workers}
        os.environ.update({name: str(value) for name, value in given.items() if value is not None})
        settings = load_settings(data_dir)
        _check_current_folder()
        try:
            with listening_address(settings) as address, _database(settings, wait) as for_workers:
                ending.check()
                _server(settings, address, ending).serve(target_loader=partial(_application, for_workers), wrap_loader=False)
        finally:
            if ending.is_serving:
                say_stopped(_reason(ending))
            if _gave_up:
                raise _gave_up[0]
    ending.check()


def _check_current_folder() -> None:
    """granian and each of its workers ask for the current folder. Raises CannotStart where it was deleted."""
    try:
        Path.cwd()
    except OSError as error:
        raise CannotStart(f"the current folder is gone ({error.strerror}): start from another one") from error


def _reason(ending: Ending) -> str:
    if _gave_up:
        return "the database is lost"
    return "its workers ended" if ending.told_by is None else ending.told_by.name


def _application(settings: Settings) -> Any:
    """What a worker serves: it imports the application, and this process does not.

    A worker gets the settings that the start accepted, and reads none: when it is made in place of another one, a file with a
    secret may be gone, and from a pipe it comes only once.
    """
    return import_module("taskwell.cli.worker").application(settings)


@contextmanager
def _database(settings: Settings, wait: int) -> Iterator[Settings]:
    """The settings of the workers, while their database runs."""
    if settings.database_url is not None:
        if settings.auth == "token":
            signing_key(settings.private_key, None)
        with_database(settings, _nothing, wait=wait)  # to refuse in one line here, rather than in one of each worker
        yield settings
        return
    if lagging := lag():
        say(lagging, event="old_postgresql", level="warning")
    with own_postgres(settings) as postgres:
        postgres.keep_running(came_back=_say_that_it_came_back, gave_up=_end_without_database)
        made = {"database_url": SecretStr(postgres.url)}
        if settings.private_key is None and settings.auth == "token":
            made["signing_key"] = SecretStr(to_base64url(kept_key(settings.data_dir).private.private_bytes_raw()))
        yield settings.model_copy(update=made)


async def _nothing(_: Database) -> None:
    """Nothing more to do: `with_database` has checked the schema."""


def _server(settings: Settings, address: str, ending: Ending) -> AbstractServer[Any]:
    server = Server(
        "taskwell",  # a name alone: what is served comes from `_application`
        interface=Interfaces.ASGI,
        address=address,
        port=settings.port,
        workers=settings.worker_count,
        backlog=CONNECTIONS,
        backpressure=_connections(),
        loop=Loops.uvloop,
        http=HTTPModes.http1,
        websockets=False,
        # A worker that is killed must not take the others with it.
        respawn_failed_workers=True,
        respawn_interval=1,
        workers_kill_timeout=STOP_SECONDS + 5,  # a worker ends in time by itself; this is for one that hangs
        # granian has one deadline for a head that has begun and for a connection that waits for the next one.
        http1_settings=HTTP1Settings(header_read_timeout=settings.keep_alive_seconds * 1000, max_buffer_size=64 * 1024),
        log_level=LogLevels.warning,
        log_dictconfig=_granians_log() if observability.says_json() else None,
    )
    _hand_over(ending, server)
    server.on_startup(Thread(target=_announce, args=(settings, address, ending), daemon=True).start)
    return server


def _connections() -> int:
    """What a worker holds: where it could open no more, granian would try again without a pause, on a whole core."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)  # the hard limit, to which granian raises the other one
    if most == resource.RLIM_INFINITY or most >= CONNECTIONS + OWN_DESCRIPTORS:
        return CONNECTIONS
    held = max(1, most - OWN_DESCRIPTORS)
    say(
        f"a worker may open {most} files, and so holds {held} connections, of {CONNECTIONS}: more of them wait (`ulimit -Hn`)",
        event="few_descriptors",
        level="warning",
    )
    return held


def _hand_over(ending: Ending, server: AbstractServer[Any]) -> None:
    """Once granian starts, a signal lets it finish the requests in flight."""
    interrupt: Callable[[], None] = server.signal_handler_interrupt

    def end(number: int, _: object) -> None:
        ending.told_by = ending.told_by or signal.Signals(number)
        interrupt()

    def in_case_it_was_told_before() -> None:
        if ending.told_by is not None:
            interrupt()

    server.signal_handler_interrupt = end  # type: ignore[method-assign]
    # granian's own would be a reload, whose new workers refuse requests while the old ones end: 316 of 17,390.
    server.signal_handler_reload = end if signal.SIGHUP in ending.signals else None  # type: ignore[assignment]
    server.on_startup(in_case_it_was_told_before)
    os.register_at_fork(after_in_child=_end_when_told)


def _end_when_told() -> None:
    """Let a worker that is not ready yet end by a signal, which the handlers of its parent would ignore."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_DFL)
    ignore_hangup()


def ignore_hangup() -> None:
    """A closed terminal tells its whole process group; the server then lets the workers finish."""
    with suppress(ValueError):  # not the main thread
        signal.signal(signal.SIGHUP, signal.SIG_IGN)


def _granians_log() -> dict[str, Any]:
    """What granian logs, and its workers, as lines like ours."""
    handler = {"class": "logging.StreamHandler", "formatter": "ours", "stream": "ext://sys.stderr"}
    return {
        "formatters": {"ours": {"()": "taskwell.observability.JsonLine"}},
        "handlers": {"console": handler, "access": handler},
    }


def _announce(settings: Settings, address: str, ending: Ending) -> None:
    """Print the first lines as soon as a worker listens. granian's own hooks run half a second earlier, too early to connect."""
    while not any(_answers(host, settings.port) for host in reached_at(address)):
        time.sleep(0.02)
    ending.is_serving = True
    greet(settings, address)


def _answers(host: str, port: int) -> bool:
    with suppress(OSError), socket.create_connection((host, port), timeout=1):
        return True
    return False


def _say_that_it_came_back(reason: str) -> None:
    say(f"{reason}: it was started again", event="database_came_back", level="warning")


_gave_up: list[CannotStart] = []


def _end_without_database(error: CannotStart) -> None:
    """End the server as an operator would, but with an exit code that is not 0, and one line."""
    _gave_up.append(error)
    os.kill(os.getpid(), signal.SIGTERM)
