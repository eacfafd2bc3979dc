"""Servers through all workloads, in turn: A B C A B C, so that what the machine does meanwhile meets all of them alike."""

import statistics
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from bench import open_loop, servers
from bench.accounting import Processes, memory, metered, total_pss, tree
from bench.checks import Checker
from bench.dataset import Dataset
from bench.options import Options
from bench.people import People
from bench.postgres import Postgres
from bench.servers import Kind, Server
from bench.wrk import Wrk

Result = dict[str, Any]

WORKLOADS = ("list", "get", "poll", "badtoken", "badagain", "mix", "create", "patch", "put", "open", "delete")
"""In this order: first what reads, and DELETE last, so that no workload asks for a task that another has deleted."""

_WRITING = {"mix", "create", "patch", "put", "open", "delete"}
_QUICK = {("list", 64), ("get", 64), ("create", 64), ("mix", 1000)}


@dataclass(frozen=True)
class Setup:
    """What all servers of one invocation have in common."""

    options: Options
    postgres: Postgres
    dataset: Dataset
    people: People
    folder: Path  # for the output of the servers

    def fresh_copy(self, kind: Kind) -> None:
        self.postgres.fresh_copy(self.dataset, kind.schema, kind.database)

    @contextmanager
    def running(self, kind: Kind, *, workers: int | None = None) -> Iterator[Server]:
        options = self.options if workers is None else replace(self.options, workers=workers)
        with servers.running(kind, options, self.postgres, self.people, log=self.folder / f"{kind.name}.log") as server:
            yield server


@dataclass(frozen=True)
class Contender:
    """A server that is up and waits for its turn, and what is known of it so far."""

    server: Server
    wrk: Wrk
    found: Result

    def can(self, workload: str) -> bool:
        return workload in self.server.kind.can


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def summary(runs: Sequence[Result]) -> Result:
    """Medians, the extremes of the two that matter most, and every error: none is averaged away."""
    found: Result = {name: statistics.median(run[name] for run in runs) for name in runs[0]}
    for name in ("rps", "p95"):
        found[f"{name}_spread"] = [min(run[name] for run in runs), max(run[name] for run in runs)]
    return found | {"errors": sum(run["errors"] for run in runs), "runs": list(runs)}


def measure(kinds: Sequence[Kind], setup: Setup) -> dict[str, Result]:
    """What was found of each, by its name. Each works on a copy of the data that is its own."""
    say("a fresh copy of the data for each of: " + ", ".join(kind.name for kind in kinds))
    for kind in kinds:
        setup.fresh_copy(kind)
    found: dict[str, Result] = {kind.name: {"workloads": {}, "open": {}, "starts": []} for kind in kinds}
    for _ in range(setup.options.runs):
        for kind in kinds:
            with setup.running(kind, workers=1) as server:
                found[kind.name]["starts"].append({"seconds": server.start_seconds, "us": server.start_us})
    with ExitStack() as stack:
        up = [stack.enter_context(setup.running(kind)) for kind in kinds]
        contenders = []
        for server in up:
            others = tuple(other.pid for other in up if other is not server)
            contenders.append(Contender(server, load_generator(server, setup, others), found[server.kind.name]))
        for one in contenders:
            _check(one, setup)
            warm_up(one.server, one.wrk, setup.options)
        for workload in WORKLOADS:
            if setup.options.wants(workload):
                able = [one for one in contenders if one.can(workload)]
                if workload == "open":
                    _open_rounds(able, setup)
                else:
                    _rounds(workload, able, setup)
        for one in contenders:
            one.found["memory"] = [asdict(process) for process in memory(tree(one.server.pid))]
    return found


def load_generator(server: Server, setup: Setup, others: tuple[int, ...] = ()) -> Wrk:
    auth = "header" if server.kind.tokens == "none" else "bearer"
    processes = Processes(server.pid, setup.postgres.pid, setup.postgres.distance.proxy, others)
    return Wrk(setup.dataset, setup.people.file(server.kind.tokens), auth, processes)


def _check(contender: Contender, setup: Setup) -> None:
    """Raises WrongAnswer."""
    server = contender.server
    checker = Checker(server, setup.postgres, setup.people, setup.dataset)
    checker.reads()
    checker.writes()
    if contender.can("poll") and setup.options.wants("poll"):
        file = setup.folder / f"tags-{server.kind.name}.txt"
        file.write_text("".join(f"{tag}\n" for tag in checker.conditions()))
        contender.wrk.tags = str(file)
    if contender.can("badtoken"):
        checker.bad_token()
    say(f"  {server.kind.name} gives the right rows")


def warm_up(server: Server, wrk: Wrk, options: Options) -> None:
    """Prepared statements, compiled code, and tokens remembered by each worker: as they are after a while of use."""
    # Users are chosen at random: of four draws for each of them, 2 % are still unknown to a worker.
    enough = 4 * wrk.dataset.users * options.workers
    end = time.monotonic() + (4 if wrk.dataset.users <= 1000 else max(20, wrk.dataset.users / 800))
    asked = 0
    while asked < enough and time.monotonic() < end:
        asked += sum(wrk.run(server, workload, 64, 1).requests for workload in ("list", "get"))


def _rounds(workload: str, contenders: Sequence[Contender], setup: Setup) -> None:
    options = setup.options
    for connections in options.connections:
        if options.quick and not options.only and (workload, connections) not in _QUICK:
            continue
        key = f"{workload}@{connections}"
        say(f"\n{key}")
        rounds = []
        for seconds in (1, *[options.seconds] * options.runs):
            samples = []
            for one in contenders:
                with _same_state(one, setup, workload):
                    samples.append(asdict(one.wrk.run(one.server, workload, connections, seconds)))
            rounds.append(samples)
        for one, runs in zip(contenders, zip(*rounds[1:], strict=True), strict=True):
            found = one.found["workloads"][key] = summary(runs)
            costs = f"{found['server_us']:>6,.0f} + {found['postgres_us']:<6,.0f}"
            errors = f" ERRORS {found['errors']}" if found["errors"] else ""
            say(f"  {one.server.kind.name:<14}{found['rps']:>9,.0f}/s   p95 {found['p95']:>8,.1f} ms   CPU {costs}{errors}")


def _open_rounds(contenders: Sequence[Contender], setup: Setup) -> None:
    options = setup.options
    if options.quick and not options.only:
        contenders = [one for one in contenders if one.server.kind.name == "taskwell"]
    for rate in options.rates:
        say(f"\nopen loop, {rate:,}/s")
        rounds = []
        for number in range(options.runs):
            samples = []
            for one in contenders:
                with _same_state(one, setup, "open"):
                    samples.append(_open_run(one, setup, rate, number))
            rounds.append(samples)
        for one, runs in zip(contenders, zip(*rounds, strict=True), strict=True):
            found = one.found["open"][str(rate)] = summary(runs) | {"connections": max(options.connections)}
            latencies = ", ".join(f"{name} {found[name]:.1f}" for name in ("p50", "p95", "p99"))
            say(f"  {one.server.kind.name:<14}{latencies} ms, {found['errors']} errors")


@contextmanager
def _same_state(contender: Contender, setup: Setup, workload: str) -> Iterator[None]:
    """Each turn begins with as many rows as the first, none of them dead, and a whole interval to the next checkpoint."""
    database = contender.server.database
    setup.postgres.run(database, "CHECKPOINT")
    yield
    if workload in _WRITING:
        contender.wrk.processes.wait_until_idle()
        setup.postgres.undo(database)


def _open_run(contender: Contender, setup: Setup, rate: int, seed: int) -> Result:
    server = contender.server
    plan = open_loop.Plan(
        port=server.port,
        rate=rate,
        seconds=setup.options.seconds * 2 + 1,
        connections=max(setup.options.connections),
        users=setup.dataset.users,
        each=setup.dataset.each,
        people=str(setup.people.file(server.kind.tokens)),
        auth=contender.wrk.auth,
        seed=seed,
    )
    with metered(contender.wrk.processes) as used:
        said = open_loop.in_own_process(plan)
    requests = max(1, said["requests"])
    return (
        said
        | used.a_request(requests)
        | {"rps": requests / plan.seconds, "client_us": said["client_cpu_seconds"] * 1e6 / requests}
    )


def soak(setup: Setup) -> Result:
    """Taskwell's memory, minute by minute, at the most connections in a closed loop of the mix."""
    options = setup.options
    kind = servers.KINDS["taskwell"]
    connections = max(options.connections)
    setup.fresh_copy(kind)
    minutes: list[Result] = []
    with setup.running(kind) as server:
        wrk = load_generator(server, setup)
        end = time.monotonic() + options.soak * 60
        while (left := end - time.monotonic()) > 1:
            sample = wrk.run(server, "mix", connections, min(60, int(left)))
            processes = [asdict(one) for one in memory(tree(server.pid))]
            minutes.append({"sample": asdict(sample), "memory": processes, "postgres_pss_mb": total_pss(setup.postgres.pid)})
            workers = " ".join(f"{one['rss_mb']:.0f}/{one['pss_mb']:.0f}" for one in processes)
            say(f"  after {len(minutes)} min: RSS/PSS in MB {workers}; {sample.rps:,.0f}/s, {sample.errors} errors")
    return {"minutes": minutes, "connections": connections}
