"""The libraries that people drive a token endpoint by, each as its own documentation says, against a served Taskwell."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

import pytest
from authlib.integrations.base_client import OAuthError
from authlib.integrations.httpx_client import OAuth2Client
from authlib.integrations.requests_client import OAuth2Session as AuthlibSession
from oauthlib.oauth2 import LegacyApplicationClient, OAuth2Error
from requests_oauthlib import OAuth2Session

from tests.support.cast import PASSWORD
from tests.support.server import RunningServer
from tests.support.signed_in import TASKS, Account, new_email, sign_up

TOKEN = "/api/v1/oauth/token"
REVOKE = "/api/v1/oauth/revoke"
NODE_LIBRARIES = Path(__file__).parents[1] / "oauth"

pytestmark = pytest.mark.usefixtures("cheap_passwords")


@pytest.fixture(autouse=True)
def _plain_http(monkeypatch: pytest.MonkeyPatch) -> None:
    """The libraries refuse it otherwise."""
    monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")
    monkeypatch.setenv("AUTHLIB_INSECURE_TRANSPORT", "1")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


class Library(Protocol):
    """Its calls raise `Refused` with what the library understood."""

    def signs_in(self, email: str, password: str) -> dict[str, Any]: ...

    def refreshes(self, token: str) -> dict[str, Any]: ...

    def revokes(self, token: str) -> int: ...

    def lists(self) -> int: ...


class Refused(Exception):
    pass


class Authlib:
    """Either of its two sessions."""

    def __init__(self, base: str, session: Any) -> None:
        self._base = base
        self._session = session

    def signs_in(self, email: str, password: str) -> dict[str, Any]:
        return self._told(self._session.fetch_token, self._base + TOKEN, username=email, password=password)

    def refreshes(self, token: str) -> dict[str, Any]:
        return self._told(self._session.refresh_token, self._base + TOKEN, refresh_token=token)

    def revokes(self, token: str) -> int:
        status: int = self._session.revoke_token(self._base + REVOKE, token=token, token_type_hint="refresh_token").status_code
        return status

    def lists(self) -> int:
        status: int = self._session.get(self._base + TASKS).status_code
        return status

    def _told(self, call: Any, *arguments: Any, **named: Any) -> dict[str, Any]:
        try:
            return dict(call(*arguments, **named))
        except OAuthError as error:
            raise Refused(error.error, error.description) from None


class RequestsOAuthlib:
    def __init__(self, base: str) -> None:
        self._base = base
        self._client = LegacyApplicationClient(client_id="my-app")
        self._session = OAuth2Session(client=self._client)

    def signs_in(self, email: str, password: str) -> dict[str, Any]:
        try:
            return dict(self._session.fetch_token(self._base + TOKEN, username=email, password=password))
        except OAuth2Error as error:
            raise Refused(error.error, error.description) from None

    def refreshes(self, token: str) -> dict[str, Any]:
        try:
            return dict(self._session.refresh_token(self._base + TOKEN, refresh_token=token))
        except OAuth2Error as error:
            raise Refused(error.error, error.description) from None

    def revokes(self, token: str) -> int:
        url, headers, body = self._client.prepare_token_revocation_request(self._base + REVOKE, token, "refresh_token")
        status: int = self._session.post(url, data=body, headers=headers, withhold_token=True).status_code
        return status

    def lists(self) -> int:
        status: int = self._session.get(self._base + TASKS).status_code
        return status


@pytest.fixture(params=["Authlib, requests", "Authlib, requests, with a secret", "Authlib, httpx", "requests-oauthlib"])
def library(request: pytest.FixtureRequest, server: RunningServer) -> Iterator[Library]:
    if request.param == "requests-oauthlib":
        yield RequestsOAuthlib(server.base_url)
    elif request.param == "Authlib, httpx":
        with OAuth2Client(client_id="my-app", trust_env=False) as client:
            yield Authlib(server.base_url, client)
    else:
        secret = "secret" if "secret" in request.param else None
        yield Authlib(server.base_url, AuthlibSession(client_id="my-app", client_secret=secret))


@pytest.fixture(scope="module")
def account(server: RunningServer, cheap_passwords: None) -> Account:
    return sign_up(server)


def test_it_signs_in_goes_on_and_hears_when_the_grant_is_over(library: Library, account: Account) -> None:
    first = library.signs_in(account.email, PASSWORD)
    assert library.lists() == 200
    second = library.refreshes(first["refresh_token"])
    assert second["access_token"] != first["access_token"]
    assert library.lists() == 200
    assert library.revokes(second["refresh_token"]) == 200
    assert library.revokes("unknown") == 200
    with pytest.raises(Refused, match=r"invalid_grant.*The refresh token is not valid"):
        library.refreshes(second["refresh_token"])


def test_it_hears_that_a_password_is_wrong_and_then_that_it_must_wait(library: Library) -> None:
    email = new_email("nobody")
    for _ in range(10):
        with pytest.raises(Refused, match=r"invalid_grant.*The e-mail address or the password is wrong"):
            library.signs_in(email, PASSWORD)
    with pytest.raises(Refused, match=r"temporarily_unavailable.*Too many failed sign-ins"):
        library.signs_in(email, PASSWORD)


def test_oauth4webapi_does_the_same(server: RunningServer) -> None:
    node = shutil.which("node")
    if node is None or not (NODE_LIBRARIES / "node_modules" / "oauth4webapi").is_dir():
        pytest.skip("needs node, and `make oauth-libraries`")
    account = sign_up(server)
    command = [node, "everyday.js", server.base_url, account.email, account.password]
    done = subprocess.run(command, cwd=NODE_LIBRARIES, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert len(told["said"]) == 3
    for said in told["said"]:
        assert (said["type"], said["tasks"]) == ("bearer", 200)
        assert said["over"][:2] == [400, "invalid_grant"]
        assert said["wrong"] == [400, "invalid_grant", "The e-mail address or the password is wrong."]
    assert told["throttled"] == [429, "temporarily_unavailable", "Too many failed sign-ins. Wait before you try again."]
