"""`--distance MS`: every server's way to PostgreSQL takes MS there and back, half of it each way.

Where the machine can (Linux, root, iproute2, the kernel's netem), the benchmark moves into a network namespace of its own, in
which the kernel delays the packets to and from PostgreSQL's port. Elsewhere a proxy does it, a process that competes for the same
cores: its processor time is shown apart.

    python -m bench.distance LISTEN CONNECT SECONDS      the proxy, from one Unix socket to another, SECONDS later each way
"""

import asyncio
import ctypes
import os
import select
import selectors
import shutil
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import cast
from urllib.parse import parse_qs, quote, urlsplit

_SOCKET = ".s.PGSQL.5432"
_NEW_NETWORK = 0x40000000  # CLONE_NEWNET; Python 3.12 has os.unshare()
_READY_SECONDS = 10.0
# Only what goes to and from PostgreSQL's port passes the band with the delay: a client's requests are on the same interface.
_DELAY = """
ip link set lo up &&
tc qdisc add dev lo root handle 1: prio bands 3 priomap 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 &&
tc qdisc add dev lo parent 1:3 handle 30: netem delay {microseconds}us limit 100000 &&
tc filter add dev lo protocol ip parent 1: u32 match ip dport 5432 0xffff flowid 1:3 &&
tc filter add dev lo protocol ip parent 1: u32 match ip sport 5432 0xffff flowid 1:3
"""


@dataclass(frozen=True)
class Distance:
    how: str  # for the report
    host: str | None = None  # where servers find PostgreSQL, if elsewhere than its socket
    proxy: int | None = None  # process id

    def url(self, url: str) -> str:
        """The address of PostgreSQL's socket, or what stands in its place."""
        if self.host is None:
            return url
        return f"{url.partition('?')[0]}?host={quote(self.host, safe='')}&port=5432"


BESIDE = Distance("the database beside the servers")


def by_the_kernel(milliseconds: float) -> Distance | None:
    """From here on this process and its children are in a network of their own; None where the machine cannot."""
    script = _DELAY.format(microseconds=round(milliseconds * 500))
    try:
        tried = subprocess.run(["unshare", "--net", "sh", "-c", script], capture_output=True, check=False)
        if tried.returncode != 0 or ctypes.CDLL(None).unshare(_NEW_NETWORK) != 0:
            return None
    except OSError:
        return None
    subprocess.run(["sh", "-c", script], check=True)
    return Distance("delayed by tc netem", host="127.0.0.1")


def tcp_settings(folder: Path) -> dict[str, str]:
    """Of a PostgreSQL that the kernel is to delay, and that nobody outside of the network namespace reaches."""
    access = folder / "access-over-tcp.conf"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    access.write_text("local all all trust\nhost all all 127.0.0.1/32 trust\n")
    return {"listen_addresses": "127.0.0.1", "hba_file": str(access)}


@contextmanager
def by_a_proxy(milliseconds: float, url: str) -> Iterator[Distance]:
    """`url` names the folder of PostgreSQL's socket."""
    connect = Path(parse_qs(urlsplit(url).query)["host"][0]) / _SOCKET
    folder = Path(tempfile.mkdtemp(prefix="bench-distance-"))
    command = [sys.executable, "-m", "bench.distance", str(folder / _SOCKET), str(connect), str(milliseconds / 2000)]
    process = subprocess.Popen(command, cwd=Path(__file__).parent.parent)
    try:
        deadline = time.monotonic() + _READY_SECONDS
        while not (folder / _SOCKET).exists():
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("the proxy of --distance did not start")
            time.sleep(0.01)
        yield Distance("delayed by a proxy", str(folder), process.pid)
    finally:
        process.terminate()
        process.wait()
        shutil.rmtree(folder, ignore_errors=True)


class _Precise(selectors.EpollSelector):
    """epoll_wait() sleeps in whole milliseconds; select(), here on the one descriptor of epoll, in microseconds."""

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None or timeout > 0:
            select.select([self.fileno()], [], [], timeout)
        return super().select(0)


class _Side(asyncio.Protocol):
    """One end of a connection: what it receives, its end included, leaves in the same order at the other end, later."""

    def __init__(self, seconds: float, other: "_Side | None" = None) -> None:
        self._seconds = seconds
        self._loop = asyncio.get_running_loop()
        self._on_the_way: deque[bytes | None] = deque()
        self.other = other
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._later(data)

    def connection_lost(self, _: Exception | None) -> None:
        self._later(None)

    def _later(self, data: bytes | None) -> None:
        self._on_the_way.append(data)
        self._loop.call_later(self._seconds, self._arrive)

    def _arrive(self) -> None:
        data = self._on_the_way.popleft()
        transport = self.other.transport if self.other else None
        if transport is None or transport.is_closing():
            return
        if data is None:
            transport.close()
        else:
            transport.write(data)


class _Accepted(_Side):
    """The end at a server's side. It is not read before PostgreSQL has accepted the other one."""

    def __init__(self, seconds: float, connect: str) -> None:
        super().__init__(seconds)
        self._connect = connect

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        assert self.transport is not None
        self.transport.pause_reading()
        self._opening = self._loop.create_task(self._open(self.transport))

    async def _open(self, transport: asyncio.Transport) -> None:
        try:
            _, self.other = await self._loop.create_unix_connection(lambda: _Side(self._seconds, self), self._connect)
        except OSError:
            transport.abort()
        else:
            transport.resume_reading()


async def _serve(listen: str, connect: str, seconds: float) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_unix_server(lambda: _Accepted(seconds, connect), f"{listen}.new", backlog=1024)
    # The name says that it listens: a socket has its own before it does.
    Path(f"{listen}.new").rename(listen)  # noqa: ASYNC240  nobody is served yet
    await server.serve_forever()


def main() -> None:
    listen, connect, seconds = sys.argv[1:]
    os.umask(0o077)
    with asyncio.Runner(loop_factory=lambda: asyncio.SelectorEventLoop(_Precise())) as runner:
        runner.run(_serve(listen, connect, float(seconds)))


if __name__ == "__main__":
    main()
