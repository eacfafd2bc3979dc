"""Batches, as tests send them."""

from typing import Any
from uuid import uuid4

import httpx

from tests.support.cast import Person

BATCH = "/api/v1/batch"
Json = dict[str, Any]


def ids(number: int) -> list[str]:
    return [str(uuid4()) for _ in range(number)]


def operation(op: str, kind: str, id_: str | None = None, value: Any = None, **more: Any) -> Json:
    named = {} if id_ is None else {"id": id_}
    return {"op": op, "kind": kind} | named | ({} if value is None else {"value": value}) | more


def sends(person: Person, *operations: Json, atomic: bool = False, path: str = BATCH) -> httpx.Response:
    return person.post(path, json={"atomic": atomic, "operations": operations})


def results(person: Person, *operations: Json, atomic: bool = False, path: str = BATCH) -> list[Json]:
    answer = sends(person, *operations, atomic=atomic, path=path)
    assert answer.status_code == 200, answer.text
    assert answer.json().keys() == {"results"}
    found: list[Json] = answer.json()["results"]
    assert len(found) == len(operations)
    for result in found:
        if "record" in result:
            assert (result["id"], result["etag"]) == (result["record"]["id"], result["record"]["etag"])
    return found


def statuses(found: list[Json]) -> list[Any]:
    """Of each result its status, and its code where it was refused."""
    return [(result["status"], result["error"]["code"]) if "error" in result else result["status"] for result in found]
