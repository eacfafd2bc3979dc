"""The goals of the issue "Fast and flat", each with the number that decides it."""

from collections.abc import Iterator
from typing import Any, NamedTuple

MB_A_WORKER = 120


class Goal(NamedTuple):
    text: str
    reached: bool | None  # None: not measured
    numbers: str


def judge(report: dict[str, Any]) -> list[Goal]:
    peers = report["peers"]
    return [
        *_ahead_of_equal(peers),
        *_beside_fastify(peers),
        *_beside_sqlmodel(peers),
        *_alone(peers),
        *_memory(report),
        *_deep(report),
    ]


def _of(peers: dict[str, Any], peer: str, workload: str) -> dict[str, Any] | None:
    found: dict[str, Any] | None = peers.get(peer, {}).get("workloads", {}).get(workload)
    return found


def cpu(found: dict[str, Any]) -> float:
    return float(found["server_us"] + found["postgres_us"])


def _ahead_of_equal(peers: dict[str, Any]) -> Iterator[Goal]:
    for workload in ("list", "get", "create", "mix"):
        for connections in (64, 1000):
            text = f"ahead of fastify-equal in requests/s and p95: {workload} @{connections}"
            ours, theirs = (_of(peers, peer, f"{workload}@{connections}") for peer in ("taskwell", "fastify-equal"))
            if ours is None or theirs is None:
                yield Goal(text, None, "not measured")
                continue
            reached = ours["rps"] > theirs["rps"] and ours["p95"] < theirs["p95"]
            numbers = f"{ours['rps']:,.0f}/s to {theirs['rps']:,.0f}/s, p95 {ours['p95']:,.1f} to {theirs['p95']:,.1f} ms"
            yield Goal(text, reached, numbers)


def _beside_fastify(peers: dict[str, Any]) -> Iterator[Goal]:
    ours, theirs = _of(peers, "taskwell", "list@64"), _of(peers, "fastify", "list@64")
    text = "list ahead of the bare fastify in requests/s @64"
    if ours is None or theirs is None:
        yield Goal(text, None, "not measured")
    else:
        yield Goal(text, ours["rps"] > theirs["rps"], f"{ours['rps']:,.0f}/s to {theirs['rps']:,.0f}/s")
    for workload in ("get", "create"):
        yield _share(peers, "fastify", workload, 1.4, "1.4 times")


def _beside_sqlmodel(peers: dict[str, Any]) -> Iterator[Goal]:
    for workload, share, text in (("list", 1 / 6, "1/6 of"), ("get", 1 / 6, "1/6 of"), ("create", 1 / 4, "1/4 of")):
        yield _share(peers, "sqlmodel", workload, share, text)


def _share(peers: dict[str, Any], peer: str, workload: str, share: float, share_text: str) -> Goal:
    """Of processor time, server and PostgreSQL together."""
    text = f"{workload} at most {share_text} {peer}'s CPU @64"
    ours, theirs = _of(peers, "taskwell", f"{workload}@64"), _of(peers, peer, f"{workload}@64")
    if ours is None or theirs is None:
        return Goal(text, None, "not measured")
    ratio = cpu(ours) / cpu(theirs)
    shown = f"{ratio:.2f} times" if ratio > 1 else f"1/{1 / ratio:.1f}"
    return Goal(text, ratio <= share, f"{cpu(ours):,.0f} to {cpu(theirs):,.0f} µs, {shown}")


def _alone(peers: dict[str, Any]) -> Iterator[Goal]:
    text = "open loop, 3,000/s over 1,000 connections: p95 under 50 ms, p99 under 200 ms, no error"
    found = peers.get("taskwell", {}).get("open")
    if found is None or (found["rate"], found["connections"]) != (3000, 1000):
        yield Goal(text, None, "not measured")
    else:
        reached = found["p95"] < 50 and found["p99"] < 200 and found["errors"] == 0
        yield Goal(text, reached, f"p95 {found['p95']:.1f}, p99 {found['p99']:.1f} ms, {found['errors']} errors")
    text = "the moonshot: the mix @1000 in a closed loop: p95 under 200 ms, no error"
    mix = _of(peers, "taskwell", "mix@1000")
    if mix is None:
        yield Goal(text, None, "not measured")
    else:
        yield Goal(text, mix["p95"] < 200 and mix["errors"] == 0, f"p95 {mix['p95']:.1f} ms, {mix['errors']} errors")


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
        yield from (Goal(text, None, "not measured") for text in texts)
        return
    page = f"page {deep['page']:,}"
    for text, name, most, one, other in ((texts[0], page, 1.2, "deep", "first"), (texts[1], "others", 1.15, "beside", "before")):
        ratio = cpu(deep[one]) / cpu(deep[other])
        numbers = f"{name}: {cpu(deep[one]):.0f} to {cpu(deep[other]):.0f} µs, {ratio:.2f} times"
        yield Goal(text, ratio <= most, numbers)
