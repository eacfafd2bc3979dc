"""What was measured, as one Markdown page, which a terminal shows just as well."""

import statistics
from collections.abc import Iterable, Sequence
from typing import Any

from bench.against import compared, verdict
from bench.goals import judge
from bench.measure import WORKLOADS
from bench.pairs import cpu, p95, ratio, requests

_MARKS = {True: "reached", False: "**not reached**", None: "not measured"}


def markdown(report: dict[str, Any]) -> str:
    parts = [
        "# Benchmarks",
        _introduction(report),
        *(_against(report) if report["options"]["against"] else _goals(report)),
        "## Workloads",
        "Latencies in milliseconds, processor time in microseconds a request. `±` is half of the spread of the rounds.",
        *_workloads(report),
        "## At a fixed rate",
        _open_loop(report),
        *_deep(report),
        "## Start and memory",
        _start_and_memory(report),
        *_soak(report),
        *_ratios(report),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _goals(report: dict[str, Any]) -> list[str]:
    return [
        "## Goals",
        _table(("goal", "", "numbers"), [(goal.text, _MARKS[goal.reached], goal.numbers) for goal in judge(report)]),
    ]


def _against(report: dict[str, Any]) -> list[str]:
    rows = [
        [
            one.name,
            str(one.requests or ""),
            f"{one.before:,.0f}",
            f"{one.after:,.0f}",
            str(one.change),
            str(one.noise),
            f"{one.limit:.2f}",
            _MARKS[not one.is_worse],
        ]
        for one in compared(report)
    ]
    heads = ("", "requests/s after by before", "CPU µs before", "after", "after by before", "before by itself", "at most", "")
    text = "Medians of the rounds' ratios, with the least and the greatest; CPU is the server's and PostgreSQL's."
    return ["## Before against after", text, _table(heads, rows), verdict(report)]


def _introduction(report: dict[str, Any]) -> str:
    options, machine = report["options"], report["machine"]
    count, data = options["workers"], f"{options['tasks']:,} tasks of {options['users']:,} users"
    how = (
        f"Made by `python -m bench` on {report['at']}: {data}; PostgreSQL, server and load generator on the same"
        f" {options['cores']} cores, {count} workers with {options['pool']} database connections each, medians of"
        f" {options['runs']} rounds, in each of which every server has a turn of {options['seconds']} s."
    )
    samples = [run for peer in report["peers"].values() for found in peer["workloads"].values() for run in found["runs"]]
    idle = max((run["others_share"] for run in samples), default=0)
    notes = [*report["notes"], f"servers that waited for their turn: at most {idle:.1%} of one core, all of them together"]
    facts = [f"{name}: {value}" for name, value in machine.items()] + notes
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
    costs = _costs(report)
    heads = ("server", "requests/s", "±", "p50", "p95", "±", "p99", "errors", *costs.values())
    parts = []
    for key in _keys(report):
        rows = []
        for name, peer in report["peers"].items():
            found = peer.get("workloads", {}).get(key)
            if found is None:
                continue
            half = [(high - low) / 2 for low, high in (found["rps_spread"], found["p95_spread"])]
            latencies = [f"{found['p50']:,.1f}", f"{found['p95']:,.1f}", f"{half[1]:,.1f}", f"{found['p99']:,.1f}"]
            spent = [f"{found[cost]:,.0f}" for cost in costs]
            rows.append([name, f"{found['rps']:,.0f}", f"{half[0]:,.0f}", *latencies, str(found["errors"]), *spent])
        parts += [f"### {key.replace('@', ', ')} connections", _table(heads, rows)]
    return parts


def _costs(report: dict[str, Any]) -> dict[str, str]:
    """The fields of a sample, with their heads."""
    costs = {"server_us": "CPU server", "postgres_us": "CPU PostgreSQL", "client_us": "CPU client"}
    return costs | ({"proxy_us": "CPU proxy"} if report["options"]["distance"] else {})


def _open_loop(report: dict[str, Any]) -> str:
    costs = _costs(report)
    rows = []
    for name, peer in report["peers"].items():
        for rate, found in peer["open"].items():
            latencies = [f"{found[field]:,.1f}" for field in ("p50", "p95", "p99", "max")]
            spent = [f"{found[cost]:,.0f}" for cost in costs]
            rows.append([name, f"{int(rate):,}", *latencies, str(found["errors"]), *spent])
    rows.sort(key=lambda row: int(row[1].replace(",", "")))
    heads = ("server", "requests/s", "p50", "p95", "p99", "max", "errors", *costs.values())
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
        each = "  ".join(f"{one['rss_mb']:.0f}/{one['pss_mb']:.0f}" for one in peer["memory"])
        total = sum(one["pss_mb"] for one in peer["memory"])
        seconds, us = (statistics.median(start[field] for start in peer["starts"]) for field in ("seconds", "us"))
        rows.append([name, f"{seconds:.2f}", f"{us / 1e6:.2f}", f"{total:,.0f}", each])
    text = (
        "Start: one worker, from the spawn to the first list with status 200, in seconds that passed and seconds of CPU. Memory"
        " after all of the above, in MB; what servers of the same programs share counts for each in proportion (PSS)."
    )
    return f"{text}\n\n{_table(('server', 'start', 'CPU', 'PSS in all', 'RSS/PSS of each process'), rows)}"


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


def _ratios(report: dict[str, Any]) -> list[str]:
    ours = report["peers"].get("taskwell", {}).get("workloads", {})
    others = [name for name in report["peers"] if name != "taskwell"]
    parts = []
    for title, of in (
        ("requests a second (more is better)", requests),
        ("p95 (less is better)", p95),
        ("CPU (less is better)", cpu),
    ):
        rows = []
        for key in _keys(report):
            row = [key.replace("@", " @")]
            for name in others:
                theirs = report["peers"][name]["workloads"].get(key)
                found = ratio(ours[key]["runs"], theirs["runs"], of) if theirs and key in ours else None
                row.append(str(found or ""))
            rows.append(row)
        if rows and others:
            parts += [f"### {title}", _table(("workload", *others), rows)]
    text = "Taskwell's by theirs in the same round: the median of the rounds, the least and the greatest."
    return ["## Ratios", text, *parts] if parts else []
