"""What each call of the printed client gives: on a page that is a secure context, and on plain http in a network at home."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from playwright.sync_api import Page, Request, Route

from tests.browser.chromium import chromium
from tests.browser.origin import Origin, origin
from tests.conftest import settings_for
from tests.support.cast import PASSWORD
from tests.support.server import serve
from tests.support.signed_in import new_email

LAN = "--host-resolver-rules=MAP *.lan 127.0.0.1"  # names that a browser does not take for this machine's own


class Place(NamedTuple):
    app: Origin
    is_secure: bool


@pytest.fixture(params=["this machine", "plain http in a network"])
def place(request: pytest.FixtureRequest, shared_database: str, tmp_path: Path) -> Iterator[Place]:
    is_secure = request.param == "this machine"
    with origin() as site:
        if not is_secure:
            site.url = site.url.replace("127.0.0.1", "app.lan")
        with serve(settings_for(shared_database, tmp_path, cors_origins=site.url)) as api:
            site.calls(api.base_url if is_secure else api.base_url.replace("127.0.0.1", "tasks.lan"))
            yield Place(site, is_secure)


@pytest.fixture
def page(place: Place, tmp_path: Path) -> Iterator[Page]:
    with chromium(tmp_path / "profile", LAN) as first:
        opens(first, place.app)
        assert first.evaluate("[isSecureContext, 'locks' in navigator]") == [place.is_secure] * 2
        yield first


def opens(page: Page, app: Origin) -> None:
    page.goto(app.url)
    page.wait_for_function("window.client")


def signs_in(page: Page) -> None:
    email = new_email()
    page.evaluate("([email, password]) => client.signUp(email, password)", [email, PASSWORD])
    page.evaluate("([email, password]) => client.signIn(email, password)", [email, PASSWORD])


def calls(page: Page, path: str, **options: Any) -> dict[str, Any]:
    """The answer, or the error, as what a program sees of it."""
    answer: dict[str, Any] = page.evaluate(
        """([path, options]) => client.api(path, options).then(
            ({ data, status, etag, headers }) => ({ data: data ?? null, status, etag, id: headers.get("X-Request-Id") }),
            (error) => {
                if (!(error instanceof client.TaskwellError)) throw error
                const { status, code, message, details, requestId, retryAfter } = error
                return { status, code, message, details, id: requestId, retryAfter }
            },
        )""",
        [path, options],
    )
    return answer


def test_the_everyday_calls(page: Page) -> None:
    signs_in(page)
    made = calls(page, "tasks", method="POST", json={"title": "Buy milk"})
    assert made["status"] == 201
    assert made["id"]
    path = f"tasks/{made['data']['id']}"
    assert calls(page, path)["etag"] == made["etag"]
    same = calls(page, path, ifNoneMatch=made["etag"])
    assert (same["status"], same["data"], same["etag"]) == (304, None, made["etag"])

    page.evaluate("path => client.change(path, (now) => ({ title: `${now.title}!` }))", path)
    stale = calls(page, path, method="PATCH", json={"title": "x"}, ifMatch=made["etag"])
    assert (stale["status"], stale["code"]) == (412, "task_changed")
    assert stale["details"]["current"]["title"] == "Buy milk!"
    assert stale["id"]
    wrong = calls(page, "tasks", method="POST", json={"title": ""})
    assert (wrong["status"], wrong["code"]) == (400, "invalid_input")
    assert wrong["details"]["fields"][0]["field"] == "title"

    for title in ("a", "b", "c"):
        calls(page, "tasks", method="POST", json={"title": title})
    titles = page.evaluate(
        "async () => { const all = []; for await (const task of client.each('tasks?limit=3')) all.push(task.title); return all }"
    )
    assert titles == ["c", "b", "a", "Buy milk!"]
    now = calls(page, path)["etag"]
    deleted = calls(page, path, method="DELETE", ifMatch=now)
    assert (deleted["status"], deleted["data"]) == (204, None)

    page.evaluate("client.signOut()")
    out = calls(page, "tasks")
    assert (out["status"], out["code"]) == (401, "signed_out")


def test_one_refresh_for_all_who_need_it(page: Page, place: Place) -> None:
    signs_in(page)
    tabs = [page, page.context.new_page()] if place.is_secure else [page]
    for tab in tabs[1:]:
        opens(tab, place.app)
    refreshes: list[Request] = []
    page.context.on(
        "request", lambda sent: refreshes.append(sent) if "grant_type=refresh_token" in (sent.post_data or "") else None
    )
    page.evaluate("localStorage.setItem('taskwell', JSON.stringify({ ...client.signedIn(), until: 0 }))")
    for tab in tabs:
        tab.evaluate("window.all = Promise.all(Array.from({ length: 5 }, () => client.api('tasks'))); undefined")
    for tab in tabs:
        assert tab.evaluate("window.all.then((answers) => answers.map(({ status }) => status))") == [200] * 5
    assert len(refreshes) == 1
    page.evaluate("client.signOut()")
    assert [calls(tab, "tasks").get("code") for tab in tabs] == ["signed_out"] * len(tabs)


def test_it_asks_again_where_that_is_safe(page: Page) -> None:
    signs_in(page)
    codes: list[str] = []

    def refuse(route: Route) -> None:
        """Answers as the server does when it is busy, as often as there are codes."""
        if route.request.method == "OPTIONS" or not codes:
            route.continue_()
            return
        error = {"code": codes.pop(0), "message": "x", "details": {}, "request_id": "x"}
        origin_of = route.request.headers["origin"]
        headers = {"Retry-After": "1", "Access-Control-Allow-Origin": origin_of, "Access-Control-Expose-Headers": "Retry-After"}
        route.fulfill(status=503, json={"error": error}, headers=headers)

    page.route("**/api/v1/tasks", refuse)
    codes[:] = ["database_busy", "outcome_unknown"]
    assert calls(page, "tasks")["status"] == 200
    codes[:] = ["database_busy"]
    assert calls(page, "tasks", method="POST", json={"title": "once"})["status"] == 201
    codes[:] = ["outcome_unknown"]
    unknown = calls(page, "tasks", method="POST", json={"title": "twice?"})
    assert (unknown["code"], unknown["retryAfter"]) == ("outcome_unknown", 1)
    codes[:] = ["database_busy"] * 9
    assert calls(page, "tasks")["code"] == "database_busy"
    assert len(codes) == 6, "it gives up after three"
