"""Passwords: argon2id by the OWASP minimum, in threads of their own so that no sign-in holds up a request for tasks.

An attacker who signs in two hundred times at once would otherwise take every core and 19 MiB a try.
"""

import asyncio
import os
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

from taskwell.errors import SignInBusy

T = TypeVar("T")

QUEUE = 32
"""Sign-ins that may wait, each for some 30 ms of those before it; more are told to come back."""

PASSWORD_BYTES = 1024

_argon2id = PasswordHash((Argon2Hasher(time_cost=2, memory_cost=19_456, parallelism=1),))


class Passwords:
    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(max_workers=1, thread_name_prefix="argon2", initializer=_step_back)
        self._waiting = 0
        # What the password of an unknown address is compared with, so that it takes as long as a known one's.
        self._nobody = _argon2id.hash(os.urandom(16).hex())

    async def hash(self, password: str) -> str:
        """Raises SignInBusy."""
        return await self._run(_argon2id.hash, password)

    async def verify(self, password: str, hashed: str | None) -> bool:
        """False also for no hash at all, after the same work. Raises SignInBusy."""
        is_right = await self._run(_argon2id.verify, password, hashed or self._nobody)
        return is_right and hashed is not None

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _run(self, function: Callable[..., T], *arguments: str) -> T:
        if self._waiting >= QUEUE:
            raise SignInBusy
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, function, *arguments)
        finally:
            self._waiting -= 1


def _step_back() -> None:
    # On Linux a thread has a niceness of its own: requests for tasks go before sign-ins on a busy core.
    if sys.platform == "linux":
        os.nice(5)
