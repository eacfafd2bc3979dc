"""The client of docs/sign-in.md, word for word, on a page of another origin: several people at one browser."""

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from playwright.sync_api import Page

from tests.browser.chromium import chromium
from tests.browser.origin import Origin, origin
from tests.browser.place import opens
from tests.conftest import settings_for
from tests.support.cast import PASSWORD
from tests.support.server import serve
from tests.support.signed_in import new_email

PATH = "tasks?limit=5"


@pytest.fixture
def app(shared_database: str, tmp_path: Path) -> Iterator[Origin]:
    with origin() as site, serve(settings_for(shared_database, tmp_path, cors_origins=site.url)) as api:
        site.calls(api.base_url)
        yield site


def signs_up(page: Page) -> tuple[str, str]:
    """Somebody new, signed in, with one task of a title that nobody else has."""
    email, title = new_email(), f"secret {uuid4().hex}"
    page.evaluate("([email, password]) => client.signUp(email, password)", [email, PASSWORD])
    signs_in(page, email)
    page.evaluate('title => client.api("tasks", { method: "POST", json: { title } })', title)
    return email, title


def signs_in(page: Page, email: str) -> None:
    page.evaluate("([email, password]) => client.signIn(email, password)", [email, PASSWORD])


def sees(page: Page) -> list[str]:
    """Whoever is signed in; asked twice, as the second answer is one that the browser revalidates."""
    first, second = (
        page.evaluate("async path => (await client.api(path)).data.items.map(task => task.title)", PATH) for _ in range(2)
    )
    assert first == second
    titles: list[str] = first
    return titles


def test_across_a_sign_out(app: Origin, tmp_path: Path) -> None:
    with chromium(tmp_path / "profile") as page:
        opens(page, app)
        alice, hers = signs_up(page)
        assert sees(page) == [hers]
        page.evaluate("client.signOut()")
        _, his = signs_up(page)
        assert sees(page) == [his]
        page.evaluate("client.signOut()")
        signs_in(page, alice)
        assert sees(page) == [hers]


def test_across_a_restart_of_the_browser(app: Origin, tmp_path: Path) -> None:
    with chromium(tmp_path / "profile") as page:
        opens(page, app)
        _, hers = signs_up(page)
        assert sees(page) == [hers]
    with chromium(tmp_path / "profile") as page:
        opens(page, app)
        assert sees(page) == [hers], "the refresh token was not kept"
        page.evaluate("client.signOut()")
    with chromium(tmp_path / "profile") as page:
        opens(page, app)
        _, his = signs_up(page)
        assert sees(page) == [his]


def test_across_the_deletion_of_an_account(app: Origin, tmp_path: Path) -> None:
    with chromium(tmp_path / "profile") as page:
        opens(page, app)
        _, hers = signs_up(page)
        assert sees(page) == [hers]
        page.evaluate('password => client.api("auth/me", { method: "DELETE", json: { password } })', PASSWORD)
        page.evaluate("client.signOut()")
        _, his = signs_up(page)
        assert sees(page) == [his]
