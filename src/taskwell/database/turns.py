"""In one process, one user has one write at work, so they are done in the order in which they came.

The writes of one user would queue on that user's row, and each of them hold a connection: eight would fill a pool of eight, and
all other users wait. A set of writes counts on it that no two of them are of one user (database/sets.py).
"""

import asyncio
from collections import deque
from collections.abc import Callable
from uuid import UUID

from taskwell.database.pool import WAIT_SECONDS
from taskwell.errors import DatabaseBusy


def _nobody_listens(_: UUID) -> None:
    pass


class Turns:
    """`on_end` hears whose turn has ended: something of theirs may have been written."""

    def __init__(self) -> None:
        self.on_end: Callable[[UUID], None] = _nobody_listens
        self._waiting: dict[UUID, deque[asyncio.Future[None]]] = {}  # of each owner who has a write at work

    async def take(self, owner: UUID) -> float | None:
        """Returns when a write of this owner may begin. Whoever took the turn gives it back. Raises DatabaseBusy.

        It returns the time until which the write may wait for a connection, if it has waited already.
        """
        waiting = self._waiting.get(owner)
        if waiting is None:
            self._waiting[owner] = deque()
            return None
        loop = asyncio.get_running_loop()
        deadline = loop.time() + WAIT_SECONDS  # the turn and the connection share it
        mine = loop.create_future()
        waiting.append(mine)
        try:
            async with asyncio.timeout_at(deadline):
                await self._handed(mine, owner)
        except TimeoutError:
            raise DatabaseBusy("Many writes of yours are waiting already. Nothing was changed; try again.") from None
        return deadline

    async def _handed(self, turn: asyncio.Future[None], owner: UUID) -> None:
        try:
            await turn
        except asyncio.CancelledError:
            if not turn.cancelled():  # it was handed over in the same turn of the loop in which the request was cancelled
                self.give_back(owner)
            raise

    def give_back(self, owner: UUID) -> None:
        self.on_end(owner)
        waiting = self._waiting[owner]
        while waiting:
            longest = waiting.popleft()
            if not longest.done():
                longest.set_result(None)
                return
        del self._waiting[owner]
