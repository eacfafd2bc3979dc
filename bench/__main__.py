"""`python -m bench`: load, measure servers in turn, and say what came out."""

import json
import signal
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from bench import against, checkout, machine, options, postgres, profile, servers
from bench.dataset import Dataset
from bench.deep import measure_deep
from bench.measure import WORKLOADS, Result, Setup, measure, say, soak
from bench.options import Options
from bench.people import People
from bench.report import markdown
from bench.servers import Kind
from taskwell.errors import CannotStart


def main() -> int:
    chosen = options.parse(None, [*WORKLOADS, "pages"])
    if not machine.has_wrk():
        print(machine.GET_WRK, file=sys.stderr)
        return 2
    # Whoever ends us ends the servers that we started, too: SystemExit runs their `finally`, a bare SIGTERM would not.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    machine.share_cores(chosen.cores)
    folder = options.RESULTS / "logs"
    folder.mkdir(parents=True, exist_ok=True)
    dataset = Dataset(chosen.users, chosen.each)
    try:
        # First: with --distance there may be no way out of this machine afterwards.
        kinds, notes = _contenders(chosen)
        with postgres.running(chosen.keep, chosen.distance) as server:
            say(f"{dataset.tasks:,} tasks of {dataset.users:,} users; {server.distance.how}")
            for version in {kind.taskwell or checkout.this() for kind in kinds}:
                server.load(dataset, version)
            people = People(chosen.keep, [dataset.user_id(user) for user in range(dataset.users)])
            setup = Setup(chosen, server, dataset, people, folder)
            if chosen.profile is not None:
                profile.show(setup, chosen.profile)
                return 0
            report = _measure_all(setup, kinds, notes)
    except CannotStart as error:
        print(error, file=sys.stderr)
        return 1
    _keep(report)
    return 1 if chosen.against and against.worse(report) else 0


def _contenders(chosen: Options) -> tuple[list[Kind], list[str]]:
    """What is to be measured, installed; and what has to be said about it."""
    taskwell = servers.KINDS["taskwell"]
    if chosen.against:
        before = checkout.other(chosen.against)
        names = (against.BEFORE, against.AGAIN)
        one, again = (replace(taskwell, name=name, taskwell=before) for name in names)
        return [one, taskwell, again], [f"{one.name} and {again.name}: {before.commit}"]
    kinds, notes = [], []
    for name in chosen.peers:
        if name.startswith("fastify") and not machine.has_node():
            notes.append(f"{name} is left out. {machine.GET_NODE}")
            continue
        servers.install(servers.KINDS[name])
        kinds.append(servers.KINDS[name])
    return kinds, notes


def _measure_all(setup: Setup, kinds: Sequence[Kind], notes: list[str]) -> Result:
    chosen = setup.options
    distance = f"{setup.postgres.distance.how}: SELECT 1 takes {setup.postgres.round_trip_ms():.2f} ms there and back"
    settings = [f"{name} of PostgreSQL: {value}" for name, value in postgres.OPTIONS.items()]
    report: Result = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "options": {name: str(value) if name == "keep" else value for name, value in vars(chosen).items()},
        "machine": machine.describe(setup.postgres.version()),
        "notes": [distance, *settings, *notes],
        "peers": measure(kinds, setup),
    }
    if chosen.deep and chosen.wants("pages") and "taskwell" in chosen.peers:
        report["deep"] = measure_deep(setup)
    if chosen.soak:
        say(f"\nmemory over {chosen.soak:g} minutes")
        report["soak"] = soak(setup)
    return report


def _keep(report: Result) -> None:
    page = markdown(report)
    stamp = report["at"].replace(":", "").replace("+0000", "")
    for name in (f"{stamp}", "latest"):
        (options.RESULTS / f"{name}.json").write_text(json.dumps(report, indent=1))
        (options.RESULTS / f"{name}.md").write_text(page)
    print("\n" + page)
    say(f"kept: {options.RESULTS / 'latest.md'} and .json")


if __name__ == "__main__":
    sys.exit(main())
