"""A server that is seen under a path: every address that it hands out begins with that path, and leads back to it."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urljoin
from uuid import uuid4

import httpx
import pytest

from tests.cli.command import Visitor, free_port, serving
from tests.conftest import settings_for
from tests.support import postgres
from tests.support.cast import PASSWORD
from tests.support.errors import assert_error
from tests.support.html import References
from tests.support.nginx import nginx
from tests.support.plain_http import PLAIN_HTTP
from tests.support.server import RunningServer, serve
from tests.support.signed_in import TASKS, new_email

PREFIX = "/tasks-api"
PAGES = ("/", "/docs")
TRUSTED = "127.0.0.1"


@pytest.fixture(scope="module")
def database(postgres_url: str) -> Iterator[str]:
    with postgres.new_database(postgres_url) as url:
        yield url


def assert_all_addresses(outside: str, prefix: str, *, request: dict[str, str] | None = None) -> None:
    """Somebody who knows nothing but `outside`, the address of the first page, gets everywhere."""
    with httpx.Client(timeout=30, trust_env=False, verify=PLAIN_HTTP, headers=request) as client:
        for page in PAGES:
            shown = client.get(outside + page)
            assert shown.status_code == 200, page
            assert shown.headers["content-type"] == "text/html; charset=utf-8"
            for url in References(shown.text).urls:
                assert url.startswith(f"{prefix}/"), url
                assert client.get(urljoin(outside + page, url)).status_code == 200, url
        assert re.search(f"url: ['\"]{re.escape(prefix)}/openapi\\.json['\"]", client.get(f"{outside}/docs").text)
        description = client.get(f"{outside}/openapi.json").json()
        assert description["servers"] == [{"url": prefix}]
        (flow,) = [
            flow["password"] for scheme in description["components"]["securitySchemes"].values() if (flow := scheme.get("flows"))
        ]
        assert flow["tokenUrl"].startswith(f"{prefix}/")
        assert flow["refreshUrl"] == flow["tokenUrl"]

        email = new_email()
        assert client.post(f"{outside}/api/v1/auth/register", json={"email": email, "password": PASSWORD}).status_code == 201
        form = {"grant_type": "password", "username": email, "password": PASSWORD}
        token = client.post(urljoin(outside, flow["tokenUrl"]), data=form)
        assert token.status_code == 200, token.text
        client.headers["Authorization"] = f"Bearer {token.json()['access_token']}"
        made = [client.post(outside + TASKS, json={"title": title}) for title in "ab"]
        made.append(client.put(f"{outside}{TASKS}/{uuid4()}", json={"title": "c"}, headers={"If-None-Match": "*"}))
        for task in made:
            assert task.headers["location"] == f"{prefix}{TASKS}/{task.json()['id']}"
            assert client.get(urljoin(outside, task.headers["location"])).json() == task.json()
        following = client.get(f"{outside}{TASKS}?limit=2").links["next"]["url"]
        assert following.startswith(f"{prefix}{TASKS}?")
        assert len(client.get(urljoin(outside, following)).json()["items"]) == 1
        lost = client.get(f"{outside}/nowhere")
        assert_error(lost, 404, "route_not_found")
        assert f" {prefix}/docs." in lost.json()["error"]["message"]


@pytest.mark.parametrize("written", [PREFIX, f"{PREFIX}/", f" {PREFIX} "])
def test_a_prefix_that_is_set_goes_before_every_address(database: str, tmp_path: Path, written: str) -> None:
    with serve(settings_for(database, tmp_path, root_path=written.strip())) as server:
        assert_all_addresses(f"{server.base_url}{PREFIX}", PREFIX)  # a proxy that leaves the prefix in the path
        assert httpx.get(f"{server.base_url}{PREFIX}", trust_env=False).text == httpx.get(server.base_url, trust_env=False).text


@pytest.fixture(scope="module")
def behind_proxies(database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    with serve(settings_for(database, tmp_path_factory.mktemp("data"), trusted_proxies=TRUSTED)) as server:
        yield server


def test_an_answer_that_is_given_again_leads_where_this_client_sees_it(behind_proxies: RunningServer) -> None:
    with Visitor(behind_proxies.base_url, email=new_email("alice")) as me:
        me.signs_up()
        me.signs_in()
        made = [
            me.post(TASKS, json={"title": "x"}, headers={"Idempotency-Key": "key", "X-Forwarded-Prefix": prefix}).headers
            for prefix in (PREFIX, "/other", "", PREFIX)
        ]
    at = made[2]["location"]
    assert at.startswith(f"{TASKS}/")
    assert [one["location"] for one in made] == [f"{PREFIX}{at}", f"/other{at}", at, f"{PREFIX}{at}"]
    assert [one.get("idempotency-replayed") for one in made] == [None, "true", "true", "true"]


def test_a_trusted_proxy_says_the_prefix(behind_proxies: RunningServer) -> None:
    said = {"X-Forwarded-Prefix": PREFIX}
    assert_all_addresses(f"{behind_proxies.base_url}{PREFIX}", PREFIX, request=said)
    for prefix in (f"{PREFIX}/", PREFIX, "/a/b.c/~d_e-f"):
        page = httpx.get(f"{behind_proxies.base_url}/docs", headers={"X-Forwarded-Prefix": prefix}, trust_env=False)
        assert all(url.startswith(f"{prefix.rstrip('/')}/docs/") for url in References(page.text).urls)


@pytest.mark.parametrize(
    "prefix",
    [
        "//evil.example",
        "/x//evil.example",
        "/x//",
        "https://evil.example",
        "https:/evil.example",
        "javascript:alert(1)",
        "evil.example",
        "tasks-api",
        "\\\\evil.example",
        "/\\evil.example",
        "/%2Fevil.example",
        "/%5Cevil.example",
        "/..",
        "/x/../..",
        "/./x",
        "/%2e%2e",
        "/x?y",
        "/x#y",
        "/x;y",
        "/x,/y",
        "/x y",
        "/\tx",
        '/"><script>',
        "/x'",
        "/ü".encode(),
        "/" + "x" * 255,
        "@evil.example",
        "/x@evil.example:80",
        "/",
        "",
    ],
)
def test_what_could_lead_elsewhere_is_no_prefix(behind_proxies: RunningServer, prefix: str | bytes) -> None:
    raw = prefix if isinstance(prefix, bytes) else prefix.encode()
    with httpx.Client(base_url=behind_proxies.base_url, trust_env=False, verify=PLAIN_HTTP) as client:
        for path in (*PAGES, "/openapi.json", "/nowhere"):
            plain, said = client.get(path), client.get(path, headers=[(b"X-Forwarded-Prefix", raw)])
            assert said.status_code == plain.status_code
            if path != "/nowhere":
                assert said.text == plain.text
            else:
                assert said.json()["error"]["message"] == plain.json()["error"]["message"]


def test_two_of_them_are_no_prefix(behind_proxies: RunningServer) -> None:
    twice = [("X-Forwarded-Prefix", PREFIX)] * 2
    assert "servers" not in httpx.get(f"{behind_proxies.base_url}/openapi.json", headers=twice, trust_env=False).json()


def test_nobody_else_says_the_prefix(database: str, tmp_path: Path, server: RunningServer) -> None:
    said = {"X-Forwarded-Prefix": PREFIX}
    with serve(settings_for(database, tmp_path, trusted_proxies="10.0.0.0/8")) as elsewhere:
        for base in (server.base_url, elsewhere.base_url):
            assert "servers" not in httpx.get(f"{base}/openapi.json", headers=said, trust_env=False).json()
            assert httpx.get(f"{base}{PREFIX}/docs", headers=said, trust_env=False).status_code == 404


def test_what_is_set_goes_before_what_a_proxy_says(database: str, tmp_path: Path) -> None:
    """Many a proxy passes on what the client wrote."""
    with serve(settings_for(database, tmp_path, trusted_proxies=TRUSTED, root_path=PREFIX)) as server:
        said = httpx.get(f"{server.base_url}/openapi.json", headers={"X-Forwarded-Prefix": "/other"}, trust_env=False)
        assert said.json()["servers"] == [{"url": PREFIX}]


def test_a_proxy_that_says_a_bad_prefix_is_in_the_log_once(database: str, tmp_path: Path) -> None:
    with serving(tmp_path, "--workers", "1", DATABASE_URL=database, TASKWELL_TRUSTED_PROXIES=TRUSTED) as server:
        for _ in range(3):
            assert (
                httpx.get(f"{server.url}/docs", headers={"X-Forwarded-Prefix": "//hunter2"}, trust_env=False).status_code == 200
            )
        assert server.complained.count("forwarded_prefix_unreadable") == 1
        assert "hunter2" not in server.complained


def test_only_the_whole_prefix_is_taken_away(database: str, tmp_path: Path) -> None:
    with serve(settings_for(database, tmp_path, root_path="/x")) as server, httpx.Client(base_url=server.base_url) as client:
        for path in ("/xdocs", "/x/x/docs", "/x//docs", "/X/docs", "/x%2Fdocs", "/y/x/docs"):
            assert_error(client.get(path), 404, "route_not_found")


def test_without_sign_in_a_request_of_a_proxy_is_refused_as_before(database: str, tmp_path: Path) -> None:
    settings = settings_for(database, tmp_path, auth="none", trusted_proxies=TRUSTED, root_path=PREFIX)
    with serve(settings) as server, httpx.Client(base_url=server.base_url, trust_env=False, verify=PLAIN_HTTP) as client:
        assert client.get(PREFIX + TASKS).status_code == 200
        assert_error(client.get(PREFIX + TASKS, headers={"X-Forwarded-Prefix": PREFIX}), 403, "host_refused")
        assert client.get("/openapi.json").json()["servers"] == [{"url": PREFIX}]


# ---- the servers, and a proxy ------------------------------------------------------------------------------------------

BIN = Path(sys.executable).parent
UVICORN = ("uvicorn", "--factory", "taskwell.app:create", "--no-proxy-headers")
GRANIAN = ("granian", "--factory", "taskwell.app:create", "--interface", "asgi")


@pytest.mark.parametrize(
    "words",
    [
        (*UVICORN, "--root-path", PREFIX),
        (*UVICORN, "--root-path", f"{PREFIX}/"),
        (*UVICORN, "--root-path", PREFIX.removeprefix("/")),
        (*GRANIAN, "--url-path-prefix", PREFIX),
    ],
    ids=lambda words: f"{words[0]} {words[-1]}",
)
def test_a_server_that_was_told_the_prefix(database: str, tmp_path: Path, words: tuple[str, ...]) -> None:
    with (
        serving(tmp_path, *words[1:], "--port", "{port}", program=[str(BIN / words[0])], DATABASE_URL=database) as server,
        nginx(tmp_path, port=(outside := free_port()), taskwell=server.port, under=PREFIX),
    ):
        assert_all_addresses(f"{server.url}{PREFIX}", PREFIX)  # the prefix is left in the path
        assert_all_addresses(f"http://127.0.0.1:{outside}{PREFIX}", PREFIX)  # it is stripped


def test_behind_nginx_by_the_printed_settings(database: str, tmp_path: Path) -> None:
    with (
        serving(tmp_path, "--workers", "1", DATABASE_URL=database, TASKWELL_ROOT_PATH=PREFIX) as server,
        nginx(tmp_path, port=(outside := free_port()), taskwell=server.port, under=PREFIX),
    ):
        assert_all_addresses(f"http://127.0.0.1:{outside}{PREFIX}", PREFIX)
        assert f"serves at    {server.url}{PREFIX}\n" in server.said
        assert f"API page is at    {server.url}{PREFIX}/docs\n" in server.said
        assert f"curl {server.url}{PREFIX}{TASKS} " in server.said
