"""Servers are measured in turn, A B C A B C: two that ran in the same round are a pair, and its ratio is free of slow drift.

What a machine does beside the benchmark changes from minute to minute by more than the servers differ: measured one server after
the other, two runs of the same code gave 1.12 and 0.80 for the same ratio.
"""

import statistics
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

Run = dict[str, Any]  # one measurement of one server: the fields of a Sample


class Spread(NamedTuple):
    low: float
    median: float
    high: float

    def __str__(self) -> str:
        return f"{self.median:.2f} ({self.low:.2f} to {self.high:.2f})"


def requests(run: Run) -> float:
    return float(run["rps"])


def p95(run: Run) -> float:
    return float(run["p95"])


def cpu(run: Run) -> float:
    """The server and PostgreSQL together; the load generator and the proxy of `--distance` are not theirs."""
    return float(run["server_us"] + run["postgres_us"])


def spread(values: Sequence[float]) -> Spread:
    return Spread(min(values), statistics.median(values), max(values))


def ratio(ours: Sequence[Run], theirs: Sequence[Run], of: Callable[[Run], float]) -> Spread | None:
    """None where a workload costs the others nothing."""
    pairs = [(of(one), of(other)) for one, other in zip(ours, theirs, strict=True)]
    return spread([one / other for one, other in pairs]) if all(other > 0 for _, other in pairs) else None
