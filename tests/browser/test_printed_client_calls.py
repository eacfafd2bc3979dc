"""What each call of the printed client gives: on a page that is a secure context, and on plain http in a network at home."""

import json
from typing import Any

import pytest
from playwright.sync_api import Error, Page, Request, Route

from tests.browser.place import Place, answers, calls, is_over, opens_too, passed_on, refuses, signs_in


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
    tabs = [page, opens_too(page, place)] if place.is_secure else [page]
    refreshes: list[Request] = []
    page.context.on(
        "request", lambda sent: refreshes.append(sent) if "grant_type=refresh_token" in (sent.post_data or "") else None
    )
    is_over(page)
    for tab in tabs:
        tab.evaluate("window.all = Promise.all(Array.from({ length: 5 }, () => client.api('tasks'))); undefined")
    for tab in tabs:
        assert tab.evaluate("window.all.then((answers) => answers.map(({ status }) => status))") == [200] * 5
    # Chromium tells one process of what another one stored a moment later, also to whoever then has the lock.
    assert len(refreshes) <= len(tabs)
    assert len({sent.post_data for sent in refreshes}) == 1
    assert len({tab.evaluate("client.signedIn().refreshToken") for tab in tabs}) == 1, "both got the same"
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
        refuses(route, 503, codes.pop(0))

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


def test_each_server_says_how_long_to_wait(page: Page) -> None:
    signs_in(page)
    page.evaluate(
        """() => {
            const real = window.setTimeout
            window.waits = []
            window.setTimeout = (work, ms) => (waits.push(ms), real(work, 0))
        }"""
    )
    said: list[int] = []
    page.route("**/api/v1/tasks", lambda route: refuses(route, 503, "database_busy", said.pop(0)))
    for seconds, asked in ((6, 3), (10, 3), (11, 1)):
        said[:] = [seconds] * 5
        failed = calls(page, "tasks")
        assert (failed["code"], failed["retryAfter"], 5 - len(said)) == ("database_busy", seconds, asked)
        waits = page.evaluate("waits.splice(0)")
        assert len(waits) == asked - 1
        assert all(seconds * 1000 <= wait <= seconds * 1250 for wait in waits)


def all_of(page: Page, path: str) -> list[Any]:
    items: list[Any] = page.evaluate(
        "async (path) => { const all = []; for await (const one of client.each(path)) all.push(one); return all }", path
    )
    return items


def test_a_list_without_pages_is_all_there_is(page: Page) -> None:
    signs_in(page)
    for name in ("one", "two"):
        calls(page, "auth/tokens", method="POST", json={"name": name, "scopes": ["tasks:read"], "expires_in_days": 1})
    assert [token["name"] for token in all_of(page, "auth/tokens")] == ["two", "one"]


def test_the_feed_is_no_list(page: Page) -> None:
    """Whoever reads it has to keep `next`, and a page of it that ends in silence would be taken for all of it."""
    signs_in(page)
    with pytest.raises(Error, match=r"sync\.md"):
        all_of(page, "changes?limit=1")


def test_an_export_is_text(page: Page) -> None:
    signs_in(page)
    for title in ("a", "b"):
        calls(page, "tasks", method="POST", json={"title": title})
    exported = calls(page, "export")
    assert exported["status"] == 200
    assert {json.loads(line)["title"] for line in exported["data"].splitlines() if '"task"' in line} == {"a", "b"}


def test_a_page_of_something_else_is_not_taken_for_taskwells_answer(page: Page) -> None:
    signs_in(page)
    media_types = ["text/html; charset=utf-8", "application/json"]

    def welcome(route: Route) -> None:
        headers = {"Access-Control-Allow-Origin": route.request.headers["origin"], "Content-Type": media_types.pop()}
        route.fulfill(status=200, body="<!doctype html><title>Welcome to our network</title>", headers=headers)

    page.route("**/api/v1/tasks", welcome)
    while media_types:
        walled = calls(page, "tasks")
        assert (walled["status"], walled["code"]) == (200, "not_taskwell")


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
            refuses(route, 503, "outcome_unknown")
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
