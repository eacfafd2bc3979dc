"""`python -m bench`: load, measure one server after the other, and say what came out."""

import json
import signal
import sys
from datetime import UTC, datetime

from bench import machine, options, postgres, profile, servers
from bench.dataset import Dataset
from bench.deep import measure_deep
from bench.measure import WORKLOADS, Result, Setup, measure, say, soak
from bench.people import People
from bench.report import markdown
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
        with postgres.running(chosen.keep) as server:
            say(f"{dataset.tasks:,} tasks of {dataset.users:,} users")
            seconds = server.load(dataset)
            say("  there already" if seconds is None else f"  loaded in {seconds:.0f} s")
            people = People(chosen.keep, [dataset.user_id(user) for user in range(dataset.users)])
            setup = Setup(chosen, server, dataset, people, folder)
            if chosen.profile is not None:
                profile.show(setup, chosen.profile)
                return 0
            report = _measure_all(setup)
            report["load_seconds"] = seconds
    except CannotStart as error:
        print(error, file=sys.stderr)
        return 1
    _keep(report)
    return 0


def _measure_all(setup: Setup) -> Result:
    chosen = setup.options
    report: Result = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "options": {name: str(value) if name == "keep" else value for name, value in vars(chosen).items()},
        "machine": machine.describe(setup.postgres.version()),
        "notes": [f"{name} of PostgreSQL: {value}" for name, value in postgres.OPTIONS.items()],
        "peers": {},
    }
    for name in chosen.peers:
        if name.startswith("fastify") and not machine.has_node():
            report["notes"].append(f"{name} is left out. {machine.GET_NODE}")
            continue
        kind = servers.KINDS[name]
        servers.install(kind)
        report["peers"][name] = measure(kind, setup)
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
