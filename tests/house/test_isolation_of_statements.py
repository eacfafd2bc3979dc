"""Every statement touches its owner's rows alone: proven on its expression tree and on its plan.

A proof that never fails proves nothing, so both are shown statements that are wrong, each in one way, and must refuse them.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from taskwell.database import statement
from taskwell.database.shapes import every_statement
from taskwell.database.statement import SET_DIALECT, Statement, UnsafeStatement
from tests.house import right_statements, wrong_reads, wrong_sets, wrong_writes  # noqa: F401  they fill WRONG and RIGHT
from tests.house.isolation import findings_in_tree
from tests.house.isolation_of_sets import findings_in_set
from tests.house.plans import conjuncts, explain
from tests.house.samples import BUILD, PLAN, RIGHT, RIGHT_SETS, TREE, WRONG, WRONG_SETS, Build
from tests.support import postgres

PINNED = Path(__file__).parent / "unscoped_statements.txt"
EVERY = every_statement()
SCOPED = [one for one in EVERY if one.unscoped is None]


@pytest.mark.parametrize("one", SCOPED, ids=lambda one: one.name)
def test_the_tree_of_each_statement_is_bound_to_the_owner(one: Statement) -> None:
    assert findings_in_tree(one.expression) == []


@pytest.mark.parametrize("one", [one for one in EVERY if one.of_set], ids=lambda one: one.name)
def test_each_row_of_a_set_is_of_one_request(one: Statement) -> None:
    assert one.of_set is not None
    assert list(findings_in_set(one.of_set.expression, one.queue)) == []


PARTITIONED = (
    "ALTER TABLE tasks RENAME TO whole",
    "CREATE TABLE tasks (LIKE whole INCLUDING CONSTRAINTS, PRIMARY KEY (user_id, id)) PARTITION BY HASH (user_id)",
    "DROP TABLE whole CASCADE",  # what refers to it, of which no plan says anything
    *(f"CREATE TABLE tasks_of_{n} PARTITION OF tasks FOR VALUES WITH (MODULUS 4, REMAINDER {n})" for n in range(4)),
    # As the migrations make it; a statement on a partitioned table is planned with its indexes.
    "CREATE INDEX tasks_list_idx ON tasks (user_id, created_at, id) WHERE deleted_at IS NULL",
    "CREATE INDEX tasks_in_list_idx ON tasks (user_id, list_id, created_at, id) WHERE deleted_at IS NULL",
)


@pytest.fixture(scope="module", params=["whole", "in 4 partitions"])
def explained_database(request: pytest.FixtureRequest, shared_database: str, postgres_url: str) -> Iterator[str]:
    """As it is, and with `tasks` in partitions by the hash of its owner, whose names are none of the program's tables."""
    postgres.needs_generic_plans(shared_database)
    if request.param == "whole":
        yield shared_database
        return
    with postgres.new_database(postgres_url) as database_url:
        postgres.run(database_url, *PARTITIONED)
        yield database_url


def test_each_scan_of_each_statement_is_bound_to_the_owner(explained_database: str) -> None:
    found = explain(explained_database, *SCOPED)
    assert {name: findings for name, findings in found.items() if findings} == {}
    assert len(found) == len(SCOPED) > 20


def test_the_statements_without_an_owner_are_those_that_were_reviewed() -> None:
    reasons = {one.name: one.unscoped for one in EVERY if one.unscoped is not None}
    listed = [line for line in PINNED.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]
    assert listed == sorted(f"{name}: {reason}" for name, reason in reasons.items())


def test_no_reason_is_given_where_a_statement_is_bound_anyway() -> None:
    unscoped = [one for one in EVERY if one.unscoped is not None and "owner" in one.arguments]
    assert [one.name for one in unscoped if findings_in_tree(one.expression) == []] == []


@pytest.fixture
def own_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Statements that a test makes are none of the program's."""
    monkeypatch.setattr(statement, "REGISTRY", {})


@pytest.mark.usefixtures("own_registry")
@pytest.mark.parametrize(("build", "seen_by"), WRONG.values(), ids=WRONG)
def test_a_wrong_statement_is_refused(build: Build, seen_by: frozenset[str], explained_database: str) -> None:
    expression = build()
    seen = {TREE} if findings_in_tree(expression) else set()
    try:
        wrong = Statement("wrong", expression)
        wrong.compile()
    except UnsafeStatement:
        seen.add(BUILD)
    else:
        seen |= {PLAN} if explain(explained_database, wrong)["wrong"] else set()
    assert seen == seen_by


@pytest.mark.usefixtures("own_registry")
@pytest.mark.parametrize("build", RIGHT.values(), ids=RIGHT)
def test_a_right_statement_is_not_refused(build: Build, explained_database: str) -> None:
    right = Statement("right", build())
    assert findings_in_tree(right.expression) == []
    assert explain(explained_database, right)["right"] == []


class OfSet(Statement):
    dialect = SET_DIALECT


@pytest.mark.usefixtures("own_registry")
@pytest.mark.parametrize(("build", "seen_by"), WRONG_SETS.values(), ids=WRONG_SETS)
def test_a_wrong_set_is_refused(build: Build, seen_by: frozenset[str], explained_database: str) -> None:
    expression = build()
    seen = {TREE} if [*findings_in_tree(expression), *findings_in_set(expression)] else set()
    seen |= {PLAN} if explain(explained_database, OfSet("wrong", expression))["wrong"] else set()
    assert seen == seen_by


@pytest.mark.usefixtures("own_registry")
@pytest.mark.parametrize("build", RIGHT_SETS.values(), ids=RIGHT_SETS)
def test_a_right_set_is_not_refused(build: Build, explained_database: str) -> None:
    right = OfSet("right", build())
    assert [*findings_in_tree(right.expression), *findings_in_set(right.expression)] == []
    assert explain(explained_database, right)["right"] == []


@pytest.mark.parametrize(
    ("condition", "parts"),
    [
        ("(a = $1)", ["a = $1"]),
        ("((a = $1) AND (b OR c))", ["a = $1", "b OR c"]),
        ("((a = $1) OR (b AND c))", ["(a = $1) OR (b AND c)"]),
        ("((NOT (a = $1)) AND (t = ') AND ('::text))", ["NOT (a = $1)", "t = ') AND ('::text"]),
        ("", []),
    ],
)
def test_a_plans_condition_is_taken_apart(condition: str, parts: list[str]) -> None:
    assert list(conjuncts(condition)) == parts
