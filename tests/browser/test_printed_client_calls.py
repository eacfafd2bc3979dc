"""What each call of the printed client gives: on a page that is a secure context, and on plain http in a network at home."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from playwright.sync_api import APIResponse, Error, Page, Request, Route

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
    is_over(page)
    for tab in tabs:
        tab.evaluate("window.all = Promise.all(Array.from({ length: 5 }, () => client.api('tasks'))); undefined")
    for tab in tabs:
        assert tab.evaluate("window.all.then((answers) => answers.map(({ status }) => status))") == [200] * 5
    assert len(refreshes) == 1
    page.evaluate("client.signOut()")
    assert [calls(tab, "tasks").get("code") for tab in tabs] == ["signed_out"] * len(tabs)


def answers(route: Route, status: int, body: object) -> None:
    """In place of the server, as what the page may read."""
    headers = {
        "Access-Control-Allow-Origin": route.request.headers["origin"],
        "Access-Control-Expose-Headers": "Retry-After",
        "Retry-After": "1",
    }
    route.fulfill(status=status, json=body, headers=headers)


def passed_on(route: Route) -> APIResponse:
    """The server's own answer. What passes it on does not know the names of the network."""
    return route.fetch(url=route.request.url.replace("tasks.lan", "127.0.0.1"))


def is_over(page: Page) -> None:
    """The access token, so that the next call refreshes."""
    page.evaluate("localStorage.setItem('taskwell', JSON.stringify({ ...client.signedIn(), until: 0 }))")


def test_it_asks_again_where_that_is_safe(page: Page) -> None:
    signs_in(page)
    codes: list[str] = []

    def refuse(route: Route) -> None:
        """Answers as the server does when it is busy, as often as there are codes."""
        if route.request.method == "OPTIONS" or not codes:
            route.continue_()
            return
        answers(route, 503, {"error": {"code": codes.pop(0), "message": "x", "details": {}, "request_id": "x"}})

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


def test_nothing_is_written_over_where_a_proxy_takes_the_etag_away(page: Page) -> None:
    signs_in(page)

    def strip(route: Route) -> None:
        if route.request.method == "OPTIONS":
            route.continue_()
            return
        answer = passed_on(route)
        route.fulfill(response=answer, headers={name: value for name, value in answer.headers.items() if name != "etag"})

    page.route("**/api/v1/tasks**", strip)
    made = calls(page, "tasks", method="POST", json={"title": "Buy milk"})
    path = f"tasks/{made['data']['id']}"
    with page.expect_request(lambda sent: sent.method == "PATCH") as sent:
        page.evaluate("path => client.change(path, (now) => ({ title: `${now.title}!` }))", path)
    assert sent.value.headers["if-match"] == made["etag"] == made["data"]["etag"]
    assert calls(page, path, method="DELETE", ifMatch=made["etag"])["code"] == "task_changed"
    for nothing in (None, ""):
        with pytest.raises(Error, match="ifMatch"):
            calls(page, path, method="DELETE", ifMatch=nothing)
    assert calls(page, path)["data"]["title"] == "Buy milk!"


OF_GATEWAYS = (
    {"status": 503, "error": "Service Unavailable"},
    {"error": {"code": 503, "message": "x", "status": "UNAVAILABLE"}},
    {"error": {"code": "ServiceUnavailable", "message": "x"}},
)


def test_what_a_gateway_says_is_not_taken_for_taskwells_own(page: Page) -> None:
    signs_in(page)
    bodies: list[object] = []
    page.route("**/api/v1/tasks", lambda route: answers(route, 503, bodies.pop(0)) if bodies else route.continue_())
    page.route("**/api/v1/auth/token", lambda route: answers(route, 401, OF_GATEWAYS[0]))
    for body in OF_GATEWAYS:
        bodies[:] = [body, body]
        failed = calls(page, "tasks", method="POST", json={"title": "twice?"})
        assert (failed["status"], failed["code"]) == (503, "not_taskwell")
        assert len(bodies) == 1, "it is sent once"
    bodies.clear()
    is_over(page)
    walled = calls(page, "tasks")
    assert (walled["status"], walled["code"]) == (401, "not_taskwell")
    page.unroute("**/api/v1/auth/token")
    assert calls(page, "tasks")["data"]["items"] == [], "the refresh token is still there"


def test_the_answer_to_a_refresh_that_was_lost_is_asked_for_again(page: Page) -> None:
    signs_in(page)
    tokens: list[str] = []

    def lose(route: Route) -> None:
        tokens.append(route.request.post_data or "")
        answer = passed_on(route)
        if len(tokens) % 2 == 0:
            route.fulfill(response=answer)
        elif len(tokens) == 1:
            route.abort()
        elif len(tokens) == 3:
            answers(route, 503, {"error": {"code": "outcome_unknown", "message": "x", "details": {}, "request_id": "x"}})
        else:
            answers(route, 502, "Bad Gateway")

    page.route("**/api/v1/auth/token", lose)
    for number in range(3):
        is_over(page)
        assert calls(page, "tasks")["status"] == 200
        assert tokens[2 * number] == tokens[2 * number + 1]
    assert len(set(tokens)) == 3
    page.unroute("**/api/v1/auth/token")
    page.evaluate("localStorage.setItem('taskwell', JSON.stringify({ ...client.signedIn(), refreshToken: 'x', until: 0 }))")
    assert calls(page, "tasks")["code"] == "refresh_token_invalid"
    assert page.evaluate("client.signedIn()") is None
