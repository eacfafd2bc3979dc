"""RemoteKeys with a clock that a test moves, and an event loop for a scene with them."""

import asyncio
from collections.abc import Awaitable, Callable

from taskwell.errors import TokenInvalid
from taskwell.identity.jwks import RemoteKeys
from tests.support.provider import Key, KeyServer


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


class Asked(RemoteKeys):
    """With a clock that a test moves."""

    def __init__(self, server: KeyServer) -> None:
        self.withdrawals = 0
        super().__init__(server.url, name="acme", on_withdrawal=self._count)
        self.clock: Clock = Clock()

    def _count(self) -> None:
        self.withdrawals += 1

    def later(self, seconds: float) -> None:
        self.clock.now += seconds

    async def has(self, key: Key) -> bool:
        try:
            found = await self.key(key.kid, key.algorithm)
        except TokenInvalid:
            return False
        assert found == key.private.public_key()
        return True

    async def settled(self) -> None:
        """After whatever is fetched in the background."""
        if self._fetching is not None:
            await asyncio.wait([self._fetching])


def run(server: KeyServer, scene: Callable[[Asked], Awaitable[None]]) -> None:
    async def whole() -> None:
        keys = Asked(server)
        try:
            async with asyncio.timeout(20):
                await scene(keys)
        finally:
            await keys.close()

    asyncio.run(whole())
