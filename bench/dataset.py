"""The data: users, and tasks whose ids can be computed, so that a load generator need not carry a million of them.

Tasks are laid down in the order of their creation, one of each user in turn, over one year: the rows of one user lie
scattered over the whole table, as they do after a year of use. bench/lua/common.lua computes the same ids.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

BASE = datetime(2025, 1, 1, tzinfo=UTC)
BASE_MS = int(BASE.timestamp() * 1000)
YEAR_MS = 365 * 24 * 3600 * 1000

USER_COLUMNS = ("id", "email", "password_hash", "display_name", "revision")
TASK_COLUMNS = (
    "user_id", "id", "title", "description", "is_completed", "completed_at", "created_at", "updated_at", "revision",
)  # fmt: skip

_VERBS = ("Buy", "Call", "Write to", "Repair", "Book", "Pay", "Read", "Plan", "Return", "Clean")
_THINGS = ("the milk", "the dentist", "grandmother", "the bicycle", "a table for four", "the rent", "chapter seven")
_MORE = "Before the end of the week, and ask what it costs; the number is on the note beside the telephone. "


@dataclass(frozen=True)
class Dataset:
    users: int
    each: int  # tasks of a user
    first: int = 0  # the number of the first user

    @property
    def tasks(self) -> int:
        return self.users * self.each

    @property
    def name(self) -> str:
        """Of the database that holds it; the number at the end is raised when the data themselves change."""
        return f"loaded_{self.tasks}_{self.users}_v2"

    @property
    def step_ms(self) -> int:
        """Between two tasks, whoever's they are."""
        return YEAR_MS // self.tasks

    def user_id(self, user: int) -> UUID:
        return uuid5(NAMESPACE_URL, f"https://taskwell.test/bench/{self.first + user}")

    def task_ms(self, user: int, task: int) -> int:
        return BASE_MS + (task * self.users + user) * self.step_ms

    def task_id(self, user: int, task: int) -> UUID:
        return UUID(int=(self.task_ms(user, task) << 80) | (0x7000 << 64) | (0x8000 << 48) | user)

    def created_at(self, user: int, task: int) -> datetime:
        # With microseconds, as clocks give them. A time that ends in a zero is one in ten, and takes longer to render.
        microseconds = (task * 7919 + user * 617) % 1000
        return BASE + timedelta(milliseconds=self.task_ms(user, task) - BASE_MS, microseconds=microseconds)

    def user_rows(self) -> Iterator[tuple[Any, ...]]:
        # After as many writes as there are tasks, the counter stands at that number. The last one, who has no tasks, is
        # whom a server's writes are checked with: everybody else stays at the revision of the load.
        for user in range(self.users + 1):
            number = self.first + user
            yield self.user_id(user), f"user-{number}@example.com", "none", f"User {number}", self.each

    def task_rows(self) -> Iterator[tuple[Any, ...]]:
        chance = random.Random(1)  # the same data on every machine
        ids = [self.user_id(user) for user in range(self.users)]
        for task in range(self.each):
            for user in range(self.users):
                at = self.created_at(user, task)
                title = f"{chance.choice(_VERBS)} {chance.choice(_THINGS)}, no. {task + 1}"
                description = _MORE * chance.randint(1, 2) if chance.random() < 0.3 else None
                is_completed = chance.random() < 0.3
                completed_at = at if is_completed else None
                yield ids[user], self.task_id(user, task), title, description, is_completed, completed_at, at, at, task + 1
