"""The second proof that a statement touches one owner's rows alone: on the plan that PostgreSQL makes of its text.

PostgreSQL itself says what it scans, so nothing that SQLAlchemy hides is hidden here. Each scan of a user-owned table must
carry `owner column = $owner` (or equality with the owner column of a scan that does) among the conditions of the scan itself;
what a join or a filter further up would throw away has been read already. `GENERIC_PLAN` needs PostgreSQL 16.

A table may be partitioned: then each partition is scanned under a name of its own, and all of them must be bound.
"""

import asyncio
import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import asyncpg

from taskwell.database import url
from taskwell.database.statement import Statement
from tests.house.isolation import OWNED
from tests.house.isolation_of_sets import is_of_set

# asyncpg would want values for $1, $2...; a statement that PL/pgSQL executes has none.
EXPLAINER = """
CREATE FUNCTION pg_temp.plan_of(statement text) RETURNS json LANGUAGE plpgsql AS $$
DECLARE plan json;
BEGIN
    EXECUTE 'EXPLAIN (GENERIC_PLAN, VERBOSE, COSTS OFF, FORMAT JSON) ' || statement INTO plan;
    RETURN plan;
END $$
"""

_SCANS = ("enable_seqscan", "enable_indexscan", "enable_indexonlyscan", "enable_bitmapscan", "enable_tidscan")
_JOINS = ("enable_nestloop", "enable_hashjoin", "enable_mergejoin", "enable_memoize", "enable_material")
PLANNERS = {
    "as configured": (),
    "index scans": ("enable_seqscan", "enable_bitmapscan"),
    "bitmap scans": ("enable_seqscan", "enable_indexscan", "enable_indexonlyscan"),
    "sequential scans and hash joins": (*_SCANS[1:], "enable_nestloop", "enable_mergejoin"),
    "merge joins": ("enable_nestloop", "enable_hashjoin", "enable_sort"),
}
"""What is switched off: on empty tables the planner would choose otherwise than on full ones, so it is made to try everything."""

_Node = dict[str, Any]

_PARTITIONS = """
SELECT partition.relid::regclass::text AS name, root::text AS root
FROM unnest($1::text[]::regclass[]) AS root, pg_partition_tree(root) AS partition
"""


class Schema(NamedTuple):
    """What the database's catalog says of the user-owned tables."""

    columns: dict[str, list[str]]  # of each table, in their order
    roots: dict[str, str]  # the table that a partition belongs to, by the partition; and each whole table by itself


class Explainer:
    """A session's plans. Nothing that it explains is executed."""

    def __init__(self, connection: "asyncpg.Connection[asyncpg.Record]", schema: Schema) -> None:
        self._connection = connection
        self._schema = schema

    @classmethod
    async def on(cls, connection: "asyncpg.Connection[asyncpg.Record]") -> "Explainer":
        await connection.execute(EXPLAINER)
        # Dropped columns too: an INSERT's plan gives each its place.
        rows = await connection.fetch(
            "SELECT attrelid::regclass::text AS name, array_agg(attname::text ORDER BY attnum) AS columns"
            " FROM pg_attribute WHERE attnum > 0 AND attrelid = ANY($1::text[]::regclass[]) GROUP BY 1",
            list(OWNED),
        )
        roots = {row["name"]: row["root"] for row in await connection.fetch(_PARTITIONS, list(OWNED))}
        return cls(connection, Schema({row["name"]: row["columns"] for row in rows}, {table: table for table in OWNED} | roots))

    async def findings(self, statement: Statement) -> list[str]:
        of_set = is_of_set(statement.expression)
        if "owner" not in statement.order and not of_set:
            return ["takes no :owner"]
        owner = "$owner" if of_set else f"${statement.order.index('owner') + 1}"
        found: dict[str, None] = {}
        for planner, off in PLANNERS.items():
            async with self._connection.transaction():
                for setting in off:
                    await self._connection.execute(f"SET LOCAL {setting} = off")
                text = await self._connection.fetchval("SELECT pg_temp.plan_of($1)", statement.sql)
            plan = json.loads(_OWNER_OF_SET.sub(owner, text) if of_set else text)[0]["Plan"]
            for finding in findings_in_plan(plan, owner, self._schema):
                found.setdefault(f"{finding} ({planner})")
        return list(found)


_OWNER_OF_SET = re.compile(r"\(\(given\.owner\)::uuid\)|\b\w+\.owner\b")
"""The owner of one of a set of requests, in the relation of the requests and in what carries it on (isolation_of_sets.py).

No table has a column of that name."""


def findings_in_plan(plan: _Node, owner: str, schema: Schema) -> Iterator[str]:
    """`owner` is the parameter of the owner, such as `$2`."""
    nodes = list(_walk(plan))
    for node in nodes:
        if node.get("Relation Name") in schema.roots:
            node["Root"] = schema.roots[node["Relation Name"]]
    scans = [node for node in nodes if "Root" in node and node["Node Type"] != "ModifyTable"]
    bound = {owner}  # what a scan's owner column may equal
    while True:
        more = {_owner_of(scan) for scan in scans if any(_equals(c, _owner_of(scan), bound) for c in _conditions(scan))}
        more |= _owners_of_whole_tables(scans, nodes, bound | more)
        if more <= bound:
            break
        bound |= more
    for scan in scans:
        if _owner_of(scan) not in bound:
            yield f"{scan['Node Type']} of {scan['Alias']} without {_owner_of(scan)} = {owner}"
    for node in nodes:
        if node["Node Type"] == "ModifyTable" and "Root" in node:
            yield from _findings_in_write(node, owner, bound, schema.columns[node["Root"]])


def _owners_of_whole_tables(scans: list[_Node], nodes: list[_Node], bound: set[str]) -> set[str]:
    """Above the Append of its partitions `tasks_1`, `tasks_2`..., a table is called `tasks`, or `tasks_65` if that is taken.

    It is bound when all partitions are that could be meant.
    """
    partitions: dict[str, list[_Node]] = {}
    for scan in scans:
        if scan["Relation Name"] != scan["Root"]:
            partitions.setdefault(_unnumbered(scan["Alias"]), []).append(scan)
    aliases = {node["Alias"] for node in nodes if "Alias" in node and node["Node Type"] != "ModifyTable"}
    named = {name for scan in scans for condition in _conditions(scan) for name in re.findall(r"(\w+)\.", condition)}
    return {
        f"{name}.{OWNED[partitions[table][0]['Root']]}"
        for name in (named | partitions.keys()) - aliases
        if (table := _unnumbered(name)) in partitions and all(_owner_of(scan) in bound for scan in partitions[table])
    }


def _unnumbered(alias: str) -> str:
    return re.sub(r"_\d+$", "", alias)


def _findings_in_write(node: _Node, owner: str, bound: set[str], columns: list[str]) -> Iterator[str]:
    name, owner_column = node["Root"], OWNED[node["Root"]]
    if node["Operation"] == "Merge":
        yield f"a MERGE into {name}: its actions are not in the plan"
    if node["Operation"] == "Insert":
        (source,) = [child for child in node["Plans"] if child["Parent Relationship"] == "Outer"]
        for output in _outputs(source):
            value = output[columns.index(owner_column)]
            if value not in bound:
                # `"*SELECT*".user_id` may be right: PostgreSQL folds the SELECT of an INSERT into it, and shows what is
                # inserted, once nothing in it is volatile. Take clock_timestamp() in a CTE.
                yield f"inserts into {name} with {owner_column} = {value}"
    if node.get("Conflict Resolution") == "UPDATE":
        met = f"{node['Alias']}.{owner_column}"
        # The second such INSERT of a statement proposes `excluded_1`. What is proposed is bound, as it was inserted.
        conflict = re.sub(rf"\bexcluded(_\d+)?\.{owner_column}\b", owner, node.get("Conflict Filter", ""))
        if not any(_equals(condition, met, {owner}) for condition in conjuncts(conflict)):
            yield f"updates the row of {name} that it conflicts with, whoever owns it"


def _walk(node: _Node) -> Iterator[_Node]:
    yield node
    for child in node.get("Plans", ()):
        yield from _walk(child)


def _outputs(node: _Node) -> Iterator[list[str]]:
    """An Append gives what each of its parts gives, and is not said to give anything itself."""
    if "Output" in node:
        yield node["Output"]
    else:
        for child in node["Plans"]:
            yield from _outputs(child)


def _owner_of(scan: _Node) -> str:
    alias = scan["Alias"]
    return (alias if re.fullmatch("[a-z_][a-z0-9_]*", alias) else f'"{alias}"') + "." + OWNED[scan["Root"]]


def _conditions(scan: _Node) -> Iterator[str]:
    for key in ("Index Cond", "Recheck Cond", "Filter"):
        yield from conjuncts(scan.get(key, ""))


def _equals(condition: str, column: str, bound: set[str]) -> bool:
    left, equals, right = condition.partition(" = ")
    return bool(equals) and ((left == column and right in bound) or (right == column and left in bound))


_TOKENS = re.compile(r"""'(?:[^']|'')*'|"(?:[^"]|"")*"|\(|\)| AND |.""", re.DOTALL)


def conjuncts(condition: str) -> Iterator[str]:
    """The conditions that must all hold, from PostgreSQL's own notation: `((a = $1) AND (b OR c))` gives two."""
    parts, depth = [""], 0
    for token in _TOKENS.findall(condition):
        depth += (token == "(") - (token == ")")
        if token == " AND " and depth == 0:
            parts.append("")
        else:
            parts[-1] += token
    for part in parts:
        if len(parts) == 1 and not _is_enclosed(part):
            if part:
                yield part
        else:
            yield from conjuncts(part[1:-1] if _is_enclosed(part) else part)


def _is_enclosed(text: str) -> bool:
    depth = 0
    for place, token in enumerate(tokens := _TOKENS.findall(text)):
        depth += (token == "(") - (token == ")")
        if depth == 0 and place < len(tokens) - 1:
            return False
    return text.startswith("(")


def explain(database_url: str, *statements: Statement) -> dict[str, list[str]]:
    """The findings of each statement, by its name."""

    async def all_of_them() -> dict[str, list[str]]:
        connection = await asyncpg.connect(**url.parse(database_url).arguments())
        try:
            explainer = await Explainer.on(connection)
            return {statement.name: await explainer.findings(statement) for statement in statements}
        finally:
            await connection.close()

    return asyncio.run(all_of_them())
