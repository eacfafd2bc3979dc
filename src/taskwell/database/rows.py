"""Where rows come from: the database, or an open unit of work. A store takes either and need not know which."""

from datetime import datetime
from typing import Any, Protocol

import asyncpg

from taskwell.database.keyed_hash import KeyedHash
from taskwell.database.statement import Statement


class Rows(Protocol):
    """`epoch` and `keyed_hash` are those of the database that the rows are in."""

    @property
    def epoch(self) -> str: ...

    @property
    def keyed_hash(self) -> KeyedHash: ...

    @property
    def old_before(self) -> datetime:
        """What was deleted before then is too old for the trash."""
        ...

    async def row(self, statement: Statement, **arguments: Any) -> asyncpg.Record | None:
        """The first row that the statement gives."""
        ...

    async def rows(self, statement: Statement, **arguments: Any) -> list[asyncpg.Record]:
        """Every row that the statement gives."""
        ...
