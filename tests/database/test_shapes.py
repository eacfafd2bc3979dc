"""A statement of a family is built once, also where several servers of one process ask for it first at the same moment."""

import subprocess
import sys

ASK = """
import sys
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from taskwell.tasks.filter import SHAPES
from taskwell.tasks.statements import LIST_TASKS

sys.setswitchinterval(1e-6)
THREADS = 4
together = Barrier(THREADS)


def ask(_):
    found = []
    for shape in SHAPES:
        together.wait(30)
        found.append(LIST_TASKS[shape])
        assert found[-1].sql and found[-1].order and found[-1].of_set.sql
    return found


with ThreadPoolExecutor(THREADS) as threads:
    each = list(threads.map(ask, range(THREADS)))
assert all(one is other for found in each[1:] for one, other in zip(each[0], found, strict=True))
"""


def test_threads_that_ask_at_once_get_the_same_statement() -> None:
    """Two of them that both built it would register its name twice: the second request got a 500."""
    done = subprocess.run([sys.executable, "-c", ASK], capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stderr) == (0, "")
