"""The page of docs/guide.md, file for file, compiled in strict mode and used in Chromium."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.chromium import chromium
from tests.browser.origin import PRINTED_ADDRESS, Origin, origin, printed_client
from tests.clients.environment import ENVIRONMENT, package, run
from tests.conftest import settings_for
from tests.support.cast import PASSWORD
from tests.support.server import serve
from tests.support.signed_in import new_email

GUIDE = Path(__file__).parents[2] / "docs" / "guide.md"
MEDIA_TYPES = {".html": "text/html; charset=utf-8", ".js": "text/javascript", ".mjs": "text/javascript"}
FETCH = "node_modules/openapi-fetch/dist/index.mjs"


def files() -> dict[str, str]:
    """The files that the guide prints, by their names."""
    printed = re.findall(r"^`([\w.]+)`\n\n```\w+\n(.*?)^```", GUIDE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    return dict(printed)


@pytest.fixture
def app(environment: None, shared_database: str, tmp_path: Path) -> Iterator[Origin]:
    folder = tmp_path / "page"
    folder.mkdir()
    (folder / "node_modules").symlink_to(ENVIRONMENT / "node_modules")
    (folder / "package.json").write_text('{"type": "module"}')
    with origin() as site, serve(settings_for(shared_database, tmp_path, cors_origins=(site.url,))) as api:
        run(folder, package("openapi-typescript"), f"{api.base_url}/openapi.json", "-o", "schema.d.ts")
        for name, text in {**files(), "taskwell.ts": printed_client()}.items():
            (folder / name).write_text(text.replace(PRINTED_ADDRESS, api.base_url))
        run(folder, package("tsc"))
        for path in (*folder.glob("*.js"), folder / "index.html", folder / FETCH):
            site.files[f"/{path.relative_to(folder)}"] = (MEDIA_TYPES[path.suffix], path.read_bytes())
        site.files["/"] = site.files["/index.html"]
        yield site


def signs_up(page: Page) -> None:
    page.get_by_placeholder("E-mail").fill(new_email())
    page.get_by_placeholder("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign up").click()


def adds(page: Page, title: str, date: str = "") -> None:
    page.get_by_placeholder("New task").fill(title)
    page.locator("[name=date]").fill(date)
    page.get_by_placeholder("New task").press("Enter")
    expect(page.get_by_role("listitem").filter(has_text=title)).to_be_visible()


def sees(page: Page, *titles: str) -> None:
    expect(page.get_by_role("listitem")).to_contain_text(list(titles))
    expect(page.get_by_role("status")).to_have_text("")


def test_an_afternoon(app: Origin, tmp_path: Path) -> None:
    today = datetime.now(UTC).date().isoformat()
    with chromium(tmp_path / "profile") as page:
        page.goto(app.url)
        signs_up(page)
        adds(page, "Buy milk", today)
        adds(page, "Call Bob")
        adds(page, "Water the plants")
        sees(page, "Buy milk", "Call Bob", "Water the plants")

        page.get_by_role("listitem").filter(has_text="Water").get_by_role("button", name="\u2191").click()
        sees(page, "Buy milk", "Water the plants", "Call Bob")

        page.get_by_placeholder("New list").fill("Work")
        page.get_by_placeholder("New list").press("Enter")
        page.get_by_role("button", name="Work").click()
        sees(page)
        adds(page, "Write the report")
        sees(page, "Write the report")

        page.get_by_role("button", name="Today").click()
        sees(page, "Buy milk")
        page.get_by_role("button", name="\u2713").click()
        sees(page)
        page.get_by_role("button", name="Undo").click()
        sees(page, "Buy milk")

        page.reload()
        sees(page, "Buy milk", "Water the plants", "Call Bob")
