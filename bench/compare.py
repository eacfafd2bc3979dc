"""Two kept results side by side: `python -m bench.compare before.json after.json`, and how their costs relate.

For growth: the same machine with 100,000 and with 10,000,000 tasks. What a change of the program costs, `--against` says better.
"""

import json
import sys
from pathlib import Path
from typing import Any

from bench.goals import growth
from bench.pairs import cpu


def lines(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    shown = [f"{'':<32}{'requests/s':>18}{'':>7}{'p95 ms':>20}{'':>7}{'CPU µs server + PostgreSQL':>34}"]
    for name, peer in after["peers"].items():
        earlier = before["peers"].get(name, {}).get("workloads", {})
        for key, new in peer["workloads"].items():
            if key not in earlier:
                continue
            old = earlier[key]
            costs = f"{old['server_us']:.0f} + {old['postgres_us']:.0f} > {new['server_us']:.0f} + {new['postgres_us']:.0f}"
            shown.append(
                f"{name + ' ' + key:<32}"
                f"{old['rps']:>9,.0f} >{new['rps']:>7,.0f}{new['rps'] / old['rps']:>7.2f}"
                f"{old['p95']:>11,.1f} >{new['p95']:>7,.1f}{new['p95'] / old['p95']:>7.2f}"
                f"{costs:>27}{cpu(new) / cpu(old):>7.2f}{cpu(new) - cpu(old):>+7.0f}"
            )
    shown += [f"{goal.text}: {'reached' if goal.reached else 'NOT REACHED'}, {goal.numbers}" for goal in growth(before, after)]
    return shown


def main() -> int:
    if len(sys.argv) != 3:
        print("usage: python -m bench.compare before.json after.json", file=sys.stderr)
        return 2
    before, after = (json.loads(Path(name).read_text()) for name in sys.argv[1:])
    print("\n".join(lines(before, after)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
