"""Before against after, in pairs, beside before against itself: is this version of Taskwell slower than another one?"""

import statistics
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from bench.pairs import Run, Spread, cpu, ratio, requests

BEFORE, AFTER, AGAIN = "before", "taskwell", "before-again"
MOST = 1.03
MOST_NOISE = 1.10

Runs = Sequence[Run]


class Compared(NamedTuple):
    """What one round cost after, by what it cost before; and before by itself, which is what the machine's noise looks like."""

    name: str
    before: float  # the median, in microseconds
    after: float
    change: Spread
    noise: Spread
    requests: Spread | None

    @property
    def limit(self) -> float:
        # Which of the two that are the same came first says nothing, so a ratio below 1 is as much noise as its inverse.
        return MOST * max(self.noise.high, 1 / self.noise.low)

    @property
    def is_worse(self) -> bool:
        return self.change.median > self.limit


def compared(report: dict[str, Any]) -> Iterator[Compared]:
    peers = [report["peers"][name] for name in (BEFORE, AFTER, AGAIN)]
    for key in peers[0]["workloads"]:
        before, after, again = (peer["workloads"][key]["runs"] for peer in peers)
        yield _compare(key, before, after, again, cpu, ratio(after, before, requests))
    before, after, again = (peer["starts"] for peer in peers)
    yield _compare("start of a worker", before, after, again, _start_cpu, None)


def _compare(
    name: str, before: Runs, after: Runs, again: Runs, of: Callable[[Run], float], of_requests: Spread | None
) -> Compared:
    change, noise = ratio(after, before, of), ratio(again, before, of)
    assert change is not None
    assert noise is not None
    old, new = (statistics.median(map(of, runs)) for runs in (before, after))
    return Compared(name, old, new, change, noise, of_requests)


def _start_cpu(start: Run) -> float:
    return float(start["us"])


def worse(report: dict[str, Any]) -> list[Compared]:
    return [one for one in compared(report) if one.is_worse]


def verdict(report: dict[str, Any]) -> str:
    noisy = ", ".join(f"{one.name} ({one.limit:.2f})" for one in compared(report) if one.limit > MOST * MOST_NOISE)
    warning = f" The machine was too busy to see little of: {noisy}; more `--runs` on an idle one would." if noisy else ""
    found = worse(report)
    if not found:
        return (
            "**Reached**: no workload's CPU, nor a start's, is up by more than 3 % beyond the spread of before against itself."
            + warning
        )
    named = ", ".join(f"{one.name} {one.change.median:.2f} (at most {one.limit:.2f})" for one in found)
    return f"**Not reached**: CPU is up by more than 3 % beyond the spread of before against itself: {named}." + warning
