"""Who waits for changes. One statement a second asks for all of them in this process together, and none while nobody waits.

What this process writes itself wakes those who wait for it at once. LISTEN would need a connection for each process that no
pooler hands to anybody else, and a serverless database would never sleep.
"""

import asyncio
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

from taskwell.changes.statements import PROBE, WATCHED
from taskwell.changes.tokens import NEVER
from taskwell.database.connection import Database
from taskwell.database.statement_of_set import as_arrays
from taskwell.errors import TokenInvalid, Unavailable

PROBE_SECONDS: Final = 1.0
SPACING_SECONDS: Final = 0.05
"""Own writes are asked for no more often: a busy process has hundreds of them a second."""


class Watched(NamedTuple):
    """Whose changes somebody waits for, and by which sign-in. `expires_at` is in seconds since 1970."""

    owner: UUID
    asker: UUID
    issued_at: datetime
    token_id: UUID | None
    session_id: UUID | None
    needs_admin: bool
    is_outside: bool
    expires_at: float


class _Waiter:
    """`answer` is a later revision than this one, the same one when the time is up, or None once the sign-in has ended."""

    __slots__ = ("answer", "revision")

    def __init__(self, revision: int) -> None:
        self.revision = revision
        self.answer: asyncio.Future[int | None] = asyncio.get_running_loop().create_future()

    def end(self) -> None:
        if not self.answer.done():
            self.answer.set_result(self.revision)


class Watch:
    def __init__(self, db: Database) -> None:
        self._db = db
        self._waiting: dict[Watched, set[_Waiter]] = {}
        self._of_owner: dict[UUID, set[Watched]] = {}
        self._written: set[UUID] = set()
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        db.turns.on_end = self._note

    async def beyond(self, watched: Watched, revision: int, seconds: float) -> int | None:
        """The user's revision, as soon as it is a later one; None after so many seconds. Raises TokenInvalid."""
        left = watched.expires_at - time.time()
        with self._one_more(watched, revision) as waiter:
            # Not asyncio.timeout(): there are thousands of these, and a timer alone is half as large.
            timer = asyncio.get_running_loop().call_later(min(seconds, left), waiter.end)
            try:
                answer = await waiter.answer
            finally:
                timer.cancel()
        if answer is None or (answer == revision and left <= seconds):
            raise TokenInvalid
        return None if answer == revision else answer

    async def stands(self, watched: Watched) -> bool:
        """The sign-in has not ended. For what no statement of the request itself has looked at."""
        return watched.expires_at > time.time() and (await self._ask([watched]))[watched] is not None

    def _note(self, owner: UUID) -> None:
        if owner in self._of_owner:
            self._written.add(owner)
            self._wake.set()

    @contextmanager
    def _one_more(self, watched: Watched, revision: int) -> Iterator[_Waiter]:
        waiter = _Waiter(revision)
        self._waiting.setdefault(watched, set()).add(waiter)
        self._of_owner.setdefault(watched.owner, set()).add(watched)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._probe_each_second())
        try:
            yield waiter
        finally:
            self._waiting[watched].discard(waiter)
            if not self._waiting[watched]:
                del self._waiting[watched]
                self._of_owner[watched.owner].discard(watched)
                if not self._of_owner[watched.owner]:
                    del self._of_owner[watched.owner]

    async def _probe_each_second(self) -> None:
        """It ends when nobody waits any more."""
        loop = asyncio.get_running_loop()
        while self._waiting:
            following = loop.time() + PROBE_SECONDS
            await self._probe(self._waiting)
            # A wait for what has come already is over before its time is looked at.
            while loop.time() < following and await self._is_woken(following):
                own = {watched for owner in self._written for watched in self._of_owner.get(owner, ())}
                self._written.clear()
                await self._probe(own)
                await asyncio.sleep(SPACING_SECONDS)

    async def _is_woken(self, until: float) -> bool:
        try:
            async with asyncio.timeout_at(until):
                await self._wake.wait()
        except TimeoutError:
            return False
        self._wake.clear()
        return True

    async def _probe(self, those: Collection[Watched]) -> None:
        if not those:
            return
        try:
            found = await self._ask([*those])
        except Unavailable:
            return  # who waits is answered by what they ask next
        for watched, revision in found.items():
            for waiter in self._waiting.get(watched, ()):
                if not waiter.answer.done() and (revision is None or revision > waiter.revision):
                    waiter.answer.set_result(revision)

    async def _ask(self, those: list[Watched]) -> dict[Watched, int | None]:
        """The revision of each, or None where the sign-in has ended."""
        given = [{name: getattr(watched, name) for name in WATCHED} for watched in those]
        found = await self._db.rows(PROBE, **as_arrays(WATCHED, given))
        answers: dict[Watched, int | None] = {}
        for row in found:
            watched = those[row["n"] - 1]
            if row["stands"]:
                answers[watched] = row["revision"]
            else:
                answers[watched] = NEVER if watched.is_outside and row["has_nothing"] else None
        return answers
