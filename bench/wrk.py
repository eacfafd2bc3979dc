"""One run of wrk, and what the operating system says that it cost."""

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from bench.accounting import Processes, metered
from bench.dataset import BASE_MS, Dataset
from bench.servers import Server

LUA = Path(__file__).parent / "lua"
THREADS = 2
ANSWER_SECONDS = 30
"""How long wrk waits for an answer before it counts an error: a slow peer is to be seen as slow, not as broken."""

NOT_MODIFIED_BYTES = 1024
"""An answer 304 is its headers alone, and a list of 20 is many times as much."""


@dataclass(frozen=True)
class Sample:
    """Of one run. Latencies in milliseconds; processor time in microseconds a request."""

    requests: int
    errors: int
    rps: float
    p50: float
    p95: float
    p99: float
    max: float
    server_us: float
    postgres_us: float
    client_us: float
    proxy_us: float
    others_share: float  # of one core, by the servers that were up and had nothing to do


class WrkFailed(Exception):
    """It said why."""


@dataclass
class Wrk:
    dataset: Dataset
    people: Path
    auth: str  # "bearer" or "header"
    processes: Processes
    tags: str = ""
    paths: str = ""
    run_number: int = 0
    deleted: int = 0  # the tasks that DELETE has been through

    def run(self, server: Server, workload: str, connections: int, seconds: int) -> Sample:
        """Whole seconds: wrk takes no others."""
        self.run_number += 1
        environment = {
            **os.environ,
            "BENCH_LUA": str(LUA),
            "BENCH_USERS": str(self.dataset.users),
            "BENCH_TASKS_EACH": str(self.dataset.each),
            "BENCH_BASE_MS": str(BASE_MS),
            "BENCH_STEP_MS": str(self.dataset.step_ms),
            "BENCH_AUTH": self.auth,
            "BENCH_RUN": str(self.run_number),
            "BENCH_OFFSET": str(self.deleted),
            "BENCH_THREADS": str(THREADS),
            "BENCH_PEOPLE": str(self.people),
            "BENCH_TAGS": self.tags,
            "BENCH_PATHS": self.paths,
        }
        command = ["wrk", "-t", str(THREADS), "-c", str(connections), "-d", f"{seconds}s", "--timeout", f"{ANSWER_SECONDS}s"]
        before = os.times()
        with metered(self.processes) as used:
            done = subprocess.run(
                [*command, "-s", str(LUA / f"{workload}.lua"), f"http://127.0.0.1:{server.port}"],
                env=environment,
                capture_output=True,
                text=True,
                check=False,
            )
        after = os.times()
        found = [line for line in done.stdout.splitlines() if line.startswith("BENCH ")]
        if not found:
            raise WrkFailed((done.stderr or done.stdout)[-500:])
        said = json.loads(found[0][6:])
        if workload == "delete":
            # The threads walk at their own speeds; twice the requests is past the faster one.
            self.deleted += 2 * said["requests"] + 2 * connections
        client = after.children_user + after.children_system - before.children_user - before.children_system
        wrong = _wrong(workload, said)
        return Sample(
            requests=said["requests"],
            errors=wrong + said["connect"] + said["read"] + said["write"] + said["timeout"],
            rps=said["requests"] / (said["microseconds"] / 1e6),
            p50=said["p50"] / 1000,
            p95=said["p95"] / 1000,
            p99=said["p99"] / 1000,
            max=said["max"] / 1000,
            client_us=client * 1e6 / max(1, said["requests"]),
            **used.a_request(said["requests"]),
        )


def _wrong(workload: str, said: dict[str, int]) -> int:
    """How many answers were not what they should be; wrk counts those of 400 and above, and all bytes."""
    if workload in {"badtoken", "badagain"}:
        return said["requests"] - said["status"]
    if workload == "poll" and said["bytes"] > said["requests"] * NOT_MODIFIED_BYTES:
        return said["requests"]
    return said["status"]
