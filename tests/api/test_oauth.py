"""POST /oauth/token and /oauth/revoke: as /auth/token and /auth/revoke, with the errors of RFC 6749 and RFC 7009."""

import base64
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from taskwell.accounts import passwords
from tests.support import postgres
from tests.support.cast import PASSWORD
from tests.support.errors import MARKER, assert_error, assert_oauth_error
from tests.support.server import RunningServer
from tests.support.signed_in import ME, TASKS, Account, SignedIn, bearer, make_api_token, new_email, sign_in, sign_up
from tests.support.signed_in import TOKEN as OUR_TOKEN
from tests.support.wire import exchange, message

TOKEN = "/api/v1/oauth/token"
REVOKE = "/api/v1/oauth/revoke"
FORM = ("Content-Type", "application/x-www-form-urlencoded")

pytestmark = pytest.mark.usefixtures("cheap_passwords")


@pytest.fixture(scope="module")
def account(server: RunningServer, cheap_passwords: None) -> Account:
    return sign_up(server)


@pytest.fixture
def dora(server: RunningServer, account: Account) -> Iterator[SignedIn]:
    with sign_in(server, account) as somebody:
        yield somebody


def by_password(client: httpx.Client, email: str, password: str = PASSWORD, **more: Any) -> httpx.Response:
    headers = more.pop("headers", {})
    form = {"grant_type": "password", "username": email, "password": password} | more
    return client.post(TOKEN, data=form, headers=headers)


def by_refresh_token(client: httpx.Client, token: str, **more: Any) -> httpx.Response:
    return client.post(TOKEN, data={"grant_type": "refresh_token", "refresh_token": token} | more)


# ---- what goes well ----------------------------------------------------------------------------------------------------


def test_it_signs_in_goes_on_and_signs_out(anonymous: httpx.Client, account: Account) -> None:
    answer = by_password(anonymous, account.email, scope="tasks:read account")
    assert answer.status_code == 200, answer.text
    assert (answer.headers["cache-control"], answer.headers["pragma"]) == ("no-store", "no-cache")
    first = answer.json()
    assert first.keys() == {"access_token", "token_type", "expires_in", "refresh_token", "scope"}
    assert first["scope"] == "tasks:read account"
    second = by_refresh_token(anonymous, first["refresh_token"]).json()
    assert anonymous.get(ME, headers=bearer(second["access_token"])).status_code == 200
    ended = anonymous.post(REVOKE, data={"token": second["refresh_token"], "token_type_hint": "refresh_token"})
    assert (ended.status_code, ended.json(), ended.headers["cache-control"]) == (200, {}, "no-store")
    assert_oauth_error(by_refresh_token(anonymous, second["refresh_token"]), 400, "invalid_grant")


def test_tokens_of_one_address_are_good_at_the_other(anonymous: httpx.Client, dora: SignedIn) -> None:
    refreshed = by_refresh_token(anonymous, dora.refresh_token).json()["refresh_token"]
    form = {"grant_type": "refresh_token", "refresh_token": refreshed}
    assert anonymous.post(OUR_TOKEN, data=form).status_code == 200
    api_token = make_api_token(dora)["token"]
    assert anonymous.post(REVOKE, data={"token": api_token}).status_code == 200
    assert_error(anonymous.get(TASKS, headers=bearer(api_token)), 401, "token_invalid")


def basic(user: str, password: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


@pytest.mark.parametrize(
    ("headers", "fields"),
    [
        (basic("my-app", ""), {}),
        (basic("", ""), {}),
        (basic("my-app", "secret"), {"client_id": "my-app"}),
        ({"Authorization": "Basic !"}, {}),
        (bearer("x"), {}),
        ({}, {"client_id": "my-app"}),
        ({}, {"client_id": "my-app", "client_secret": ""}),
        ({}, {"client_id": "", "client_secret": "", "scope": ""}),
        ({}, {"audience": "taskwell", "resource": "https://tasks.example.com", "nonce": "x", "": ""}),
    ],
    ids=str,
)
def test_every_client_is_a_public_one(
    anonymous: httpx.Client, account: Account, headers: dict[str, str], fields: dict[str, str]
) -> None:
    answer = by_password(anonymous, account.email, headers=headers, **fields)
    assert answer.status_code == 200, answer.text
    token = answer.json()["refresh_token"]
    assert anonymous.post(REVOKE, data={"token": token} | fields, headers=headers).status_code == 200
    assert_oauth_error(by_refresh_token(anonymous, token), 400, "invalid_grant")


@pytest.mark.parametrize("token", ["x", "tr_" + "A" * 86, "tw_x", "a.b.c", MARKER * 1500, "\x00", "Ａ"], ids=ascii)
def test_what_is_no_token_is_ended_already(anonymous: httpx.Client, token: str) -> None:
    answer = anonymous.post(REVOKE, data={"token": token, "token_type_hint": MARKER})
    assert (answer.status_code, answer.json()) == (200, {})


# ---- a grant that is not good ------------------------------------------------------------------------------------------


def test_a_wrong_password_and_an_unknown_or_disabled_account_are_one_answer(
    server: RunningServer, anonymous: httpx.Client, account: Account, shared_database: str
) -> None:
    disabled = sign_up(server)
    postgres.query(shared_database, "UPDATE users SET disabled_at = now() WHERE id = $1", disabled.id)
    answers = [
        by_password(anonymous, account.email, "wrong password"),
        by_password(anonymous, new_email("nobody")),
        by_password(anonymous, "no address"),
        by_password(anonymous, disabled.email),
    ]
    for answer in answers:
        assert assert_oauth_error(answer, 400, "invalid_grant") == "The e-mail address or the password is wrong."
    assert len({answer.content for answer in answers}) == 1


def test_a_refresh_token_that_is_not_good_is_the_end_of_a_grant(anonymous: httpx.Client, dora: SignedIn) -> None:
    used = dora.refresh_token
    second = by_refresh_token(anonymous, used).json()["refresh_token"]
    third = by_refresh_token(anonymous, second).json()["refresh_token"]
    for token in ("x", "tr_" + "A" * 86, MARKER * 1500, used, third):  # the last, since a copy of it was used
        assert "Sign in again." in assert_oauth_error(by_refresh_token(anonymous, token), 400, "invalid_grant")


# ---- a request that is not good ----------------------------------------------------------------------------------------

RIGHT = {"grant_type": "password", "username": "dora@example.com", "password": PASSWORD}


@pytest.mark.parametrize(
    ("change", "code", "named"),
    [
        ({"grant_type": None}, "invalid_request", "grant_type"),
        ({"grant_type": ""}, "invalid_request", "grant_type"),
        ({"grant_type": ["password", "password"]}, "invalid_request", "grant_type"),
        ({"username": None}, "invalid_request", "username"),
        ({"username": ""}, "invalid_request", "username"),
        ({"username": ["a@example.com", "b@example.com"]}, "invalid_request", "username"),
        ({"username": "x" * 321}, "invalid_request", "username"),
        ({"password": None}, "invalid_request", "password"),
        ({"password": ""}, "invalid_request", "password"),
        ({"password": MARKER * 200}, "invalid_request", "password"),
        ({"other": ["x", "x"]}, "invalid_request", "other"),
        ({"grant_type": "refresh_token"}, "invalid_request", "refresh_token"),
        ({"grant_type": "refresh_token", "refresh_token": ""}, "invalid_request", "refresh_token"),
        ({"grant_type": "client_credentials"}, "unsupported_grant_type", "grant_type"),
        ({"grant_type": "Password"}, "unsupported_grant_type", "grant_type"),
        ({"grant_type": MARKER}, "unsupported_grant_type", "grant_type"),
        ({"grant_type": "authorization_code", "code": MARKER, "redirect_uri": "https://x.example"}, "unsupported_grant_type", ""),
        ({"grant_type": "urn:ietf:params:oauth:grant-type:token-exchange", "username": None}, "unsupported_grant_type", ""),
        ({"scope": "openid"}, "invalid_scope", "scope"),
        ({"scope": f"tasks:read {MARKER}"}, "invalid_scope", "scope"),
        ({"scope": "x" * 201}, "invalid_scope", "scope"),
    ],
    ids=str,
)
def test_an_invalid_form_is_told_in_the_words_of_the_rfc(
    anonymous: httpx.Client, change: dict[str, Any], code: str, named: str
) -> None:
    form = {name: value for name, value in (RIGHT | change).items() if value is not None}
    answer = anonymous.post(TOKEN, data=form)
    assert named in assert_oauth_error(answer, 400, code)
    assert PASSWORD not in answer.text


def test_a_scope_of_which_nothing_can_be_had_is_invalid_and_costs_nothing(anonymous: httpx.Client, account: SignedIn) -> None:
    """Neither a session nor a try at the password, nor the refresh token."""
    for _ in range(12):
        assert_oauth_error(by_password(anonymous, account.email, scope="admin"), 400, "invalid_scope")
    some = by_password(anonymous, account.email, scope="tasks:read admin").json()
    assert some["scope"] == "tasks:read"
    for _ in range(2):
        assert_oauth_error(by_refresh_token(anonymous, some["refresh_token"], scope="tasks:write"), 400, "invalid_scope")
    again = by_refresh_token(anonymous, some["refresh_token"], scope="tasks:read tasks:write").json()
    assert again["scope"] == "tasks:read"
    # Nor is what came of it lost, where it is asked for once more.
    assert_oauth_error(by_refresh_token(anonymous, some["refresh_token"], scope="account"), 400, "invalid_scope")
    assert by_refresh_token(anonymous, some["refresh_token"]).json()["refresh_token"] == again["refresh_token"]


@pytest.mark.parametrize("form", [{}, {"token": ""}, {"token": ["x", "y"]}, {"token_type_hint": "refresh_token"}], ids=str)
def test_a_revocation_without_one_token_is_invalid(anonymous: httpx.Client, form: dict[str, Any]) -> None:
    headers = dict([FORM])
    assert "token" in assert_oauth_error(anonymous.post(REVOKE, data=form, headers=headers), 400, "invalid_request")


@pytest.mark.parametrize("path", [TOKEN, REVOKE])
def test_whatever_is_wrong_with_a_request_is_told_in_that_shape(
    server: RunningServer, anonymous: httpx.Client, path: str
) -> None:
    form = dict([FORM])
    for refused, status in (
        (anonymous.post(path, json=RIGHT), 415),
        (anonymous.post(path, content=b"x=y"), 415),
        (anonymous.post(path, data=RIGHT, headers={"Content-Encoding": "gzip"}), 415),
        (anonymous.post(path, content=b"token=" + b"x" * 20_000, headers=form), 413),
        (anonymous.post(path, content=b"token=%ff", headers=form), 400),
        (anonymous.post(path, content="token=é".encode(), headers=form), 400),
        (anonymous.post(path, content=b"token=" + b"%41" * 4097, headers=form), 400),
        (anonymous.post(path, content=b"&".join(b"a%d=b" % n for n in range(101)), headers=form), 400),
        (anonymous.post(f"{path}?token={MARKER}", data=RIGHT), 400),
        (anonymous.post(path, data=RIGHT, headers={"If-Match": "*"}), 400),
        (anonymous.get(path), 405),
        (anonymous.put(path, json=RIGHT), 405),
        (anonymous.request("BREW", path), 405),
        (exchange(server, message("POST", path, FORM, body=b"token=x").replace(b": taskwell.test", b": a,b")), 400),
        (exchange(server, message("POST", path, FORM, length=10**9)), 413),
    ):
        description = assert_oauth_error(refused, status, "invalid_request")
        assert (status == 415) == description.startswith("Send a form with `Content-Type: application/x-www-form-urlencoded`")
        assert refused.headers.get("allow") == ("OPTIONS, POST" if status == 405 else None)
    assert anonymous.head(path).status_code == 405
    assert (anonymous.options(path).status_code, anonymous.options(path).headers["allow"]) == (204, "OPTIONS, POST")
    assert_error(anonymous.get(f"{path}/more"), 404, "route_not_found")


def test_a_body_that_does_not_arrive_is_told_in_that_shape(server: RunningServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("taskwell.web.request.BODY_SECONDS", 0.3)
    answer = exchange(server, message("POST", TOKEN, FORM, length=100))
    assert_oauth_error(answer, 408, "invalid_request")
    assert answer.headers["connection"] == "close"


# ---- later, or never ---------------------------------------------------------------------------------------------------


def test_too_many_tries_are_told_when_to_come_back(anonymous: httpx.Client) -> None:
    email = new_email("nobody")
    for _ in range(10):
        assert_oauth_error(by_password(anonymous, email), 400, "invalid_grant")
    answer = by_password(anonymous, email)
    assert_oauth_error(answer, 429, "temporarily_unavailable")
    assert 890 <= int(answer.headers["retry-after"]) <= 900


def test_a_busy_server_says_when_to_come_back(anonymous: httpx.Client, account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "SIGN_INS_WAITING", 0)
    assert_oauth_error(by_password(anonymous, account.email), 503, "temporarily_unavailable")


@pytest.mark.usefixtures("caplog")
def test_a_defect_is_told_in_that_shape(anonymous: httpx.Client, account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("taskwell.accounts.store.start_session", None)
    assert_oauth_error(by_password(anonymous, account.email), 500, "server_error")


# ---- and beside it -----------------------------------------------------------------------------------------------------


def test_our_own_address_keeps_its_envelope_and_its_statuses(anonymous: httpx.Client, account: Account) -> None:
    wrong = {"username": account.email, "password": "wrong password"}
    assert_error(anonymous.post(OUR_TOKEN, data=wrong), 401, "wrong_credentials")
    assert_error(
        anonymous.post(OUR_TOKEN, data={"grant_type": "refresh_token", "refresh_token": "x"}), 401, "refresh_token_invalid"
    )
    assert_error(anonymous.post(OUR_TOKEN, data=wrong | {"audience": "x"}), 400, "invalid_input")
    assert_error(anonymous.get(OUR_TOKEN), 405, "method_not_allowed")


def test_the_description_sends_libraries_here(server: RunningServer) -> None:
    document = server.app.openapi()
    schemes = document["components"]["securitySchemes"].values()
    (flow,) = [scheme["flows"]["password"] for scheme in schemes if scheme["type"] == "oauth2"]
    assert (flow["tokenUrl"], flow["refreshUrl"]) == (TOKEN, TOKEN)
    for path in (TOKEN, REVOKE):
        for status, answer in document["paths"][path]["post"]["responses"].items():
            name = answer["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
            assert (name == "OAuthError") == (status != "200")
