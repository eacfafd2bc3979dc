"""A client that keeps a copy of what somebody has, by the feed of changes and nothing else."""

from typing import Any

import httpx

from tests.support.cast import Person
from tests.support.errors import assert_error

CHANGES = "/api/v1/changes"


def page_of(answer: httpx.Response) -> dict[str, Any]:
    assert answer.status_code == 200, answer.text
    page: dict[str, Any] = answer.json()
    return page


class Replica:
    """What the feed said of each record last. `heard` are the places of a run, each of which has to be after the one before."""

    def __init__(self, person: httpx.Client, *, list_id: str | None = None, limit: int = 100) -> None:
        self.person = person
        self.limit = limit
        self.token: str | None = None
        self.records: dict[tuple[str, str], dict[str, Any]] = {}
        self.revisions: dict[tuple[str, str], int] = {}
        self.heard: list[tuple[int, str, str]] = []
        self._narrowed = {} if list_id is None else {"list_id": list_id}

    def ask(self, *, limit: int | None = None, **more: Any) -> httpx.Response:
        since = {} if self.token is None else {"since": self.token}
        return self.person.get(CHANGES, params={"limit": limit or self.limit} | self._narrowed | since | more)

    def take(self, page: dict[str, Any]) -> bool:
        """Applies a page. Says whether there are more."""
        for item in page["items"]:
            key = item["kind"], item["id"]
            place = item["revision"], *key
            assert not self.heard or self.heard[-1] < place, f"{place} comes after {self.heard[-1]}"
            assert self.revisions.get(key, -1) < item["revision"], f"{place} is heard twice"
            self.heard.append(place)
            self.revisions[key] = item["revision"]
            if item.get("is_deleted") or item.get("has_left"):
                self.records.pop(key, None)
            else:
                self.records[key] = item["record"]
        self.token = page["next"]
        return bool(page["has_more"])

    def step(self) -> bool:
        answer = self.ask()
        if self._narrowed and self.token is None and answer.status_code == 400:
            assert_error(answer, 400, "unknown_reference")  # the list is not there
            return False
        return self.take(page_of(answer))

    def catch_up(self) -> None:
        while self.step():
            pass

    def of(self, kind: str) -> dict[str, dict[str, Any]]:
        return {record_id: record for (its_kind, record_id), record in self.records.items() if its_kind == kind}


def server_side(person: Person) -> dict[tuple[str, str], dict[str, Any]]:
    """The same, by the lists of the API."""
    labels = [{name: value for name, value in one.items() if not name.endswith("_count")} for one in person.labels()]
    nouns = {"label": labels, "list": person.lists(), "task": person.sees()}
    found = {(kind, one["id"]): one for kind, records in nouns.items() for one in records}
    me = person.get("/api/v1/auth/me").json()
    return found | {("account", me["id"]): me}
