"""One user with a very long list: does a page deep in it cost more than the first?"""

from pathlib import Path

from bench import servers
from bench.dataset import Dataset
from bench.measure import Result, Setup, load_generator, say, summary
from bench.people import People
from taskwell.api.tasks import TaskQuery
from taskwell.tasks.cursor import Place, encode

PAGE = 20


def measure_deep(setup: Setup) -> Result:
    options = setup.options
    long = Dataset(users=1, each=options.deep)
    say(f"\none user with {long.tasks:,} tasks")
    setup.postgres.load(long)
    setup.postgres.fresh_copy(long)
    people = People(setup.people.data_dir, [long.user_id(0)])
    alone = Setup(options, setup.postgres, long, people, setup.folder)
    number = min(10_000, long.each // PAGE - 200)
    found: Result = {"page": number}
    kind = servers.KINDS["taskwell"]
    with servers.running(kind, options, setup.postgres, people, log=setup.folder / "deep.log") as server:
        wrk = load_generator(kind, alone)
        for name, paths in (("first", ["/api/v1/tasks"]), ("deep", _around(long, number))):
            file: Path = setup.folder / f"pages-{name}.txt"
            file.write_text("\n".join(paths) + "\n")
            wrk.paths = str(file)
            wrk.run(server, "pages", 64, 1)
            found[name] = summary([wrk.run(server, "pages", 64, options.seconds) for _ in range(options.runs)])
            rps, costs = found[name]["rps"], (found[name]["server_us"], found[name]["postgres_us"])
            say(f"  {name:<6} {rps:>9,.0f}/s   CPU {costs[0]:.0f} + {costs[1]:.0f}")
    return found


def _around(long: Dataset, number: int) -> list[str]:
    """The pages about this one, by cursors made as Taskwell makes them."""
    owner, scope = long.user_id(0), TaskQuery().scope
    paths = []
    for page in range(number - 100, number + 100):
        last = long.each - (page - 1) * PAGE
        cursor = encode(Place(long.created_at(0, last), long.task_id(0, last)), owner, scope)
        paths.append(f"/api/v1/tasks?cursor={cursor}")
    return paths
