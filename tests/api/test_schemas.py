"""The schemas of /openapi.json are such that generators make clients of them that compile and do what one expects.

tests/clients/ runs three generators. This holds the reasons, for every schema that is added.
"""

from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import pytest

from taskwell import errors
from taskwell.web import refusals
from tests.support.server import RunningServer

Json = dict[str, Any]


@pytest.fixture
def document(server: RunningServer) -> Json:
    return server.app.openapi()


def _operations(document: Json) -> Iterator[tuple[str, Json]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield f"{method.upper()} {path}", operation


def _within(name: str, schema: Json) -> Iterator[tuple[str, Json]]:
    """A schema and each one below it."""
    yield name, schema
    for key, below in schema.get("properties", {}).items():
        yield from _within(f"{name}.{key}", below)
    for below in schema.get("anyOf", ()):
        yield from _within(name, below)
    for key in ("items", "additionalProperties"):
        if isinstance(schema.get(key), dict):
            yield from _within(f"{name}[]", schema[key])


def _all(document: Json) -> Iterator[tuple[str, Json]]:
    for name, schema in document["components"]["schemas"].items():
        yield from _within(name, schema)


def test_no_schema_of_a_body_has_a_default(document: Json) -> None:
    """openapi-typescript would make the property required: `POST {title}` would not compile."""
    assert [name for name, schema in _all(document) if "default" in schema] == []


def test_what_may_be_left_out_of_a_request_is_optional(document: Json) -> None:
    schemas = document["components"]["schemas"]
    assert schemas["NewTask"]["required"] == ["title"]
    assert schemas["NewTask"]["properties"]["is_completed"] == {"type": "boolean"}
    assert "required" not in schemas["TokenRequest"]


def test_nothing_is_called_by_a_title(document: Json) -> None:
    assert [name for name, schema in _all(document) if isinstance(schema.get("title"), str)] == []
    assert "title" in document["components"]["schemas"]["TaskView"]["properties"], "a property of that name is no title"


def test_no_parameter_and_no_field_of_a_form_is_null(document: Json) -> None:
    forms = set()
    for name, operation in _operations(document):
        for parameter in operation.get("parameters", ()):
            assert {"type": "null"} not in parameter["schema"].get("anyOf", []), (name, parameter)
            assert not {"title", "description"} & parameter["schema"].keys(), (name, parameter)
        for media_type, content in operation.get("requestBody", {}).get("content", {}).items():
            if media_type == "application/x-www-form-urlencoded":
                forms.add(content["schema"]["$ref"].rpartition("/")[2])
    assert {"TokenRequest", "TokenEnd"} <= forms
    for form in forms:
        assert [name for name, schema in _within(form, document["components"]["schemas"][form]) if "anyOf" in schema] == []


def test_every_default_is_valid_where_it_stands(document: Json) -> None:
    defaults = [
        (parameter["schema"]["default"], parameter["schema"])
        for _, operation in _operations(document)
        for parameter in operation.get("parameters", ())
        if "default" in parameter["schema"]
    ]
    assert {type(default) for default, _ in defaults} == {bool, int, list, str}
    for default, schema in defaults:
        assert jsonschema_rs.is_valid(schema | {"components": document["components"]}, default), schema


def test_completed_is_a_boolean(document: Json) -> None:
    parameters = {parameter["name"]: parameter for parameter in document["paths"]["/api/v1/tasks"]["get"]["parameters"]}
    assert parameters["completed"]["schema"] == {"type": "boolean"}


def test_the_code_of_an_error_is_one_of_all_that_there_are(document: Json) -> None:
    schemas = document["components"]["schemas"]
    assert schemas["ErrorBody"]["properties"]["code"] == {"$ref": "#/components/schemas/ErrorCode"}
    codes = schemas["ErrorCode"]["enum"]
    assert codes == sorted(set(codes))
    assert "cannot_start" not in codes, "no request is answered with it"
    for error in (
        errors.TaskChanged,
        errors.DatabaseBusy,
        errors.InternalError,
        refusals.MethodNotAllowed,
        refusals.TokenMissing,
    ):
        assert error.code in codes


def test_ids_and_times_say_what_they_are(document: Json) -> None:
    for name, schema in _all(document):
        key = name.rpartition(".")[2]
        if key in {"id", "user_id"} or key.endswith("_at"):
            kinds = schema.get("anyOf", [schema])
            wanted = "date-time" if key.endswith("_at") else "uuid"
            assert {kind["format"] for kind in kinds if kind["type"] != "null"} <= {wanted}, name


def test_an_answer_without_a_body_has_no_schema_and_every_other_has_one(document: Json) -> None:
    seen = set()
    for name, operation in _operations(document):
        for status, answer in operation["responses"].items():
            assert ("content" in answer) == (status not in ("204", "304")), (name, status)
            seen.add(status)
    assert {"200", "201", "204", "304", "412"} <= seen


def test_no_schema_is_named_by_a_machine(document: Json) -> None:
    for name in document["components"]["schemas"]:
        assert name.isalpha(), name
        assert not name.startswith("Body"), name
