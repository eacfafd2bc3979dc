"""A schema that takes less is no schema of a request any more, and one that says more is none of an answer."""

from typing import Any

import pytest

from tests.house.contract_gate import broken

Json = dict[str, Any]

TEXT: Json = {"type": "string"}
NOTHING: Json = {"type": "null"}
OBJECT: Json = {"type": "object"}
NAMED: Json = {
    "Text": TEXT,
    "Kind": {"type": "string", "enum": ["task", "list"]},
    "Maybe": {"anyOf": [TEXT, NOTHING]},
    "Open": {"type": "object", "properties": {"a": TEXT, "b": TEXT}, "required": ["a"]},
    "Short": {"type": "string", "minLength": 3, "maxLength": 10},
    "Tree": {"type": "object", "properties": {"name": TEXT, "below": {"$ref": "#/components/schemas/Tree"}}},
    "Bush": {"type": "object", "properties": {"name": TEXT, "below": {"$ref": "#/components/schemas/Twig"}}},
    "Twig": {"type": "object", "properties": {"name": TEXT | {"maxLength": 5}, "below": {"$ref": "#/components/schemas/Twig"}}},
}


def _named(name: str) -> Json:
    return {"$ref": f"#/components/schemas/{name}"}


def _fields(*required: str, **properties: Json) -> Json:
    return {"type": "object", "properties": properties, "required": [*required]}


def _contract(schema: Json, *, of_request: bool) -> Json:
    content = {"content": {"application/json": {"schema": schema}}}
    answer: Json = {"description": "It went well."}
    operation = {"requestBody": content, "responses": {"200": answer}} if of_request else {"responses": {"200": answer | content}}
    return {
        "info": {"title": "Any"},
        "paths": {"/things": {"post": {"operationId": "do", **operation}}},
        "components": {"schemas": NAMED},
    }


def _request(old: Json, new: Json) -> list[str]:
    return broken(_contract(old, of_request=True), _contract(new, of_request=True))


def _answer(old: Json, new: Json) -> list[str]:
    return broken(_contract(old, of_request=False), _contract(new, of_request=False))


MAYBE: Json = {"anyOf": [TEXT, NOTHING]}
EITHER: Json = {"anyOf": [_fields(a=TEXT, b=TEXT), _fields("a", a=TEXT, b=TEXT)]}
WIDE_AND_NARROW: dict[str, tuple[Json, Json]] = {
    "a length beside alternatives": (MAYBE, MAYBE | {"maxLength": 5}),
    "values beside alternatives": (MAYBE, MAYBE | {"enum": ["a", None]}),
    "a type beside alternatives": ({"anyOf": [{"type": "number"}]}, {"anyOf": [{"type": "number"}], "type": "integer"}),
    "a field that is needed beside alternatives": (EITHER, EITHER | {"required": ["b"]}),
    "a length beside a name": (_named("Text"), _named("Text") | {"maxLength": 5}),
    "a length beside a name of some length": (_named("Short"), _named("Short") | {"maxLength": 5}),
    "a shortest text beside a name of some": (_named("Short"), _named("Short") | {"minLength": 5}),
    "values beside a name": (_named("Text"), _named("Text") | {"enum": ["task"]}),
    "values beside a name of values": (_named("Kind"), _named("Kind") | {"enum": ["task", "board"]}),
    "one value beside a name of values": (_named("Kind"), _named("Kind") | {"const": "task"}),
    "a field that is needed beside a name": (_named("Open"), _named("Open") | {"required": ["b"]}),
    "alternatives beside a name": (_named("Text"), _named("Text") | {"anyOf": [{"maxLength": 5}, {"const": "a longer one"}]}),
    "alternatives within alternatives": ({"anyOf": [MAYBE, {"type": "integer"}]}, MAYBE),
    "one value of two": ({"enum": ["task", "list"]}, {"const": "task"}),
    "one value of any": (TEXT, TEXT | {"const": "task"}),
    "values of several types": ({"enum": ["a", 1, None]}, {"enum": ["a"]}),
    "a value that Python takes for another": ({"enum": [1, True]}, {"enum": [1]}),
    "a shortest text": (TEXT, TEXT | {"minLength": 1}),
    "a longest text": (TEXT, TEXT | {"maxLength": 1}),
    "a least number": ({"type": "number"}, {"type": "number", "minimum": 0}),
    "a greatest number": ({"type": "integer", "maximum": 9}, {"type": "integer", "maximum": 0}),
    "fewest items": ({"type": "array"}, {"type": "array", "minItems": 1}),
    "most items": ({"type": "array"}, {"type": "array", "maxItems": 0}),
    "items": ({"type": "array"}, {"type": "array", "items": TEXT}),
    "items of another kind": ({"type": "array", "items": MAYBE}, {"type": "array", "items": TEXT}),
    "fewest fields": (OBJECT, OBJECT | {"minProperties": 1}),
    "most fields": (OBJECT, OBJECT | {"maxProperties": 9}),
    "other fields": (OBJECT, OBJECT | {"additionalProperties": TEXT}),
    "other fields of another kind": (OBJECT | {"additionalProperties": MAYBE}, OBJECT | {"additionalProperties": TEXT}),
    "items that differ": ({"type": "array"}, {"type": "array", "uniqueItems": True}),
    "a format": (TEXT, TEXT | {"format": "date"}),
    "a pattern": (TEXT, TEXT | {"pattern": "a"}),
    "a step": ({"type": "integer"}, {"type": "integer", "multipleOf": 2}),
    "fields that come together": (_fields(a=TEXT, b=TEXT), _fields(a=TEXT, b=TEXT) | {"dependentRequired": {"a": ["b"]}}),
    "more fields that come together": (
        _fields(a=TEXT, b=TEXT) | {"dependentRequired": {"a": ["b"]}},
        _fields(a=TEXT, b=TEXT) | {"dependentRequired": {"a": ["b"], "b": ["a"]}},
    ),
    "a field that is needed and declared nowhere": (OBJECT, OBJECT | {"required": ["a"]}),
    "a number of any kind": ({"type": "number"}, {"type": "integer"}),
    "what stands deeper in a name that means itself": (_named("Tree"), _named("Bush")),
}
"""Of two schemas, whatever the second takes the first takes too, and not the other way round."""


@pytest.mark.parametrize(("wide", "narrow"), WIDE_AND_NARROW.values(), ids=WIDE_AND_NARROW.keys())
def test_a_request_is_never_narrower_and_an_answer_never_wider(wide: Json, narrow: Json) -> None:
    assert _request(wide, narrow) != []
    assert _answer(narrow, wide) != []
    assert _request(narrow, wide) == []
    assert _answer(wide, narrow) == []


SAME: dict[str, tuple[Json, Json]] = {
    "one value": (TEXT | {"const": "task"}, TEXT | {"enum": ["task"]}),
    "a shortest text of nothing": (TEXT, TEXT | {"minLength": 0}),
    "fewest items of none": ({"type": "array"}, {"type": "array", "minItems": 0}),
    "fewest fields of none": (OBJECT, OBJECT | {"minProperties": 0}),
    "items that may be the same": ({"type": "array"}, {"type": "array", "uniqueItems": False}),
    "items of any kind": ({"type": "array"}, {"type": "array", "items": {}}),
    "no field that is needed": (OBJECT, OBJECT | {"required": []}),
    "no fields that come together": (OBJECT, OBJECT | {"dependentRequired": {}}),
    "no field that is declared": (OBJECT, OBJECT | {"properties": {}}),
    "other fields of any kind": (OBJECT, OBJECT | {"additionalProperties": True}),
    "other fields of any kind, as a schema": (OBJECT, OBJECT | {"additionalProperties": {}}),
    "what no number has": ({"type": "integer"}, {"type": "integer", "maxLength": 1, "pattern": "a", "required": ["a"]}),
    "what no text has": (TEXT, TEXT | {"minimum": 1, "minItems": 1, "items": NOTHING, "additionalProperties": False}),
    "a type in a list": (TEXT, {"type": ["string"]}),
    "one alternative": (TEXT, {"anyOf": [TEXT]}),
    "a name": (TEXT, _named("Text")),
    "other words beside a name": (_named("Text"), _named("Text") | {"description": "Words", "title": "Text"}),
    "what is beside alternatives and within": (MAYBE | {"maxLength": 5}, {"anyOf": [TEXT | {"maxLength": 5}, NOTHING]}),
    "a schema that means itself": (_named("Tree"), _named("Tree")),
}


@pytest.mark.parametrize(("one", "other"), SAME.values(), ids=SAME.keys())
def test_two_ways_to_say_the_same_are_the_same(one: Json, other: Json) -> None:
    for old, new in ((one, other), (other, one)):
        assert _request(old, new) == []
        assert _answer(old, new) == []


CLOSED: Json = _fields(a=TEXT) | {"additionalProperties": False}
BREAKS_A_REQUEST: dict[str, tuple[Json, Json]] = {
    "a new field of an open object": (_fields(a=TEXT), _fields(a=TEXT, b=TEXT)),
    "a new field of a map": (OBJECT | {"additionalProperties": MAYBE}, _fields(b=TEXT) | {"additionalProperties": MAYBE}),
    "an object that is closed now": (_fields(a=TEXT), CLOSED),
    "a field that is only read": (_fields(a=TEXT), _fields(a=TEXT | {"readOnly": True})),
    "a field of alternatives that is only read": (_fields(a=MAYBE), _fields(a=MAYBE | {"readOnly": True})),
    "a named field that is only read": (_fields(a=_named("Text")), _fields(a=_named("Text") | {"readOnly": True})),
    "another default of a field": (_fields(a=TEXT | {"default": "a"}), _fields(a=TEXT | {"default": "b"})),
    "another default of a named field": (
        _fields(a=_named("Text") | {"default": "a"}),
        _fields(a=_named("Text") | {"default": "b"}),
    ),
    "no default of a field": (_fields(a=TEXT | {"default": "a"}), _fields(a=TEXT)),
}
BREAKS_AN_ANSWER: dict[str, tuple[Json, Json]] = {
    "a new field of a map": (OBJECT | {"additionalProperties": TEXT}, _fields(b=MAYBE) | {"additionalProperties": TEXT}),
    "a field that is only written": (_fields(a=TEXT), _fields(a=TEXT | {"writeOnly": True})),
    "a field of alternatives that is only written": (_fields(a=MAYBE), _fields(a=MAYBE | {"writeOnly": True})),
    "a named field that is only written": (_fields(a=_named("Text")), _fields(a=_named("Text") | {"writeOnly": True})),
}


@pytest.mark.parametrize(("old", "new"), BREAKS_A_REQUEST.values(), ids=BREAKS_A_REQUEST.keys())
def test_what_breaks_a_request_alone_is_found(old: Json, new: Json) -> None:
    assert _request(old, new) != []


@pytest.mark.parametrize(("old", "new"), BREAKS_AN_ANSWER.values(), ids=BREAKS_AN_ANSWER.keys())
def test_what_breaks_an_answer_alone_is_found(old: Json, new: Json) -> None:
    assert _answer(old, new) != []


HARMLESS_IN_A_REQUEST: dict[str, tuple[Json, Json]] = {
    "a new field of a closed object": (CLOSED, _fields(a=TEXT, b=TEXT) | {"additionalProperties": False}),
    "a new field of a closed object that needs another": (
        CLOSED,
        _fields(a=TEXT, b=TEXT) | {"additionalProperties": False, "dependentRequired": {"b": ["a"]}},
    ),
    "a new field of anything in an open object": (_fields(a=TEXT), _fields(a=TEXT, b={"description": "Words"})),
    "a new field that takes all that a map had": (
        OBJECT | {"additionalProperties": TEXT},
        _fields(b=MAYBE) | {"additionalProperties": TEXT},
    ),
    "anything in the place of an object": (_fields(a=_fields(b=TEXT)), _fields(a={"description": "It is not looked at"})),
    "a closed object that is open now": (CLOSED, _fields(a=TEXT)),
    "a closed object that is a map now": (CLOSED, CLOSED | {"additionalProperties": TEXT}),
    "a field that is only written": (_fields(a=TEXT), _fields(a=TEXT | {"writeOnly": True})),
    "a field that is not only read": (_fields(a=TEXT | {"readOnly": True}), _fields(a=TEXT)),
    "a field that was needed and has a default": (_fields("a", a=TEXT), _fields(a=TEXT | {"default": "a"})),
}
HARMLESS_IN_AN_ANSWER: dict[str, tuple[Json, Json]] = {
    "a new field of an open object": (_fields(a=TEXT), _fields("b", a=TEXT, b=TEXT)),
    "a new field of a closed object": (CLOSED, _fields(a=TEXT, b=TEXT) | {"additionalProperties": False}),
    "a closed object that is open now": (CLOSED, _fields(a=TEXT)),
    "a map that is closed now": (OBJECT | {"additionalProperties": TEXT}, OBJECT | {"additionalProperties": False}),
    "a field that is only read": (_fields(a=TEXT), _fields(a=TEXT | {"readOnly": True})),
    "a field that is not only written": (_fields(a=TEXT | {"writeOnly": True}), _fields(a=TEXT)),
    "another default of a field": (_fields(a=TEXT | {"default": "a"}), _fields(a=TEXT | {"default": "b"})),
}


@pytest.mark.parametrize(("old", "new"), HARMLESS_IN_A_REQUEST.values(), ids=HARMLESS_IN_A_REQUEST.keys())
def test_what_breaks_no_request_passes(old: Json, new: Json) -> None:
    assert _request(old, new) == []


@pytest.mark.parametrize(("old", "new"), HARMLESS_IN_AN_ANSWER.values(), ids=HARMLESS_IN_AN_ANSWER.keys())
def test_what_breaks_no_answer_passes(old: Json, new: Json) -> None:
    assert _answer(old, new) == []


@pytest.mark.parametrize("keyword", [{"not": TEXT}, {"oneOf": [TEXT]}, {"allOf": [TEXT]}, {"exclusiveMinimum": 0}], ids=str)
@pytest.mark.parametrize("schema", [TEXT, MAYBE, _named("Text")], ids=["a type", "alternatives", "a name"])
def test_what_the_gate_cannot_judge_is_refused(schema: Json, keyword: Json) -> None:
    assert _request(schema, schema | keyword) != []
    assert _answer(schema, schema | keyword) != []


TWICE: dict[str, Json] = {
    "fields": _named("Open") | {"properties": {"a": {"maxLength": 5}}},
    "a type": MAYBE | {"type": "string"},
    "alternatives": _named("Maybe") | {"anyOf": [TEXT, NOTHING]},
}


@pytest.mark.parametrize("schema", TWICE.values(), ids=TWICE.keys())
def test_what_is_said_twice_and_differs_is_refused(schema: Json) -> None:
    assert "allOf" in str(_request(schema, schema))


def test_an_open_list_of_values_is_open_to_texts_alone() -> None:
    codes: Json = {"ErrorCode": {"type": "string", "enum": ["gone"]}}
    old, new = (_contract(_named("ErrorCode"), of_request=False) | {"components": {"schemas": codes}} for _ in range(2))
    new["components"] = {"schemas": {"ErrorCode": {"anyOf": [codes["ErrorCode"], TEXT | {"enum": ["late"]}]}}}
    assert broken(old, new) == []
    new["components"] = {"schemas": {"ErrorCode": {"anyOf": [codes["ErrorCode"], NOTHING]}}}
    assert broken(old, new) != []
