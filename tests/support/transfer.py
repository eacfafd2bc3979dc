"""Export and import over HTTP, as the tests of both use them."""

import json
from typing import Any

from tests.support.cast import Person

OTHERWISE_EACH_TIME = {"id", "list_id", "parent_id", "task_id", "created_at", "updated_at", "completed_at"}
"""Ids and times: what differs between two accounts that hold the same."""


def exported(who: Person) -> list[dict[str, Any]]:
    """The records, without the account's line, which comes first."""
    answer = who.get("/api/v1/export")
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/x-ndjson"
    assert answer.text.endswith("\n")
    account, *records = map(json.loads, answer.text.splitlines())
    assert account["kind"] == "account"
    return records


def imports(who: Person, file: bytes | str, media_type: str = "application/octet-stream", **query: str) -> dict[str, Any]:
    """The report of an import."""
    content = file.encode() if isinstance(file, str) else file
    answer = who.post("/api/v1/import", params=query, content=content, headers={"Content-Type": media_type})
    assert answer.status_code == 200, answer.text
    report: dict[str, Any] = answer.json()
    return report


def alike(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The records with the names of what they name in the place of ids, and without times."""
    names = {record["id"]: record.get("title") or record.get("name") for record in records if "id" in record}

    def named(record: dict[str, Any]) -> dict[str, Any]:
        rest = {name: value for name, value in record.items() if name not in OTHERWISE_EACH_TIME}
        return rest | {field: names.get(record[field]) for field in ("list_id", "parent_id", "task_id") if field in record}

    return sorted(map(named, records), key=lambda record: json.dumps(record, sort_keys=True))


def lines(*records: dict[str, Any]) -> str:
    return "".join(json.dumps(record) + "\n" for record in records)
