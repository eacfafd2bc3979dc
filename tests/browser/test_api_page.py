"""The API page `/docs` in a real browser, which keeps answers and revalidates them by itself."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

from playwright.sync_api import Locator, Page

from tests.browser.chromium import chromium
from tests.conftest import settings_for
from tests.support.cast import PASSWORD, Person
from tests.support.server import RunningServer, serve
from tests.support.signed_in import API_TOKENS, AUTH, ME, TASKS, new_email

REGISTER = f"{AUTH}/register"


def test_who_signs_in_after_somebody_else_sees_nothing_of_theirs(server: RunningServer, tmp_path: Path) -> None:
    titles = {new_email(name): f"{name}'s {uuid4().hex}" for name in ("alice", "bob")}
    seen = {}
    with chromium(tmp_path / "profile") as page:
        page.goto(f"{server.base_url}/docs")
        for email, title in titles.items():
            execute(page, "post", REGISTER, {"email": email, "password": PASSWORD}, status=201)
            authorize(page, email)
            execute(page, "post", TASKS, {"title": title}, status=201)
            # The second answer is one that the browser had kept and asked the server about.
            for _ in range(2):
                answer = execute(page, "get", TASKS, status=200)
                seen[email] = [task["title"] for task in answer["items"]]
            log_out(page)
    assert seen == {email: [title] for email, title in titles.items()}


def test_every_example_works_and_works_again(server: RunningServer, alice: Person, tmp_path: Path) -> None:
    """As the page fills them in. Nobody types more than which task is meant."""
    task = {"task_id": alice.creates()["id"]}
    with chromium(tmp_path / "profile") as page:
        page.goto(f"{server.base_url}/docs")
        authorize_by_token(page, alice.token)
        made = [execute(page, "post", TASKS, status=201) for _ in range(2)]
        assert len({one["id"] for one in made}) == 2
        assert {one["title"] for one in made} == {"Buy milk"}
        assert len(execute(page, "get", TASKS, status=200)["items"]) == 3
        for _ in range(2):
            assert execute(page, "put", f"{TASKS}/{{task_id}}", parameters=task, status=200)["title"] == "Buy milk"
            assert execute(page, "patch", f"{TASKS}/{{task_id}}", parameters=task, status=200)["is_completed"] is True
        assert execute(page, "get", f"{TASKS}/{{task_id}}", parameters=task, status=200)["is_completed"] is True
        assert execute(page, "patch", ME, status=200)["time_zone"] == "Europe/Berlin"
        execute(page, "delete", f"{TASKS}/{{task_id}}", parameters=task, status=204)


def test_so_do_those_of_lists_labels_and_moves(server: RunningServer, alice: Person, tmp_path: Path) -> None:
    with chromium(tmp_path / "profile") as page:
        page.goto(f"{server.base_url}/docs")
        authorize_by_token(page, alice.token)
        task = {"task_id": alice.creates(due={"date": "2026-12-01"}, recurrence={"rule": "FREQ=DAILY"})["id"]}
        label = {"label_id": execute(page, "post", "/api/v1/labels", status=201)["id"]}
        for _ in range(2):
            move = {"list_id": execute(page, "post", "/api/v1/lists", status=201)["id"]}
            execute(page, "post", "/api/v1/lists/{list_id}/move", parameters=move, status=200)
            execute(page, "put", "/api/v1/labels/{label_id}", parameters=label, status=200)
            execute(page, "post", f"{TASKS}/{{task_id}}/move", parameters=task, status=200)
            execute(page, "post", f"{TASKS}/{{task_id}}/complete", parameters=task, status=200)


def test_the_example_of_a_sign_up_signs_up_and_in(own_database: str, tmp_path: Path) -> None:
    with serve(settings_for(own_database, tmp_path)) as server, chromium(tmp_path / "profile") as page:
        page.goto(f"{server.base_url}/docs")
        assert execute(page, "post", REGISTER, status=201)["email"] == "me@example.com"
        authorize(page, "me@example.com", "correct horse battery")
        execute(page, "post", TASKS, status=201)
        tokens = [execute(page, "post", API_TOKENS, status=201)["token"] for _ in range(2)]
        log_out(page)
        authorize_by_token(page, tokens[0])
        assert len(execute(page, "get", TASKS, status=200)["items"]) == 1


def test_tasks_come_first_and_both_ways_in_have_a_name(server: RunningServer, tmp_path: Path) -> None:
    with chromium(tmp_path / "profile") as page:
        page.goto(f"{server.base_url}/docs")
        page.locator(".opblock-tag").first.wait_for()
        tags = [tag.get_attribute("data-tag") for tag in page.locator(".opblock-tag").all()]
        of_records = ["tasks", "lists", "labels", "trash", "batch", "changes", "in and out"]
        assert tags == [*of_records, "account", "sign-in", "API tokens", "keys", "health"]
        page.locator(".auth-wrapper .btn.authorize").click()
        heads = [" ".join(head.inner_text().split()) for head in page.locator(".dialog-ux .auth-container h4").all()]
        assert heads == ["Sign-in (OAuth2, password)", "API-token (http, Bearer)"]


def test_the_browser_keeps_no_password_and_no_token(server: RunningServer, alice: Person, tmp_path: Path) -> None:
    kept = "JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie])"
    with chromium(tmp_path / "profile") as page:
        page.goto(f"{server.base_url}/docs")
        authorize(page, alice.email)
        authorize_by_token(page, alice.token)
        execute(page, "get", TASKS, status=200)
        assert json.loads(page.evaluate(kept)) == [{}, {}, ""]


def test_it_works_under_a_path(own_database: str, tmp_path: Path) -> None:
    prefix = "/tasks-api"
    with serve(settings_for(own_database, tmp_path, root_path=prefix)) as server, chromium(tmp_path / "profile") as page:
        page.goto(f"{server.base_url}{prefix}")
        page.get_by_text("the API page").click()
        execute(page, "post", REGISTER, status=201)
        authorize(page, "me@example.com", "correct horse battery")
        execute(page, "post", TASKS, status=201)
        assert {urlsplit(url).path.startswith(f"{prefix}/") for url in asked_of(page)} == {True}


def asked_of(page: Page) -> list[str]:
    """What the page has loaded since it was opened."""
    urls: list[str] = page.evaluate("performance.getEntriesByType('resource').map(entry => entry.name)")
    return [url for url in urls if url.startswith("http")]


def test_who_types_a_wrong_password_is_told_so(server: RunningServer, tmp_path: Path) -> None:
    with chromium(tmp_path / "profile") as page:
        page.goto(f"{server.base_url}/docs")
        with dialog(page) as form:
            form.locator("#oauth_username").fill(new_email("nobody"))
            form.locator("#oauth_password").fill(PASSWORD)
            form.locator("button.authorize").click()
            told = form.locator(".errors")
            told.wait_for()
            assert "invalid_grant" in told.inner_text()
            assert "The e-mail address or the password is wrong." in told.inner_text()


def execute(
    page: Page,
    method: str,
    path: str,
    body: dict[str, Any] | None = None,
    *,
    status: int,
    parameters: dict[str, str] | None = None,
) -> dict[str, Any]:
    """Press Execute at an operation, opened if it is not; the answer that the page then shows."""
    block = page.locator(f".opblock-{method}").filter(has=page.locator(f"[data-path='{path}']"))
    button = block.locator("button.execute")
    if not button.is_visible():
        block.locator("button.opblock-summary-control").click()
    if body is not None:
        block.locator("textarea.body-param__text").fill(json.dumps(body))
    for name, value in (parameters or {}).items():
        block.locator(f"tr[data-param-name='{name}'] input").fill(value)
    with page.expect_response(lambda answer: path.partition("{")[0] in answer.url):
        button.click()
    block.locator(".loading-container").wait_for(state="detached")
    response = block.locator(".live-responses-table tr.response")
    assert response.locator(".response-col_status").inner_text().split()[0] == str(status), response.inner_text()
    if status == 204:
        return {}
    answer: dict[str, Any] = json.loads(response.locator("pre code").first.inner_text())
    return answer


def authorize(page: Page, email: str, password: str = PASSWORD) -> None:
    with dialog(page) as form:
        form.locator("#oauth_username").fill(email)
        form.locator("#oauth_password").fill(password)
        form.locator("button.authorize").click()
        form.get_by_text("Logout", exact=True).wait_for()


def authorize_by_token(page: Page, token: str) -> None:
    with dialog(page, number=1) as form:
        form.locator("input").fill(token)
        form.locator("button.authorize").click()
        form.get_by_text("Logout", exact=True).wait_for()


def log_out(page: Page) -> None:
    with dialog(page) as form:
        form.get_by_text("Logout", exact=True).click()
        form.locator("button.authorize").wait_for()


@contextmanager
def dialog(page: Page, number: int = 0) -> Iterator[Locator]:
    """One way in of the page's own dialog, which its button Authorize opens; from here on closed again."""
    page.locator(".auth-wrapper .btn.authorize").click()
    form = page.locator(".dialog-ux .auth-container").nth(number)
    yield form
    form.locator("button.btn-done").click()
