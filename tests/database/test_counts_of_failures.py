"""Counting failed sign-ins from everywhere at once."""

import asyncio

import asyncpg

from taskwell.accounts.attempts.statements import COUNT_FAILURE, UNCOUNT_FAILURE
from taskwell.database import url
from tests.support import postgres


def test_counting_and_uncounting_never_wait_for_each_other_in_a_circle(own_database: str) -> None:
    """PostgreSQL would end one of them, after a second in which both hold a turn at signing in."""

    async def sign_in(number: int) -> None:
        connection = await asyncpg.connect(**url.parse(own_database).arguments())
        try:
            for turn in range(200):
                names = {"address": f"address {turn % 3}", "account": f"account {turn % (number + 1)}", "pair": f"pair {number}"}
                for statement in (COUNT_FAILURE, UNCOUNT_FAILURE):
                    await connection.fetchrow(statement.sql, *statement.values(names))
        finally:
            await connection.close()

    async def all_at_once() -> None:
        await asyncio.gather(*map(sign_in, range(6)))

    asyncio.run(all_at_once())  # a deadlock would be raised here
    # Each was counted once and taken back once, whoever stood in the way.
    (left,) = postgres.query(own_database, "SELECT sum(failures) AS failures, count(*) AS rows FROM failed_sign_ins")
    assert (left["failures"], left["rows"]) == (0, 9)
