"""Every answer that a test receives is held to what /openapi.json says of it: a hook in the clients of the cast."""

import re
from copy import deepcopy
from typing import Any

import httpx
import jsonschema_rs

# Of the whole server, not of one operation: a path's other methods, a body that never came, a defect.
_EVERYWHERE = {405, 408, 500}
_ALIASES = (("/api/tasks", "/api/v1/tasks"), ("/users/", "/api/v1/users/"))


_CODES = re.compile(r"^- `(\w+)`:", re.MULTILINE)

NAMED: set[str] = set()
"""Each error that an operation names, as in `GET /readyz: database_busy`."""
SEEN: set[str] = set()
"""Those of them that a test of this process received. `pytest -v` ends with the others, which no test saw."""


class ContractBroken(AssertionError):
    """The application answered what its own description does not allow."""


class Contract:
    def __init__(self, document: dict[str, Any]) -> None:
        self._components = document["components"]
        self._some_fields = deepcopy(document["components"])
        del self._some_fields["schemas"]["TaskView"]["required"]
        self._operations = [
            (f"{method.upper()} {path}", re.compile(re.sub(r"\{\w+\}", "[^/]+", path)), operation["responses"])
            for path, operations in document["paths"].items()
            for method, operation in operations.items()
        ]
        for name, _, responses in self._operations:
            codes = (code for answer in responses.values() for code in _CODES.findall(answer["description"]))
            NAMED.update(f"{name}: {code}" for code in codes)
        self._validators: dict[str, jsonschema_rs.Validator] = {}

    def hook(self, answer: httpx.Response) -> None:
        if answer.headers.get("content-type") == "text/event-stream" and answer.request.method == "GET":
            return  # it does not end by itself
        answer.read()
        request = answer.request
        # As it was sent: a slash that is percent-encoded separates nothing, so that is another address.
        self.check(request.method, request.url.raw_path.decode("ascii"), answer)

    def check(self, method: str, address: str, answer: httpx.Response) -> None:
        """Raises ContractBroken. Says nothing of addresses that the description leaves out."""
        path, _, query = address.partition("?")
        for old, new in _ALIASES:
            if path.startswith(old):
                path = new + path.removeprefix(old)
        for name, pattern, responses in self._operations:
            if pattern.fullmatch(path) and name.startswith(method.replace("HEAD", "GET") + " "):
                self._check(name, method, f"{path}?{query}", responses, answer)

    def _check(self, name: str, method: str, path_and_query: str, responses: dict[str, Any], answer: httpx.Response) -> None:
        said = f"{method} {path_and_query} answered {answer.status_code} {answer.text[:500]}"
        if answer.status_code in _EVERYWHERE:
            return
        declared = responses.get(str(answer.status_code))
        if declared is None:
            raise ContractBroken(f"{said}\nonly {', '.join(responses)} are declared")
        if answer.status_code >= 400 and method != "HEAD":
            self._check_code(name, said, declared["description"], answer)
        content = declared.get("content")
        if method == "HEAD" or content is None:
            if answer.content:
                raise ContractBroken(f"{said}\nno body is declared")
            return
        if answer.headers["content-type"] not in content:
            raise ContractBroken(f"{said}\nof type {answer.headers['content-type']}, declared is {', '.join(content)}")
        if answer.headers["content-type"] != "application/json":
            return
        validator = self._validator(content["application/json"]["schema"], has_all_fields="fields=" not in path_and_query)
        problems = [error.message for error in validator.iter_errors(answer.json())]
        if problems:
            raise ContractBroken(f"{said}\n{problems}")

    def _check_code(self, name: str, said: str, description: str, answer: httpx.Response) -> None:
        """An operation names the errors that it can answer, and the description has their codes."""
        named = _CODES.findall(description)
        said_code = answer.json().get("error", {})
        code = said_code if isinstance(said_code, str) else said_code.get("code")  # the first is OAuth's shape
        if code not in named:
            raise ContractBroken(f"{said}\nof status {answer.status_code} only {', '.join(named)} are named")
        SEEN.add(f"{name}: {code}")

    def _validator(self, schema: dict[str, Any], *, has_all_fields: bool) -> jsonschema_rs.Validator:
        """A page whose request chose `fields` has no more than these. OpenAPI cannot say so, but in words."""
        name = f"{has_all_fields} {schema}"
        if name not in self._validators:
            whole = schema | {"components": self._components if has_all_fields else self._some_fields}
            self._validators[name] = jsonschema_rs.Draft202012Validator(whole, validate_formats=True)
        return self._validators[name]


_CONTRACTS: dict[int, Contract] = {}


def contract_of(document: dict[str, Any]) -> Contract:
    """The one of a description, which lives as long as the process does: reading it takes a while, and each server has it."""
    if id(document) not in _CONTRACTS:
        _CONTRACTS[id(document)] = Contract(document)
    return _CONTRACTS[id(document)]
