"""The SQL of lists. Each statement does one request's whole work, as those of tasks do.

How a list is deleted is said in tasks/statements.py, since its tasks go with it.
"""

from functools import partial

from taskwell.database.shapes import Shapes
from taskwell.database.statement import Statement
from taskwell.database.statement_of_set import in_sets
from taskwell.lists.requests import ListChanges, NewList, WholeList
from taskwell.lists.tables import ListView, lists
from taskwell.records import many, reading, writing
from taskwell.records.asked import ONE
from taskwell.records.kinds import Kind
from taskwell.records.limited import CREATION_SHAPES, CreationShape
from taskwell.records.ordering import neighbours, placed, spread
from taskwell.records.paging import BY_CREATION, page

LISTS_PER_USER = 500
"""One user can have this many lists."""

LIST = Kind("list", lists, ListView, NewList, WholeList, ListChanges)


READ_LIST = in_sets(Statement("read_list", lambda: reading.read(LIST)))
"""One list. No row: the account may not act. NULL: there is no such list."""

FIND_SAME_LIST = Statement("find_same_list", lambda: reading.read_same(LIST))
"""After a create met a taken id: is what stands there what was sent?"""


def _list(shape: CreationShape) -> Statement:
    name = f"list_lists_{shape.order}{'_resumed' if shape.is_resumed else ''}"
    return in_sets(Statement(name, page(LIST, [], BY_CREATION[shape.order], is_resumed=shape.is_resumed)))


LIST_LISTS = Shapes(CREATION_SHAPES, _list)
"""One page of a user's lists. Each shape has a statement of its own."""

CREATE_LIST = Statement("create_list", lambda: writing.created(LIST, placed, ONE, most=LISTS_PER_USER))
"""At an id that we chose, unless the user has LISTS_PER_USER already."""

CREATE_LIST_AT = Statement("create_list_at", lambda: writing.created(LIST, placed, ONE, most=LISTS_PER_USER))
"""At an id that the client chose, unless the user has LISTS_PER_USER already."""

CHANGE_LIST = Statement("change_list", lambda: writing.changed(LIST, placed, ONE))
"""PATCH and PUT of a list, under the revisions that the client accepts."""

CHANGE_LIST_AS_READ = Statement("change_list_as_read", lambda: writing.changed(LIST, placed, ONE, is_sent_back=True))
"""PATCH and PUT of a list by who sends back what was read: its revision and what only Taskwell sets are compared."""

_created = partial(writing.created, LIST, placed, ONE, is_whole=True, most=LISTS_PER_USER)
_changed = partial(writing.changed, LIST, placed, ONE, is_whole=True)

CREATE_WHOLE_LIST = Statement("create_whole_list", _created)
"""Of a request that says more than lists began with, at an id that we chose, unless the user has LISTS_PER_USER already."""

CREATE_WHOLE_LIST_AT = Statement("create_whole_list_at", _created)
"""Likewise, at an id that the client chose."""

CHANGE_WHOLE_LIST = Statement("change_whole_list", _changed)
"""PATCH and PUT of a list that say more than lists began with."""

CHANGE_WHOLE_LIST_AS_READ = Statement("change_whole_list_as_read", lambda: _changed(is_sent_back=True))
"""Likewise, by who sends back what was read."""

PLACE_LIST = Statement("place_list", lambda: writing.placed(LIST, placed, most=LISTS_PER_USER))
"""PUT with `If-None-Match: *`: only where no live list stands; a deleted one's id may be used again."""

NEIGHBOURS_OF_LIST = Statement("neighbours_of_list", lambda: neighbours(LIST, []))
"""For a move of a list among all lists."""

SPREAD_LISTS = Statement("spread_lists", lambda: spread(LIST, []))
"""For a move of a list to where there is no room."""

EXPORT_LISTS = Statement("export_lists", lambda: many.exported(LIST))
"""One step of an export: lists in the order of their creation."""

LOOK_UP_LISTS = Statement("look_up_lists", lambda: many.found(LIST))
"""Before an import makes lists, and tasks in them: which of their ids are taken, and by what?"""

COUNT_LISTS = Statement("count_lists", lambda: many.counted(LIST))
"""Before an import makes lists: how many are there?"""

IMPORT_LISTS = Statement("import_lists", lambda: many.imported(LIST, placed))
"""Many new lists under one revision. In a unit of work, since how many they may be is decided after the lock."""

CREATE_LISTS = Statement("create_lists", lambda: many.imported(LIST, placed, is_shown=True))
"""Likewise, and each is shown."""
