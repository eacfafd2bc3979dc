"""Puts the schemas of the OpenAPI description into the form from which generators make good clients.

- No `default` stands in the schema of a body. openapi-typescript, as it is set by default, makes a property with a default
  required, and then `POST {title}` does not compile. What is left out means what the operation says.
- No parameter and no field of a form is null, because neither a query nor a header nor a form has a null.
- No `title` repeats the name that it stands at.
- The codes of errors are one enumeration.
- One of several is `anyOf`, which each generator knows.
"""

from typing import Any

from taskwell import errors
from taskwell.errors import CannotStart, TaskwellError
from taskwell.web import refusals

Schema = dict[str, Any]

_FORM = "application/x-www-form-urlencoded"
_OPEN = "What went wrong. Later versions may add codes: take one that you do not know by its HTTP status."

_VALUES = {
    "CreateOperation": ("NewTask", "NewList", "NewLabel"),
    "ReplaceOperation": ("WholeTask", "WholeList", "WholeLabel"),
    "ChangeOperation": ("TaskChanges", "ListChanges", "LabelChanges"),
    "CompleteOperation": ("Completion",),
    "MoveOperation": ("TaskMove", "Move"),
}
"""The bodies of the single requests that the operations of a batch stand for. Their models take any, to read each by itself."""


def for_generators(document: dict[str, Any]) -> None:
    """Changes the description in place."""
    schemas: dict[str, Schema] = document["components"]["schemas"]
    document["components"]["schemas"] = schemas = {name: _plain(schema) for name, schema in schemas.items()}
    for path in document["paths"].values():
        for operation in path.values():
            for parameter in operation.get("parameters", ()):
                schema = _without_null(parameter["schema"])
                parameter["schema"] = {key: value for key, value in schema.items() if key not in ("title", "description")}
            form = operation.get("requestBody", {}).get("content", {}).get(_FORM)
            if form is not None:
                _without_nulls(schemas[form["schema"]["$ref"].rpartition("/")[2]])
    for name, bodies in _VALUES.items():
        schemas[name]["properties"]["value"] |= {"anyOf": [{"$ref": f"#/components/schemas/{body}"} for body in bodies]}
    schemas["ErrorCode"] = {"type": "string", "enum": _codes(), "description": _OPEN}
    for body in ("ErrorBody", "ListErrorBody", "LabelErrorBody", "BatchErrorBody"):
        schemas[body]["properties"]["code"] = {"$ref": "#/components/schemas/ErrorCode"}
    document["components"]["schemas"] = dict(sorted(schemas.items()))


def _plain(schema: Schema) -> Schema:
    """Copies a schema without titles and defaults. It goes into schemas alone: an example may have a `title` of its own."""
    plain = {key: value for key, value in schema.items() if key not in ("title", "default")}
    if "properties" in plain:
        plain["properties"] = {name: _plain(below) for name, below in plain["properties"].items()}
    if plain.pop("discriminator", None):  # each of them has a constant, by which TypeScript tells them apart as well
        plain["anyOf"] = plain.pop("oneOf")
    if "anyOf" in plain:
        plain["anyOf"] = [_plain(below) for below in plain["anyOf"]]
    for key in ("items", "additionalProperties"):
        if isinstance(plain.get(key), dict):
            plain[key] = _plain(plain[key])
    return plain


def _without_nulls(form: Schema) -> None:
    form["properties"] = {name: _without_null(schema) for name, schema in form["properties"].items()}


def _without_null(schema: Schema) -> Schema:
    kinds: list[Schema] = [kind for kind in schema.get("anyOf", ()) if kind != {"type": "null"}]
    if not kinds:
        return schema
    return {key: value for key, value in schema.items() if key != "anyOf"} | (kinds[0] if len(kinds) == 1 else {"anyOf": kinds})


def _codes() -> list[str]:
    """Lists the code of every error that an answer can have."""
    known = [one for module in (errors, refusals) for one in vars(module).values() if isinstance(one, type)]
    return sorted(
        {one.code for one in known if issubclass(one, TaskwellError) and one is not CannotStart and "code" in vars(one)}
    )
