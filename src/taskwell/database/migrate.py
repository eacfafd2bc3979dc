"""Migrates a database from the schema that it has to the one that this program needs."""

import importlib
import re
from functools import partial
from typing import Any

import asyncpg

from taskwell.database.failures import BROKEN
from taskwell.database.inspection import inspect, quoted
from taskwell.database.schema import Fit, fit
from taskwell.database.unreachable import connect, unreachable
from taskwell.database.url import ConnectionTarget
from taskwell.errors import CannotStart


async def migrate(target: ConnectionTarget, *, down_to: str | None = None) -> Fit:
    """Bring the schema to its newest revision, or back to the revision `down_to`. Several processes may do so at once.

    The schema of a newer program is left as it is. Raises CannotStart when the database cannot be reached or refuses, and when
    it belongs to another application.
    """
    connected = partial(connect, target, timeout=10)
    try:
        if await _is_at_head(await connected()) and down_to is None:
            return Fit.CURRENT
        alembic = importlib.import_module("taskwell.database.upgrade")
        try:
            schema: Fit = await alembic.upgrade(connected, down_to)
        except alembic.DBAPIError as error:
            raise CannotStart(f"the database refuses to be migrated: {_refusal(error, target)}") from error
    except (asyncpg.PostgresError, *BROKEN) as error:
        raise unreachable(target, error, "for migrating") from error
    return schema


def _refusal(error: Any, target: ConnectionTarget) -> str:
    said = str(error.orig).splitlines()[0]
    if said == "no schema has been selected to create in":
        role = quoted(target.arguments()["user"])
        return f"{said}: CREATE SCHEMA public, as the owner of the database, or ALTER ROLE {role} SET search_path"
    schema = re.search(r"permission denied for schema (\S+)$", said)
    if schema is None:
        return said
    # Since PostgreSQL 15 nobody but the owner of a database may make tables in its schema `public`.
    return f"{said}: GRANT CREATE ON SCHEMA {schema[1]} TO {quoted(target.arguments()['user'])}, as the owner of the database"


async def _is_at_head(connection: "asyncpg.Connection[asyncpg.Record]") -> bool:
    """Raises CannotStart where no migration can make the database fit."""
    try:
        found = await inspect(connection)
    finally:
        await connection.close()
    is_at_head = fit(found.schema) is Fit.CURRENT
    never = found.never_fits() or (None if is_at_head else found.unwritable())
    if never is not None:
        raise CannotStart(never)
    return is_at_head
