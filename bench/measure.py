"""One server through all workloads, from a fresh copy of the data to its memory at the end."""

import statistics
import sys
import time
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from bench import open_loop, servers
from bench.accounting import cpu_us, memory, total_pss, tree, wait_until_idle
from bench.checks import Checker
from bench.dataset import Dataset
from bench.options import Options
from bench.people import People
from bench.postgres import WORKING, Postgres
from bench.servers import Kind, Server
from bench.wrk import Sample, Wrk

Result = dict[str, Any]

WORKLOADS = ("list", "get", "poll", "badtoken", "mix", "create", "patch", "put", "open", "delete")
"""In this order: first what reads, and DELETE last, so that no workload asks for a task that another has deleted."""

_QUICK = {("list", 64), ("get", 64), ("create", 64), ("mix", 1000)}


@dataclass(frozen=True)
class Setup:
    """What all servers of one invocation have in common."""

    options: Options
    postgres: Postgres
    dataset: Dataset
    people: People
    folder: Path  # for the output of the servers


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def median(samples: list[Sample]) -> dict[str, float]:
    return {field.name: statistics.median(getattr(sample, field.name) for sample in samples) for field in fields(Sample)}


def summary(samples: list[Sample]) -> Result:
    """Medians, the extremes of the two that matter most, and every error: none is averaged away."""
    return median(samples) | {
        "errors": sum(sample.errors for sample in samples),
        "rps_spread": [min(sample.rps for sample in samples), max(sample.rps for sample in samples)],
        "p95_spread": [min(sample.p95 for sample in samples), max(sample.p95 for sample in samples)],
        "runs": [asdict(sample) for sample in samples],
    }


def measure(kind: Kind, setup: Setup) -> Result:
    options = setup.options
    say(f"\n{kind.name}: a fresh copy of the data")
    setup.postgres.fresh_copy(setup.dataset)
    result: Result = {"start_seconds": [], "workloads": {}}
    log = setup.folder / f"{kind.name}.log"
    for _ in range(options.runs - 1):
        with servers.running(kind, options, setup.postgres, setup.people, log=log) as server:
            result["start_seconds"].append(server.start_seconds)
    with servers.running(kind, options, setup.postgres, setup.people, log=log) as server:
        result["start_seconds"].append(server.start_seconds)
        wrk = load_generator(kind, setup)
        check(server, setup, wrk)
        warm_up(server, wrk, options)
        for workload in WORKLOADS:
            if workload in kind.can and options.wants(workload):
                _series(server, setup, wrk, workload, result)
        result["memory"] = [asdict(one) for one in memory(tree(server.pid))]
        result["postgres_pss_mb"] = total_pss(setup.postgres.pid)
    return result


def load_generator(kind: Kind, setup: Setup) -> Wrk:
    auth = "header" if kind.tokens == "none" else "bearer"
    return Wrk(setup.dataset, setup.people.file(kind.tokens), auth, setup.postgres.pid)


def check(server: Server, setup: Setup, wrk: Wrk) -> None:
    """Raises WrongAnswer."""
    checker = Checker(server, setup.postgres, setup.people, setup.dataset)
    checker.reads()
    checker.writes()
    if "poll" in server.kind.can:
        file = setup.folder / f"tags-{server.kind.name}.txt"
        file.write_text("".join(f"{tag}\n" for tag in checker.conditions()))
        wrk.tags = str(file)
    if "badtoken" in server.kind.can:
        checker.bad_token()
    say(f"  starts in {server.start_seconds:.2f} s; gives the right rows")


def warm_up(server: Server, wrk: Wrk, options: Options) -> None:
    """Prepared statements, compiled code, and tokens remembered by each worker: as they are after a while of use."""
    # Users are chosen at random: of four draws for each of them, 2 % are still unknown to a worker.
    enough = 4 * wrk.dataset.users * options.workers
    end = time.monotonic() + (4 if options.quick else max(20, wrk.dataset.users / 800))
    asked = 0
    while asked < enough and time.monotonic() < end:
        asked += sum(wrk.run(server, workload, 64, 1).requests for workload in ("list", "get"))


def _series(server: Server, setup: Setup, wrk: Wrk, workload: str, result: Result) -> None:
    options = setup.options
    if workload == "open":
        if not options.quick or server.kind.name == "taskwell" or options.only:
            result["open"] = open_series(server, setup)
        return
    for connections in options.connections:
        if options.quick and not options.only and (workload, connections) not in _QUICK:
            continue
        setup.postgres.run(WORKING, "CHECKPOINT")
        wrk.run(server, workload, connections, 1)
        samples = [wrk.run(server, workload, connections, options.seconds) for _ in range(options.runs)]
        found = result["workloads"][f"{workload}@{connections}"] = summary(samples)
        costs = f"{found['server_us']:>6,.0f} + {found['postgres_us']:<6,.0f}"
        errors = f" ERRORS {found['errors']}" if found["errors"] else ""
        say(f"  {workload:<9}@{connections:<5}{found['rps']:>9,.0f}/s   p95 {found['p95']:>8,.1f} ms   CPU {costs}{errors}")


def open_series(server: Server, setup: Setup) -> Result:
    """The runs of the open loop, with their medians."""
    options = setup.options
    seconds = options.seconds * 2 + 1
    runs = [open_run(server, setup, seconds, number) for number in range(options.runs)]
    names = ("p50", "p95", "p99", "max", "server_us", "postgres_us", "client_us")
    found: Result = {name: statistics.median(run[name] for run in runs) for name in names}
    found |= {"rate": options.rate, "connections": max(options.connections), "errors": sum(run["errors"] for run in runs)}
    found |= {"p95_spread": [min(run["p95"] for run in runs), max(run["p95"] for run in runs)], "runs": runs}
    latencies = ", ".join(f"{name} {found[name]:.1f}" for name in ("p50", "p95", "p99"))
    say(f"  open loop, {options.rate}/s: {latencies} ms, {found['errors']} errors")
    return found


def open_run(server: Server, setup: Setup, seconds: float, seed: int) -> Result:
    setup.postgres.run(WORKING, "CHECKPOINT")
    plan = open_loop.Plan(
        port=server.port,
        rate=setup.options.rate,
        seconds=seconds,
        connections=max(setup.options.connections),
        users=setup.dataset.users,
        each=setup.dataset.each,
        people=str(setup.people.file(server.kind.tokens)),
        auth="header" if server.kind.tokens == "none" else "bearer",
        seed=seed,
    )
    wait_until_idle(server.pid, setup.postgres.pid)
    before = cpu_us(server.pid), cpu_us(setup.postgres.pid)
    said = open_loop.in_own_process(plan)
    after = cpu_us(server.pid), cpu_us(setup.postgres.pid)
    requests = max(1, said["requests"])
    said["server_us"] = (after[0] - before[0]) / requests
    said["postgres_us"] = (after[1] - before[1]) / requests
    said["client_us"] = said["client_cpu_seconds"] * 1e6 / requests
    return said


def soak(setup: Setup) -> Result:
    """Taskwell's memory, minute by minute, at the most connections in a closed loop of the mix."""
    options = setup.options
    kind = servers.KINDS["taskwell"]
    connections = max(options.connections)
    setup.postgres.fresh_copy(setup.dataset)
    log = setup.folder / "soak.log"
    minutes: list[Result] = []
    with servers.running(kind, options, setup.postgres, setup.people, log=log) as server:
        wrk = load_generator(kind, setup)
        end = time.monotonic() + options.soak * 60
        while (left := end - time.monotonic()) > 1:
            sample = wrk.run(server, "mix", connections, min(60, int(left)))
            processes = [asdict(one) for one in memory(tree(server.pid))]
            minutes.append({"sample": asdict(sample), "memory": processes, "postgres_pss_mb": total_pss(setup.postgres.pid)})
            workers = " ".join(f"{one['rss_mb']:.0f}/{one['pss_mb']:.0f}" for one in processes)
            say(f"  after {len(minutes)} min: RSS/PSS in MB {workers}; {sample.rps:,.0f}/s, {sample.errors} errors")
    return {"minutes": minutes, "connections": connections}
