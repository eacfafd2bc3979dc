"""What can be done with lists, beside what can be done with all that is limited (records/limited.py).

It stands beside the tasks, since a list that is deleted takes its tasks with it.
"""

import json
from uuid import UUID

from taskwell.accounts.owner import Owner, unit_for
from taskwell.database.unit_of_work import Writable
from taskwell.errors import ListChanged, ListExists, ListIdTaken, ListNotFound, TooManyLists
from taskwell.lists.requests import ListChanges
from taskwell.lists.statements import (
    CHANGE_LIST,
    CHANGE_LIST_AS_READ,
    CHANGE_WHOLE_LIST,
    CHANGE_WHOLE_LIST_AS_READ,
    CREATE_LIST,
    CREATE_LIST_AT,
    CREATE_WHOLE_LIST,
    CREATE_WHOLE_LIST_AT,
    FIND_SAME_LIST,
    LIST,
    NEIGHBOURS_OF_LIST,
    PLACE_LIST,
    READ_LIST,
    SPREAD_LISTS,
)
from taskwell.records.moving import Move, Row, position_for
from taskwell.records.store import Noun, Refusals, Rendered, Writes, change, read
from taskwell.tasks.statements import DELETE_LIST
from taskwell.tasks.trash.purging import PURGE
from taskwell.types import Revisions

LISTS = Noun(
    kind=LIST,
    refusals=Refusals(ListNotFound, ListIdTaken, ListChanged, ListExists, TooManyLists),
    read=READ_LIST,
    find_same=FIND_SAME_LIST,
    plain=Writes(CREATE_LIST, CREATE_LIST_AT, CHANGE_LIST, CHANGE_LIST_AS_READ),
    delete=DELETE_LIST,
    purge=PURGE,
    place=PLACE_LIST,
    whole=Writes(CREATE_WHOLE_LIST, CREATE_WHOLE_LIST_AT, CHANGE_WHOLE_LIST, CHANGE_WHOLE_LIST_AS_READ),
)


async def move_list(db: Writable, owner: Owner, list_id: UUID, move: Move, *, if_match: Revisions | None) -> Rendered:
    """Raises what a change raises, and UnknownReference where the neighbour is no list."""
    move.check()
    async with unit_for(db, owner) as unit:
        there = await read(LISTS, unit, owner, list_id)
        as_it_is = json.loads(there.json)
        if if_match is not None and there.revision not in if_match:
            raise ListChanged(current=as_it_is)
        row, now = Row(NEIGHBOURS_OF_LIST, SPREAD_LISTS, {}), as_it_is["position"]
        position = await position_for(unit, owner, row, {"list_id": list_id}, move, now, is_there=True)
        return await change(LISTS, unit, owner, list_id, ListChanges.model_validate({"position": position}), if_match=None)
