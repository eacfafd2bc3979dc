"""Who goes next, with how many others, and who waits how long: nobody waits for somebody else, and no place is lost."""

import asyncio
from pathlib import Path

from tests.conftest import settings_for
from tests.faults.own import end_connections
from tests.faults.tap import tap
from tests.support.at_once import Stage, at_once, in_thread, play


def test_a_set_waits_for_a_database_that_wakes_up(own_database: str, tmp_path: Path) -> None:
    with tap(own_database) as wire:

        async def scene(stage: Stage) -> None:
            people = await stage.people(2)
            await at_once(*(stage.send(who, "GET") for who in people))
            await in_thread(end_connections, own_database)
            await asyncio.sleep(0.1)
            wire.accepts_after = 2.5
            assert [one.status_code for one in await at_once(*(stage.send(who, "GET") for who in people))] == [200] * 2

        play(settings_for(wire.url, tmp_path), own_database, scene)
