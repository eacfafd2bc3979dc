"""What a client of the last release would miss in the contract of today: nothing, or the change does not land.

A schema is compared by who sends. A request is sent by the old client: whatever the released schema let it say is still taken. An
answer is sent by the new server: whatever it says is what the released schema promised. So both are one question, asked with the
sides exchanged: does the receiver take all that the sender may say?
"""

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

Json = dict[str, Any]

OPEN = {"ErrorCode"}
"""Answers may have new values of these, and the description says so to clients. A value that was there stays."""

_CODES = re.compile(r"^- `(\w+)`:", re.MULTILINE)
_LOWER = ("minLength", "minimum", "minItems")
_UPPER = ("maxLength", "maximum", "maxItems")
_EXACT = ("format", "pattern", "const", "multipleOf", "uniqueItems", "dependentRequired")
_SAYS_NOTHING = ("description", "default", "example", "examples", "writeOnly", "readOnly", "deprecated", "title")
_KNOWN = {"type", "enum", "properties", "required", "items", "additionalProperties", "anyOf", *_LOWER, *_UPPER, *_EXACT}


class Side(NamedTuple):
    """One schema of two: whose contract it is of, to follow its references."""

    document: Json
    schema: Json

    def name(self) -> str:
        return str(self.schema.get("$ref", "")).rpartition("/")[2]

    def below(self, schema: Json) -> "Side":
        return Side(self.document, schema)

    def alternatives(self) -> list["Side"]:
        if "$ref" in self.schema:
            return self.below(self.document["components"]["schemas"][self.name()]).alternatives()
        return (
            [one for each in self.schema["anyOf"] for one in self.below(each).alternatives()]
            if "anyOf" in self.schema
            else [self]
        )


def broken(old: Json, new: Json) -> list[str]:
    """Lists what was in the old contract and is not in the new one, each with its place."""
    return sorted(set(_document(old, new)))


def _document(old: Json, new: Json) -> Iterator[str]:
    for path, methods in old["paths"].items():
        for method, operation in methods.items():
            where = f"{method.upper()} {path}"
            now = new["paths"].get(path, {}).get(method)
            if now is None:
                yield f"{where} went away"
            else:
                yield from (f"{where}: {what}" for what in _operation(old, operation, new, now))
    gone = _scopes(old) - _scopes(new)
    yield from (f"scope {scope} went away" for scope in gone)


def _scopes(document: Json) -> set[str]:
    schemes = document["components"].get("securitySchemes", {}).values()
    return {scope for scheme in schemes for flow in scheme.get("flows", {}).values() for scope in flow["scopes"]}


def _operation(old: Json, before: Json, new: Json, now: Json) -> Iterator[str]:
    if before["operationId"] != now["operationId"]:
        yield f"operation id {before['operationId']} became {now['operationId']}"
    if before.get("tags") != now.get("tags"):  # generated clients name their modules by it
        yield f"tags {before.get('tags')} became {now.get('tags')}"
    # Any one of the ways in is enough, and what they are called is no client's business.
    ways, ways_now = before.get("security", [{}]), now.get("security", [{}])
    if {} in ways and {} not in ways_now:
        yield "needs a sign-in"
    yield from (f"needs the scope {scope}" for scope in _needed(ways_now) - _needed(ways))
    yield from _parameters(old, before, new, now)
    yield from _body(old, before, new, now)
    for status, answer in before["responses"].items():
        if status not in now["responses"]:
            yield f"status {status} went away"
        else:
            yield from (f"{status}: {what}" for what in _answer(old, answer, new, now["responses"][status]))


def _needed(ways: list[dict[str, list[str]]]) -> set[str]:
    return {scope for way in ways for scopes in way.values() for scope in scopes}


def _parameters(old: Json, before: Json, new: Json, now: Json) -> Iterator[str]:
    sent, taken = ({(one["in"], one["name"]): one for one in each.get("parameters", ())} for each in (before, now))
    for key in sent.keys() - taken.keys():
        yield f"{key[0]} parameter {key[1]} went away"
    for key, parameter in taken.items():
        was = sent.get(key)
        where = f"{key[0]} parameter {key[1]}"
        if parameter.get("required") and not (was or {}).get("required"):
            yield f"{where} is newly required"
        if was is not None:
            if was["schema"].get("default") != parameter["schema"].get("default"):
                yield f"{where}: another default"
            yield from misfits(Side(old, was["schema"]), Side(new, parameter["schema"]), where, old_sends=True)


def _body(old: Json, before: Json, new: Json, now: Json) -> Iterator[str]:
    sent, taken = before.get("requestBody", {}), now.get("requestBody", {})
    if taken.get("required") and not sent.get("required"):
        yield "the body is newly required"
    for media_type, content in sent.get("content", {}).items():
        if media_type not in taken.get("content", {}):
            yield f"a body of {media_type} went away"
        else:
            schema = taken["content"][media_type]["schema"]
            yield from misfits(Side(old, content["schema"]), Side(new, schema), "body", old_sends=True)


def _answer(old: Json, before: Json, new: Json, now: Json) -> Iterator[str]:
    codes = set(_CODES.findall(before["description"])) - set(_CODES.findall(now["description"]))
    yield from (f"code {code} went away" for code in codes)
    yield from (f"header {name} went away" for name in before.get("headers", {}).keys() - now.get("headers", {}).keys())
    if "content" in now and "content" not in before:
        yield "an answer without a body has one"
    for media_type, content in before.get("content", {}).items():
        if media_type not in now.get("content", {}):
            yield f"an answer of {media_type} went away"
        else:
            schema = now["content"][media_type]["schema"]
            yield from misfits(Side(new, schema), Side(old, content["schema"]), "answer", old_sends=False)


def misfits(sender: Side, receiver: Side, where: str, *, old_sends: bool, seen: frozenset[str] = frozenset()) -> list[str]:
    """Lists what the sender may say and the receiver does not take. The nearest of the receiver's alternatives is named."""
    if sender.name() and sender.name() in seen:
        return []
    seen |= {sender.name()}
    if receiver.name() in OPEN and not old_sends:
        was, now = (set(side.alternatives()[0].schema["enum"]) for side in (receiver, sender))
        return [f"{where}: {value} went away" for value in was - now]
    found: list[str] = []
    for said in sender.alternatives():
        tried: list[list[str]] = [list(_one(said, taken, where, old_sends, seen)) for taken in receiver.alternatives()]
        nearest = min(tried, key=len)
        found += nearest
    return found


def _one(sender: Side, receiver: Side, where: str, old_sends: bool, seen: frozenset[str]) -> Iterator[str]:
    said, taken = sender.schema, receiver.schema
    unknown = (said.keys() | taken.keys()) - _KNOWN - set(_SAYS_NOTHING)
    yield from (f"{where}: the gate does not know what {key} means" for key in unknown)
    if not _types(said) <= _types(taken):
        yield (
            f"{where}: {_named(said)}, where only {_named(taken)} was"
            if not old_sends
            else f"{where}: no {_named(said)} any more"
        )
        return
    if "enum" in taken and not set(said.get("enum", ["any other"])) <= set(taken["enum"]):
        values = sorted(set(said.get("enum", ["any other"])) - set(taken["enum"]))
        yield f"{where}: {values} {'is refused' if old_sends else 'is new'}"
    for keys, tighter in ((_LOWER, 1), (_UPPER, -1)):
        for key in taken.keys() & set(keys):
            if key not in said or (taken[key] - said[key]) * tighter > 0:
                yield f"{where}: {key} is narrower"
    yield from (f"{where}: another {key}" for key in _EXACT if key in taken and taken[key] != said.get(key))
    yield from _object(sender, receiver, where, old_sends, seen)


def _object(sender: Side, receiver: Side, where: str, old_sends: bool, seen: frozenset[str]) -> Iterator[str]:
    said, taken = (side.schema.get("properties", {}) for side in (sender, receiver))
    old, new = (said, taken) if old_sends else (taken, said)
    yield from (f"{where}.{name} went away" for name in old.keys() - new.keys())
    for name in set(receiver.schema.get("required", ())) - set(sender.schema.get("required", ())):
        if old_sends or name in new:
            yield f"{where}.{name} is {'newly required' if old_sends else 'no longer always there'}"
    for name in said.keys() & taken.keys():
        yield from misfits(
            sender.below(said[name]), receiver.below(taken[name]), f"{where}.{name}", old_sends=old_sends, seen=seen
        )
    if "items" in receiver.schema:
        items, items_taken = (side.below(side.schema.get("items", {})) for side in (sender, receiver))
        yield from misfits(items, items_taken, f"{where}[]", old_sends=old_sends, seen=seen)
    more_said, more_taken = (side.schema.get("additionalProperties", True) for side in (sender, receiver))
    if old_sends and more_taken is False and more_said is not False:
        yield f"{where}: takes no other properties any more"
    if isinstance(more_taken, dict):
        below = sender.below(more_said if isinstance(more_said, dict) else {})
        yield from misfits(below, receiver.below(more_taken), f"{where}.*", old_sends=old_sends, seen=seen)


def _types(schema: Json) -> set[str]:
    """The types that a schema allows; each one where it names none. A whole number is a number as well."""
    every = {"string", "number", "integer", "boolean", "null", "object", "array"}
    kind = schema.get("type")
    types = every if kind is None else {kind} if isinstance(kind, str) else set(kind)
    return types | {"integer"} if "number" in types else types


def _named(schema: Json) -> str:
    return str(schema.get("type", "any type"))
