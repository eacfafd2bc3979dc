"""TASKWELL_AUTH=none: a page of another origin, in a browser on this machine, changes nothing."""

from collections.abc import Iterator
from uuid import uuid4

import httpx
import pytest

from tests.conftest import settings_for
from tests.support import postgres
from tests.support.errors import assert_error
from tests.support.plain_http import PLAIN_HTTP
from tests.support.server import serve

TASKS = "/api/v1/tasks"
A_UUID = "0192f6d2-c0de-7a7b-8a7b-0192f6d2c0de"


@pytest.fixture(scope="module")
def browser(shared_database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    settings = settings_for(shared_database, tmp_path_factory.mktemp("data"), auth="none", cors_origins="http://localhost:5173")
    with serve(settings) as server, httpx.Client(base_url=server.base_url, trust_env=False, verify=PLAIN_HTTP) as client:
        client.event_hooks = {"response": [server.contract.hook]}
        yield client


FOREIGN = [
    *({"Origin": origin} for origin in ("https://evil.example", "http://localhost:1", "null", "http://localhost.evil.example")),
    {"Sec-Fetch-Site": "cross-site"},
]


@pytest.mark.parametrize("page", FOREIGN)
@pytest.mark.parametrize(
    ("method", "path", "media_type", "body"),
    [
        ("POST", "import?format=taskwell", "text/plain;charset=UTF-8", b'{"kind": "task", "title": "x"}\n'),
        ("POST", "tasks", "application/json", b'{"title": "x"}'),
        ("POST", f"tasks/{A_UUID}/restore", None, b""),
        ("DELETE", "trash", None, b""),
        ("PUT", f"tasks/{A_UUID}", "application/json", b'{"title": "x"}'),
        ("PATCH", f"tasks/{A_UUID}", "application/json", b'{"title": "x"}'),
    ],
)
def test_a_page_of_another_origin_changes_nothing(
    browser: httpx.Client, shared_database: str, page: dict[str, str], method: str, path: str, media_type: str | None, body: bytes
) -> None:
    """A browser sends what HTML forms could always send, also to another origin, without asking first (the Fetch standard)."""
    dora = uuid4()
    headers = page | ({} if media_type is None else {"Content-Type": media_type})
    answer = browser.request(method, f"/api/v1/users/{dora}/{path}", content=body, headers=headers)
    assert_error(answer, 403, "host_refused")
    assert postgres.query(shared_database, "SELECT FROM users WHERE id = $1", dora) == []


def test_a_page_of_taskwell_s_own_and_what_is_no_page_change_what_they_like(browser: httpx.Client) -> None:
    own = {"Origin": str(browser.base_url).rstrip("/"), "Sec-Fetch-Site": "same-origin"}
    for headers in (own, {"Sec-Fetch-Site": "none"}, {"Host": "LOCALHOST:80", "Origin": "http://localhost:80"}):
        assert browser.post(TASKS, json={"title": "x"}, headers=headers).status_code == 201


@pytest.mark.parametrize(("origin", "status"), [("http://localhost:5173", 201), ("http://localhost:5174", 403)])
def test_a_page_that_the_settings_name_changes_what_it_likes_and_its_neighbour_nothing(
    browser: httpx.Client, origin: str, status: int
) -> None:
    headers = {"Origin": origin, "Sec-Fetch-Site": "cross-site"}
    assert browser.post(TASKS, json={"title": "x"}, headers=headers).status_code == status
