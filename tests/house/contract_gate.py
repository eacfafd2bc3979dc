"""What a client of the last release would miss in the contract of today: nothing, or the change does not land.

A schema is compared by who sends. A request is sent by the old client: whatever the released schema let it say is still taken. An
answer is sent by the new server: whatever it says is what the released schema promised. So both are one question, asked with the
sides exchanged: does the receiver take all that the sender may say?
"""

import json
import re
from collections.abc import Iterator

from tests.house.contract_schemas import Json, Side, misfits

_CODES = re.compile(r"^- `(\w+)`:", re.MULTILINE)
_ELSEWHERE = re.compile(r'"\$ref": "((?!#/components/schemas/[\w.-]+")[^"]*)"')
_METHODS = {"get", "put", "post", "delete", "options", "head", "patch", "trace"}
_WORDS = {"description", "bearerFormat"}
"""What no program reads of a security scheme."""


def broken(old: Json, new: Json) -> list[str]:
    """Lists what was in the old contract and is not in the new one, each with its place."""
    return sorted(set(_document(old, new)))


def _document(old: Json, new: Json) -> Iterator[str]:
    yield from (f"the gate does not follow {reference}" for reference in _ELSEWHERE.findall(json.dumps(new)))
    # Generated clients name their package, and their types, by these.
    if old["info"]["title"] != new["info"]["title"]:
        yield f"the title became {new['info']['title']}"
    schemas, schemas_now = (each["components"]["schemas"] for each in (old, new))
    yield from (f"schema {name} went away" for name in schemas.keys() - schemas_now.keys())
    operations = _operations(new)
    for place, operation in _operations(old).items():
        if place not in operations:
            yield f"{place} went away"
        else:
            yield from (f"{place}: {what}" for what in _operation(old, operation, new, operations[place]))
    schemes, schemes_now = (each["components"].get("securitySchemes", {}) for each in (old, new))
    for name, scheme in schemes.items():
        yield from (f"security scheme {name}: {what}" for what in _scheme(scheme, schemes_now.get(name, {})))


def _operations(document: Json) -> dict[str, Json]:
    """Finds each operation, and writes into it what it has from its path, from the document, or from OpenAPI itself."""
    return {
        f"{method.upper()} {path}": operation
        | {
            "parameters": [*item.get("parameters", ()), *operation.get("parameters", ())],
            "security": operation.get("security", document.get("security")) or [{}],
            "servers": [
                server | {"description": ""}
                for server in operation.get("servers") or item.get("servers") or document.get("servers") or [{"url": "/"}]
            ],
            "tags": operation.get("tags") or ["default"],
        }
        for path, item in document["paths"].items()
        for method, operation in item.items()
        if method in _METHODS
    }


def _operation(old: Json, before: Json, new: Json, now: Json) -> Iterator[str]:
    if before["operationId"] != now["operationId"]:
        yield f"operation id {before['operationId']} became {now['operationId']}"
    # Generated clients name a module by each tag, or by the first alone, and call the first server.
    for key in ("tags", "servers"):
        if now[key][: len(before[key])] != before[key]:
            yield f"{key} {before[key]} became {now[key]}"
    for way in before["security"]:
        if not any(_gets_in(way, needed) for needed in now["security"]):
            yield f"{way or 'no sign-in'} is not enough any more"
    yield from _parameters(old, before, new, now)
    sent, taken = before.get("requestBody", {}), now.get("requestBody", {})
    if taken.get("required") and not sent.get("required"):
        yield "the body is newly required"
    yield from _contents(old, sent, new, taken, "body", old_sends=True)
    for status, answer in before["responses"].items():
        if status not in now["responses"]:
            yield f"status {status} went away"
        else:
            yield from (f"{status}: {what}" for what in _answer(old, answer, new, now["responses"][status]))


def _gets_in(way: Json, needed: Json) -> bool:
    """Whether this way in is enough, and still named as one: a generated client sends nothing where nothing is named."""
    return bool(needed) == bool(way) and all(name in way and set(way[name]) >= set(needed[name]) for name in needed)


def _scheme(before: Json, now: Json) -> Iterator[str]:
    yield from _changed(before, now, _WORDS | {"flows"})
    for name, flow in before.get("flows", {}).items():
        flow_now = now.get("flows", {}).get(name, {})
        yield from (f"{name}: {what}" for what in _changed(flow, flow_now, {"scopes"}))
        yield from (f"scope {scope} went away" for scope in flow["scopes"].keys() - flow_now.get("scopes", {}).keys())


def _changed(before: Json, now: Json, but: set[str]) -> Iterator[str]:
    for key in before.keys() - but:
        if before[key] != now.get(key):
            yield f"{key} {before[key]} became {now.get(key, 'nothing')}"


def _parameters(old: Json, before: Json, new: Json, now: Json) -> Iterator[str]:
    sent, taken = ({(one["in"], one["name"]): one for one in each["parameters"]} for each in (before, now))
    for key in sent.keys() - taken.keys():
        yield f"{key[0]} parameter {key[1]} went away"
    for key, parameter in taken.items():
        was = sent.get(key)
        where = f"{key[0]} parameter {key[1]}"
        if parameter.get("required") and not (was or {}).get("required"):
            yield f"{where} is newly required"
        if was is not None:
            default, default_now = (one.get("schema", {}).get("default") for one in (was, parameter))
            if default != default_now and not was.get("required"):
                yield f"{where}: another default"
            yield from _written(old, was, new, parameter, where, old_sends=True)


def _answer(old: Json, before: Json, new: Json, now: Json) -> Iterator[str]:
    codes = set(_CODES.findall(before["description"])) - set(_CODES.findall(now["description"]))
    yield from (f"code {code} went away" for code in codes)
    headers = now.get("headers", {})
    for name, header in before.get("headers", {}).items():
        if name not in headers:
            yield f"header {name} went away"
            continue
        if header.get("required") and not headers[name].get("required"):
            yield f"header {name} is no longer always there"
        yield from _written(old, header, new, headers[name], f"header {name}", old_sends=False)
    if "content" in now and "content" not in before:
        yield "an answer without a body has one"
    yield from _contents(old, before, new, now, "answer", old_sends=False)


def _written(old: Json, before: Json, new: Json, now: Json, where: str, *, old_sends: bool) -> Iterator[str]:
    """Compares two parameters, or two headers: how a value is written there, and which values there are."""
    way, way_now = _style(before), _style(now)
    yield from (f"{where}: {what}" for what in _changed(way, way_now, set()))
    # One that has a schema and no content is text, and has the schema where the content would have it.
    text, text_now = (one if "content" in one else {"content": {"plain text": one}} for one in (before, now))
    yield from _contents(old, text, new, text_now, where, old_sends=old_sends)


def _style(one: Json) -> Json:
    style = one.get("style", "form" if one.get("in") in ("query", "cookie") else "simple")
    flags = {key: one.get(key, False) for key in ("allowReserved", "allowEmptyValue")}
    return {"style": style, "explode": one.get("explode", style == "form"), **flags}


def _contents(old: Json, before: Json, new: Json, now: Json, where: str, *, old_sends: bool) -> Iterator[str]:
    contents = now.get("content", {})
    for media_type, content in before.get("content", {}).items():
        if media_type not in contents:
            yield f"{where} of {media_type} went away"
            continue
        if content.get("encoding", {}) != contents[media_type].get("encoding", {}):
            yield f"{where} of {media_type}: another encoding"
        was, is_now = Side(old, content.get("schema", {})), Side(new, contents[media_type].get("schema", {}))
        yield from misfits(*((was, is_now) if old_sends else (is_now, was)), where, old_sends=old_sends)
