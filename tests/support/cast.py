"""The cast: Alice owns, Bob is another user, Carol is an administrator. Each test has its own three."""

from functools import cache
from typing import Any
from uuid import UUID, uuid4

import httpx
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

from taskwell.accounts import passwords
from taskwell.identity import scopes
from taskwell.types import address_key, new_id
from tests.support import postgres
from tests.support.plain_http import PLAIN_HTTP
from tests.support.server import RunningServer

PASSWORD = "correct horse battery"

CHEAP = PasswordHash((Argon2Hasher(time_cost=1, memory_cost=8, parallelism=1),))
"""For hundreds of attempts; what one really costs has its own tests."""


@cache
def password_hash(password: str = PASSWORD) -> str:
    """Made once, since that takes longer than a test."""
    return passwords._argon2id.hash(password)


class Person(httpx.Client):
    """A signed-in user: a client that sends their token with every request."""

    def __init__(self, server: RunningServer, *, id: UUID, email: str, token: str) -> None:  # noqa: A002
        super().__init__(
            base_url=server.base_url,
            headers={"Authorization": f"Bearer {token}"},
            timeout=30,
            trust_env=False,
            verify=PLAIN_HTTP,
            event_hooks={"response": [server.contract.hook]},
        )
        self.id = id
        self.email = email
        self.token = token

    def creates(self, title: str = "buy milk", **more: Any) -> dict[str, Any]:
        """A task of this person's, made over HTTP."""
        answer = self.post("/api/v1/tasks", json={"title": title} | more)
        assert answer.status_code == 201, answer.text
        task: dict[str, Any] = answer.json()
        return task

    def creates_list(self, name: str = "Groceries", **more: Any) -> dict[str, Any]:
        """A list of this person's, made over HTTP."""
        answer = self.post("/api/v1/lists", json={"name": name} | more)
        assert answer.status_code == 201, answer.text
        made: dict[str, Any] = answer.json()
        return made

    def sees(self, **query: Any) -> list[dict[str, Any]]:
        """All of this person's tasks, page by page."""
        return self._pages("/api/v1/tasks", query)

    def lists(self, **query: Any) -> list[dict[str, Any]]:
        """All of this person's lists, page by page."""
        return self._pages("/api/v1/lists", query)

    def labels(self, **query: Any) -> list[dict[str, Any]]:
        """All of this person's labels, page by page."""
        return self._pages("/api/v1/labels", query)

    def _pages(self, path: str, query: dict[str, Any]) -> list[dict[str, Any]]:
        records: list[dict[str, Any]] = []
        parameters = {"limit": 100} | query
        while True:
            page = self.get(path, params=parameters)
            assert page.status_code == 200, page.text
            records += page.json()["items"]
            assert len({record["id"] for record in records}) == len(records), "one is seen twice"
            if page.json()["next_cursor"] is None:
                return records
            parameters["cursor"] = page.json()["next_cursor"]


def person(server: RunningServer, database_url: str, name: str, *, is_admin: bool = False) -> Person:
    """Straight into the table, with a token from the application's own key: signing up takes longer than a test."""
    user_id, email = new_id(), f"{name}-{uuid4().hex[:8]}@example.com"
    postgres.query(
        database_url,
        "INSERT INTO users (id, email, email_key, password_hash, display_name, is_admin) VALUES ($1, $2, $3, $4, $5, $6)",
        user_id,
        email,
        address_key(email),
        password_hash(),
        name.capitalize(),
        is_admin,
    )
    token = server.sign_in.tokens.make(user_id, scopes.SCOPES if is_admin else scopes.EVERYDAY)
    return Person(server, id=user_id, email=email, token=token)
