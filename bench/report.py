"""What was measured, as one Markdown page, which a terminal shows just as well."""

import statistics
from collections.abc import Iterable, Sequence
from typing import Any

from bench.goals import cpu, judge
from bench.measure import WORKLOADS

_MARKS = {True: "reached", False: "**not reached**", None: "not measured"}


def markdown(report: dict[str, Any]) -> str:
    parts = [
        "# Benchmarks",
        _introduction(report),
        "## Goals",
        _table(("goal", "", "numbers"), [(goal.text, _MARKS[goal.reached], goal.numbers) for goal in judge(report)]),
        "## Workloads",
        "Latencies in milliseconds, processor time in microseconds a request. `±` is half of the spread of the runs.",
        *_workloads(report),
        "## At a fixed rate",
        _open_loop(report),
        *_deep(report),
        "## Start and memory",
        _start_and_memory(report),
        *_soak(report),
        "## Ratios",
        "Taskwell's requests a second by theirs (more is better for us) · its processor time by theirs (less is better for us).",
        _ratios(report),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _introduction(report: dict[str, Any]) -> str:
    options, machine = report["options"], report["machine"]
    count, data = options["workers"], f"{options['tasks']:,} tasks of {options['users']:,} users"
    how = (
        f"Made by `python -m bench` on {report['at']}: {data}; PostgreSQL, server and load generator on the same"
        f" {options['cores']} cores, {count} workers with {options['pool']} database connections each, medians of"
        f" {options['runs']} runs of {options['seconds']} s, one server after the other."
    )
    facts = [f"{name}: {value}" for name, value in machine.items()] + report["notes"]
    lines = [how, "", *(f"- {fact}" for fact in facts)]
    return "\n".join(lines)


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    all_rows = [list(heads), *(list(row) for row in rows)]
    widths = [max(3, *(len(row[column]) for row in all_rows)) for column in range(len(heads))]
    # Numbers are easier to compare at the right; the first column is names.
    number = [any(row[column][:1].isdigit() for row in all_rows[1:]) and column > 0 for column in range(len(heads))]

    def line(row: list[str]) -> str:
        cells = (
            text.rjust(width) if right else text.ljust(width) for text, width, right in zip(row, widths, number, strict=True)
        )
        return "| " + " | ".join(cells) + " |"

    rule = "|" + "|".join("-" * (width + 1) + (":" if right else "-") for width, right in zip(widths, number, strict=True)) + "|"
    return "\n".join([line(all_rows[0]), rule, *map(line, all_rows[1:])])


def _keys(report: dict[str, Any]) -> list[str]:
    there = {key for peer in report["peers"].values() for key in peer.get("workloads", {})}
    return sorted(there, key=lambda key: (WORKLOADS.index(key.partition("@")[0]), int(key.partition("@")[2])))


def _workloads(report: dict[str, Any]) -> list[str]:
    heads = ("server", "requests/s", "±", "p50", "p95", "±", "p99", "errors", "CPU server", "CPU PostgreSQL", "CPU client")
    parts = []
    for key in _keys(report):
        rows = []
        for name, peer in report["peers"].items():
            found = peer.get("workloads", {}).get(key)
            if found is None:
                continue
            half = [(high - low) / 2 for low, high in (found["rps_spread"], found["p95_spread"])]
            latencies = [f"{found['p50']:,.1f}", f"{found['p95']:,.1f}", f"{half[1]:,.1f}", f"{found['p99']:,.1f}"]
            costs = [f"{found[cost]:,.0f}" for cost in ("server_us", "postgres_us", "client_us")]
            rows.append([name, f"{found['rps']:,.0f}", f"{half[0]:,.0f}", *latencies, str(found["errors"]), *costs])
        parts += [f"### {key.replace('@', ', ')} connections", _table(heads, rows)]
    return parts


def _open_loop(report: dict[str, Any]) -> str:
    rows = []
    for name, peer in report["peers"].items():
        found = peer.get("open")
        if found is not None:
            latencies = [f"{found[field]:,.1f}" for field in ("p50", "p95", "p99", "max")]
            costs = [f"{found[cost]:,.0f}" for cost in ("server_us", "postgres_us", "client_us")]
            rows.append([name, f"{found['rate']:,}", *latencies, str(found["errors"]), *costs])
    heads = ("server", "requests/s", "p50", "p95", "p99", "max", "errors", "CPU server", "CPU PostgreSQL", "CPU client")
    text = "The mix (60 % list, 30 % get, 10 % create) over 1,000 connections; latency counts from the moment a request was due."
    return f"{text}\n\n{_table(heads, rows)}" if rows else "Not measured."


def _deep(report: dict[str, Any]) -> list[str]:
    deep = report.get("deep")
    if deep is None:
        return []
    rows = [
        [name, f"{found['rps']:,.0f}", f"{found['p95']:,.1f}", f"{found['server_us']:,.0f}", f"{found['postgres_us']:,.0f}"]
        for name, found in (
            ("page 1 of the long list", deep["first"]),
            (f"page {deep['page']:,} of it", deep["deep"]),
            ("page 1 of everybody else's, without the long list", deep["before"]),
            ("the same beside it", deep["beside"]),
        )
    ]
    heads = ("", "requests/s", "p95", "CPU server", "CPU PostgreSQL")
    return ["## One user with a very long list", _table(heads, rows)]


def _start_and_memory(report: dict[str, Any]) -> str:
    rows = []
    for name, peer in report["peers"].items():
        if "start_seconds" in peer:
            each = "  ".join(f"{one['rss_mb']:.0f}/{one['pss_mb']:.0f}" for one in peer["memory"])
            total = sum(one["pss_mb"] for one in peer["memory"])
            start = statistics.median(peer["start_seconds"])
            rows.append([name, f"{start:.2f}", f"{total:,.0f}", each, f"{peer['postgres_pss_mb']:,.0f}"])
    text = "Start: from the spawn to the first list with status 200, in seconds. Memory after all of the above, in MB."
    heads = ("server", "start", "PSS in all", "RSS/PSS of each process", "PostgreSQL's PSS")
    return f"{text}\n\n{_table(heads, rows)}"


def _soak(report: dict[str, Any]) -> list[str]:
    soak = report.get("soak")
    if soak is None:
        return []
    rows = [
        [
            str(number),
            "  ".join(f"{one['rss_mb']:.0f}/{one['pss_mb']:.0f}" for one in minute["memory"]),
            f"{minute['sample']['rps']:,.0f}",
            str(minute["sample"]["errors"]),
        ]
        for number, minute in enumerate(soak["minutes"], 1)
    ]
    heads = ("minute", "RSS/PSS of each process", "requests/s", "errors")
    return [f"### Taskwell's memory at {soak['connections']:,} connections", _table(heads, rows)]


def _ratios(report: dict[str, Any]) -> str:
    ours = report["peers"].get("taskwell", {}).get("workloads", {})
    others = [name for name in report["peers"] if name != "taskwell"]
    rows = []
    for key in _keys(report):
        row = [key.replace("@", " @")]
        for name in others:
            theirs = report["peers"][name].get("workloads", {}).get(key)
            known = theirs is not None and key in ours and cpu(theirs) > 0 and theirs["rps"] > 0
            row.append(f"{ours[key]['rps'] / theirs['rps']:.2f} · {cpu(ours[key]) / cpu(theirs):.2f}" if known else "")
        rows.append(row)
    return _table(("workload", *others), rows) if rows and others else ""
