"""What each worker process of `taskwell serve` runs."""

import multiprocessing
import os
import signal
import threading
import time
from multiprocessing.process import BaseProcess

from taskwell.app import Taskwell, create

DRAIN_SECONDS = 30


def application() -> Taskwell:
    """The application, in a process that ends when `taskwell serve` does, be it by `kill -9`.

    An orphaned worker would keep the port and answer 503 from it: its database went with the server.
    """
    server = multiprocessing.parent_process()
    if server is not None:
        threading.Thread(target=_end_after, args=(server,), daemon=True).start()
    return create()


def _end_after(server: BaseProcess) -> None:
    server.join()  # the end of a pipe: no timer, and no system call of one system alone
    os.kill(os.getpid(), signal.SIGTERM)  # which lets the requests in flight finish
    time.sleep(DRAIN_SECONDS)
    os.kill(os.getpid(), signal.SIGKILL)
