"""Passwords are hashed by argon2id with OWASP's least parameters, in a thread of their own: no sign-in delays other requests.

Otherwise two hundred sign-ins at once would take every core, and 19 MiB each.

A password is one however a keyboard writes it: what is hashed is its normal form (`opaque_string`). Older hashes were made of the
text as it came, so a password that comes in another form is compared in both. How many hashes that takes follows from what was
sent alone, and tells nothing of the account.
"""

import asyncio
import os
import sys
import unicodedata
from collections import Counter
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from typing import Final, TypeVar

from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

from taskwell.errors import SignInBusy

T = TypeVar("T")

SIGN_INS_WAITING = 32
"""So many sign-ins may wait, each for some 30 ms a sign-in before it. Further ones are refused, with a time to come back."""

SIGN_INS_WAITING_PER_ADDRESS = 8
"""So many of them may be from one address, so that a client that signs in as fast as it can leaves turns to others."""

SIGN_INS_AT_ONCE = 2
"""One is hashed while the other talks to the database. So all sign-ins together hold two connections and one thread."""

PASSWORD_BYTES = 1024
PASSWORD_BYTES_SENT: Final = 3 * PASSWORD_BYTES
"""Written apart, or with wide spaces, a password is at most three times as long as its normal form. What is longer is not
normalized: 16 KiB of combining marks take 300 ms, while all other requests wait."""

_OTHER_SPACES: Final = dict.fromkeys(
    map(ord, "\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000"), " "
)

_argon2id = PasswordHash((Argon2Hasher(time_cost=2, memory_cost=19_456, parallelism=1),))


def opaque_string(password: str) -> str:
    """The normal form of a password: the profile OpaqueString (RFC 8265, section 4.2).

    Spaces of any kind are U+0020, and what can be composed is composed (NFC). Case and width stay, and nothing is refused.
    """
    return unicodedata.normalize("NFC", password.translate(_OTHER_SPACES))


class Passwords:
    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(max_workers=1, thread_name_prefix="argon2", initializer=_step_back)
        self._turns = asyncio.Semaphore(SIGN_INS_AT_ONCE)
        self._waiting = Counter[str]()
        # The password of an unknown address is compared with this, so that it takes as long as that of a known one.
        self._nobody = _argon2id.hash(os.urandom(16).hex())

    @asynccontextmanager
    async def turn(self, who: str) -> AsyncIterator[None]:
        """Goes around all that a request does with a password. `who` is the client's address or a user. Raises SignInBusy."""
        if self._waiting.total() >= SIGN_INS_WAITING or self._waiting[who] >= SIGN_INS_WAITING_PER_ADDRESS:
            raise SignInBusy
        self._waiting[who] += 1
        try:
            async with self._turns:
                yield
        finally:
            self._waiting[who] -= 1
            if not self._waiting[who]:
                del self._waiting[who]

    async def hash(self, password: str) -> str:
        return await self._run(_argon2id.hash, opaque_string(password))

    async def verify(self, password: str, hashed: str | None) -> tuple[bool, str | None]:
        """Whether the password is right, and a new hash where today's parameters differ.

        Without a hash the same work is done, and the password is wrong.
        """
        is_right, fresh = await self._run(_verify, password, hashed or self._nobody)
        return (is_right, fresh) if hashed is not None else (False, None)

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _run(self, function: Callable[..., T], *arguments: str) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, function, *arguments)


def _verify(password: str, hashed: str) -> tuple[bool, str | None]:
    normal = opaque_string(password)
    answer = _argon2id.verify_and_update(normal, hashed)
    if normal == password:
        return answer
    # Always both, and a hash of before stays one: time that depended on which of the two is right would tell of the account.
    as_sent = _argon2id.verify_and_update(password, hashed)
    return answer if answer[0] else as_sent


def _step_back() -> None:
    # On Linux a thread has a niceness of its own, so on a busy core other requests go before sign-ins.
    if sys.platform == "linux":
        with suppress(OSError):  # a seccomp filter may refuse it (systemd's @resources): an error here would refuse every sign-in
            os.nice(5)
