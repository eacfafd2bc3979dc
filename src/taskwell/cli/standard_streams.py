"""Standard input, output and error, each of which may be closed, full, or of another encoding than UTF-8."""

import errno
import os
import sys

from taskwell.errors import CannotStart


def prepare_streams() -> None:
    """Make all three good for any text, and open those that are closed, before a file or a socket gets the number of one.

    Standard input is then empty, what is written to standard error is lost, and an answer on standard output fails.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        stream = getattr(sys, name)
        if stream is None:
            # The lowest number that is free. The workers of a server inherit it, and PostgreSQL.
            os.set_inheritable(os.open(os.devnull, os.O_WRONLY if name == "stderr" else os.O_RDONLY), True)
        elif name == "stderr":  # Python has it take any text
            continue
        # Standard output has a buffer also with PYTHONUNBUFFERED: `finish_output` finds in it what could not be written.
        mode, errors = ("r", "surrogateescape") if name == "stdin" else ("w", "backslashreplace")
        setattr(sys, name, open(number, mode, encoding=getattr(stream, "encoding", None), errors=errors, closefd=False))  # noqa: SIM115


def finish_output() -> None:
    """Write what is left of the answer. Raises CannotStart, and SystemExit where nobody reads it any more, as in `| head`."""
    try:
        sys.stdout.flush()
    except OSError as error:
        _give_up_output()
        if error.errno == errno.EPIPE:
            sys.exit(1)
        raise CannotStart(f"standard output cannot be written: {error.strerror}") from error


def print_or_lose(line: str) -> None:
    """What a server says on standard output. It serves also where nobody can read that, as when the terminal is gone."""
    try:
        print(line, flush=True)
    except OSError:
        _give_up_output()


def _give_up_output() -> None:
    # Python would fail again when it flushes at its end.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
