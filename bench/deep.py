"""One user with a very long list: does a page deep in it cost more than the first, and do the others notice?"""

from dataclasses import asdict, replace
from pathlib import Path

from bench import servers
from bench.dataset import Dataset
from bench.measure import Result, Setup, load_generator, say, summary, warm_up
from bench.people import People
from bench.servers import Server
from taskwell.database.keyed_hash import KeyedHash
from taskwell.records.cursors import encode_cursor
from taskwell.tasks.filter import TaskFilter

PAGE = 20


def measure_deep(setup: Setup) -> Result:
    """`others` are everybody else's first pages: "before" the long list is there, and "beside" it."""
    options = setup.options
    kind = servers.KINDS["taskwell"]
    setup.fresh_copy(kind)
    long = Dataset(users=1, each=options.deep, first=setup.dataset.users + 1)
    say(f"\nbeside one user with {long.tasks:,} tasks")
    found: Result = {"page": min(10_000, long.each // PAGE - 200), "before": _others(setup)}
    setup.postgres.add(long, kind.database)
    found["beside"] = _others(setup)
    alone = replace(setup, dataset=long, people=People(setup.people.data_dir, [long.user_id(0)]))
    [instance] = setup.postgres.rows(kind.database, "SELECT tag_key FROM instance")
    deep = _around(long, found["page"], KeyedHash(instance["tag_key"]))
    with alone.running(kind) as server:
        found |= _in_turn(alone, server, {"first": ["/api/v1/tasks"], "deep": deep})
    return found


def _others(setup: Setup) -> Result:
    with setup.running(servers.KINDS["taskwell"]) as server:
        wrk = load_generator(server, setup)
        warm_up(server, wrk, setup.options)
        return _said("others", [asdict(wrk.run(server, "list", 64, setup.options.seconds)) for _ in range(setup.options.runs)])


def _in_turn(setup: Setup, server: Server, pages: dict[str, list[str]]) -> Result:
    wrk = load_generator(server, setup)
    runs: dict[str, list[Result]] = {name: [] for name in pages}
    for seconds in (1, *[setup.options.seconds] * setup.options.runs):
        for name, paths in pages.items():
            file: Path = setup.folder / f"pages-{name}.txt"
            file.write_text("\n".join(paths) + "\n")
            wrk.paths = str(file)
            runs[name].append(asdict(wrk.run(server, "pages", 64, seconds)))
    return {name: _said(name, each[1:]) for name, each in runs.items()}


def _said(name: str, runs: list[Result]) -> Result:
    found = summary(runs)
    say(f"  {name:<6} {found['rps']:>9,.0f}/s   CPU {found['server_us']:.0f} + {found['postgres_us']:.0f}")
    return found


def _around(long: Dataset, number: int, keyed_hash: KeyedHash) -> list[str]:
    """The pages about this one, by cursors made as Taskwell makes them."""
    owner, asked = long.user_id(0), TaskFilter().name
    paths = []
    for page in range(number - 100, number + 100):
        last = long.each - (page - 1) * PAGE
        place = {"created_at": long.created_at(0, last), "id": long.task_id(0, last)}
        cursor = encode_cursor(place, keyed_hash, owner, asked)
        paths.append(f"/api/v1/tasks?cursor={cursor}")
    return paths
