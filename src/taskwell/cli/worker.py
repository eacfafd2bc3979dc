"""What each worker process of `taskwell serve` runs."""

import asyncio
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from multiprocessing.process import BaseProcess
from signal import SIGINT, SIGTERM
from typing import Any

from taskwell.app import Taskwell, create

DRAIN_SECONDS = 30

SERVING_SECONDS = 0.1
"""After its start, until granian listens to signals again."""

Lifespan = Callable[[Any], AbstractAsyncContextManager[Any]]


def application() -> Taskwell:
    """The application, in a process that ends when `taskwell serve` does, be it by `kill -9`.

    An orphaned worker would keep the port and answer 503 from it: its database went with the server.
    """
    server = multiprocessing.parent_process()
    if server is not None:
        threading.Thread(target=_end_after, args=(server,), daemon=True).start()
    app = create()
    app.router.lifespan_context = _hearing_signals(app.router.lifespan_context)
    return app


def _hearing_signals(lifespan: Lifespan) -> Lifespan:
    """granian forgets a signal that comes while the application starts, and kills the worker half a minute later."""

    @asynccontextmanager
    async def hearing(app: Taskwell) -> AsyncIterator[None]:
        told: list[int] = []
        # In place of the event loop's own, which pass on what they hear all the same.
        before = {number: signal.signal(number, lambda number, _: told.append(number)) for number in (SIGTERM, SIGINT)}

        def once_it_serves() -> None:
            for number, handler in before.items():
                signal.signal(number, handler)
            if told:
                os.kill(os.getpid(), told[0])

        async with lifespan(app):
            asyncio.get_running_loop().call_later(SERVING_SECONDS, once_it_serves)
            yield

    return hearing


def _end_after(server: BaseProcess) -> None:
    server.join()  # the end of a pipe: no timer, and no system call of one system alone
    os.kill(os.getpid(), SIGTERM)  # which lets the requests in flight finish
    time.sleep(DRAIN_SECONDS)
    os.kill(os.getpid(), signal.SIGKILL)
