"""`python -m bench.sign_in_timings`: does the time of a failed sign-in tell whether the address has an account?

Sign-ins of addresses that are known, with a wrong password, and of addresses that are not, in random order, each from a client
address of its own and, if known, for an account of its own, so that no throttle sees two. The two-sample test of Kolmogorov and
Smirnov asks whether both kinds of times are drawn from one distribution; the exit code is 1 if one would see such a difference
in fewer than one of a hundred runs though there is none.
"""

import http.client
import math
import random
import statistics
import sys
import tempfile
import time
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from ipaddress import IPv4Address
from pathlib import Path
from urllib.parse import urlencode

from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

from bench import checkout, options, postgres, servers
from bench.dataset import Dataset
from bench.people import People
from bench.postgres import Postgres

ATTEMPTS = 2000
WARM_UP = 100
LEAST_P = 0.01
PASSWORD = "not the password"

# Each known address has one attempt. Those of nobody are as long as the others, since the server reads and sends them.
KNOWN = Dataset(users=(ATTEMPTS + WARM_UP) // 2, each=1, first=10_000)
NOBODY = 50_000


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="taskwell-timings-") as folder, postgres.running(Path(folder, "db")) as database:
        _fill(database)
        with _taskwell(Path(folder), database) as port:
            known, unknown = _measure(port)
    p = kolmogorov_smirnov(known, unknown)
    for kind, times in {"known address, wrong password": known, "unknown address": unknown}.items():
        print(f"{kind:30} {len(times):5} times, median {statistics.median(times) / 1e6:.3f} ms")
    print(f"Kolmogorov-Smirnov: p = {p:.3f}" + ("" if p > LEAST_P else f", not above {LEAST_P}: the times tell them apart"))
    return 0 if p > LEAST_P else 1


def _fill(database: Postgres) -> None:
    """All of them with one password: how long its check takes does not depend on whose it is."""
    hashed = PasswordHash((Argon2Hasher(time_cost=2, memory_cost=19_456, parallelism=1),)).hash("correct horse battery")
    name = servers.KINDS["taskwell"].database
    database.create(name, checkout.this())
    database.add(KNOWN, name)
    database.rows(name, "UPDATE users SET password_hash = $1", hashed)
    database.run(name, "VACUUM (FREEZE, ANALYZE)", "CHECKPOINT")


@contextmanager
def _taskwell(folder: Path, database: Postgres) -> Iterator[int]:
    """Its port. It believes what is said of a client's address from this machine."""
    (folder / ".env").write_text("TASKWELL_TRUSTED_PROXIES=127.0.0.1\n")
    chosen = options.parse(["--quick", "--workers", "1"], [])
    people = People(folder, [KNOWN.user_id(0)])
    with servers.running(servers.KINDS["taskwell"], chosen, database, people, log=folder / "taskwell.log") as server:
        yield server.port


def _measure(port: int) -> tuple[list[int], list[int]]:
    """Nanoseconds, of known addresses and of unknown ones."""
    chance = random.SystemRandom()
    times: tuple[list[int], list[int]] = [], []
    numbers = range(KNOWN.users)
    attempts = [(kind, first + number) for kind, first in enumerate((KNOWN.first, NOBODY)) for number in numbers]
    chance.shuffle(attempts)
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    for place, (kind, number) in enumerate(attempts):
        body = urlencode({"username": f"user-{number}@example.com", "password": PASSWORD})
        headers = {"Content-Type": "application/x-www-form-urlencoded", "X-Forwarded-For": _client(place)}
        began = time.perf_counter_ns()
        connection.request("POST", "/api/v1/auth/token", body, headers)
        answer = connection.getresponse()
        said = answer.read()
        taken = time.perf_counter_ns() - began
        if answer.status != 401:
            raise SystemExit(f"a sign-in answered {answer.status} {said[:300]!r}")
        if place >= WARM_UP:
            times[kind].append(taken)
    connection.close()
    return times


def _client(place: int) -> str:
    """Each in a network of its own, too, should the throttle count by networks."""
    return str(IPv4Address("11.0.0.1") + (place << 8))


def kolmogorov_smirnov(one: Sequence[float], other: Sequence[float]) -> float:
    """The asymptotic p-value of two samples (Numerical Recipes, 14.3)."""
    first, second = sorted(one), sorted(other)
    distance = max(abs(bisect_right(first, x) / len(first) - bisect_right(second, x) / len(second)) for x in first + second)
    size = math.sqrt(len(first) * len(second) / (len(first) + len(second)))
    x = (size + 0.12 + 0.11 / size) * distance
    if x < 0.2:  # where the series hardly converges, and its sum is 1
        return 1.0
    terms = ((2 if k % 2 else -2) * math.exp(-2 * k * k * x * x) for k in range(1, 101))
    return min(1.0, max(0.0, sum(terms)))


if __name__ == "__main__":
    sys.exit(main())
