"""Somebody who really signed up and signed in over HTTP, which the cast of tests/support/cast.py never does.

A password takes some 40 ms of a core each time, so a module shares an account wherever its tests do not change it.
"""

from typing import Any, NamedTuple
from uuid import UUID, uuid4

import httpx

from tests.support.cast import PASSWORD, Person
from tests.support.plain_http import PLAIN_HTTP
from tests.support.server import RunningServer

AUTH = "/api/v1/auth"
ME = f"{AUTH}/me"
TOKEN = f"{AUTH}/token"
API_TOKENS = f"{AUTH}/tokens"
TASKS = "/api/v1/tasks"


class Account(NamedTuple):
    id: UUID
    email: str
    password: str = PASSWORD


class SignedIn(Person):
    """A client with the access token of one sign-in, and the refresh token beside it."""

    def __init__(self, server: RunningServer, account: Account, answer: httpx.Response) -> None:
        assert answer.status_code == 200, answer.text
        super().__init__(server, id=account.id, email=account.email, token=answer.json()["access_token"])
        self.account = account
        self.password = account.password
        self.refresh_token: str = answer.json()["refresh_token"]
        self.scope: str = answer.json()["scope"]


def new_email(name: str = "dora") -> str:
    return f"{name}-{uuid4().hex[:12]}@example.com"


def browser(server: RunningServer) -> httpx.Client:
    """Nobody's client; it holds each answer to what is described."""
    hooks = {"response": [server.contract.hook]}
    return httpx.Client(base_url=server.base_url, timeout=30, trust_env=False, verify=PLAIN_HTTP, event_hooks=hooks)


def sign_up(server: RunningServer, *, name: str = "dora", password: str = PASSWORD) -> Account:
    new = {"email": new_email(name), "password": password, "display_name": name.capitalize()}
    with browser(server) as client:
        answer = client.post(f"{AUTH}/register", json=new)
    assert answer.status_code == 201, answer.text
    return Account(UUID(answer.json()["id"]), new["email"], password)


def try_sign_in(client: httpx.Client, account: Account, **form: str) -> httpx.Response:
    return client.post(TOKEN, data={"username": account.email, "password": account.password} | form)


def sign_in(server: RunningServer, account: Account, **form: str) -> SignedIn:
    with browser(server) as client:
        return SignedIn(server, account, try_sign_in(client, account, **form))


def signed_in(server: RunningServer, *, name: str = "dora") -> SignedIn:
    """Both at once."""
    return sign_in(server, sign_up(server, name=name))


def refresh(client: httpx.Client, token: str, **form: str) -> httpx.Response:
    return client.post(TOKEN, data={"grant_type": "refresh_token", "refresh_token": token} | form)


def refreshed(client: httpx.Client, token: str, **form: str) -> dict[str, Any]:
    answer = refresh(client, token, **form)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def make_api_token(person: Person, *scopes: str, name: str = "script", days: int = 1) -> dict[str, Any]:
    new = {"name": name, "scopes": list(scopes or ("tasks:read",)), "expires_in_days": days}
    answer = person.post(API_TOKENS, json=new)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made
