"""One user with a very long list: does a page deep in it cost more than the first, and do the others notice?"""

from pathlib import Path

from bench import servers
from bench.dataset import Dataset
from bench.measure import Result, Setup, load_generator, say, summary, warm_up
from bench.people import People
from bench.postgres import WORKING
from bench.servers import Server
from bench.wrk import Wrk
from taskwell.database.keyed_hash import KeyedHash
from taskwell.records.cursors import encode_cursor
from taskwell.tasks.filter import TaskFilter

PAGE = 20


def measure_deep(setup: Setup) -> Result:
    """`others` are everybody else's first pages: "before" the long list is there, and "beside" it."""
    options = setup.options
    setup.postgres.fresh_copy(setup.dataset)
    long = Dataset(users=1, each=options.deep, first=setup.dataset.users + 1)
    say(f"\nbeside one user with {long.tasks:,} tasks")
    found: Result = {"page": min(10_000, long.each // PAGE - 200), "before": _others(setup)}
    setup.postgres.add(long)
    found["beside"] = _others(setup)
    alone = Setup(options, setup.postgres, long, People(setup.people.data_dir, [long.user_id(0)]), setup.folder)
    kind = servers.KINDS["taskwell"]
    with servers.running(kind, options, setup.postgres, alone.people, log=setup.folder / "deep.log") as server:
        wrk = load_generator(kind, alone)
        [instance] = setup.postgres.rows(WORKING, "SELECT tag_key FROM instance")
        deep = _around(long, found["page"], KeyedHash(instance["tag_key"]))
        for name, paths in (("first", ["/api/v1/tasks"]), ("deep", deep)):
            file: Path = setup.folder / f"pages-{name}.txt"
            file.write_text("\n".join(paths) + "\n")
            wrk.paths = str(file)
            found[name] = _series(setup, server, wrk, "pages", name)
    return found


def _others(setup: Setup) -> Result:
    kind = servers.KINDS["taskwell"]
    with servers.running(kind, setup.options, setup.postgres, setup.people, log=setup.folder / "deep.log") as server:
        wrk = load_generator(kind, setup)
        warm_up(server, wrk, setup.options)
        return _series(setup, server, wrk, "list", "others")


def _series(setup: Setup, server: Server, wrk: Wrk, workload: str, name: str) -> Result:
    wrk.run(server, workload, 64, 1)
    found = summary([wrk.run(server, workload, 64, setup.options.seconds) for _ in range(setup.options.runs)])
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
