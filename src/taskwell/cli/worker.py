"""What each worker process of `taskwell serve` runs."""

import asyncio
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from multiprocessing.process import BaseProcess
from signal import SIGINT, SIGTERM
from typing import Any

from starlette.types import Receive, Scope, Send

from taskwell.app import Taskwell, build_app
from taskwell.cli.serve import STOP_SECONDS, ignore_hangup
from taskwell.errors import CannotStart
from taskwell.observability import configure, log_crash, say, says_json
from taskwell.settings import Settings

TAKE_ANSWER_SECONDS = 5
"""The time that a stop gives clients to read their answers. granian waits for a client that does not read (measured: 30 s)."""

SERVING_SECONDS = 0.1
"""The time after the start until granian listens to signals again."""

Lifespan = Callable[[Any], AbstractAsyncContextManager[Any]]


class Application:
    """The ASGI application, which counts what is running: the lifespan, and each request until it is answered."""

    def __init__(self, app: Taskwell) -> None:
        self._app = app.middleware_stack = app.build_middleware_stack()
        self.running = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.running += 1
        try:
            await self._app(scope, receive, send)
        finally:
            self.running -= 1


def application(settings: Settings) -> Application:
    """The application, in a process that ends when `taskwell serve` does, even by `kill -9`.

    An orphaned worker would keep the port and answer 503 from it: its database went with the server.
    """
    server = multiprocessing.parent_process()
    if server is not None:
        threading.Thread(target=_end_after, args=(server,), daemon=True).start()
    ignore_hangup()
    try:
        configure(settings.log_format, settings.log_level)
        app = build_app(settings, is_checked=True)
        counted = Application(app)
    except CannotStart as error:
        say(error.message, event="cannot_start", level="error")
        sys.exit(1)
    except Exception as error:  # multiprocessing would write it as text
        if not says_json():
            raise
        log_crash(error)
        sys.exit(1)
    app.router.lifespan_context = _hearing_signals(app.router.lifespan_context, counted)
    # Between here and the lifespan granian listens, and loses what it hears: a signal waits.
    signal.pthread_sigmask(signal.SIG_BLOCK, (SIGTERM, SIGINT))
    return counted


def _hearing_signals(lifespan: Lifespan, counted: Application) -> Lifespan:
    """Keeps a signal that comes while the application starts: granian loses it, and kills the worker half a minute later."""

    @asynccontextmanager
    async def hearing(app: Taskwell) -> AsyncIterator[None]:
        told: list[int] = []
        serves = False
        loop = asyncio.get_running_loop()

        # In place of the event loop's own handlers, which still pass on the signals.
        def hear(number: int, _: object) -> None:
            told.append(number)
            if serves and len(told) == 1:
                loop.call_soon_threadsafe(app.services.end_streams)
                threading.Thread(target=_end_in_time, args=(counted,), daemon=True).start()

        for number in (SIGTERM, SIGINT):
            signal.signal(number, hear)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, (SIGTERM, SIGINT))

        def once_it_serves() -> None:
            nonlocal serves
            serves = True
            if told:
                number = told[0]
                told.clear()
                os.kill(os.getpid(), number)

        async with lifespan(app):
            loop.call_later(SERVING_SECONDS, once_it_serves)
            yield

    return hearing


def _end_in_time(counted: Application) -> None:
    """Ends a worker that was told to end, from a thread of its own. A worker ends before that, unless a client delays it."""
    now = answered = time.monotonic()
    deadline = now + STOP_SECONDS
    while now < min(deadline, answered + TAKE_ANSWER_SECONDS):
        time.sleep(0.05)
        now = time.monotonic()
        if counted.running > 1:
            answered = now
    os._exit(0)


def _end_after(server: BaseProcess) -> None:
    server.join()  # waits for the end of a pipe, which needs no timer and works on every system
    os.kill(os.getpid(), SIGTERM)  # which lets the requests in flight finish
    time.sleep(STOP_SECONDS)
    os.kill(os.getpid(), signal.SIGKILL)
