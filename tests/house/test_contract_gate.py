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
Change = Callable[[Json], object]
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


def _get(document: Json) -> Json:
    return _operation(document, TASKS, "get")


def _scheme(document: Json, name: str) -> Json:
    found: Json = document["components"]["securitySchemes"][name]
    return found


def _flow(document: Json) -> Json:
    found: Json = _scheme(document, "Sign-in")["flows"]["password"]
    return found


def _header(document: Json) -> Json:
    headers: Json = _operation(document, TASKS, "post")["responses"]["201"]["headers"]
    found: Json = headers["Location"]
    return found


def _rename(document: Json, name: str, renamed: str) -> None:
    text = json.dumps(document).replace(f'/schemas/{name}"', f'/schemas/{renamed}"')
    document.update(json.loads(text))
    schemas = document["components"]["schemas"]
    schemas[renamed] = schemas.pop(name)


BREAKS: dict[str, Change] = {
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
    "a way in": lambda d: _get(d)["security"].remove({"API-token": []}),
    "two ways in that are needed together": lambda d: _get(d).update(security=[{"Sign-in": ["tasks:read"], "API-token": []}]),
    "a scope that one way in needs now": lambda d: _get(d)["security"][1].update({"API-token": ["tasks:read"]}),
    "another scope of a way in": lambda d: _get(d)["security"][0].update({"Sign-in": ["tasks:write"]}),
    "all ways in": lambda d: _get(d).update(security=[]),
    "the way in, of which everybody may be in no need": lambda d: _get(d).update(security=[{}]),
    "a security scheme": lambda d: d["components"]["securitySchemes"].pop("API-token"),
    "all security schemes": lambda d: d["components"].pop("securitySchemes"),
    "another type of a security scheme": lambda d: _scheme(d, "API-token").update(type="apiKey"),
    "another scheme of a security scheme": lambda d: _scheme(d, "API-token").update(scheme="basic"),
    "a flow": lambda d: _scheme(d, "Sign-in")["flows"].update(clientCredentials=_scheme(d, "Sign-in")["flows"].pop("password")),
    "another place of tokens": lambda d: _flow(d).update(tokenUrl="/token"),
    "another place of new tokens": lambda d: _flow(d).update(refreshUrl="/token"),
    "the place of new tokens": lambda d: _flow(d).pop("refreshUrl"),
    "a schema": lambda d: d["components"]["schemas"].pop("Overview"),
    "a name of a schema": lambda d: _rename(d, "TaskView", "ShownTask"),
    "the name of the API": lambda d: d["info"].update(title="To-dos"),
    "a first tag": lambda d: _get(d)["tags"].insert(0, "to-dos"),
    "all tags": lambda d: _get(d).pop("tags"),
    "another style of a parameter": lambda d: _parameter(d, TASKS, "order").update(style="pipeDelimited"),
    "a parameter that is taken apart": lambda d: _parameter(d, TASKS, "order").update(explode=False),
    "a parameter with reserved characters": lambda d: _parameter(d, TASKS, "order").update(allowReserved=True),
    "a parameter in another format": lambda d: _parameter(d, TASKS, "order").update(
        content={"application/json": {"schema": _parameter(d, TASKS, "order").pop("schema")}}
    ),
    "a parameter of a whole path that is needed": lambda d: d["paths"][TASKS].update(
        parameters=[{"in": "query", "name": "mood", "required": True, "schema": {"type": "string"}}]
    ),
    "another schema of a header": lambda d: _header(d)["schema"].update(type="integer"),
    "any header where a text was": lambda d: _header(d).update(schema={}),
    "another style of a header": lambda d: _header(d).update(explode=True),
    "a header in another format": lambda d: _header(d).update(content={"text/plain": {"schema": _header(d).pop("schema")}}),
    "how a field of a form is written": lambda d: _operation(d, "/api/v1/auth/token", "post")["requestBody"]["content"][
        "application/x-www-form-urlencoded"
    ].update(encoding={"scope": {"style": "spaceDelimited"}}),
    "a body that stands elsewhere": lambda d: _operation(d, TASKS, "post").update(
        requestBody={"$ref": "#/components/requestBodies/NewTask"}
    ),
    "a header that stands elsewhere": lambda d: _operation(d, TASKS, "post")["responses"]["201"]["headers"].update(
        Location={"$ref": "headers.json#/Location"}
    ),
    "a schema that stands elsewhere": lambda d: _property(d, "NewTask", "mood", **{"$ref": "moods.json"}),
    "another server": lambda d: d.update(servers=[{"url": "/v2"}]),
    "another server of a path": lambda d: d["paths"][TASKS].update(servers=[{"url": "/v2"}]),
    "another server of an operation": lambda d: _get(d).update(servers=[{"url": "/v2"}, {"url": "/"}]),
    "a sign-in that is needed now": lambda d: _operation(d, "/healthz", "get").update(security=[{"Any": []}]),
    "what the gate cannot judge": lambda d: _property(d, "NewTask", "title", oneOf=[]),
}


@pytest.mark.parametrize("breaks", BREAKS.values(), ids=BREAKS.keys())
def test_what_breaks_a_client_is_found(breaks: Change) -> None:
    new = deepcopy(SOME)
    breaks(new)
    assert broken(SOME, new) != []


def _has_servers(document: Json) -> None:
    document["servers"] = [{"url": "https://one.example"}, {"url": "https://two.example", "description": "Another"}]


def _is_secure(document: Json) -> None:
    document["security"] = _get(document).pop("security")


def _path_has_a_parameter(document: Json) -> None:
    document["paths"][TASKS]["parameters"] = [{"in": "query", "name": "mood", "schema": {"type": "string"}}]


def _is_written_in_json(document: Json) -> None:
    parameter = _parameter(document, TASKS, "order")
    parameter["content"] = {"application/json": {"schema": parameter.pop("schema")}}


def _has_a_key(document: Json) -> None:
    document["components"]["securitySchemes"]["Key"] = {"type": "apiKey", "in": "header", "name": "X-Key"}


BREAKS_OF_OTHERS: dict[str, tuple[Change, Change]] = {
    "a body that is needed now": (
        lambda d: _operation(d, "/api/v1/auth/me", "delete")["requestBody"].pop("required"),
        lambda d: _operation(d, "/api/v1/auth/me", "delete")["requestBody"].update(required=True),
    ),
    "a header that is not always there": (
        lambda d: _header(d).update(required=True),
        lambda d: _header(d).update(required=False),
    ),
    "a tag where there was none": (lambda d: _get(d).pop("tags"), lambda d: _get(d).update(tags=["to-dos"])),
    "servers": (_has_servers, lambda d: d.pop("servers")),
    "a server": (_has_servers, lambda d: d["servers"].pop()),
    "another order of servers": (_has_servers, lambda d: d["servers"].reverse()),
    "the servers, in one operation": (_has_servers, lambda d: _get(d).update(servers=[{"url": "/"}])),
    "a way in of the whole": (_is_secure, lambda d: d["security"].pop()),
    "all ways in of the whole": (_is_secure, lambda d: d.pop("security")),
    "other ways in of the whole": (_is_secure, lambda d: d.update(security=[{"Sign-in": ["tasks:write"]}])),
    "the ways in of the whole, in one operation": (_is_secure, lambda d: _get(d).update(security=[{"Sign-in": ["admin"]}])),
    "a sign-in for the whole": (lambda d: None, lambda d: d.update(security=[{"API-token": []}])),
    "a parameter of a path": (_path_has_a_parameter, lambda d: d["paths"][TASKS].pop("parameters")),
    "a parameter of a path that is another": (
        _path_has_a_parameter,
        lambda d: d["paths"][TASKS]["parameters"][0]["schema"].update(type="integer"),
    ),
    "another schema of a parameter in JSON": (
        _is_written_in_json,
        lambda d: _parameter(d, TASKS, "order")["content"]["application/json"]["schema"].update(enum=["newest"]),
    ),
    "the format of a parameter in JSON": (
        _is_written_in_json,
        lambda d: _parameter(d, TASKS, "order")["content"].update(
            {"text/plain": _parameter(d, TASKS, "order")["content"].pop("application/json")}
        ),
    ),
    "another place of a key": (_has_a_key, lambda d: _scheme(d, "Key").update({"in": "query"})),
    "another name of a key": (_has_a_key, lambda d: _scheme(d, "Key").update(name="X-Token")),
}
"""What the present contract has no example of, and a later one may have: it is given first, and then it is broken."""


@pytest.mark.parametrize(("gives", "breaks"), BREAKS_OF_OTHERS.values(), ids=BREAKS_OF_OTHERS.keys())
def test_what_breaks_a_client_of_another_release_is_found(gives: Change, breaks: Change) -> None:
    old = deepcopy(SOME)
    gives(old)
    new = deepcopy(old)
    assert broken(old, new) == []
    breaks(new)
    assert broken(old, new) != []


ADDITIONS: dict[str, Change] = {
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
    "a way in without a sign-in": lambda d: _get(d)["security"].append({}),
    "a scope that is not needed any more": lambda d: _get(d)["security"][0].update({"Sign-in": []}),
    "a security scheme": lambda d: d["components"]["securitySchemes"].update(Key={"type": "mutualTLS"}),
    "a flow": lambda d: _scheme(d, "Sign-in")["flows"].update(clientCredentials={"tokenUrl": "/token", "scopes": {}}),
    "a schema": lambda d: d["components"]["schemas"].update(Board={"type": "object"}),
    "a second tag": lambda d: _get(d)["tags"].append("to-dos"),
    "a parameter of a whole path": _path_has_a_parameter,
    "a parameter of each operation, said for the whole path": lambda d: d["paths"][ONE].update(
        parameters=[_operation(d, ONE, "get")["parameters"].pop(0)]
    ),
    "how a parameter is written anyway": lambda d: _parameter(d, TASKS, "order").update(
        style="form", explode=True, allowReserved=False
    ),
    "how a header is written anyway": lambda d: _header(d).update(style="simple", explode=False),
    "a header": lambda d: _operation(d, TASKS, "post")["responses"]["201"]["headers"].update(Age={"schema": {"type": "integer"}}),
    "a header that is always there": lambda d: _header(d).update(required=True),
    "a header of one form": lambda d: _header(d)["schema"].update(format="uri-reference"),
    "the server that it is anyway": lambda d: d.update(servers=[{"url": "/", "description": "Here"}]),
    "a second server": lambda d: d.update(servers=[{"url": "/"}, {"url": "https://two.example"}]),
    "the ways in, said for the whole": lambda d: d.update(security=[{}]),
    "words about a path": lambda d: d["paths"][TASKS].update(summary="Tasks", description="All of them"),
    "words about security": lambda d: (
        _scheme(d, "API-token").update(description="A token", bearerFormat="opaque"),
        _flow(d)["scopes"].update(admin="Everything"),
    ),
    "other words": lambda d: _operation(d, TASKS, "get").update(summary="All of them", description="All of them"),
}


@pytest.mark.parametrize("adds", ADDITIONS.values(), ids=ADDITIONS.keys())
def test_what_breaks_no_client_may_be_added(adds: Change) -> None:
    new = deepcopy(SOME)
    adds(new)
    assert new != SOME
    assert broken(SOME, new) == []
