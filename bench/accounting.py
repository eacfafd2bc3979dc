"""What the operating system says that processes used: processor time and memory."""

import os
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psutil

_IDLE_WITHIN = 30.0
_IDLE_SHARE = 0.1  # of one core: two ticks, the background of a server and a database
_LOOK_SECONDS = 0.2
_TICK_US = 1_000_000 / os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Memory:
    pid: int
    name: str
    rss_mb: float
    pss_mb: float  # shared pages counted in proportion


def tree(root: int) -> list[psutil.Process]:
    """A process and all below it; empty once it has ended."""
    try:
        top = psutil.Process(root)
        return [top, *top.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def cpu_us(root: int) -> float:
    """Microseconds of processor time of the whole tree so far.

    A process that has ended counts for its parent from then on, so nothing is lost when a connection's process goes.
    """
    total = 0
    for process in tree(root):
        try:
            with open(f"/proc/{process.pid}/stat") as file:  # noqa: PTH123  every microsecond here is the server's
                fields = file.read().rpartition(")")[2].split()
        except OSError:  # it ended while we looked
            continue
        # utime, stime, and those of the children that were waited for: fields 14 to 17 of proc(5).
        total += sum(map(int, fields[11:15]))
    return total * _TICK_US


def wait_until_idle(*roots: int) -> None:
    """A client that hangs up leaves its last requests behind, a thousand of them at a thousand connections.

    Without this wait they would be answered in the next run, on the next workload's account.
    """
    deadline = time.monotonic() + _IDLE_WITHIN
    while time.monotonic() < deadline:
        before = sum(map(cpu_us, roots))
        time.sleep(_LOOK_SECONDS)
        if sum(map(cpu_us, roots)) - before < _LOOK_SECONDS * 1e6 * _IDLE_SHARE:
            return


@dataclass(frozen=True)
class Processes:
    """Whose processor time is counted apart, each by the id of the first process."""

    server: int
    postgres: int
    proxy: int | None = None  # what makes `--distance`
    others: tuple[int, ...] = ()  # servers that are up while nobody asks them

    def so_far(self) -> tuple[float, float, float, float]:
        proxy = cpu_us(self.proxy) if self.proxy else 0.0
        return cpu_us(self.server), cpu_us(self.postgres), proxy, sum(map(cpu_us, self.others))

    def wait_until_idle(self) -> None:
        wait_until_idle(self.server, self.postgres, *self.others)


@dataclass
class Used:
    """Microseconds of processor time, once the measurement is over."""

    server: float = 0.0
    postgres: float = 0.0
    proxy: float = 0.0
    others_share: float = 0.0  # of one core

    def a_request(self, requests: int) -> dict[str, float]:
        count = max(1, requests)
        costs = {"server_us": self.server / count, "postgres_us": self.postgres / count, "proxy_us": self.proxy / count}
        return costs | {"others_share": self.others_share}


@contextmanager
def metered(processes: Processes) -> Iterator[Used]:
    """Begins when they are all idle."""
    processes.wait_until_idle()
    used = Used()
    began, before = time.monotonic(), processes.so_far()
    yield used
    taken = (time.monotonic() - began) * 1e6
    used.server, used.postgres, used.proxy, others = (now - then for now, then in zip(processes.so_far(), before, strict=True))
    used.others_share = others / taken


def memory(processes: Iterable[psutil.Process]) -> list[Memory]:
    found = []
    for process in processes:
        try:
            full = process.memory_full_info()
            name = " ".join(process.cmdline())[:60] or process.name()
        except psutil.Error:
            continue
        found.append(Memory(process.pid, name, full.rss / 2**20, getattr(full, "pss", 0) / 2**20))
    return found


def total_pss(root: int) -> float:
    return sum(one.pss_mb for one in memory(tree(root)))
