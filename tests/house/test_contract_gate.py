"""Nothing that a release promised goes away: contracts/openapi.json is held to the contract of the last release."""

import json
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from tests.house.contract_gate import broken

CONTRACTS = Path(__file__).parents[2] / "contracts"
Json = dict[str, Any]


def _version(file: Path) -> tuple[int, ...]:
    return tuple(int(part) for part in file.stem.removeprefix("openapi-").split("."))


RELEASED: Json = json.loads(max((CONTRACTS / "released").glob("openapi-*.json"), key=_version).read_text(encoding="utf-8"))
TODAY: Json = json.loads((CONTRACTS / "openapi.json").read_text(encoding="utf-8"))
TASKS = "/api/v1/tasks"
ONE = "/api/v1/tasks/{task_id}"
SOME: Json = RELEASED | {
    "paths": {
        path: RELEASED["paths"][path]
        for path in (TASKS, ONE, "/api/v1/auth/me", "/api/v1/auth/token", "/api/v1/auth/revoke", "/healthz")
    }
}
"""Enough of it for what is planted below: the gate walks over a whole contract for three seconds."""


def test_nothing_that_was_released_went_away() -> None:
    assert broken(RELEASED, TODAY) == [], "CONTRIBUTING.md, under `The contract`, says what to do"


def _schema(document: Json, name: str) -> Json:
    schema: Json = document["components"]["schemas"][name]
    return schema


def _property(document: Json, name: str, key: str, **changed: Any) -> Json:
    properties: Json = _schema(document, name)["properties"]
    properties[key] = properties.get(key, {}) | changed
    return properties


def _parameter(document: Json, path: str, name: str) -> Json:
    found: Json = next(one for one in document["paths"][path]["get"]["parameters"] if one["name"] == name)
    return found


def _operation(document: Json, path: str, method: str) -> Json:
    found: Json = document["paths"][path][method]
    return found


def _no_code(document: Json) -> None:
    answer = _operation(document, ONE, "patch")["responses"]["412"]
    answer["description"] = answer["description"].replace("task_changed", "task_is_newer")


BREAKS: dict[str, Callable[[Json], object]] = {
    "a path": lambda d: d["paths"].pop(ONE),
    "a method": lambda d: d["paths"][ONE].pop("put"),
    "a tag": lambda d: _operation(d, TASKS, "get").update(tags=["to-dos"]),
    "an operation id": lambda d: _operation(d, TASKS, "get").update(operationId="get_tasks"),
    "a parameter": lambda d: _operation(d, TASKS, "get")["parameters"].remove(_parameter(d, TASKS, "order")),
    "a parameter that is needed now": lambda d: _parameter(d, TASKS, "order").update(required=True),
    "a new parameter that is needed": lambda d: _operation(d, TASKS, "get")["parameters"].append(
        {"in": "query", "name": "list", "required": True, "schema": {"type": "string"}}
    ),
    "a value of a parameter": lambda d: _parameter(d, TASKS, "order")["schema"]["enum"].remove("oldest"),
    "a smaller range of a parameter": lambda d: _parameter(d, TASKS, "limit")["schema"].update(maximum=50),
    "another default of a parameter": lambda d: _parameter(d, TASKS, "limit")["schema"].update(default=10),
    "another type of a parameter": lambda d: _parameter(d, TASKS, "completed").update(schema={"type": "string"}),
    "a body that is needed now": lambda d: d.update(
        RELEASED_OPTIONAL=_operation(d, "/api/v1/auth/me", "delete")["requestBody"].pop("required")
    ),
    "a media type of a body": lambda d: _operation(d, TASKS, "post")["requestBody"]["content"].pop("application/json"),
    "a field of a request": lambda d: _schema(d, "NewTask")["properties"].pop("id"),
    "a field of a request that is needed now": lambda d: _schema(d, "NewTask")["required"].append("description"),
    "null in a request": lambda d: _property(d, "TaskChanges", "description", anyOf=[{"type": "string", "maxLength": 16384}]),
    "a shorter text in a request": lambda d: _property(d, "NewTask", "title", maxLength=100),
    "a longest text where there was none": lambda d: _property(d, "TokenEnd", "token_type_hint", maxLength=10),
    "a format in a request": lambda d: _property(d, "NewTask", "title", format="uri"),
    "a value in a request": lambda d: _property(d, "TokenRequest", "grant_type", enum=["password"]),
    "fields that must come together": lambda d: _schema(d, "NewTask").update(dependentRequired={"id": ["description"]}),
    "a status": lambda d: _operation(d, ONE, "get")["responses"].pop("304"),
    "a code of a status": _no_code,
    "a code": lambda d: _schema(d, "ErrorCode")["enum"].remove("task_changed"),
    "a header of an answer": lambda d: _operation(d, TASKS, "post")["responses"]["201"]["headers"].pop("Location"),
    "a body where there was none": lambda d: _operation(d, ONE, "delete")["responses"]["204"].update(
        content={"application/json": {"schema": {"type": "object"}}}
    ),
    "a media type of an answer": lambda d: _operation(d, ONE, "get")["responses"]["200"]["content"].pop("application/json"),
    "a field of an answer": lambda d: (
        _schema(d, "TaskView")["properties"].pop("revision"),
        _schema(d, "TaskView")["required"].remove("revision"),
    ),
    "a field of an answer that is not always there": lambda d: _schema(d, "TaskView")["required"].remove("revision"),
    "null in an answer": lambda d: _property(d, "TaskView", "title", anyOf=[{"type": "string"}, {"type": "null"}]),
    "another type in an answer": lambda d: _property(d, "TaskView", "revision", type="number"),
    "another format in an answer": lambda d: _property(d, "TaskView", "created_at", format="date"),
    "a new value in an answer": lambda d: _property(
        d, "WrongField", "location", enum=["body", "path", "query", "header", "cookie"]
    ),
    "other items in an answer": lambda d: _property(d, "TaskPage", "items", items={"$ref": "#/components/schemas/UserView"}),
    "a scope": lambda d: next(
        scheme["flows"]["password"]["scopes"].pop("admin")
        for scheme in d["components"]["securitySchemes"].values()
        if scheme["type"] == "oauth2"
    ),
    "a scope that is needed now": lambda d: _operation(d, TASKS, "get").update(security=[{"Any": ["admin"]}]),
    "a sign-in that is needed now": lambda d: _operation(d, "/healthz", "get").update(security=[{"Any": []}]),
    "what the gate cannot judge": lambda d: _property(d, "NewTask", "title", oneOf=[]),
}


@pytest.mark.parametrize("breaks", BREAKS.values(), ids=BREAKS.keys())
def test_what_breaks_a_client_is_found(breaks: Callable[[Json], object]) -> None:
    old, new = deepcopy(SOME), deepcopy(SOME)
    breaks(new)
    optional = new.pop("RELEASED_OPTIONAL", None)
    if optional is not None:  # this one is planted in the older contract
        old, new = new, old
    assert broken(old, new) != []


ADDITIONS: dict[str, Callable[[Json], object]] = {
    "a path": lambda d: d["paths"].update({"/api/v1/boards": d["paths"][TASKS]}),
    "a parameter": lambda d: _operation(d, TASKS, "get")["parameters"].append(
        {"in": "query", "name": "list", "schema": {"type": "string"}}
    ),
    "a value of a parameter": lambda d: _parameter(d, TASKS, "order")["schema"]["enum"].append("due"),
    "a field of a request": lambda d: _property(d, "NewTask", "mood", type="integer"),
    "a field of an answer": lambda d: (
        _property(d, "TaskView", "mood", type="integer"),
        _schema(d, "TaskView")["required"].append("mood"),
    ),
    "a longer text in a request": lambda d: _property(d, "NewTask", "title", maxLength=500),
    "null in a request": lambda d: _property(d, "NewTask", "title", anyOf=[{"type": "string"}, {"type": "null"}]),
    "a field of an answer that is always there": lambda d: _schema(d, "ErrorDetails").update(required=["fields"]),
    "a code": lambda d: _schema(d, "ErrorCode")["enum"].append("board_not_found"),
    "a status": lambda d: _operation(d, TASKS, "get")["responses"].update({"410": {"description": "- `gone`: It is gone."}}),
    "a scope": lambda d: next(
        scheme["flows"]["password"]["scopes"].update(lists="Lists")
        for scheme in d["components"]["securitySchemes"].values()
        if scheme["type"] == "oauth2"
    ),
    "a way in": lambda d: _operation(d, TASKS, "get")["security"].append({"ApiToken": []}),
    "other words": lambda d: _operation(d, TASKS, "get").update(summary="All of them", description="All of them"),
}


@pytest.mark.parametrize("adds", ADDITIONS.values(), ids=ADDITIONS.keys())
def test_what_breaks_no_client_may_be_added(adds: Callable[[Json], object]) -> None:
    new = deepcopy(SOME)
    adds(new)
    assert new != SOME
    assert broken(SOME, new) == []
