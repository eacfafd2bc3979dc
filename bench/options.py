"""What can be asked of `python -m bench`."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

RESULTS = Path(__file__).parent / "results"
PAIR_WORKLOADS = ("list", "get", "poll", "create", "patch")
PEERS = ("taskwell", "sqlmodel", "fastify", "fastify-equal", "asgi")
CONNECTIONS = (64, 1000)


@dataclass(frozen=True)
class Options:
    tasks: int
    users: int
    quick: bool
    peers: tuple[str, ...]
    only: tuple[str, ...]
    connections: tuple[int, ...]
    runs: int
    seconds: int
    workers: int
    pool: int
    rates: tuple[int, ...]
    deep: int
    soak: float
    cores: int
    keep: Path
    profile: str | None
    against: str | None
    distance: float

    @property
    def each(self) -> int:
        """How many tasks each user has."""
        return self.tasks // self.users

    def wants(self, name: str) -> bool:
        return not self.only or name in self.only


def parse(arguments: Sequence[str] | None, workloads: Sequence[str]) -> Options:
    parser = argparse.ArgumentParser(
        prog="python -m bench", description="Taskwell and its peers, in turn, on the same cores and the same data."
    )
    add = parser.add_argument
    add("--quick", action="store_true", help="a few minutes: little data, two short rounds of the main workloads")
    add(
        "--against",
        metavar="PATH_OR_REV",
        help="no peers but another version of Taskwell, twice: before against after, and before against itself",
    )
    add("--distance", type=float, default=0, metavar="MS", help="the round trip to the database, for every server alike (0)")
    add("--tasks", type=int, help="rows in all (1,000,000; quick and --against: 50,000)")
    add("--users", type=int, help="who they belong to, evenly (10,000; quick and --against: 1,000)")
    add("--peers", default=",".join(PEERS), help="a comma list of: " + " ".join(PEERS))
    add("--only", nargs="+", default=[], choices=workloads, metavar="NAME", help="only these: " + " ".join(workloads))
    add("--connections", help="a comma list of how many at once (64,1000; --against: 64)")
    add("--runs", type=int, help="rounds, in each of which every server has its turn (5; quick: 2)")
    add("--seconds", type=int, help="of each turn (4; --against: 2; quick: 1)")
    add("--workers", type=int, default=2, help="processes of each server (2)")
    add("--pool", type=int, default=8, help="database connections of each of them (8)")
    add("--rates", default="3000,5000", help="a comma list of requests a second of the open loop (3000,5000)")
    add("--deep", type=int, help="tasks of the one user whose list is read deep down (1,000,000; quick: none)")
    add("--soak", type=float, default=0, metavar="MINUTES", help="memory of Taskwell after so long at the most connections")
    add("--cores", type=int, default=2, help="everything shares so many (2)")
    add("--keep", type=Path, default=RESULTS / "db", help="where the loaded database stays for the next time (bench/results/db)")
    add(
        "--profile",
        metavar="WORKLOAD",
        help="no table: where Taskwell's own time goes in this workload: list get create patch put mix",
    )
    given = parser.parse_args(arguments)
    peers = tuple(given.peers.split(","))
    if unknown := set(peers) - set(PEERS):
        parser.error(f"no such peer: {', '.join(sorted(unknown))} (there are {', '.join(PEERS)})")
    pair = given.against is not None
    little = given.quick or pair
    options = Options(
        tasks=given.tasks or (50_000 if little else 1_000_000),
        users=given.users or (1_000 if little else 10_000),
        quick=given.quick,
        peers=() if pair else ("taskwell",) if given.profile else peers,
        only=tuple(given.only or (PAIR_WORKLOADS if pair else ())),
        connections=_numbers(given.connections) if given.connections else ((64,) if pair else CONNECTIONS),
        runs=given.runs or (2 if given.quick else 5),
        seconds=given.seconds or (1 if given.quick else 2 if pair else 4),
        workers=given.workers,
        pool=given.pool,
        rates=_numbers(given.rates),
        deep=given.deep if given.deep is not None else (0 if little else 1_000_000),
        soak=given.soak,
        cores=given.cores,
        keep=given.keep.resolve(),
        profile=given.profile,
        against=given.against,
        distance=given.distance,
    )
    if options.tasks % options.users or options.each < 21:
        parser.error("--tasks must be a multiple of --users, and at least 21 times as many: a list shows 20")
    return options


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(number) for number in text.split(","))
