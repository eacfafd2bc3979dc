"""How `taskwell serve` is told to end, from its start until it has ended: SIGTERM, Ctrl-C, or the end of its terminal (SIGHUP).

What is told before it serves ends it with 128 and the signal's number, as a shell names that; afterwards it ends with 0.
"""

import asyncio
import os
import signal
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from granian.server.common import AbstractServer


class Ending:
    def __init__(self) -> None:
        self.told_by: signal.Signals | None = None
        self.is_serving = False
        # SIGHUP stays ignored where it was ignored at the start, as by nohup.
        ignores_hangup = signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
        self._signals = {signal.SIGTERM, signal.SIGINT} | (set() if ignores_hangup else {signal.SIGHUP})

    def hear(self) -> None:
        """From now on a signal raises SystemExit, so that what was started is stopped again; in an event loop, CancelledError."""
        for number in self._signals:
            signal.signal(number, self._end)
        os.register_at_fork(after_in_child=_end_when_told)

    def check(self) -> None:
        """Raises SystemExit if this process was told to end before it served."""
        # An exception that a signal raises is lost where Python happens to be in a finalizer.
        if self.told_by is not None and not self.is_serving:
            raise SystemExit(128 + self.told_by)

    def hand_over_to(self, server: AbstractServer[Any]) -> None:
        """Once granian starts, a signal lets it finish the requests in flight."""
        interrupt: Callable[[], None] = server.signal_handler_interrupt

        def end(number: int, _: object) -> None:
            self.told_by = self.told_by or signal.Signals(number)
            interrupt()

        def in_case_it_was_told_before() -> None:
            if self.told_by is not None:
                interrupt()

        server.signal_handler_interrupt = end  # type: ignore[method-assign]
        # granian's own would be a reload, whose new workers refuse requests while the old ones end: 316 of 17,390.
        server.signal_handler_reload = end if signal.SIGHUP in self._signals else None  # type: ignore[assignment]
        server.on_startup(in_case_it_was_told_before)

    def _end(self, number: int, _: object) -> None:
        self.told_by = self.told_by or signal.Signals(number)
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            raise SystemExit(128 + number) from None
        # An exception here could come out of any callback: of asyncpg's, one that then never says that an answer is there.
        for task in asyncio.all_tasks(loop):
            loop.call_soon_threadsafe(task.cancel)


def ignore_hangup() -> None:
    """A closed terminal tells its whole process group; the server then lets the workers finish."""
    with suppress(ValueError):  # not the main thread
        signal.signal(signal.SIGHUP, signal.SIG_IGN)


def _end_when_told() -> None:
    """Let a worker that is not ready yet end by a signal, which the handlers of its parent would ignore."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_DFL)
    ignore_hangup()
