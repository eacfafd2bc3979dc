"""The command `taskwell`.

It hears signals from its first line on, because the imports below take a second: process 1 of a container loses a signal that
nothing handles, and Ctrl-C would show a traceback.
"""

import gc
import os
import signal


def _end_at_once(number: int, _: object) -> None:
    os._exit(128 + number)


for _number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
    if signal.getsignal(_number) is not signal.SIG_IGN:  # as nohup leaves it
        signal.signal(_number, _end_at_once)

# Nothing that is imported is ever thrown away: looking for garbage meanwhile takes a fifth of the time.
gc.disable()

from taskwell.cli import main  # noqa: E402

if __name__ == "__main__":
    main()
