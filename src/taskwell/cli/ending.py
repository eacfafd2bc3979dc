"""How a command is told to end: SIGTERM, Ctrl-C, or the end of its terminal (SIGHUP).

It then leaves nothing half done behind, and ends with 128 and the signal's number, as a shell names that. `taskwell serve`, once
it serves, ends with 0.
"""

import asyncio
import signal
from collections.abc import Iterator
from contextlib import contextmanager


class Ending:
    def __init__(self) -> None:
        self.told_by: signal.Signals | None = None
        self.is_serving = False
        # SIGHUP stays ignored where it was ignored at the start, as by nohup.
        ignores_hangup = signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
        self.signals = {signal.SIGTERM, signal.SIGINT} | (set() if ignores_hangup else {signal.SIGHUP})

    @contextmanager
    def heard(self) -> Iterator[None]:
        """From here on a signal raises SystemExit; in an event loop, after its tasks were cancelled."""
        for number in self.signals:
            signal.signal(number, self._end)
        try:
            yield
        except asyncio.CancelledError:
            self.check()
            raise

    def check(self) -> None:
        """Raises SystemExit if this process was told to end before it served."""
        # An exception that a signal raises is lost where Python happens to be in a finalizer.
        if self.told_by is not None and not self.is_serving:
            raise SystemExit(128 + self.told_by)

    def _end(self, number: int, _: object) -> None:
        # Of a closed terminal the system tells and then the shell: the second one would break off what the first one tidies up.
        for one in self.signals:
            signal.signal(one, signal.SIG_IGN)
        self.told_by = signal.Signals(number)
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            raise SystemExit(128 + number) from None
        # An exception here could come out of any callback: of asyncpg's, one that then never says that an answer is there.
        for task in asyncio.all_tasks(loop):
            loop.call_soon_threadsafe(task.cancel)
