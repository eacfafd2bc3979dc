"""A field of a noun's that is written in one place is written in all: said for each noun, and tried on a forgetful one."""

from copy import copy
from typing import Any

import pytest
from pydantic import BaseModel
from sqlalchemy import Column, Integer, MetaData, String, Table
from sqlmodel import SQLModel

import taskwell.app  # noqa: F401  # registers every noun
from taskwell.records.as_read import read_only
from taskwell.records.content import FIRST_VERSION, Content
from taskwell.records.kinds import KINDS, Kind, view_version
from tests.support.cast import Person

OF_EVERY_RECORD = {"id", "user_id", "created_at", "updated_at", "revision"}


def disagreements(table: Table, view: Any, new: Any, whole: Any, changes: Any) -> set[str]:
    """Where a field is missing: PUT = PATCH = POST less `id` = content, and all of it is stored and shown.

    What only Taskwell sets is beside it in PUT and PATCH.
    """
    content = set(whole.model_fields) - read_only(whole)
    said = {"POST": set(new.model_fields) - {"id"}, "PATCH": set(changes.model_fields) - read_only(changes)}
    stored = {"the table": {column.name for column in table.c}, "the view": set(view.model_fields)}
    return {f"{place}: {field}" for place, fields in said.items() for field in fields ^ content} | {
        f"{place}: {field}" for place, fields in stored.items() for field in content - fields
    }


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_every_request_of_a_noun_knows_the_same_fields(kind: Kind) -> None:
    assert disagreements(kind.table, kind.view, kind.new, kind.whole, kind.changes) == set()


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_whatever_is_shown_of_a_noun_can_be_sent_back(kind: Kind) -> None:
    for request in (kind.whole, kind.changes):
        shown = set((kind.item or kind.view).model_fields)
        assert shown <= set(request.model_fields)
        assert set(request.model_fields) - shown <= read_only(request), "what a read shows when it is asked to"
        assert read_only(request) >= OF_EVERY_RECORD | {"etag"}


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_every_noun_has_what_every_record_has(kind: Kind) -> None:
    assert {column.name for column in kind.table.c} >= OF_EVERY_RECORD | {"deleted_at"}
    assert set(kind.view.model_fields) >= OF_EVERY_RECORD | {"etag"}
    assert [column.name for column in kind.table.primary_key] == ["user_id", "id"]


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_a_field_of_the_first_version_that_cannot_be_null_is_cleared_by_no_patch(kind: Kind) -> None:
    for name in kind.plain.names:
        if not kind.table.c[name].nullable:
            with pytest.raises(ValueError, match=name):
                kind.changes.model_validate({name: None})


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_a_field_that_came_later_is_cleared_by_null(kind: Kind) -> None:
    """A PUT that leaves it out leaves it alone, so null is how it is cleared: to nothing, or to what it is when nobody says."""
    for name in kind.later:
        changed = kind.content.changed_by(kind.changes.model_validate({name: None}))
        new = kind.new.model_construct(**dict.fromkeys(FIRST_VERSION[kind.table.name]))
        at_first = kind.content.said_by(new)[name]
        assert (changed[name], changed[f"has_{name}"]) == (at_first, True)
        assert (at_first is None) == (kind.table.c[name].nullable or name == "position")  # which follows from the revision


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_every_noun_says_with_which_fields_it_began(kind: Kind) -> None:
    assert FIRST_VERSION[kind.table.name] <= set(kind.content.names)


def test_the_first_versions_fields_are_these_for_good() -> None:
    """A field that comes later is not put there: a PUT of an old client, which does not know it, would clear it."""
    assert {
        "tasks": {"title", "description", "is_completed"},
        "lists": {"name", "colour", "icon", "is_archived"},
        "labels": {"name", "colour"},
    } == FIRST_VERSION


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_a_put_clears_the_fields_of_the_first_version_alone(kind: Kind) -> None:
    sent = kind.whole.model_construct(set(), **dict.fromkeys(kind.content.names))
    given = kind.content.replaced_by(sent)
    assert {name for name in kind.content.names if given[f"has_{name}"]} == FIRST_VERSION[kind.table.name]
    whole = kind.whole.model_construct(set(kind.content.names), **dict.fromkeys(kind.content.names))
    assert all(kind.content.replaced_by(whole)[f"has_{name}"] for name in kind.content.names)


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_every_reference_is_of_the_same_owner(kind: Kind) -> None:
    """By a composite foreign key, and said where a write decides on it: a key that refers to a noun is a reference, and back."""
    tables = {other.table.name: other for other in KINDS.values()}
    keys = {
        constraint.column_keys[1]: tables[constraint.referred_table.name]
        for constraint in kind.table.foreign_key_constraints
        if constraint.referred_table.name in tables
    }
    assert keys == dict(kind.references)
    for constraint in kind.table.foreign_key_constraints:
        if constraint.referred_table.name in tables:
            assert constraint.column_keys[0] == "user_id"
            assert [element.column.name for element in constraint.elements] == ["user_id", "id"]


class NewNote(BaseModel):
    text: str
    priority: int
    id: str


class WholeNote(BaseModel):
    text: str
    priority: int


class NoteChanges(BaseModel):
    text: str
    priority: int


class NoteView(SQLModel):
    text: str
    priority: int


class Forgetful(BaseModel):
    text: str


NOTES = Table("notes", MetaData(), Column("text", String), Column("priority", Integer))
WITHOUT = Table("notes", MetaData(), Column("text", String))
COMPLETE: dict[str, Any] = {"table": NOTES, "view": NoteView, "new": NewNote, "whole": WholeNote, "changes": NoteChanges}


@pytest.mark.parametrize("place", COMPLETE)
def test_a_field_that_is_forgotten_in_one_place_is_found(place: str) -> None:
    assert disagreements(**COMPLETE) == set()
    assert disagreements(**COMPLETE | {place: WITHOUT if place == "table" else Forgetful}) != set()


def test_content_takes_every_field_of_its_model() -> None:
    """What a new field is given, compared with, and merged into follows from the model."""
    content = Content(NOTES, WholeNote)
    assert set(content.arguments) == set(content.merged(NOTES, content.arguments)) == {"text", "priority"}
    assert "priority" in str(content.same(NOTES, content.arguments))
    assert "priority" in str(content.differs(content.arguments, NOTES))
    note = NoteChanges.model_construct({"priority"}, text="", priority=3)
    assert content.changed_by(note) == {"text": "", "priority": 3, "has_text": False, "has_priority": True}
    whole = WholeNote(text="x", priority=3)  # a noun that is not in FIRST_VERSION began with all of them
    assert content.replaced_by(whole) == {"text": "x", "priority": 3, "has_text": True, "has_priority": True}


def test_content_refuses_a_field_without_a_column() -> None:
    with pytest.raises(KeyError, match="priority"):
        Content(WITHOUT, WholeNote)


def test_another_view_has_other_tags(monkeypatch: pytest.MonkeyPatch, alice: Person) -> None:
    """A field more, less, or in another place: what clients have kept is old."""
    task = KINDS["task"]
    assert f".{view_version()}." in alice.get("/api/v1/tasks").headers["etag"]
    fields = list(task.view.model_fields)
    versions = {view_version()}
    for shown in (fields[1:], fields[::-1], [*fields, "deleted_at"]):
        view = type("View", (), {"model_fields": dict.fromkeys(shown)})
        monkeypatch.setitem(KINDS, "task", copy(task))
        object.__setattr__(KINDS["task"], "view", view)
        versions.add(view_version())
    assert len(versions) == 4
