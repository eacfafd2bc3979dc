"""`python -m bench.moves`: do many moves between the same two neighbours stay right, and keys short?

Tasks are moved behind the first one, again and again, so that each key is between two that are ever closer. Every move's answer
has a key shorter than POSITION_LENGTH, and every hundredth time the whole order is looked at. The exit code is 1 if one is wrong.
"""

import argparse
import random
import sys

from bench.serving import Client, serving
from taskwell.types import POSITION_LENGTH

MOVED = 5
BETWEEN_LOOKS = 100


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.moves", description=__doc__)
    parser.add_argument("--moves", type=int, default=10_000)
    chosen = parser.parse_args(arguments)
    with serving(workers=1) as served:
        return soak(Client(served.port, served.tokens[0]), chosen.moves)


def soak(client: Client, moves: int) -> int:
    parent = client.ask("POST", "/tasks", {"title": "above them"})["id"]
    first, last, *some = (client.ask("POST", "/tasks", {"title": "x", "parent_id": parent})["id"] for _ in range(2 + MOVED))
    client.ask("POST", f"/tasks/{last}/move", {})
    chance, order, wrong, longest = random.Random(12), [*some], 0, 0
    for number in range(1, moves + 1):
        mover = chance.choice(order[1:])
        order = [mover, *(one for one in order if one != mover)]
        longest = max(longest, len(client.ask("POST", f"/tasks/{mover}/move", {"after": first})["position"]))
        if number % BETWEEN_LOOKS == 0 or number == moves:
            page = client.ask("GET", f"/tasks?parent_id={parent}&order=position")["items"]
            wrong += [task["id"] for task in page] != [first, *order, last]
            longest = max(longest, *(len(task["position"]) for task in page))
    print(f"{moves:,} moves between the same two: {wrong} times in a wrong order, keys of at most {longest} characters")
    return 1 if wrong or longest >= POSITION_LENGTH else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
