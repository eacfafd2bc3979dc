"""Waiting for what comes to be so by itself."""

import time
from collections.abc import Callable


def until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not is_so():
        assert time.monotonic() < deadline, "it did not come to that"
        time.sleep(0.01)
