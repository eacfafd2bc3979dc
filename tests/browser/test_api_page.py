"""The API page `/docs` in a real browser, which keeps answers and revalidates them by itself."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

from playwright.sync_api import Locator, Page

from tests.browser.chromium import chromium
from tests.support.cast import PASSWORD
from tests.support.server import RunningServer
from tests.support.signed_in import AUTH, TASKS, new_email

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


def execute(page: Page, method: str, path: str, body: dict[str, Any] | None = None, *, status: int) -> dict[str, Any]:
    """Press Execute at an operation, opened if it is not; the answer that the page then shows."""
    block = page.locator(f".opblock-{method}").filter(has=page.locator(f"[data-path='{path}']"))
    button = block.locator("button.execute")
    if not button.is_visible():
        block.locator("button.opblock-summary-control").click()
    if body is not None:
        block.locator("textarea.body-param__text").fill(json.dumps(body))
    with page.expect_response(lambda answer: path in answer.url):
        button.click()
    block.locator(".loading-container").wait_for(state="detached")
    response = block.locator(".live-responses-table tr.response")
    assert response.locator(".response-col_status").inner_text().split()[0] == str(status), response.inner_text()
    answer: dict[str, Any] = json.loads(response.locator("pre code").first.inner_text())
    return answer


def authorize(page: Page, email: str) -> None:
    with dialog(page) as form:
        form.locator("#oauth_username").fill(email)
        form.locator("#oauth_password").fill(PASSWORD)
        form.locator("button.authorize").click()
        form.get_by_text("Logout", exact=True).wait_for()


def log_out(page: Page) -> None:
    with dialog(page) as form:
        form.get_by_text("Logout", exact=True).click()
        form.locator("button.authorize").wait_for()


@contextmanager
def dialog(page: Page) -> Iterator[Locator]:
    """The page's own, which its button Authorize opens; from here on closed again."""
    page.locator(".auth-wrapper .btn.authorize").click()
    form = page.locator(".dialog-ux .auth-container").first
    yield form
    form.locator("button.btn-done").click()
