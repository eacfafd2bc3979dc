"""`python -m bench.feed`: does anybody who follows the feed of changes miss a write, or hear of one twice or out of order?

One user, whose clients all write at once, is the hardest case: each write takes the next revision under the lock of that user's
row. Some pollers follow `GET /changes` meanwhile, by the long poll and a few items at a time. In the end each of them has to have
what the writers were told; the exit code is 1 if one has not.
"""

import argparse
import random
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from bench.serving import Client, serving


@dataclass
class Poller:
    """`heard` is the newest that it was told of each task: the revision, or None where it is gone."""

    client: Client
    heard: dict[str, int | None] = field(default_factory=dict)
    seen: set[tuple[int, str, str]] = field(default_factory=set)
    last: tuple[int, str, str] = (-1, "", "")
    token: str | None = None
    twice: int = 0
    out_of_order: int = 0

    def follow(self, is_over: threading.Event) -> None:
        while not is_over.is_set():
            self.step(wait=1)
        while self.step(wait=0):
            pass

    def step(self, wait: int) -> bool:
        """Says whether there are more."""
        since = "" if self.token is None else f"&since={self.token}"
        page = self.client.ask("GET", f"/changes?limit={random.randint(1, 50)}&wait={wait}{since}")
        for item in page["items"]:
            place = item["revision"], item["kind"], item["id"]
            self.twice += place in self.seen
            self.out_of_order += place <= self.last
            self.seen.add(place)
            self.last = place
            if item["kind"] == "task":
                self.heard[item["id"]] = None if item["is_deleted"] else item["revision"]
        self.token = page["next"]
        return bool(page["has_more"])

    def missed(self, written: dict[str, int | None]) -> int:
        return sum(task_id not in self.heard or self.heard[task_id] != told for task_id, told in written.items())


def write(client: Client, written: dict[str, int | None], until: float) -> int:
    """Each writer has tasks of its own, so what it was told last of one is how that one is."""
    mine: list[str] = []
    writes = 0
    while time.monotonic() < until:
        chance = random.random()
        if not mine or chance < 0.5:
            task = client.ask("POST", "/tasks", {"title": "buy milk"})
            mine.append(task["id"])
            written[task["id"]] = task["revision"]
        elif chance < 0.8:
            task = client.ask("PATCH", f"/tasks/{random.choice(mine)}", {"title": f"buy {writes} bottles"})
            written[task["id"]] = task["revision"]
        else:
            gone = mine.pop(random.randrange(len(mine)))
            client.ask("DELETE", f"/tasks/{gone}")
            written[gone] = None
        writes += 1
    return writes


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.feed", description=__doc__)
    for name, usual in (("seconds", 60), ("writers", 16), ("pollers", 4)):
        parser.add_argument(f"--{name}", type=int, default=usual)
    chosen = parser.parse_args(arguments)
    with serving(workers=2) as served:
        return measure(served.port, served.tokens[0], chosen)


def measure(port: int, token: str, chosen: argparse.Namespace) -> int:
    written: list[dict[str, int | None]] = [{} for _ in range(chosen.writers)]
    pollers = [Poller(Client(port, token)) for _ in range(chosen.pollers)]
    is_over = threading.Event()
    until = time.monotonic() + chosen.seconds
    with ThreadPoolExecutor(chosen.writers + chosen.pollers) as pool:
        follows = [pool.submit(poller.follow, is_over) for poller in pollers]
        writes = sum(pool.map(lambda own: write(Client(port, token), own, until), written))
        is_over.set()
        for follow in follows:
            follow.result()
    told = {task_id: revision for own in written for task_id, revision in own.items()}
    missed = sum(poller.missed(told) for poller in pollers)
    twice, out_of_order = (sum(getattr(poller, name) for poller in pollers) for name in ("twice", "out_of_order"))
    items = sum(len(poller.seen) for poller in pollers)
    print(f"{chosen.writers} writers, {writes:,} writes of {len(told):,} tasks in {chosen.seconds} s")
    print(f"{chosen.pollers} pollers, {items:,} items: missed {missed}, twice {twice}, out of order {out_of_order}")
    return 1 if missed or twice or out_of_order else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
