"""A batch of any operations leaves what the same single requests leave, and answers what they answer."""

import json
from typing import Any
from uuid import UUID

import httpx
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.batches import Json, operation, results
from tests.support.cast import Person, person
from tests.support.server import RunningServer

NUMBERS = range(4)
_ids = st.sampled_from(NUMBERS)
_tasks = st.fixed_dictionaries(
    {"title": st.sampled_from(["a", "b"])},
    optional={
        "list_id": _ids,
        "parent_id": _ids,
        "labels": st.lists(st.sampled_from(["x", "y"]), unique=True, max_size=2),
        "is_completed": st.booleans(),
        "due": st.just({"date": "2026-03-01"}),
        "recurrence": st.just({"rule": "FREQ=DAILY;COUNT=3"}),
    },
)
_names = st.fixed_dictionaries({"name": st.sampled_from(["x", "y", "z", ""])})
_VALUES = {"task": _tasks, "list": _names, "label": _names}
_ALONG = {"task": "subtasks", "label": "merge"}
_MOVES = st.fixed_dictionaries({}, optional={"before": _ids, "after": _ids})


@st.composite
def operations(draw: st.DrawFn) -> Json:
    kind = draw(st.sampled_from(["task", "task", "list", "label"]))
    ops = ["create", "create", "create", "change", "replace", "delete", "restore"] + (["move"] if kind != "label" else [])
    op = draw(st.sampled_from([*ops, *(["complete"] if kind == "task" else [])]))
    value = draw(_MOVES) if op == "move" else draw(_VALUES[kind]) if op not in ("delete", "restore", "complete") else None
    flag = {"delete": "permanent", "change": _ALONG.get(kind), "replace": _ALONG.get(kind)}.get(op)
    return operation(op, kind, str(draw(_ids)), value, **({flag: True} if flag and draw(st.booleans()) else {}))


def _of(kind: str, number: int) -> str:
    return str(UUID(int=(["task", "list", "label"].index(kind) + 1) * 1000 + number, version=4))


def _named(one: Json) -> Json:
    """With ids in the place of their numbers."""
    kind, value = one["kind"], dict(one.get("value", {}))
    for field in ("list_id", "parent_id", "before", "after"):
        if field in value:
            value[field] = _of("list" if field == "list_id" else kind, value[field])
    return one | {"id": _of(kind, int(one["id"]))} | ({"value": value} if "value" in one else {})


def _alone(who: Person, one: Json) -> httpx.Response:
    collection = f"/api/v1/{one['kind']}s"
    address, value = f"{collection}/{one['id']}", one.get("value")
    if one["op"] == "create":
        return who.post(collection, json={"id": one["id"]} | (value or {}))
    if one["op"] in ("move", "complete"):
        return who.post(f"{address}/{one['op']}", json=value or {})
    if one["op"] == "restore":
        return who.post(f"{address}/restore")
    method = {"change": "PATCH", "replace": "PUT", "delete": "DELETE"}[one["op"]]
    flags: dict[str, str] = {name: "true" for name in ("subtasks", "merge", "permanent") if name in one}
    return who.request(method, address, params=flags, **({} if value is None else {"json": value}))


_DIFFERS = {"user_id", "revision", "etag", "created_at", "updated_at", "completed_at", "position", "request_id"}


def _same(value: Any, made: dict[str, str]) -> Any:
    """Without what differs between two accounts, and with the ids that Taskwell chose by their order."""
    if isinstance(value, dict):
        return {name: _same(one, made) for name, one in value.items() if name not in _DIFFERS}
    return [_same(one, made) for one in value] if isinstance(value, list) else value


def _left(who: Person) -> str:
    labels = [label | {"id": ""} for label in who.labels()]
    lists = sorted(who.lists(), key=lambda one: one["position"])
    ends = [_same(one, {}) for one in (who.sees(order="position"), lists, sorted(labels, key=lambda one: one["name"]))]
    return json.dumps(ends, indent=1)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(operations(), min_size=1, max_size=25), st.booleans())
def test_a_batch_is_the_same_as_its_single_requests(
    server: RunningServer, shared_database: str, asked: list[Json], atomic: bool
) -> None:
    meant = [_named(one) for one in asked]
    with person(server, shared_database, "single") as single, person(server, shared_database, "batch") as batch:
        expected = [_alone(single, one) for one in meant]
        if atomic:  # what would be refused is left out, since nothing would be done
            meant = [one for one, answer in zip(meant, expected, strict=True) if answer.status_code < 400]
            expected = [answer for answer in expected if answer.status_code < 400]
        found = results(batch, *meant, atomic=atomic)
        for one, answer, result in zip(meant, expected, found, strict=True):
            assert result["status"] == answer.status_code, (one, answer.text, result)
            said = answer.json() if answer.content else None
            got = {"error": result["error"]} if "error" in result else result.get("record")
            if one["kind"] != "label":
                assert _same(got, {}) == _same(said, {}), one
        assert _left(batch) == _left(single)
        if atomic and found:
            assert len({result["record"]["revision"] for result in found if "record" in result}) <= 1
