"""Before a server is timed: does it give the right rows, keep others' rows to itself, and really write what it says?"""

import http.client
import json
from datetime import datetime
from typing import Any

from bench import checkout
from bench.dataset import Dataset
from bench.people import People
from bench.postgres import Postgres
from bench.servers import Server, who

_TIMES = ("completed_at", "created_at", "updated_at")
_FIELDS = ("id", "user_id", "title", "description", "is_completed", *_TIMES)


class WrongAnswer(Exception):
    """A server that answers something else is not worth timing."""


class Checker:
    def __init__(self, server: Server, postgres: Postgres, people: People, dataset: Dataset) -> None:
        self._server = server
        self._postgres = postgres
        self._people = people
        self._dataset = dataset

    def ask(
        self, user: int, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
    ) -> tuple[int, Any, dict[str, str]]:
        """Status, JSON, headers."""
        kind = self._server.kind
        user_id = self._dataset.user_id(user)
        all_headers = who(kind, str(user_id), self._people.token(user_id, kind.tokens)) | (headers or {})
        if body is not None:
            all_headers["Content-Type"] = "application/json"
        connection = http.client.HTTPConnection("127.0.0.1", self._server.port, timeout=30)
        try:
            connection.request(method, path, None if body is None else json.dumps(body), all_headers)
            answer = connection.getresponse()
            text = answer.read()
            sent = {name.lower(): value for name, value in answer.getheaders()}
            return answer.status, json.loads(text) if text else None, sent
        finally:
            connection.close()

    def reads(self) -> None:
        last = self._dataset.users - 1
        for user in sorted({0, 1, last // 2, last}):
            status, body, _ = self.ask(user, "GET", "/api/v1/tasks")
            items = body["items"] if isinstance(body, dict) else body
            self._same(f"the list of user {user}", status, 200, items, self._newest(user))
            for task in (0, self._dataset.each - 1):
                task_id = self._dataset.task_id(user, task)
                status, body, _ = self.ask(user, "GET", f"/api/v1/tasks/{task_id}")
                self._same(f"task {task_id}", status, 200, [body], self._one(task_id))
        foreign = self._dataset.task_id(1, 0)
        status, body, _ = self.ask(0, "GET", f"/api/v1/tasks/{foreign}")
        self._expect(status == 404, f"another's task: {status} {body}")

    def writes(self) -> None:
        """By somebody whom no workload asks for, so that everybody's list stays as it was loaded."""
        writer = self._dataset.users
        status, task, _ = self.ask(writer, "POST", "/api/v1/tasks", {"title": "checked", "description": "before it is timed"})
        self._same("the created task", status, 201, [task], self._one(task["id"]))
        self._expect(task["title"] == "checked" and task["description"] == "before it is timed", f"created: {task}")
        path = f"/api/v1/tasks/{task['id']}"
        if "patch" in self._server.kind.can:
            status, task, _ = self.ask(writer, "PATCH", path, {"title": "changed"})
            self._same("the changed task", status, 200, [task], self._one(task["id"]))
            self._expect(task["title"] == "changed" and task["description"] is not None, f"PATCH: {task}")
        if "put" in self._server.kind.can:
            status, task, _ = self.ask(writer, "PUT", path, {"title": "replaced"})
            self._same("the replaced task", status, 200, [task], self._one(task["id"]))
            self._expect(task["title"] == "replaced" and task["description"] is None, f"PUT: {task}")
        if "delete" in self._server.kind.can:
            status, body, _ = self.ask(writer, "DELETE", path)
            self._expect(status == 204, f"DELETE: {status} {body}")
            status, body, _ = self.ask(writer, "GET", path)
            self._expect(status == 404, f"after DELETE: {status} {body}")

    def conditions(self) -> list[str]:
        """The ETag of each user's list at the revision of the load."""
        tags = [self.ask(user, "GET", "/api/v1/tasks?limit=1")[2]["etag"] for user in range(self._dataset.users)]
        last = len(tags) - 1
        pairs = [(0, 0, 304), (last, last, 304)]
        if self._server.kind.taskwell in {
            None,
            checkout.this(),
        }:  # another version may be one whose tags did not say whose they are
            pairs += [(0, last, 200), (last, 0, 200)]
        for user, of, right in pairs:
            status, _, _ = self.ask(user, "GET", "/api/v1/tasks", headers={"If-None-Match": tags[of]})
            self._expect(status == right, f"user {user} with the tag of user {of}: {status} instead of {right}")
        return tags

    def bad_token(self) -> None:
        status, body, _ = self.ask(0, "GET", "/api/v1/tasks", headers={"Authorization": "Bearer eyJhbGciOiJFZERTQSJ9.e30.AAAA"})
        self._expect(status == 401, f"a bad token: {status} {body}")

    def _newest(self, user: int) -> list[dict[str, Any]]:
        rows = self._postgres.rows(
            self._server.database,
            "SELECT * FROM tasks WHERE user_id = $1 AND deleted_at IS NULL ORDER BY created_at DESC, id DESC LIMIT 20",
            self._dataset.user_id(user),
        )
        return [dict(row) for row in rows]

    def _one(self, task_id: Any) -> list[dict[str, Any]]:
        return [dict(row) for row in self._postgres.rows(self._server.database, "SELECT * FROM tasks WHERE id = $1", task_id)]

    def _same(self, what: str, status: int, right_status: int, given: list[Any], rows: list[dict[str, Any]]) -> None:
        self._expect(status == right_status, f"{what}: status {status} instead of {right_status}: {given}")
        right = [{name: _plain(row[name]) for name in _FIELDS} for row in rows]
        found = [{name: _time(task[name]) if name in _TIMES else task[name] for name in _FIELDS} for task in given]
        self._expect(found == right, f"{what}: {found[:1]} is not what the table has: {right[:1]} ({len(found)}, {len(right)})")

    def _expect(self, holds: bool, problem: str) -> None:
        if not holds:
            raise WrongAnswer(f"{self._server.kind.name}: {problem}")


def _plain(value: Any) -> Any:
    return value if value is None or isinstance(value, bool | str | datetime) else str(value)


def _time(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
