"""`python -m bench.batch`: what 500 creates in one batch take, and one create; the database beside the server, and 5 ms away.

The exit code is 1 if they take more than 60 times as long as one of them beside the database, or more than 300 ms away from it.
"""

import statistics
import sys
import time
from collections.abc import Callable

from bench.serving import Client, serving

CREATES = 500
MOST_TIMES = 60.0
MOST_MS_AWAY = 300.0
AWAY_MS = 5.0
RUNS = 9

_NEW = {"title": "buy milk", "description": "two litres"}


def main() -> int:
    is_good = True
    for distance_ms in (0.0, AWAY_MS):
        with serving(workers=1, distance_ms=distance_ms) as served:
            client = Client(served.port, served.tokens[0])
            one = _milliseconds(lambda client=client: client.ask("POST", "/tasks", _NEW), RUNS * 5)  # type: ignore[misc]
            for is_atomic in (False, True):
                operations = [{"op": "create", "kind": "task", "value": _NEW}] * CREATES
                batch = {"atomic": is_atomic, "operations": operations}
                taken = _milliseconds(lambda client=client, batch=batch: _created(client, batch), RUNS)  # type: ignore[misc]
                is_good &= taken < MOST_MS_AWAY if distance_ms else taken <= one * MOST_TIMES
                print(
                    f"{distance_ms:g} ms away, {'atomic' if is_atomic else 'each by itself'}: {CREATES} creates {taken:.0f} ms,"
                    f" {taken / one:.0f} times one of {one:.1f} ms",
                    flush=True,
                )
    return 0 if is_good else 1


def _created(client: Client, batch: dict[str, object]) -> None:
    results = client.ask("POST", "/batch", batch)["results"]
    if [one["status"] for one in results] != [201] * CREATES:
        raise SystemExit(f"not all were created: {results[0]}")


def _milliseconds(run: Callable[[], object], runs: int) -> float:
    taken = []
    for _ in range(runs + 2):
        began = time.perf_counter()
        run()
        taken.append((time.perf_counter() - began) * 1000)
    return statistics.median(taken[2:])


if __name__ == "__main__":
    sys.exit(main())
