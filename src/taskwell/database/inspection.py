"""Checks whether a database can be served, and says in one sentence what is wrong with it and what mends that.

A missing grant, a view in place of a table, or an encoding without an `é` would otherwise show in a request.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

import asyncpg
from sqlalchemy import Boolean, Column, Integer, MetaData, String, Table, Text, cast, func, select
from sqlmodel import SQLModel

from taskwell.database.schema import KNOWN_REVISIONS, SCHEMA_VERSION, Fit, fit
from taskwell.database.statement import Statement, argument

OLDEST_POSTGRESQL = 15

_catalog = MetaData(schema="pg_catalog")
_class = Table(
    "pg_class",
    _catalog,
    Column("oid", Integer),
    Column("relname", String),
    Column("relnamespace", Integer),
    Column("relkind", String),
)
_attribute = Table(
    "pg_attribute", _catalog, Column("attrelid", Integer), Column("attname", String), Column("attisdropped", Boolean)
)
_namespace = Table("pg_namespace", _catalog, Column("oid", Integer), Column("nspname", String))

_PRIVILEGES = ("select", "insert", "update", "delete")
_ONLY_READ = {"alembic_version", "instance"}

_wanted = func.unnest(func.string_to_array(argument("tables", Text()), " ")).table_valued("name", name="wanted")
_columns = (
    select(func.json_agg(_attribute.c.attname))
    .where(_attribute.c.attrelid == _class.c.oid, ~_attribute.c.attisdropped)
    .correlate(_class)
    .scalar_subquery()
)
_privileges = [part for name in _PRIVILEGES for part in (name, func.has_table_privilege(_class.c.oid, name))]
_found = func.json_build_object(
    "kind",
    cast(_class.c.relkind, Text()),
    "hides_rows",
    func.row_security_active(_class.c.oid),
    "may",
    func.json_build_object(*_privileges),
    "columns",
    _columns,
)
# By to_regclass, as the statements find them: along the search_path, without the schemas that are closed to this role.
_tables = (
    select(func.json_object_agg(_wanted.c.name, _found)).where(_class.c.oid == func.to_regclass(_wanted.c.name)).scalar_subquery()
)
_elsewhere = (
    select(func.string_agg(_namespace.c.nspname, ", "))
    .select_from(
        _class.join(_namespace, _namespace.c.oid == _class.c.relnamespace).join(_attribute, _attribute.c.attrelid == _class.c.oid)
    )
    .where(_class.c.relname == "instance", _attribute.c.attname == "epoch")
    .scalar_subquery()
)
INSPECTION = Statement(
    "inspection",
    select(
        cast(func.current_setting("server_version_num"), Integer()).label("version"),
        func.current_setting("server_encoding").label("encoding"),
        func.current_setting("transaction_read_only").label("read_only"),
        func.current_setting("standard_conforming_strings").label("plain_strings"),
        cast(func.current_user(), Text()).label("role"),
        _elsewhere.label("elsewhere"),
        _tables.label("tables"),
    ),
    unscoped="what the database's catalog says of Taskwell's tables; no row of anybody's",
)
"""Asked once at a start: whether the database can hold our text and the role may use our tables."""


class Inspection:
    """What INSPECTION found. `schema` is the version that the database says that it has, or None."""

    def __init__(self, row: asyncpg.Record, schema: str | None) -> None:
        self.row = row
        self.schema = schema
        self.tables: dict[str, dict[str, Any]] = json.loads(row["tables"] or "{}")

    @property
    def is_ours(self) -> bool:
        return "epoch" in self.tables.get("instance", {}).get("columns", [])

    @property
    def says_its_version(self) -> bool:
        """Whether `alembic_version` can be read."""
        table = self.tables.get("alembic_version")
        return table is not None and table["may"]["select"] and "version_num" in table["columns"]

    def never_fits(self) -> str | None:
        """Why no migration can make this database fit for Taskwell, or None."""
        if self.row["version"] < OLDEST_POSTGRESQL * 10_000:
            return f"the database is PostgreSQL {self.row['version'] // 10_000}, and Taskwell needs {OLDEST_POSTGRESQL} or newer"
        if self.row["encoding"] != "UTF8":
            return (
                f"the database's encoding is {self.row['encoding']}, which cannot keep every text: make another one, by "
                "CREATE DATABASE ... ENCODING 'UTF8' TEMPLATE template0"
            )
        if self.schema is not None and self.schema not in KNOWN_REVISIONS and not self.is_ours:
            return (
                f"the database belongs to another application (its alembic_version is {self.schema!r}, and there is no table "
                "`instance`): give Taskwell a database of its own"
            )
        return None

    def unfit(self) -> str | None:
        """Why the database cannot be served as it is, or None."""
        return self.never_fits() or self.unwritable() or self._not_migrated() or next(self._wrong_tables(), None)

    def _not_migrated(self) -> str | None:
        if self.schema is None and not self.is_ours:
            role, where = quoted(self.row["role"]), self.row["elsewhere"]
            if where is None:
                return "the database has no tables of Taskwell's yet: run `taskwell migrate`"
            return (
                f"the role {role} does not reach Taskwell's tables (there are some in the schema {where}): "
                f"GRANT USAGE ON SCHEMA {where} TO {role}, or ALTER ROLE {role} SET search_path = {where}"
            )
        if self.says_its_version and fit(self.schema) is Fit.BEHIND:
            return f"the database's schema ({self.schema}) is older than this program: run `taskwell migrate`"
        return None

    def unwritable(self) -> str | None:
        """Why nothing can be written to it by this role, or None."""
        if self.row["read_only"] == "on":
            return (
                "the database only reads (a standby, or default_transaction_read_only = on): "
                "name the one that accepts writes, or set it off"
            )
        if self.row["plain_strings"] == "off":
            role = quoted(self.row["role"])
            return f"standard_conforming_strings is off: ALTER ROLE {role} SET standard_conforming_strings = on"
        return None

    def _wrong_tables(self) -> Iterator[str]:
        role = quoted(self.row["role"])
        for name, columns in _expected().items():
            table = self.tables.get(name)
            if table is None:
                yield f"the role {role} finds no table {name}: put it back, or restore a backup"
                continue
            if table["kind"] not in ("r", "p"):
                yield f"{name} is not a table, but something else of that name (a view, or of another server): put the table back"
            lacking = [one.upper() for one in _PRIVILEGES if not table["may"][one]]
            if name in _ONLY_READ:
                lacking = lacking[:1] if not table["may"]["select"] else []
            if lacking:
                yield f"the role {role} lacks {', '.join(lacking)} on {name}: GRANT {', '.join(lacking)} ON {name} TO {role}"
            if table["hides_rows"]:
                yield f"row-level security hides rows of {name} from {role}: ALTER TABLE {name} DISABLE ROW LEVEL SECURITY"
            missing = [column for column in columns if column not in table["columns"]]
            if missing:
                yield f"the table {name} lacks the column {missing[0]}: restore a backup, or put it back"


async def inspect(connection: "asyncpg.Connection[asyncpg.Record]") -> Inspection:
    """Takes two round trips. Raises what asyncpg raises."""
    row = await connection.fetchrow(INSPECTION.sql, *INSPECTION.values(inspection_arguments()))
    assert row is not None
    found = Inspection(row, None)
    if found.says_its_version:
        found.schema = await connection.fetchval(SCHEMA_VERSION.sql)
    return found


def inspection_arguments() -> dict[str, str]:
    return {"tables": " ".join(_expected())}


def _expected() -> dict[str, list[str]]:
    ours = {table.name: [column.name for column in table.columns] for table in SQLModel.metadata.sorted_tables}
    return {"alembic_version": ["version_num"], **ours}


def quoted(name: str) -> str:
    return name if re.fullmatch("[a-z_][a-z0-9_]*", name) else '"' + name.replace('"', '""') + '"'
