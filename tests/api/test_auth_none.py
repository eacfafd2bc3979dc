"""TASKWELL_AUTH=none: nobody signs in, so the owner is whom the path names, and only this machine is let in."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from taskwell.app import Taskwell
from taskwell.web.credentials import LOCAL_USER
from tests.cli.command import free_port, refusal, serving, taskwell
from tests.conftest import settings_for
from tests.support import postgres
from tests.support.errors import assert_error, invalid_fields
from tests.support.events import listening
from tests.support.plain_http import PLAIN_HTTP
from tests.support.server import RunningServer, serve
from tests.support.wire import Wire

TASKS = "/api/v1/tasks"
A_UUID = "0192f6d2-c0de-7a7b-8a7b-0192f6d2c0de"


@pytest.fixture(scope="module")
def database(postgres_url: str) -> Iterator[str]:
    """Of these tests alone: whoever needs no name here is one and the same."""
    with postgres.new_database(postgres_url) as url:
        yield url


@pytest.fixture(scope="module")
def home(database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """On a laptop."""
    with serve(settings_for(database, tmp_path_factory.mktemp("data"), auth="none")) as running:
        yield running


@pytest.fixture
def me(home: RunningServer) -> Iterator[httpx.Client]:
    hooks = {"response": [home.contract.hook]}
    with httpx.Client(base_url=home.base_url, timeout=30, trust_env=False, verify=PLAIN_HTTP, event_hooks=hooks) as client:
        yield client


def tasks_of(user_id: UUID) -> str:
    return f"/api/v1/users/{user_id}/tasks"


def titles(answer: httpx.Response) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [task["title"] for task in answer.json()["items"]]


def rows(database: str, user_id: UUID) -> int:
    return len(postgres.query(database, "SELECT 1 FROM users WHERE id = $1", user_id))


# ---- whose tasks -------------------------------------------------------------------------------------------------------


def test_tasks_without_a_name_are_one_local_users(me: httpx.Client) -> None:
    task = me.post(TASKS, json={"title": "local"})
    assert (task.status_code, task.json()["user_id"]) == (201, str(LOCAL_USER))
    assert "local" in titles(me.get(TASKS))
    assert "local" in titles(me.get("/api/tasks"))
    assert "local" in titles(me.get(tasks_of(LOCAL_USER)))
    assert me.delete(task.headers["location"]).status_code == 204
    assert "local" not in titles(me.get(TASKS))


def test_somebody_who_has_nothing_yet_hears_of_their_first_write(me: httpx.Client) -> None:
    own = f"/api/v1/users/{uuid4()}"
    nothing = me.get(f"{own}/changes", params={"wait": 1}).json()
    assert nothing["items"] == []
    with listening(me, f"{own}/events") as stream:
        assert stream.revision() == -1
        me.post(f"{own}/tasks", json={"title": "first"})
        while stream.revision() < 1:
            pass
    items = me.get(f"{own}/changes", params={"since": nothing["next"], "wait": 60}).json()["items"]
    assert [item["kind"] for item in items] == ["account", "task"]
    assert me.post(f"{own}/events/ticket").status_code == 404  # nobody signs in here


def test_a_token_says_nothing_here(me: httpx.Client) -> None:
    for header in ("Bearer garbage", "Basic xyz", "tw_x"):
        assert me.get(TASKS, headers={"Authorization": header}).status_code == 200


def test_the_first_write_makes_the_owner_and_a_read_does_not(me: httpx.Client, database: str) -> None:
    dora = uuid4()
    where = tasks_of(dora)
    assert titles(me.get(where)) == []
    assert_error(me.get(f"{where}/{uuid4()}"), 404, "task_not_found")
    assert me.get(where).headers["etag"]
    assert rows(database, dora) == 0
    task = me.post(where, json={"title": "x"})
    assert (task.status_code, task.json()["user_id"]) == (201, str(dora))
    assert rows(database, dora) == 1
    assert titles(me.get(where)) == ["x"]
    assert titles(me.get(f"/users/{dora}/tasks")) == ["x"]


def test_owners_that_the_path_names_are_apart(me: httpx.Client) -> None:
    dora, emil = uuid4(), uuid4()
    hers = me.post(tasks_of(dora), json={"title": "hers"}).json()
    his = me.post(tasks_of(emil), json={"title": "his"}).json()
    assert titles(me.get(tasks_of(dora))) == ["hers"]
    assert titles(me.get(tasks_of(emil))) == ["his"]
    for owner, other in ((dora, his), (emil, hers), (LOCAL_USER, hers)):
        there = f"{tasks_of(owner)}/{other['id']}"
        assert_error(me.get(there), 404, "task_not_found")
        assert_error(me.patch(there, json={"title": "stolen"}), 404, "task_not_found")
        assert_error(me.put(there, json={"title": "stolen"}), 404, "task_not_found")
        assert_error(me.delete(there), 404, "task_not_found")
    assert me.get(f"{tasks_of(dora)}/{hers['id']}").json() == hers
    assert me.get(f"{tasks_of(emil)}/{his['id']}").json() == his


@pytest.mark.parametrize("name", ["dora", "1", "0192F6D2", f"{{{A_UUID}}}", A_UUID.replace("-", "")])
def test_an_owner_is_a_uuid(me: httpx.Client, name: str) -> None:
    assert_error(me.get(f"/api/v1/users/{name}/tasks"), 404, "user_not_found")
    assert_error(me.post(f"/api/v1/users/{name}/tasks", json={"title": "x"}), 404, "user_not_found")


def test_who_is_disabled_stays_so(me: httpx.Client, database: str) -> None:
    dora = uuid4()
    task = me.post(tasks_of(dora), json={"title": "x"}).json()
    postgres.query(database, "UPDATE users SET disabled_at = now() WHERE id = $1", dora)
    assert_error(me.get(tasks_of(dora)), 401, "account_unusable")
    assert_error(me.post(tasks_of(dora), json={"title": "y"}), 401, "account_unusable")
    assert_error(me.delete(f"{tasks_of(dora)}/{task['id']}"), 401, "account_unusable")
    postgres.query(database, "UPDATE users SET disabled_at = NULL WHERE id = $1", dora)
    assert titles(me.get(tasks_of(dora))) == ["x"]


def test_who_is_deleted_starts_anew(me: httpx.Client, database: str, tmp_path: Path) -> None:
    dora = uuid4()
    first = me.post(tasks_of(dora), json={"title": "x"}).json()
    done = taskwell("users", "delete", "--yes", str(dora), cwd=tmp_path, DATABASE_URL=database)
    assert done.returncode == 0, done.stderr
    assert titles(me.get(tasks_of(dora))) == []
    assert me.post(tasks_of(dora), json={"title": "y"}).json()["revision"] > first["revision"]
    assert titles(me.get(tasks_of(dora))) == ["y"]


def test_what_is_sent_is_examined_as_ever(me: httpx.Client) -> None:
    assert invalid_fields(me.post(TASKS, json={"title": ""})) == ["title"]
    assert invalid_fields(me.get(TASKS, params={"limit": 101})) == ["limit"]


# ---- what is there -----------------------------------------------------------------------------------------------------


def test_readiness_says_that_there_is_no_sign_in(me: httpx.Client) -> None:
    assert me.get("/readyz").json() == {"status": "ok", "schema": "current", "auth": "none"}


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/api/v1/auth/register"),
        ("POST", "/api/v1/auth/token"),
        ("POST", "/api/v1/auth/revoke"),
        ("GET", "/api/v1/auth/me"),
        ("PATCH", "/api/v1/auth/me"),
        ("DELETE", "/api/v1/auth/me"),
        ("POST", "/api/v1/auth/password"),
        ("POST", "/api/v1/auth/sign-out-everywhere"),
        ("GET", "/api/v1/auth/tokens"),
        ("POST", "/api/v1/auth/tokens"),
        ("DELETE", f"/api/v1/auth/tokens/{A_UUID}"),
        ("GET", "/.well-known/jwks.json"),
    ],
)
def test_there_is_nothing_to_sign_in_with(me: httpx.Client, method: str, path: str) -> None:
    assert_error(me.request(method, path), 404, "route_not_found")


def test_the_api_page_works_and_offers_no_sign_in(me: httpx.Client) -> None:
    assert me.get("/docs").status_code == 200
    document = me.get("/openapi.json").json()
    assert "securitySchemes" not in document["components"]
    assert not any("security" in operation for path in document["paths"].values() for operation in path.values())
    assert "auth/" not in json.dumps(document)
    assert "Nobody signs in here" in document["info"]["description"]


# ---- who is let in -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "127.0.0.1:8000",
        "127.1.2.3:80",
        "[::1]",
        "[::1]:8000",
        "localhost",
        "localhost:5173",
        "LOCALHOST",
        "localhost.",
    ],
)
def test_a_host_that_is_this_machine_is_answered(me: httpx.Client, host: str) -> None:
    assert me.get(TASKS, headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:8000",
        "127.0.0.1.evil.example",
        "localhost.evil.example",
        "evil.example.localhost",
        "1.127.0.0.1",
        "127.0.0.1000",
        "0.0.0.0:8000",
        "192.168.1.20:8000",
        "[::2]:8000",
    ],
)
def test_a_host_that_is_not_this_machine_is_refused(me: httpx.Client, database: str, host: str) -> None:
    dora = uuid4()
    for answer in (
        me.get(TASKS, headers={"Host": host}),
        me.post(tasks_of(dora), json={"title": "x"}, headers={"Host": host}),
        me.get("/users/nobody/tasks", headers={"Host": host}),
    ):
        assert_error(answer, 403, "host_refused")
        assert host not in answer.text
    assert rows(database, dora) == 0


@pytest.mark.parametrize(
    "host", ["localhost@evil.example", "localhost:8000@evil.example", "localhost:evil", "localhost, evil.example", "::1", ""]
)
def test_what_is_no_host_is_refused_before_anything_else(me: httpx.Client, host: str) -> None:
    assert_error(me.get(TASKS, headers={"Host": host}), 400, "malformed_request")


@pytest.mark.parametrize("more", [b"", b"X-Forwarded-Host: localhost\r\n"])
def test_an_absent_host_is_refused(home: RunningServer, more: bytes) -> None:
    """HTTP/1.0 need not name one."""
    with Wire(home) as wire:
        wire.send(b"GET %s HTTP/1.0\r\n%s\r\n" % (TASKS.encode(), more))
        assert_error(wire.answer(), 403, "host_refused")


OF_A_PROXY = [
    *("Forwarded", "Via", "CDN-Loop", "Front-End-Https", "Client-IP", "Forwarded-For", "WL-Proxy-Client-IP", "True-Client-IP"),
    *(
        f"X-Forwarded-{name}"
        for name in ("For", "Host", "Proto", "Port", "Server", "Prefix", "Scheme", "Ssl", "User", "By-Nobody")
    ),
    *(f"X-{name}" for name in ("Real-IP", "Client-IP", "Cluster-Client-IP", "Original-Host", "Original-URL", "Original-For")),
    *(f"X-{name}" for name in ("Envoy-External-Address", "Envoy-Original-Path", "Remote-IP", "Remote-Addr", "ARR-SSL", "Host")),
    *(f"X-{name}" for name in ("Azure-ClientIP", "Azure-FDID", "AppEngine-User-IP", "Amzn-Trace-Id", "Rewrite-URL", "Scheme")),
    *("CF-Connecting-IP", "CF-Connecting-IPv6", "CF-Ray", "CF-Visitor", "CloudFront-Viewer-Address", "Fastly-Client-IP"),
    *("Fly-Client-IP", "Fly-Forwarded-Port", "Tailscale-User-Login", "X-Vercel-Id", "X-Nf-Client-Connection-Ip", "X-Forwarded"),
]


@pytest.mark.parametrize("name", OF_A_PROXY)
def test_what_a_proxy_passes_on_comes_from_elsewhere(me: httpx.Client, name: str) -> None:
    for value in ("127.0.0.1", "localhost", ""):
        assert_error(me.get(TASKS, headers={name: value}), 403, "host_refused")
        assert_error(me.get(TASKS, headers={name.upper(): value}), 403, "host_refused")


OF_A_CLIENT = [
    *("Accept-Language", "Cookie", "DNT", "From", "Origin", "Referer", "Sec-Fetch-Site", "Priority", "TE", "Traceparent"),
    *("X-Client-Info", "X-Client-Version", "X-Requested-With", "X-Request-Id", "X-Http-Method-Override", "X-User-Agent"),
]


@pytest.mark.parametrize("name", OF_A_CLIENT)
def test_what_a_client_writes_itself_does_not_matter(me: httpx.Client, name: str) -> None:
    assert me.get(TASKS, headers={name: "localhost"}).status_code == 200


def ask_directly(app: Taskwell, client: tuple[str, int] | None) -> tuple[int, dict[str, Any]]:
    """A GET from wherever we like; none of these gets as far as the database, whose connections have another event loop."""
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": "GET",
        "path": TASKS,
        "raw_path": TASKS.encode(),
        "root_path": "",
        "query_string": b"limit=0",
        "headers": [(b"host", b"localhost")],
        "client": client,
        "server": ("127.0.0.1", 8000),
    }
    asyncio.run(app(scope, receive, send))
    return sent[0]["status"], json.loads(sent[1]["body"])


@pytest.mark.parametrize(
    ("address", "status", "code"),
    [
        ("127.0.0.1", 400, "invalid_input"),  # let in, and told what is wrong with the query
        ("127.9.9.9", 400, "invalid_input"),
        ("::1", 400, "invalid_input"),
        ("192.168.1.20", 403, "host_refused"),
        ("10.0.0.1", 403, "host_refused"),
        ("8.8.8.8", 403, "host_refused"),
        ("fe80::1%eth0", 403, "host_refused"),
        ("2001:db8::1", 403, "host_refused"),
        ("::", 403, "host_refused"),
        ("", 403, "host_refused"),
        ("testclient", 403, "host_refused"),
    ],
)
def test_only_this_machine_is_let_in_whatever_host_it_names(home: RunningServer, address: str, status: int, code: str) -> None:
    answered, body = ask_directly(home.app, (address, 50_000))
    assert (answered, body["error"]["code"]) == (status, code)


def test_a_unix_socket_is_on_this_machine(home: RunningServer) -> None:
    assert ask_directly(home.app, None)[0] == 400


def test_behind_a_gateway_any_host_and_any_client_is_let_in(database: str, tmp_path: Path) -> None:
    settings = settings_for(database, tmp_path, auth="none", auth_none_behind_gateway=True, host="0.0.0.0")
    with serve(settings) as server, httpx.Client(base_url=server.base_url, trust_env=False, verify=PLAIN_HTTP) as gateway:
        for host in ("tasks.example.com", "localhost", "10.0.0.7:8000"):
            assert gateway.get(TASKS, headers={"Host": host}).status_code == 200
        assert ask_directly(server.app, ("10.0.0.1", 50_000))[0] == 400
        assert gateway.get("/readyz").json()["auth"] == "none"


# ---- where it does not start -------------------------------------------------------------------------------------------


def test_serve_says_loudly_that_there_is_no_sign_in_and_refuses_to_open_it(own_database: str, tmp_path: Path) -> None:
    settings: Any = {"DATABASE_URL": own_database, "TASKWELL_AUTH": "none"}
    for words in (("--host", "0.0.0.0"), ("--host", "::")):
        said = refusal(taskwell("serve", *words, "--port", str(free_port()), cwd=tmp_path, **settings))
        assert said.startswith("TASKWELL_AUTH=none lets in whoever reaches ")
        assert said.endswith("set TASKWELL_AUTH_NONE_BEHIND_GATEWAY=yes")
    said = refusal(taskwell("serve", "--port", str(free_port()), cwd=tmp_path, TASKWELL_CORS_ORIGINS="*", **settings))
    assert "TASKWELL_CORS_ORIGINS=* lets every web page read the tasks" in said
    with serving(tmp_path, "--workers", "1", **settings) as server:
        assert "\nTHERE IS NO SIGN-IN (TASKWELL_AUTH=none): " in server.said
        assert f"curl {server.url}{TASKS} --json" in server.said
        assert "Sign up" not in server.said
        assert httpx.post(f"{server.url}{TASKS}", json={"title": "x"}, trust_env=False).status_code == 201
        answer = httpx.get(f"{server.url}{TASKS}", headers={"Host": "evil.example"}, trust_env=False)
        assert_error(answer, 403, "host_refused")
        assert server.complained.count("no_sign_in") == 1, server.complained
