"""`python -m bench.streams`: what 2,000 streams of events cost one worker, in memory and in processor time.

Each is of another user, and all are silent but for their heartbeats, as nearly all are at any moment. Then every tenth user
writes, and their streams tell of it. The exit code is 1 if the worker has more than 150 MB, uses more than 10 % of a core, or a
stream does not tell.
"""

import asyncio
import sys
import time

import psutil

from bench.accounting import cpu_us, memory, tree
from bench.serving import Client, serving

STREAMS = 2_000
SECONDS = 30
MOST_MB = 150.0
MOST_SHARE = 0.10
TALKATIVE = 10
TOLD_WITHIN = 5.0

Stream = tuple[asyncio.StreamReader, asyncio.StreamWriter]
"""The writer as well: a connection is closed when nobody holds it."""


def main() -> int:
    with serving(users=STREAMS, workers=1) as served:
        worker = _largest(served.pid)
        before = memory([worker])[0].rss_mb
        return asyncio.run(_measure(worker, before, served.port, served.tokens))


def _largest(pid: int) -> psutil.Process:
    """The worker is the last of the processes, and the largest."""
    return max(tree(pid), key=lambda process: process.memory_info().rss)


async def _measure(worker: psutil.Process, before: float, port: int, tokens: list[str]) -> int:
    streams = [await _opened(port, token) for token in tokens]
    for stream in streams:
        await _event(stream)
    began, used = time.monotonic(), cpu_us(worker.pid)
    await asyncio.sleep(SECONDS)
    share = (cpu_us(worker.pid) - used) / 1e6 / (time.monotonic() - began)
    with_them = memory([worker])[0].rss_mb
    told = await asyncio.to_thread(_write, port, tokens[::TALKATIVE])
    late = 0
    for stream in streams[::TALKATIVE]:
        try:
            await asyncio.wait_for(_event(stream), TOLD_WITHIN)
        except TimeoutError:
            late += 1
    print(f"{len(streams):,} streams: {before:.0f} MB before, {with_them:.1f} MB with them, {100 * share:.1f} % of a core")
    print(f"{told} of their users wrote: {late} streams did not tell of it")
    return 0 if with_them <= MOST_MB and share <= MOST_SHARE and not late else 1


async def _opened(port: int, token: str) -> Stream:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"GET /api/v1/events HTTP/1.1\r\nHost: taskwell\r\nAuthorization: Bearer {token}\r\n\r\n".encode())
    status = await reader.readline()
    if b" 200 " not in status:
        raise SystemExit(f"no stream: {status!r}")
    await reader.readuntil(b"\r\n\r\n")
    return reader, writer


async def _event(stream: Stream) -> None:
    """Waits for the next one; a heartbeat is none."""
    while not (line := await stream[0].readline()).startswith(b"id:"):
        if not line:
            raise SystemExit("a stream ended by itself")


def _write(port: int, tokens: list[str]) -> int:
    for token in tokens:
        Client(port, token).ask("POST", "/tasks", {"title": "buy milk"})
    return len(tokens)


if __name__ == "__main__":
    sys.exit(main())
