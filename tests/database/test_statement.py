"""A statement refuses, when it is built, whatever SQLAlchemy would have had to repair at each run."""

import enum
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import (
    ARRAY,
    JSON,
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Enum,
    Integer,
    Interval,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    Uuid,
    any_,
    bindparam,
    cast,
    delete,
    func,
    insert,
    literal,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.dialects.postgresql import insert as upsert

from taskwell.database import statement
from taskwell.database.statement import REGISTRY, Statement, UnsafeStatement, argument

Build = Callable[[], Any]


@pytest.fixture(autouse=True)
def _own_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Statements that a test makes are none of the program's."""
    monkeypatch.setattr(statement, "REGISTRY", {})


class Colour(enum.Enum):
    RED = "red"


class Shouted(TypeDecorator[str]):
    impl = String
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Any) -> Any:
        return value.upper()


class Lowered(TypeDecorator[str]):
    impl = String
    cache_ok = True

    def bind_expression(self, bindvalue: Any) -> Any:
        return func.lower(bindvalue)


things = Table("things", MetaData(), Column("id", Integer, primary_key=True, autoincrement=False), Column("name", String))
stamped = Table(
    "stamped",
    MetaData(),
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("made", String, default="now"),
    Column("seen", String, onupdate=lambda: "now"),
    Column("counted", Integer, server_default="0"),
)
thing_id = argument("thing_id", Integer())


def _compared_with(type_: Any) -> Build:
    return lambda: select(things.c.id).where(things.c.name == argument("name", type_))


REFUSED: dict[str, tuple[str, Build]] = {
    "a bind that nobody declared": ("nobody declared the bind 'z'", lambda: select(things).where(things.c.id == bindparam("z"))),
    "one in a CTE": (
        "nobody declared",
        lambda: select(select(things.c.id).where(things.c.id == bindparam("z")).cte("found").c.id),
    ),
    "one named as an argument is": (
        "nobody declared",
        lambda: select(things).where(things.c.id == thing_id, things.c.id == bindparam("thing_id", type_=Integer())),
    ),
    "one in a text": ("nobody declared", lambda: text("SELECT :z")),
    "one in a suffix": ("nobody declared", lambda: select(things).suffix_with(text("LIMIT :z"))),
    "those that an insert without values invents": ("nobody declared", lambda: insert(things)),
    "those that an update without values invents": ("nobody declared", lambda: update(things).where(things.c.id == thing_id)),
    "a default of Python's": ("stamped.made has a default", lambda: insert(stamped).values(id=1, seen="x")),
    "a default of Python's in an insert from a select": (
        "stamped.made has a default",
        lambda: insert(stamped).from_select(["id"], select(things.c.id)),
    ),
    "an onupdate of Python's": ("stamped.seen has a default", lambda: update(stamped).values(made="x")),
    "an expanding IN of a list": ("an expanding IN", lambda: select(things).where(things.c.name.in_(["a", "b"]))),
    "an expanding IN of an argument": ("an expanding IN", lambda: select(things).where(things.c.id.in_(thing_id))),
    "an expanding IN in a delete": ("an expanding IN", lambda: delete(things).where(things.c.id.in_([1, 2]))),
    "an expanding IN on conflict": (
        "an expanding IN",
        lambda: (
            upsert(things)
            .values(id=1, name="x")
            .on_conflict_do_update(index_elements=["id"], set_={"name": "y"}, where=things.c.name.in_(["z"]))
        ),
    ),
    "JSON": ("cannot be sent", _compared_with(JSON())),
    "JSONB": ("cannot be sent", _compared_with(JSONB())),
    "an enumeration": ("cannot be sent", _compared_with(Enum(Colour))),
    "a type that converts its values": ("cannot be sent", _compared_with(Shouted())),
    "a type that wraps its values in SQL": ("cannot be sent", _compared_with(Lowered())),
    "an array": ("cannot be sent", _compared_with(ARRAY(Uuid()))),
    "a type that converts on PostgreSQL": ("cannot be sent", _compared_with(String().with_variant(Shouted(), "postgresql"))),
    "a constant of a type that converts": (
        "cannot be sent",
        lambda: select(things).where(things.c.name == literal("x", Shouted())),
    ),
    "a value on conflict of a type that converts": (
        "cannot be sent",
        lambda: (
            upsert(things)
            .values(id=1, name="x")
            .on_conflict_do_update(index_elements=["id"], set_={"name": argument("name", JSON())})
        ),
    ),
    "an argument with two types": (
        "has two types",
        lambda: select(things).where(things.c.id == argument("x", Integer()), things.c.name == argument("x", String())),
    ),
    "an argument with two lengths": (
        "has two types",
        lambda: select(things).where(things.c.name == argument("x", String(3)), things.c.name != argument("x", String(5))),
    ),
}


@pytest.mark.parametrize(("reason", "build"), REFUSED.values(), ids=REFUSED)
def test_it_refuses_to_be_compiled(reason: str, build: Build) -> None:
    with pytest.raises(UnsafeStatement, match=rf"^unsafe: .*{reason}"):
        Statement("unsafe", build()).compile()


MULTI_ROW = {
    "an expanding IN": [{"id": 1, "name": select(things.c.name).where(things.c.name.in_(["a"])).scalar_subquery()}, {"id": 2}],
    "a type that converts": [{"id": 1, "name": argument("a", String())}, {"id": 2, "name": argument("b", JSON())}],
    "two types": [{"id": argument("x", Integer()), "name": "a"}, {"id": 2, "name": argument("x", String())}],
}


@pytest.mark.parametrize("rows", MULTI_ROW.values(), ids=MULTI_ROW)
def test_it_refuses_the_same_in_the_second_row_of_an_insert(rows: list[dict[str, Any]]) -> None:
    with pytest.raises(UnsafeStatement):
        Statement("unsafe", insert(things).values([{"name": "x"} | row for row in rows])).compile()


def test_two_statements_of_one_name_are_refused() -> None:
    Statement("twice", select(things.c.id))
    with pytest.raises(UnsafeStatement, match="another statement has this name"):
        Statement("twice", select(things.c.name))


@pytest.mark.parametrize(
    "type_",
    [Boolean(), Integer(), BigInteger(), String(), String(5), Text(), Uuid(), DateTime(timezone=True), Interval()],
    ids=repr,
)
def test_a_type_that_asyncpg_sends_by_itself_is_taken(type_: Any) -> None:
    assert Statement("plain", _compared_with(type_)()).order == ("name",)


def test_what_postgresql_computes_is_taken() -> None:
    made = Statement("made", insert(things).values(id=thing_id, name=func.current_user()).returning(things.c.id))
    assert made.arguments == {"thing_id"}


def test_a_text_with_commas_takes_the_place_of_an_in() -> None:
    among = func.string_to_array(argument("names", String()), ",")
    found = Statement("found", select(things.c.id).where(cast(things.c.id, String) == any_(among)))
    assert found.sql.endswith("= ANY (string_to_array($1::VARCHAR, ','))")


def test_constants_are_part_of_the_text_and_cannot_break_out_of_it() -> None:
    nasty = "it's %s \\' :x $1 --"
    plain = Statement("plain", select(things.c.id).where(things.c.name == nasty, things.c.id % 2 == 0).limit(5))
    assert plain.order == ()
    assert "'it''s %s \\'' :x $1 --'" in plain.sql
    assert "things.id % 2 = 0" in plain.sql


def test_an_argument_used_twice_is_sent_once() -> None:
    both = Statement("both", update(things).values(id=thing_id).where(things.c.id != thing_id, things.c.name == "x"))
    assert both.order == ("thing_id",)
    assert both.sql.count("$1") == 2


def test_arguments_are_sent_in_the_order_of_the_text() -> None:
    pair = select(things.c.id).where(things.c.name == argument("name", String()), things.c.id == thing_id)
    assert Statement("pair", pair).values({"thing_id": 7, "name": "x"}) == ["x", 7]


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({}, "thing_id"),
        ({"thing_id": 1, "other": 2}, "other"),
        ({"other": 2}, "other, thing_id"),
        ({"THING_ID": 1}, "THING_ID, thing_id"),
    ],
)
def test_a_missing_or_unknown_argument_is_refused_at_the_run(arguments: dict[str, Any], named: str) -> None:
    found = Statement("found", select(things.c.name).where(things.c.id == thing_id))
    with pytest.raises(UnsafeStatement, match=f"^found: missing or unknown arguments: {named}$"):
        found.values(arguments)


def test_none_is_a_value_and_not_a_missing_argument() -> None:
    assert Statement("found", select(things.c.name).where(things.c.id == thing_id)).values({"thing_id": None}) == [None]


def test_it_knows_whether_it_writes_and_whether_it_can_be_repeated() -> None:
    read = Statement("read", select(things.c.id))
    write = Statement("write", delete(things).where(things.c.id == thing_id))
    hidden = Statement("hidden", select(delete(things).returning(things.c.id).cte("gone").c.id))
    unread = Statement("unread", select(literal(1)).add_cte(delete(things).cte("gone")))
    agreed = Statement("agreed", insert(things).values(id=thing_id, name="x"), repeatable=True)
    assert [one.writes for one in (read, write, hidden, unread, agreed)] == [False, True, True, True, True]
    assert [one.repeatable for one in (read, write, hidden, unread, agreed)] == [True, False, False, False, True]


def test_a_span_of_time_arrives_as_it_was_sent() -> None:
    assert Statement("later", select(argument("span", Interval()))).values({"span": timedelta(days=1)}) == [timedelta(days=1)]


def test_tests_leave_the_programs_own_statements_alone() -> None:
    Statement("read_task", select(things.c.id))
    assert REGISTRY is not statement.REGISTRY
