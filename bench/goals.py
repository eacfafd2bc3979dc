"""The goals, each with the number that decides it. Ratios are medians of pairs (bench/pairs.py), within one run."""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from bench.pairs import Run, Spread, cpu, p95, ratio, requests

MB_A_WORKER = 120
NEVER = "not measured"


class Goal(NamedTuple):
    text: str
    reached: bool | None  # None: not measured
    numbers: str


class AtLeast(NamedTuple):
    """So many times a peer's requests a second."""

    times: float
    peer: str
    workload: str
    connections: int


class AtMost(NamedTuple):
    """Such a share of a peer's processor time, or of its p95."""

    share: float
    peer: str
    workload: str
    connections: int
    of: Callable[[Run], float] = cpu


class Within(NamedTuple):
    """The mix at 1,000 connections in a closed loop, p95 in milliseconds, the database so far away."""

    p95_ms: float
    distance_ms: float
    text: str


class AtRate(NamedTuple):
    """The open loop over 1,000 connections, percentiles in milliseconds."""

    rate: int
    limits: dict[str, float]


_EQUAL = "fastify-equal"
_WORKLOADS = ("list", "get", "create", "patch", "mix")
_AT_1000 = dict(zip(_WORKLOADS, (1.55, 1.65, 1.7, 1.5, 1.35), strict=True))
_AT_64 = dict(zip(_WORKLOADS, (1.1, 1.2, 1.2, 1.0, 1.1), strict=True))

BESIDE: tuple[AtLeast | AtMost, ...] = (
    *(AtLeast(times, _EQUAL, workload, 1000) for workload, times in _AT_1000.items()),
    *(AtMost(1, _EQUAL, workload, 1000, p95) for workload in _WORKLOADS),
    *(AtLeast(times, _EQUAL, workload, 64) for workload, times in _AT_64.items()),
    AtLeast(1, "asgi", "create", 1000),
    AtLeast(0.97, "asgi", "get", 1000),  # "level": within 3 %
    AtMost(1 / 8, "sqlmodel", "list", 1000),
    AtMost(1 / 12, "sqlmodel", "get", 1000),
    AtMost(1 / 10, "sqlmodel", "create", 1000),
    AtMost(2, _EQUAL, "badagain", 64),
    AtLeast(1, "fastify", "list", 64),
    AtMost(1.4, "fastify", "get", 64),
    AtMost(1.4, "fastify", "create", 64),
)
MIX = (
    Within(175, 0, "beside it"),
    Within(150, 0, "beside it, the moonshot"),
    Within(200, 5, "5 ms away"),
    Within(230, 20, "20 ms away"),
)
OPEN = (AtRate(3000, {"p95": 50, "p99": 200}), AtRate(5000, {"p95": 10}))
# Microseconds that a request may cost more with 10 million tasks than with 100,000; half of it is the moonshot.
GROWTH = {"list": 78, "get": 59, "create": 222, "patch": 214}


def judge(report: dict[str, Any]) -> list[Goal]:
    peers = report["peers"]
    is_beside = report["options"]["distance"] == 0
    return [
        *(_ratio_goal(goal, peers if is_beside else {}) for goal in BESIDE),
        *(_within(goal, report) for goal in MIX),
        *(_at_rate(goal, peers if is_beside else {}) for goal in OPEN),
        *_memory(report),
        *_deep(report),
    ]


def growth(small: dict[str, Any], large: dict[str, Any]) -> Iterator[Goal]:
    """What `python -m bench.compare` says of two runs, of 100,000 tasks and of 10 million."""
    if (small["options"]["tasks"], large["options"]["tasks"]) != (100_000, 10_000_000):
        return
    for workload, most in GROWTH.items():
        one, other = (_of(report["peers"], "taskwell", f"{workload}@64") for report in (small, large))
        if one is not None and other is not None:
            added = cpu(other) - cpu(one)
            moonshot = ", and the moonshot" if added <= most / 2 else ""
            yield Goal(f"{workload}: at most {most} µs more", added <= most, f"{added:+.0f} µs{moonshot}")


def _of(peers: dict[str, Any], peer: str, workload: str) -> dict[str, Any] | None:
    found: dict[str, Any] | None = peers.get(peer, {}).get("workloads", {}).get(workload)
    return found


def _ratio_goal(goal: AtLeast | AtMost, peers: dict[str, Any]) -> Goal:
    name = f"{goal.workload} @{goal.connections:,}"
    of = requests if isinstance(goal, AtLeast) else goal.of
    if isinstance(goal, AtLeast):
        text = f"{name}: at least {goal.times:g} times {goal.peer}'s requests/s"
    else:
        share = f"1/{1 / goal.share:.0f} of" if goal.share < 1 else f"{goal.share:g} times"
        text = f"{name}: at most {share} {goal.peer}'s {'p95' if goal.of is p95 else 'CPU'}"
    ours, theirs = (_of(peers, peer, f"{goal.workload}@{goal.connections}") for peer in ("taskwell", goal.peer))
    if ours is None or theirs is None:
        return Goal(text, None, NEVER)
    found = ratio(ours["runs"], theirs["runs"], of)
    if found is None:
        return Goal(text, None, NEVER)
    reached = found.median >= goal.times if isinstance(goal, AtLeast) else found.median <= goal.share
    return Goal(text, reached, _shown(found))


def _shown(found: Spread) -> str:
    if found.median > 0.5:
        return str(found)
    return f"1/{1 / found.median:.1f} (1/{1 / found.low:.1f} to 1/{1 / found.high:.1f})"


def _within(goal: Within, report: dict[str, Any]) -> Goal:
    text = f"the mix @1,000, closed loop, the database {goal.text}: p95 under {goal.p95_ms:g} ms, no error"
    mix = _of(report["peers"], "taskwell", "mix@1000")
    if mix is None or report["options"]["distance"] != goal.distance_ms:
        return Goal(text, None, NEVER)
    return Goal(text, mix["p95"] < goal.p95_ms and mix["errors"] == 0, f"p95 {mix['p95']:.1f} ms, {mix['errors']} errors")


def _at_rate(goal: AtRate, peers: dict[str, Any]) -> Goal:
    limits = ", ".join(f"{name} under {limit:g} ms" for name, limit in goal.limits.items())
    text = f"open loop, {goal.rate:,}/s over 1,000 connections: {limits}, no error"
    found = peers.get("taskwell", {}).get("open", {}).get(str(goal.rate))
    if found is None or found["connections"] != 1000:
        return Goal(text, None, NEVER)
    reached = found["errors"] == 0 and all(found[name] < limit for name, limit in goal.limits.items())
    return Goal(text, reached, f"p95 {found['p95']:.1f}, p99 {found['p99']:.1f} ms, {found['errors']} errors")


def _memory(report: dict[str, Any]) -> Iterator[Goal]:
    text = f"at most {MB_A_WORKER} MB a worker after 10 minutes @1000, no growth from minute 5 to 10"
    minutes = report.get("soak", {}).get("minutes", [])
    if len(minutes) < 10:
        yield Goal(text, None, "not measured (--soak 10)")
        return
    fifth, last = (max(one["rss_mb"] for one in minutes[number]["memory"]) for number in (4, 9))
    # A few pages more are the allocator's; 2 % in five minutes would be a leak.
    yield Goal(text, last <= MB_A_WORKER and last <= fifth * 1.02, f"the largest process: {fifth:.0f} MB, then {last:.0f} MB")


def _deep(report: dict[str, Any]) -> Iterator[Goal]:
    deep = report.get("deep")
    texts = ("a page deep in a long list at most 1.2 times the CPU of page 1", "a long list does not slow others (1.15 times)")
    if deep is None:
        yield from (Goal(text, None, NEVER) for text in texts)
        return
    page = f"page {deep['page']:,}"
    for text, name, most, one, other in ((texts[0], page, 1.2, "deep", "first"), (texts[1], "others", 1.15, "beside", "before")):
        ratio = cpu(deep[one]) / cpu(deep[other])
        numbers = f"{name}: {cpu(deep[one]):.0f} to {cpu(deep[other]):.0f} µs, {ratio:.2f} times"
        yield Goal(text, ratio <= most, numbers)
