"""The printed client where a session ends or changes while something is on its way, and where the server is out of reach."""

import re
from uuid import uuid4

import pytest
from playwright.sync_api import Error, Page, Route

from tests.browser.place import Held, Place, begins, calls, ended, is_over, opens_too, passed_on, refuses, signs_in
from tests.support.cast import PASSWORD
from tests.support.signed_in import new_email

WRITE = """client.api("tasks", { method: "POST", json: { title: "Alice's" } })"""
STORED = "Object.keys(localStorage)"


def somebody_else_signs_in(page: Page, place: Place, *, is_locked: bool = False) -> Page:
    """In another tab, in place of whoever was there. Behind a refresh that has the lock, only the sign-out counts at once."""
    tab = opens_too(page, place)
    email = new_email()
    tab.evaluate("([email, password]) => client.signUp(email, password)", [email, PASSWORD])
    begins(tab, f"client.signOut().then(() => client.signIn('{email}', '{PASSWORD}'))")
    if is_locked:
        tab.wait_for_function("client.signedIn() === null")
    else:
        tab.evaluate("begun")
    return tab


@pytest.mark.parametrize("address", ["tasks", "auth/token"])
def test_what_one_person_began_is_not_sent_as_another_one(page: Page, place: Place, address: str) -> None:
    """The access token is refused, and either that answer or the refresh after it comes when somebody else is there."""
    signs_in(page)
    tasks = Held(page, "**/api/v1/tasks")
    begins(page, WRITE)
    held = tasks.next()
    if address == "tasks":
        other = somebody_else_signs_in(page, place)
        refuses(held, 401, "account_unusable")
    else:
        tokens = Held(page, "**/api/v1/auth/token")
        refuses(held, 401, "account_unusable")
        held = tokens.next()
        answer = passed_on(held)
        other = somebody_else_signs_in(page, place, is_locked=place.is_secure)
        held.fulfill(response=answer)
    tasks.lets_through()
    assert ended(page).get("code") == "signed_out"
    other.evaluate("begun")
    assert calls(other, "tasks")["data"]["items"] == []
    assert calls(page, "tasks")["data"]["items"] == [], "this tab is theirs as well"


def test_a_change_ends_with_the_session_that_it_began_with(page: Page, place: Place) -> None:
    """What was read was one person's, so it is not another one's record of the same id that is looked at again."""
    task = {"id": str(uuid4()), "title": "Buy milk"}
    signs_in(page)
    calls(page, "tasks", method="POST", json=task)
    asked = Held(page, f"**/api/v1/tasks/{task['id']}")
    begins(page, f"client.change('tasks/{task['id']}', (now) => ({{ title: `${{now.title}}!` }}))")
    asked.next().continue_()
    held = asked.next()
    assert held.request.method == "PATCH"
    other = somebody_else_signs_in(page, place)
    calls(other, "tasks", method="POST", json=task)
    asked.lets_through()
    refuses(held, 412, "task_changed")
    assert ended(page).get("code") == "signed_out"
    assert calls(other, f"tasks/{task['id']}")["data"]["title"] == "Buy milk"


def test_the_pages_of_a_list_are_of_one_person(page: Page, place: Place) -> None:
    signs_in(page)
    for title in ("a", "b"):
        calls(page, "tasks", method="POST", json={"title": title})
    page.evaluate("window.all = client.each('tasks?limit=1'); all.next()")
    somebody_else_signs_in(page, place)
    begins(page, "all.next()")
    assert ended(page).get("code") == "signed_out"


def test_a_session_goes_on_through_its_refreshes(page: Page) -> None:
    """What is begun with one pair of tokens ends with the next."""
    signs_in(page)
    tasks = Held(page, "**/api/v1/tasks")
    begins(page, WRITE)
    held = tasks.next()
    is_over(page)
    assert calls(page, "auth/me")["status"] == 200, "it refreshes"
    tasks.lets_through()
    refuses(held, 401, "token_invalid")
    assert ended(page)["status"] == 201


def is_dead(page: Page, session: dict[str, object]) -> bool:
    """Whether the server lets nobody go on with it."""
    page.evaluate("session => localStorage.setItem('taskwell', JSON.stringify({ ...session, until: 0 }))", session)
    return bool(calls(page, "tasks").get("code") == "refresh_token_invalid")


@pytest.mark.parametrize("failure", ["lost", "busy"])
def test_a_sign_out_is_said_again(page: Page, failure: str) -> None:
    signs_in(page)
    session = page.evaluate("client.signedIn()")
    revokes = Held(page, "**/api/v1/auth/revoke")
    begins(page, "client.signOut().then(() => ({ headers: new Headers() }))")
    first = revokes.next()
    if failure == "lost":
        first.abort()
    else:
        refuses(first, 503, "outcome_unknown")
    revokes.next().continue_()
    ended(page)
    assert page.evaluate(STORED) == []
    assert is_dead(page, session)


def test_who_signs_out_without_a_network_is_out_at_once_and_the_server_hears_of_it(page: Page, place: Place) -> None:
    signs_in(page)
    session = page.evaluate("client.signedIn()")
    other = opens_too(page, place)
    page.context.set_offline(True)
    begins(page, "client.signOut()")
    other.wait_for_function("client.signedIn() === null", timeout=1000)
    with pytest.raises(Error, match="fetch"):
        ended(page)
    with page.expect_response("**/api/v1/auth/revoke") as told:
        page.context.set_offline(False)
    assert told.value.status == 200
    page.wait_for_function(f"{STORED}.length === 0")
    assert is_dead(page, session)


def test_a_sign_out_that_the_server_refused_to_hear_is_said_when_a_page_opens(page: Page) -> None:
    signs_in(page)
    session = page.evaluate("client.signedIn()")
    page.route("**/api/v1/auth/revoke", lambda route: refuses(route, 503, "database_unavailable"))
    begins(page, "client.signOut()")
    assert ended(page)["code"] == "database_unavailable"
    assert page.evaluate("client.signedIn()") is None
    page.unroute("**/api/v1/auth/revoke")
    with page.expect_response("**/api/v1/auth/revoke") as told:
        page.reload()
    assert told.value.status == 200
    page.wait_for_function(f"{STORED}.length === 0")
    page.wait_for_function("window.client")
    assert is_dead(page, session)


def test_what_a_refresh_puts_back_during_a_sign_out_goes(page: Page) -> None:
    """Tabs have no lock on what they store: one may have looked just before, and keep its new tokens just after."""
    signs_in(page)
    session = page.evaluate("client.signedIn()")
    revokes = Held(page, "**/api/v1/auth/revoke")
    begins(page, "client.signOut().then(() => ({ headers: new Headers() }))")
    held = revokes.next()
    page.evaluate("session => localStorage.setItem('taskwell', JSON.stringify(session))", session)
    held.continue_()
    ended(page)
    assert page.evaluate(STORED) == []


def test_who_signs_in_over_somebody_ends_their_session(page: Page) -> None:
    signs_in(page)
    session = page.evaluate("client.signedIn()")
    with page.expect_response("**/api/v1/auth/revoke") as told:
        signs_in(page)
    assert told.value.status == 200
    assert is_dead(page, session)


def test_a_refresh_that_hangs_is_given_up_and_asked_for_again(page: Page, place: Place) -> None:
    """Whoever needs it waits no longer than they want to, and the others still get it."""
    signs_in(page)
    tabs = [page, opens_too(page, place)] if place.is_secure else [page]
    tokens = Held(page, "**/api/v1/auth/token")
    is_over(page)
    page.evaluate(
        """() => {
            window.control = new AbortController()
            window.patient = client.api("tasks").then(({ status }) => status)
            window.leaving = client.api("tasks", { signal: control.signal }).catch((error) => error.name)
        }"""
    )
    hung = tokens.next()
    for tab in tabs[1:]:
        begins(tab, "client.api('tasks')")
    page.evaluate("control.abort()")
    soon = "Promise.race([leaving, new Promise((done) => setTimeout(done, 3000, 'it waits'))])"
    assert page.evaluate(soon) == "AbortError"
    again = tokens.next()
    assert again.request.post_data == hung.request.post_data
    again.continue_()
    assert page.evaluate("patient") == 200
    assert [ended(tab)["status"] for tab in tabs[1:]] == [200] * (len(tabs) - 1)
    assert tokens.routes == []


def test_who_signs_out_waits_for_no_refresh(page: Page) -> None:
    signs_in(page)
    session = page.evaluate("client.signedIn()")
    tokens = Held(page, "**/api/v1/auth/token")
    is_over(page)
    begins(page, "client.api('tasks')")
    hung = tokens.next()
    with page.expect_response("**/api/v1/auth/revoke", timeout=5000):
        page.evaluate("client.signOut(); undefined")
    assert page.evaluate("client.signedIn()") is None
    hung.continue_()
    assert ended(page).get("code") == "signed_out"
    tokens.lets_through()
    assert is_dead(page, session)


def test_who_goes_away_does_not_wait_until_the_server_is_free(page: Page) -> None:
    signs_in(page)
    busy: list[Route] = []

    def refuse(route: Route) -> None:
        busy.append(route)
        refuses(route, 503, "database_busy", 10)

    page.route("**/api/v1/tasks", refuse)
    with page.expect_response(re.compile("/api/v1/tasks")):
        page.evaluate(
            """() => {
                window.control = new AbortController()
                window.leaving = client.api("tasks", { signal: control.signal }).catch((error) => error.name)
            }"""
        )
    page.evaluate("control.abort()")
    soon = "Promise.race([leaving, new Promise((done) => setTimeout(done, 3000, 'it waits'))])"
    assert page.evaluate(soon) == "AbortError"
    assert len(busy) == 1
