"""The REST face. `routes` lists the whole API."""

from collections.abc import Callable, Mapping
from functools import cache
from threading import Lock
from typing import Any

from fastapi import APIRouter, Depends
from fastapi.routing import APIRoute

from taskwell.api import (
    account,
    api_tokens,
    batch,
    changes,
    events,
    health,
    keys,
    labels,
    lists,
    many,
    moves,
    oauth,
    occurrences,
    overview,
    pages,
    sign_in,
    tasks,
    trash,
)
from taskwell.api.dependencies import named_user
from taskwell.api.health import Readiness
from taskwell.api.keys import PublishedKeys
from taskwell.api.openapi import describe
from taskwell.api.pages import Pages
from taskwell.api.transfer import Imports
from taskwell.api.transfer import router as in_and_out
from taskwell.changes.watch import Watch
from taskwell.database.connection import Database

_OF_NAMED_USER = [Depends(named_user)]


@cache
def routes(*, with_sign_in: bool = True) -> APIRouter:
    api = APIRouter(generate_unique_id_function=_operation_id)
    api.include_router(pages.router)
    if with_sign_in:
        api.include_router(keys.router)
        api.include_router(events.tickets, prefix="/api/v1")
        api.include_router(events.tickets, prefix="/api/v1/users/{user_id}", dependencies=_OF_NAMED_USER)
        for resource in (sign_in, oauth, account, api_tokens):
            api.include_router(resource.router, prefix="/api/v1")
    for resource in (tasks, lists, labels, many, moves, occurrences, overview, changes, events, trash, batch):
        api.include_router(resource.router, prefix="/api/v1")
        api.include_router(resource.router, prefix="/api/v1/users/{user_id}", dependencies=_OF_NAMED_USER)
    api.include_router(in_and_out, prefix="/api/v1")
    api.include_router(in_and_out, prefix="/api/v1/users/{user_id}", dependencies=_OF_NAMED_USER)
    api.include_router(health.router)
    # These addresses were promised by older plans.
    api.include_router(tasks.router, prefix="/api", include_in_schema=False)
    api.include_router(tasks.router, prefix="/users/{user_id}", dependencies=_OF_NAMED_USER, include_in_schema=False)
    return api


def _operation_id(route: APIRoute) -> str:
    """Names an operation for OpenAPI. Generated clients name their functions after it, so a name that was released stays."""
    return f"{route.name}_of_user" if "{user_id}" in route.path else route.name


_describing = Lock()


def description(*, with_sign_in: bool = True) -> dict[str, Any]:
    """The OpenAPI description of the application, made when it is first asked for: it would take a second of every start."""
    with _describing:  # many may ask at once, each from a thread
        return _description(with_sign_in)


@cache
def _description(with_sign_in: bool) -> dict[str, Any]:
    return describe(routes(with_sign_in=with_sign_in).routes, with_sign_in=with_sign_in)


def kept(describes: Callable[[], dict[str, Any]], database: Database) -> Mapping[type, object]:
    """Makes what this face keeps from one request to the next (`Services.of_face`)."""
    return {type(each): each for each in (Readiness(), PublishedKeys(), Pages(describes), Imports(), Watch(database))}
