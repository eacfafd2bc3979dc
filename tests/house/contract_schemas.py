"""What a sender may say and a receiver does not take, by the schema of each. tests/house/contract_gate.py says who is who.

A reference and `anyOf` count together with what stands beside them (JSON Schema 2020-12, which is that of OpenAPI 3.1). So a
schema is first written out as alternatives that each say all of it, and then each of the sender's is held to the receiver's.
"""

import json
from collections.abc import Iterator
from math import inf
from typing import Any, NamedTuple

Json = dict[str, Any]

OPEN = {"ErrorCode"}
"""Answers may have new values of these, and the description says so to clients. A value that was there stays."""

# What a keyword means where it is left out.
_LOWER = {"minLength": 0, "minItems": 0, "minProperties": 0, "minimum": -inf}
_UPPER = {"maxLength": inf, "maxItems": inf, "maxProperties": inf, "maximum": inf}
_EXACT = {"format": None, "pattern": None, "multipleOf": None, "uniqueItems": False}

_EVERY = {"string", "number", "integer", "boolean", "null", "object", "array"}
_ABOUT = {
    key: types
    for types, keys in (
        ({"string"}, ("minLength", "maxLength", "pattern")),
        ({"string", "integer"}, ("format",)),
        ({"integer"}, ("minimum", "maximum", "multipleOf")),  # where numbers are, whole ones are
        ({"array"}, ("items", "minItems", "maxItems", "uniqueItems")),
        ({"object"}, ("properties", "required", "dependentRequired", "additionalProperties", "minProperties", "maxProperties")),
    )
    for key in keys
}
"""The types of the values that a keyword is about. To any other value it says nothing."""

_SAYS_NOTHING = {"description", "default", "example", "examples", "deprecated", "title"}
_KNOWN = {"type", "enum", "readOnly", "writeOnly", *_ABOUT, *_SAYS_NOTHING}


class Side(NamedTuple):
    """One schema of two: whose contract it is of, to follow its references."""

    document: Json
    schema: Json

    def name(self) -> str:
        return str(self.schema.get("$ref", "")).rpartition("/")[2]

    def below(self, schema: Json) -> "Side":
        return Side(self.document, schema)

    def alternatives(self) -> list[Json]:
        beside = {key: value for key, value in self.schema.items() if key not in ("$ref", "anyOf", "const")}
        if "const" in self.schema:
            beside = _both(beside, {"enum": [self.schema["const"]]})
        ways = [beside]
        if "$ref" in self.schema:
            named = self.below(self.document["components"]["schemas"][self.name()])
            ways = [_both(way, one) for way in ways for one in named.alternatives()]
        if "anyOf" in self.schema:
            ones = [one for each in self.schema["anyOf"] for one in self.below(each).alternatives()]
            ways = [_both(way, one) for way in ways for one in ones]
        return ways


def _both(one: Json, other: Json) -> Json:
    """Writes two schemas as one, which takes what both take. Where that is not known, it says `allOf`, and no gate opens."""
    both = other | one
    for key in one.keys() & other.keys() - _SAYS_NOTHING:
        if key == "type" and _types(one) & _types(other):
            both[key] = sorted(_types(one) & _types(other))
        elif key == "required":
            both[key] = sorted({*one[key], *other[key]})
        elif key == "enum":
            both[key] = [value for value in one[key] if json.dumps(value) in _values(other)]
        elif key in _LOWER:
            both[key] = max(one[key], other[key])
        elif key in _UPPER:
            both[key] = min(one[key], other[key])
        elif one[key] != other[key]:
            both["allOf"] = [one, other]
    return both


def misfits(
    sender: Side, receiver: Side, where: str, *, old_sends: bool, seen: tuple[tuple[Json, Json], ...] = ()
) -> Iterator[str]:
    """Lists what the sender may say and the receiver does not take. The nearest of the receiver's alternatives is named."""
    pair = (sender.schema, receiver.schema)
    if pair in seen:  # schemas that mean themselves: these two are being compared already
        return
    seen = (*seen, pair)
    ways, ways_taken = sender.alternatives(), receiver.alternatives()
    if receiver.name() in OPEN and not old_sends:
        now, was = ({value for one in each for value in _values(one)} for each in (ways, ways_taken))
        yield from (f"{where}: {value} went away" for value in was - now)
        ways_taken = [{key: value for key, value in one.items() if key != "enum"} for one in ways_taken]
    for said in ways:
        tried = [list(_one(sender.below(said), receiver.below(taken), where, old_sends, seen)) for taken in ways_taken]
        yield from min(tried, key=len)


def _one(sender: Side, receiver: Side, where: str, old_sends: bool, seen: tuple[tuple[Json, Json], ...]) -> Iterator[str]:
    types = _types(sender.schema)
    said, taken = (
        {key: value for key, value in side.schema.items() if types & _ABOUT.get(key, _EVERY)} for side in (sender, receiver)
    )
    if not taken.keys() - _SAYS_NOTHING:  # it takes anything
        return
    yield from (f"{where}: the gate does not know what {key} means" for key in (said.keys() | taken.keys()) - _KNOWN)
    if not types <= _types(taken):
        yield (
            f"{where}: no {_named(said)} any more" if old_sends else f"{where}: {_named(said)}, where only {_named(taken)} was"
        )
        return
    if "enum" in taken and not _values(said) <= _values(taken):
        yield f"{where}: {sorted(_values(said) - _values(taken))} {'is refused' if old_sends else 'is new'}"
    yield from (f"{where}: {key} is narrower" for key, free in _LOWER.items() if taken.get(key, free) > said.get(key, free))
    yield from (f"{where}: {key} is narrower" for key, free in _UPPER.items() if taken.get(key, free) < said.get(key, free))
    for key, free in _EXACT.items():
        if taken.get(key, free) not in (free, said.get(key, free)):
            yield f"{where}: another {key}"
    # A server takes no heed of what is only read, and does not send what is only written.
    mark, now, was = ("readOnly", taken, said) if old_sends else ("writeOnly", said, taken)
    if now.get(mark) and not was.get(mark):
        yield f"{where}: {mark} is new"
    yield from _object(sender.below(said), receiver.below(taken), where, old_sends, seen)
    if "items" in taken:
        items = sender.below(said.get("items", {})), receiver.below(taken["items"])
        yield from misfits(*items, f"{where}[]", old_sends=old_sends, seen=seen)


def _object(sender: Side, receiver: Side, where: str, old_sends: bool, seen: tuple[tuple[Json, Json], ...]) -> Iterator[str]:
    said, taken = (side.schema.get("properties", {}) for side in (sender, receiver))
    gone = said.keys() - taken.keys() if old_sends else taken.keys() - said.keys()
    yield from (f"{where}.{name} went away" for name in gone)
    always, needed = (set(side.schema.get("required", ())) for side in (sender, receiver))
    yield from (f"{where}.{name} is {'newly required' if old_sends else 'no longer always there'}" for name in needed - always)
    others, others_taken = _others(sender), _others(receiver)
    for name, other in _together(receiver) - _together(sender):
        if name in said or others is not None:
            yield f"{where}.{name} {'newly needs' if old_sends else 'is no longer always with'} {other}"
    if others is not None and others_taken is None and old_sends:
        yield f"{where}: takes no other properties any more"
    # A property that one side alone declares is to the other side one of those that it does not name.
    pairs = {name: (said.get(name, others), taken.get(name, others_taken)) for name in said.keys() | taken.keys()}
    for name, (one, one_taken) in (pairs | {"*": (others, others_taken)}).items():
        if one is not None and one_taken is not None:
            below = sender.below(one), receiver.below(one_taken)
            yield from misfits(*below, f"{where}.{name}", old_sends=old_sends, seen=seen)
    for name in said.keys() & taken.keys() - always:
        if old_sends and said[name].get("default") != taken[name].get("default"):
            yield f"{where}.{name}: another default"


def _others(side: Side) -> Json | None:
    """The schema of properties that are not declared; None where there are none."""
    others = side.schema.get("additionalProperties", True)
    return None if others is False else {} if others is True else others


def _together(side: Side) -> set[tuple[str, str]]:
    return {(name, other) for name, others in side.schema.get("dependentRequired", {}).items() for other in others}


def _types(schema: Json) -> set[str]:
    """The types that a schema allows; each one where it names none. A whole number is a number as well."""
    kind = schema.get("type")
    types = _EVERY if kind is None else {kind} if isinstance(kind, str) else set(kind)
    return types | {"integer"} if "number" in types else types


def _values(schema: Json) -> set[str]:
    """The values that a schema lists, in JSON: to Python, true is 1."""
    return {json.dumps(value) for value in schema["enum"]} if "enum" in schema else {"any other"}


def _named(schema: Json) -> str:
    return str(schema.get("type", "any type"))
