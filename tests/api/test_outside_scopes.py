"""What the token of another issuer may be used for: its `scope` and `scp` are read as they are written, and never widened."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

import httpx
import pytest

from taskwell.identity.scopes import SCOPES
from taskwell.identity.tokens import user_id_of
from tests.conftest import settings_for
from tests.support import postgres
from tests.support.errors import assert_error
from tests.support.provider import ABSENT, Provider
from tests.support.server import RunningServer, serve
from tests.support.signed_in import ME, TASKS, bearer, browser

SUBJECT = "carola"


class Stage(NamedTuple):
    server: RunningServer
    provider: Provider
    client: httpx.Client

    def headers(self, **claims: Any) -> dict[str, str]:
        return bearer(self.provider.token(SUBJECT, **claims))

    def may(self, **claims: Any) -> set[str]:
        """The scopes of which this token has what they are for; each of the four is one request that needs it alone."""
        headers, others = self.headers(**claims), f"/api/v1/users/{user_id_of('somebody', 'else')}/tasks"
        asked = {
            "tasks:read": self.client.get(TASKS, headers=headers),
            "tasks:write": self.client.post(TASKS, json={"title": ""}, headers=headers),
            "account": self.client.get(ME, headers=headers),
            "admin": self.client.get(others, headers=headers),
        }
        refused = {"tasks:read": 403, "tasks:write": 403, "account": 403, "admin": 404}
        good = {"tasks:read": 200, "tasks:write": 400, "account": 200, "admin": 200}
        assert all(answer.status_code in (good[scope], refused[scope]) for scope, answer in asked.items()), asked
        return {scope for scope, answer in asked.items() if answer.status_code == good[scope]}


@pytest.fixture(scope="module")
def stage(shared_database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """The one person here administrates, so that `admin` can be told apart as well."""
    folder: Path = tmp_path_factory.mktemp("data")
    for user, is_admin in ((user_id_of("auth0", SUBJECT), True), (user_id_of("somebody", "else"), False)):
        postgres.query(shared_database, "INSERT INTO users (id, is_admin) VALUES ($1, $2)", user, is_admin)
    with (
        Provider("auth0") as provider,
        serve(settings_for(shared_database, folder, issuers=json.dumps([provider.row()]))) as server,
        browser(server) as client,
    ):
        yield Stage(server, provider, client)


READ: Final[set[str]] = {"tasks:read"}
WRITE: Final[set[str]] = {"tasks:read", "tasks:write"}
NOTHING: Final[set[str]] = set()
ALL: Final[set[str]] = {*SCOPES}

SAID: list[tuple[Any, set[str]]] = [
    (ABSENT, ALL),
    # A text, as RFC 6749 writes it, and as some write it.
    ("tasks:read", READ),
    ("openid tasks:read profile", READ),
    ("tasks:read tasks:write", WRITE),
    ("tasks:read,tasks:write", WRITE),
    ("tasks:read, openid", READ),
    ("tasks:read;tasks:write", WRITE),
    ("tasks:read\ttasks:write\n", WRITE),
    ("  tasks:read  ", READ),
    ("account", {"account"}),
    # A list.
    (["tasks:read"], READ),
    (["openid", "tasks:read"], READ),
    (["tasks:read tasks:write"], WRITE),
    (["tasks:read", "tasks:read", "tasks:write"], WRITE),
    (["tasks:read", ""], READ),
    # What is not for us limits nothing, in either form.
    ("openid profile", ALL),
    (["openid", "profile"], ALL),
    ("https://other.example/.default", ALL),
    # What is for us, and not one of ours.
    ("tasks:delete", NOTHING),
    ("TASKS:READ", NOTHING),
    (["tasks:readonly", "openid"], NOTHING),
    ("tasks:*", NOTHING),
    # Nothing was granted.
    ("", NOTHING),
    (" ", NOTHING),
    (",", NOTHING),
    ([], NOTHING),
    ([""], NOTHING),
]


@pytest.mark.parametrize("claim", ["scope", "scp"])
@pytest.mark.parametrize(("value", "allowed"), SAID, ids=lambda value: json.dumps(value) if isinstance(value, str | list) else "")
def test_a_token_may_be_used_for_what_it_says(stage: Stage, claim: str, value: Any, allowed: set[str]) -> None:
    assert stage.may(**({"scope": ABSENT} | {claim: value})) == allowed


@pytest.mark.parametrize(
    ("scope", "scp", "allowed"),
    [
        ("openid", ["tasks:read"], READ),
        ("tasks:read", ["openid"], READ),
        ("tasks:read", "tasks:write", WRITE),
        ("", "tasks:read", READ),
        ("openid", [], ALL),
        ([], "", NOTHING),
    ],
)
def test_what_both_say_counts_together(stage: Stage, scope: Any, scp: Any, allowed: set[str]) -> None:
    assert stage.may(scope=scope, scp=scp) == allowed


ANOTHER_FORM: list[Any] = [
    *(None, True, False, 0, 1, 1.5, -1),
    *({}, {"tasks:read": True}, {"0": "tasks:read"}, [[]], [["tasks:read"]], [{}], [None], [1], [True]),
    *(["tasks:read", 1], ["tasks:read", None], ["tasks:read", ["tasks:write"]], ["tasks:read", {"tasks:write": True}]),
]


@pytest.mark.parametrize("claim", ["scope", "scp"])
@pytest.mark.parametrize("value", ANOTHER_FORM, ids=json.dumps)
def test_any_other_form_is_refused(stage: Stage, claim: str, value: Any) -> None:
    for more in ({}, {"scp": "tasks:read"} if claim == "scope" else {"scope": "tasks:read"}):
        headers = stage.headers(**({claim: value} | more))
        assert_error(stage.client.get(TASKS, headers=headers), 401, "token_invalid")
        assert_error(stage.client.post(TASKS, json={"title": "x"}, headers=headers), 401, "token_invalid")


def test_other_claims_that_name_rights_say_nothing_to_us(stage: Stage) -> None:
    said = {"permissions": ["tasks:read"], "scopes": ["tasks:read"], "roles": ["admin"], "authorities": 1}
    assert stage.may(**said) == ALL
    assert stage.may(scope="tasks:read", permissions=["tasks:write", "admin"]) == READ
